
"use strict";
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const one = (id) => document.getElementById(id);

// sorting: by a click on a heading, the better values first, then the other way round
for (const table of all("table.runs")) {
  const body = table.tBodies[0];
  all("thead th", table).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const first = head.dataset.first === "down" ? "descending" : "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = now === first ? other : first;
      all("thead th", table).forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const rows = [...body.rows].map((row) => [read(row.cells[column]), row]);
      rows.sort(([a], [b]) => compare(a, b, sign));
      body.append(...rows.map(([, row]) => row));
    });
  });
}

function read(cell) {
  const text = cell.dataset.value ?? (cell.tagName === "TH" ? cell.textContent : "");
  if (text === "" || text === "nan") return null; // last, whichever way
  const number = Number(text.replace("inf", "Infinity"));
  return Number.isNaN(number) ? text : number;
}

function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  if (typeof a === "number") return sign * (a < b ? -1 : a > b ? 1 : 0);
  return sign * a.localeCompare(b, "en", { numeric: true });
}

// samples: one slider for all runs; each shows its newest grid up to that step
const controls = document.querySelector(".controls");
const zoom = one("zoom");
const large = document.createElement("img");
zoom.prepend(large);
let shown = null; // the figure in the dialog
let timer = null;

function seen(figure) {
  return all("img", figure).find((image) => !image.hidden);
}

function show(index) {
  const steps = controls.dataset.steps.split(" ").map(Number);
  const step = steps[index];
  one("step").value = index;
  one("at").textContent = step.toLocaleString("en");
  for (const figure of all("#samples figure")) {
    const images = all("img", figure);
    const past = images.filter((image) => Number(image.dataset.step) <= step);
    const chosen = past.at(-1) ?? images[0];
    images.forEach((image) => { image.hidden = image !== chosen; });
    const at = figure.querySelector(".at");
    if (at && chosen) at.textContent = `step ${Number(chosen.dataset.step).toLocaleString("en")}`;
  }
  if (shown) enlarge(shown);
}

function enlarge(figure) {
  const image = seen(figure);
  if (!image) return;
  shown = figure;
  large.src = image.src;
  large.alt = image.alt;
  // by a whole factor, so that every pixel stays a square
  const room = [0.94 * innerWidth / image.naturalWidth, 0.84 * innerHeight / image.naturalHeight];
  const factor = Math.max(Math.floor(Math.min(...room)), 1);
  large.width = factor * image.naturalWidth;
  large.height = factor * image.naturalHeight;
  zoom.querySelector("p").textContent = figure.querySelector("figcaption").innerText
    .split("\n").filter(Boolean).join(" \u00b7 ");
  if (!zoom.open) zoom.showModal();
}

function sharpen() {
  const width = parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--size"));
  for (const image of all("figure img")) {
    image.classList.toggle("pixels", width > Number(image.getAttribute("width")));
  }
}

sharpen();
for (const image of all("figure img")) {
  image.addEventListener("click", () => enlarge(image.closest("figure")));
  image.addEventListener("keydown", (event) => {
    if (event.key === "Enter") enlarge(image.closest("figure"));
  });
}
zoom.addEventListener("click", () => zoom.close());
zoom.addEventListener("close", () => { shown = null; });

if (controls) {
  controls.hidden = false;
  const slider = one("step");
  const play = one("play");
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "play";
  };
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  one("size").addEventListener("input", (event) => {
    document.documentElement.style.setProperty("--size", `${event.target.value}px`);
    sharpen();
  });
  play.addEventListener("click", () => {
    if (timer) return stop();
    if (slider.value === slider.max) show(0);
    play.textContent = "stop";
    timer = setInterval(() => {
      if (slider.value === slider.max) return stop();
      show(Number(slider.value) + 1);
    }, 400);
  });
  document.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way || event.target.tagName === "INPUT") return;
    const next = Number(slider.value) + way;
    if (next < 0 || next > Number(slider.max)) return;
    stop();
    event.preventDefault();
    show(next);
  });
}

// curves: hide runs, read values under the pointer
for (const box of all("[data-shows]")) {
  box.addEventListener("change", () => {
    for (const part of all(`[data-run="${box.dataset.shows}"]`)) {
      part.toggleAttribute("hidden", !box.checked);
    }
  });
}

const tip = one("tip");
const names = all(".legend span").map((name) => name.textContent);

for (const svg of all("svg")) {
  const numbers = (name) => svg.dataset[name].split(" ").map(Number);
  const [x0, x1] = numbers("x");
  const [y0, y1] = numbers("y");
  const [left, top, right, bottom] = numbers("box");
  const cross = document.createElementNS("http://www.w3.org/2000/svg", "line");
  cross.setAttribute("class", "cross");
  cross.setAttribute("y1", top);
  cross.setAttribute("y2", bottom);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
    const found = [];
    for (const group of all("g[data-run]:not([hidden])", svg)) {
      const points = all("polyline", group).flatMap((line) => [...line.points]);
      const near = points.reduce((a, b) => (Math.abs(b.x - at) < Math.abs(a.x - at) ? b : a));
      const height = y0 + (bottom - near.y) / (bottom - top) * (y1 - y0);
      const value = svg.dataset.log === "1" ? 10 ** height : height;
      found.push({ group, x: near.x, value });
    }
    if (!found.length) return;
    const nearest = found.reduce((a, b) => (Math.abs(b.x - at) < Math.abs(a.x - at) ? b : a)).x;
    const step = Math.round(x0 + (nearest - left) / (right - left) * (x1 - x0));
    const rows = found.sort((a, b) => b.value - a.value).map(({ group, value }) => {
      const row = document.createElement("div");
      const mark = document.createElement("i");
      mark.className = group.getAttribute("class");
      row.append(mark, `${names[group.dataset.run]}: ${Number(value.toPrecision(4))}`);
      return row;
    });
    tip.replaceChildren(`step ${step.toLocaleString("en")}`, ...rows);
    tip.hidden = false;
    tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)}px`;
    cross.setAttribute("x1", nearest);
    cross.setAttribute("x2", nearest);
    svg.append(cross);
  });
  svg.addEventListener("pointerleave", () => { tip.hidden = true; cross.remove(); });
}
