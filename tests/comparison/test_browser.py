"""The page in a real browser.

Skipped where there is none: `pip install playwright`, and a Chromium from the system's packages
(`apt-get install chromium`) or by `playwright install chromium`.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gan_cli.comparison.columns import build_table
from gan_cli.comparison.page import to_page
from gan_cli.comparison.records import read_record
from tests.comparison.run_folders import config, evaluation, summary, write_run

playwright = pytest.importorskip(
    "playwright.sync_api", reason="no playwright: pip install 'gan-cli[browser]'"
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
EVIL = "<img src=x onerror=window.hit=1>"
STEPS = (0, 50, 100)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as p:
        found = next(filter(None, map(shutil.which, BROWSERS)), None)
        try:
            opened = p.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no Chromium that starts: {str(error).splitlines()[0]}")
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of three runs, the second the best; one has a name that would be a script."""
    folder = tmp_path_factory.mktemp("browser")
    records = []
    for n, (name, fid) in enumerate((("first", 30.0), (EVIL, 9.0), ("third", 20.0))):
        run = write_run(
            folder / str(n),
            config=config(seed=n, name=EVIL),
            reports=[{"step": s, "loss/D/adversarial": n + s / 100} for s in STEPS[1:]],
            summary=summary(reason=f"{EVIL}<script>window.hit=2</script>"),
            evaluation=evaluation(fid=fid),
        )
        (run / "samples").mkdir()
        for step in STEPS:
            image = Image.new("RGB", (40, 20), (step, 80 * n, 0))
            image.save(run / "samples" / f"step-{step:08d}.png")
        records.append(read_record(run, name))
    page = folder / "page.html"
    page.write_text(to_page(build_table(records), records), encoding="utf-8")
    return page


@pytest.fixture
def page(browser: Any, file: Path) -> Iterator[Any]:
    """The page, on a screen of 1400 pixels; whatever it complains of fails the test."""
    said: list[str] = []
    asked: list[str] = []
    opened = browser.new_page(viewport={"width": 1400, "height": 900})
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(file.as_uri())
    yield opened
    hit = opened.evaluate("window.hit")
    opened.close()
    assert said == []
    assert hit is None
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]


def rows(page: Any) -> list[str]:
    return list(page.locator("table.runs tbody th").all_inner_texts())


def steps(page: Any) -> list[str]:
    seen = page.locator("#samples img:visible")
    return [seen.nth(n).get_attribute("data-step") for n in range(seen.count())]


def test_a_click_on_a_heading_sorts_the_best_first(page: Any) -> None:
    def heading(name: str) -> Any:
        return page.locator("table.runs thead button", has_text=name)

    assert rows(page) == ["first", EVIL, "third"]
    heading("fid").click()
    assert rows(page) == [EVIL, "third", "first"]
    heading("fid").click()
    assert rows(page) == ["first", "third", EVIL]
    heading("seed").focus()
    page.keyboard.press("Enter")
    assert rows(page) == ["first", EVIL, "third"]
    assert page.locator("td.best").all_inner_texts() == ["★ 9"]


def test_the_slider_goes_through_the_steps_of_all_runs(page: Any) -> None:
    assert steps(page) == ["100"] * 3
    page.locator("#step").fill("0")
    assert steps(page) == ["0"] * 3
    assert page.locator("#at").inner_text() == "0"
    page.locator("h1").click()
    page.keyboard.press("ArrowRight")
    assert steps(page) == ["50"] * 3
    page.get_by_role("button", name="play").click()
    playwright.expect(page.locator("#at")).to_have_text("100", timeout=30_000)


def test_a_picture_is_seen_whole(page: Any) -> None:
    """By a whole factor, and the arrow keys change its step."""
    picture = page.locator("#samples img:visible").first
    picture.scroll_into_view_if_needed()
    width = picture.bounding_box()["width"]
    assert width > 300
    picture.click()
    large = page.locator("#zoom img")
    found = large.bounding_box()["width"]
    assert found > 2 * width
    assert found % 40 == pytest.approx(0, abs=0.1)
    before = large.get_attribute("src")
    page.keyboard.press("ArrowLeft")
    assert large.get_attribute("src") != before
    assert "step 50" in page.locator("#zoom p").inner_text()
    page.keyboard.press("Escape")
    assert not page.locator("#zoom").is_visible()


def test_legends_do_not_cover_curves_and_hide_runs(page: Any) -> None:
    svg = page.locator("svg").first
    svg.scroll_into_view_if_needed()
    legend, chart = (part.bounding_box() for part in (page.locator(".legend"), svg))
    assert legend["y"] + legend["height"] <= chart["y"]
    svg.hover()
    tip = page.locator("#tip").inner_text().splitlines()
    assert tip == ["step 50", "third: 2.5", f"{EVIL}: 1.5", "first: 0.5"]
    page.locator(".legend input").first.uncheck()
    assert page.locator("svg g:visible").count() == 2
    assert page.locator("#samples figure:visible").count() == 2


def test_light_and_dark(page: Any) -> None:
    def brightness() -> float:
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, color[4:-1].split(",")[:3])) / 3

    page.emulate_media(color_scheme="light")
    light = brightness()
    page.emulate_media(color_scheme="dark")
    assert (light > 200, brightness() < 60) == (True, True)


def test_speed_and_loss_are_in_sight(page: Any) -> None:
    """Nothing of the first table lies beyond the right end, or below the bottom of the screen."""
    for name in ("fid", "loss/D/adversarial", "images_per_second"):
        box = page.locator("table.runs thead button", has_text=name).bounding_box()
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 1400
        assert box["y"] + box["height"] < 900
