import base64
import re
from html.parser import HTMLParser

import pytest

from gan_cli.comparison.columns import build_table
from gan_cli.comparison.page import to_page
from gan_cli.comparison.records import read_record
from tests.comparison.run_folders import PNG, add_grid, config, evaluation, summary, write_run

VOID = {"meta", "img", "br", "wbr"}


class Reader(HTMLParser):
    """Tags, which have to be closed in order, their attributes and the text."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

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
        folders = [write_run(tmp_path / str(n), **run) for n, run in enumerate(runs)]
        before(folders)
        names = names or [folder.name for folder in folders]
        records = [read_record(f, name) for f, name in zip(folders, names, strict=True)]
        table = build_table(records)
        return to_page(table.sort(sort) if sort else table, records)

    return build


def finished(**changes):
    return {"config": config(**changes), "summary": summary(), "evaluation": evaluation(fid=29.5)}


def test_pictures_stand_side_by_side_in_the_page(page):
    def draw(folders):
        for number, folder in enumerate(folders):
            add_grid(folder, 50)
            add_grid(folder, 100, PNG + bytes([number]))
        (folders[0] / "curves.png").write_bytes(PNG)
        (folders[1] / "training.gif").write_bytes(b"GIF89a\x00\x02\x00\x02")

    text = page(finished(), finished(seed=1), before=draw)
    images = read(text).all("img")
    kinds = [image["src"].partition(";")[0] for image in images]
    assert kinds == ["data:image/png", "data:image/png", "data:image/png", "data:image/gif"]
    for number in (0, 1):
        assert base64.b64decode(images[number]["src"].partition(",")[2]) == PNG + bytes([number])
    assert [image.get("width") for image in images] == ["14", "14", "14", None]
    headings = re.findall("<h2>(.*?)</h2>", text)
    assert headings == ["What differs in the configs", "Samples", "Curves", "Training"]
    assert "seed=1" in text


def test_pictures_follow_the_tables_order(page):
    def draw(folders):
        for number, folder in enumerate(folders):
            add_grid(folder, 1, PNG + bytes([number]))

    images = read(page(finished(seed=5), finished(seed=2), sort="seed", before=draw)).all("img")
    assert [base64.b64decode(i["src"].partition(",")[2])[-1] for i in images] == [1, 0]


def test_the_page_needs_nothing_else(page):
    reader = read(page(finished(), finished(seed=1), before=lambda f: add_grid(f[0], 1)))
    assert {tag for tag, _ in reader.tags}.isdisjoint({"script", "link", "iframe"})
    for _, attributes in reader.tags:
        assert "href" not in attributes
        assert attributes.get("src", "data:").startswith("data:")
    assert "url(" not in "".join(reader.texts)


def test_what_comes_from_files_is_escaped(page):
    evil = "<script>alert('\"&')</script>"
    evaluated = {**evaluation(fid=1.0), "checkpoint": evil}
    text = page(
        {
            "config": {**config(), evil: 1, "name": evil, "seed": "<i>"},
            "summary": summary(reason=evil, device=evil, parameters={evil: 1}),
            "evaluation": {**evaluated, "metrics": [{"name": evil, "value": 1, "n": evil}]},
        },
        finished(),
        names=[evil, "b"],
        before=lambda folders: add_grid(folders[0], 1),
    )
    reader = read(text)
    assert reader.all("script") == []
    assert "<script" not in text
    assert "<i>" not in text
    assert text.count("&lt;script") > 6


def test_metrics_say_what_they_are_from(page):
    text = page(finished(), {**finished(), "evaluation": evaluation(n=10, fid=31.0)})
    reader = read(text)
    titles = [cell["title"] for cell in reader.all("td") if "title" in cell]
    assert len(titles) == 2
    assert "extractor: a classifier" in titles[0]
    assert [text for text in reader.texts if text.startswith("n=")] == ["n=1000", "n=10"]


def test_runs_without_pictures_or_differences(page):
    text = page({}, {})
    assert "<p>Nothing.</p>" in text
    assert read(text).all("img") == []
