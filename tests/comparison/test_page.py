import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from gan_cli.comparison import pictures
from gan_cli.comparison.columns import build_table
from gan_cli.comparison.page import SCRIPT, to_page
from gan_cli.comparison.records import read_record
from tests.comparison.run_folders import PNG, add_grid, config, evaluation, summary, write_run

VOID = {"meta", "img", "br", "wbr", "input"}


class Reader(HTMLParser):
    """Tags, which have to be closed in order, their attributes and the text."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture
def page(tmp_path):
    def build(*runs, names=None, sort=None, before=lambda folders: None):
        count = len(list(tmp_path.iterdir()))  # a test may build several
        folders = [write_run(tmp_path / str(count + n), **run) for n, run in enumerate(runs)]
        before(folders)
        names = names or [folder.name for folder in folders]
        records = [read_record(f, name) for f, name in zip(folders, names, strict=True)]
        table = build_table(records)
        return to_page(table.sort(sort) if sort else table, records)

    return build


def finished(**changes):
    return {"config": config(**changes), "summary": summary(), "evaluation": evaluation(fid=29.5)}


def seen(images):
    return [image for image in images if "hidden" not in image]


def test_pictures_stand_side_by_side_at_every_step(page):
    def draw(folders):
        for number, folder in enumerate(folders):
            for step in (0, 50, 100):
                add_grid(folder, step, PNG + bytes([number, step]))
        (folders[0] / "curves.png").write_bytes(PNG)
        (folders[1] / "training.gif").write_bytes(b"GIF89a\x00\x02\x00\x02")
        (folders[1] / "real_and_fake.png").write_bytes(PNG)

    text = page(finished(), finished(seed=1), before=draw)
    images = read(text).all("img")
    assert {image["src"].partition(";")[0] for image in images} == {"data:image/png"}
    found = [base64.b64decode(image["src"].partition(",")[2]) for image in images]
    assert found == [*(PNG + bytes([n, s]) for n in (0, 1) for s in (0, 50, 100)), PNG]
    assert [image["data-step"] for image in seen(images)] == ["100", "100", "0"]
    assert images[0]["width"], images[0]["height"] == ("7", "5")
    (controls,) = [tag for tag in read(text).all("div") if tag.get("class") == "controls"]
    assert controls["data-steps"] == "0 50 100"
    assert "seed=1" in text
    assert "<summary>real and fake</summary>" in text


def test_few_runs_are_shown_larger(page):
    def width(*runs):
        return int(re.search(r"--size: (\d+)px", page(*runs, before=draw))[1])

    def draw(folders):
        add_grid(folders[0], 1)

    assert width(finished()) > 600
    assert width(*[finished(seed=100 + n) for n in range(5)]) < 500


def test_a_long_run_shows_a_choice_of_its_steps(page, monkeypatch):
    monkeypatch.setattr(pictures, "MOST_STEPS", 3)

    def draw(folders):
        for step in range(11):
            add_grid(folders[0], step)

    images = read(page(finished(), before=draw)).all("img")
    assert [image["data-step"] for image in images] == ["0", "5", "10"]


def test_many_heavy_pictures_take_fewer_steps(page, monkeypatch):
    monkeypatch.setattr(pictures, "HEAVIEST", 4 * len(PNG))

    def draw(folders):
        for folder in folders:
            for step in range(5):
                add_grid(folder, step)

    images = read(page(finished(), finished(seed=1), before=draw)).all("img")
    assert [image["data-step"] for image in images] == ["0", "4"] * 2


def test_pictures_follow_the_tables_order(page):
    def draw(folders):
        for number, folder in enumerate(folders):
            add_grid(folder, 1, PNG + bytes([number]))

    images = read(page(finished(seed=5), finished(seed=2), sort="seed", before=draw)).all("img")
    assert [base64.b64decode(i["src"].partition(",")[2])[-1] for i in images] == [1, 0]


def test_the_best_of_a_column_is_marked(page):
    better = {**finished(seed=1), "evaluation": evaluation(fid=20.5)}
    reader = read(page(finished(), better))
    assert [cell["data-value"] for cell in reader.all("td") if "best" in cell["class"]] == ["20.5"]
    assert reader.texts.count("★") == 1


def test_what_matters_most_stands_in_the_first_table(page):
    values = evaluation(recall=0.5, fid=20.5)
    text = page({**finished(), "evaluation": values}, {**finished(seed=1), "evaluation": values})
    head = re.search(r"<thead>(.*?)</thead>", text, re.DOTALL)[1]
    cells = head.split("</th>")[:-1]
    heads = [re.sub("<small>.*?</small>|<.*?>", "", cell).strip() for cell in cells]
    assert heads == [
        *("run", "seed", "fid", "loss/D/adversarial", "loss/G/adversarial"),
        *("images_per_second", "peak_memory_gb", "step", "ended"),
    ]
    assert text.index("All other figures") < text.index("recall")


def test_no_class_is_told_by_its_path(page):
    loss = {"_target_": "gan_cli.games.losses.Hinge"}
    text = page(finished(loss=loss), finished(loss={"_target_": "gan_cli.games.losses.Minimax"}))
    assert "Hinge" in text
    assert "_target_" not in text
    assert "gan_cli.games" not in text


def test_curves_lie_over_each_other(page):
    reports = [{"step": step, "loss/D/adversarial": 1.0 + step} for step in (1, 2, 3)]
    text = page({**finished(), "reports": reports}, {**finished(seed=1), "reports": reports[:2]})
    reader = read(text)
    (svg,) = reader.all("svg")
    assert svg["aria-label"] == "loss/D/adversarial"
    assert [g["data-run"] for g in reader.all("g")] == ["0", "1"]
    assert len({g["class"] for g in reader.all("g")}) == 2
    assert [box["data-shows"] for box in reader.all("input") if "data-shows" in box] == ["0", "1"]


def test_the_page_needs_nothing_else(page):
    text = page(finished(), finished(seed=1), before=lambda f: add_grid(f[0], 1))
    reader = read(text)
    assert {tag for tag, _ in reader.tags}.isdisjoint({"link", "iframe", "object", "base"})
    for _, attributes in reader.tags:
        assert "href" not in attributes
        assert attributes.get("src", "data:").startswith("data:")
    assert "url(" not in "".join(reader.texts)
    assert "fetch(" not in SCRIPT


def test_only_its_own_script_may_run(page):
    """Its digest is in the policy, so that a browser runs no other, wherever it came from."""
    text = page(finished())
    reader = read(text)
    assert reader.all("script") == [{}]
    (script,) = re.findall("<script>(.*?)</script>", text, re.DOTALL)
    assert script == SCRIPT
    (policy,) = [tag["content"] for tag in reader.all("meta") if "http-equiv" in tag]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert not [name for _, tag in reader.tags for name in tag if name.startswith("on")]


def test_what_comes_from_files_is_escaped(page):
    evil = "<script>alert('\"&')</script>"
    evaluated = {**evaluation(fid=1.0), "checkpoint": evil}
    text = page(
        {
            "config": {**config(), evil: 1, "name": evil, "seed": "<i>"},
            "summary": summary(reason=evil, device=evil, parameters={evil: 1}),
            "evaluation": {**evaluated, "metrics": [{"name": evil, "value": 1, "n": evil}]},
            "reports": [{"step": 1, f"loss/{evil}": 1.0}],
        },
        finished(),
        names=[evil, "b"],
        before=lambda folders: (
            add_grid(folders[0], 1),
            (folders[0] / f"{evil.replace('/', '')}.png").write_bytes(PNG),
        ),
    )
    reader = read(text)
    assert reader.all("script") == [{}]
    assert text.count("<script") == 1
    assert text.index("<script") == text.index(f"<script>{SCRIPT}")
    assert "<i>" not in text
    assert text.count("&lt;script") > 6


def test_metrics_say_what_they_are_from(page):
    text = page(finished(), {**finished(), "evaluation": evaluation(n=10, fid=31.0)})
    reader = read(text)
    titles = [cell["title"] for cell in reader.all("td") if "title" in cell]
    assert len(titles) == 2
    assert "extractor: a classifier" in titles[0]
    assert [text for text in reader.texts if text.startswith("n=")] == ["n=1000", "n=10"]
    assert "★" not in reader.texts, "which of them is better nobody can say"


def test_runs_without_pictures_or_differences(page):
    text = page({}, {})
    assert "<p>Nothing.</p>" in text
    assert read(text).all("img") == []
