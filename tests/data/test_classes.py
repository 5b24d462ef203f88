import json

import pytest

from gan_cli.data.classes import find_base, find_classes
from gan_cli.errors import UserError


class Fake:
    """Files in memory, of which only a label file is read."""

    def __init__(self, names, table=None, base=""):
        self.text = table if isinstance(table, str) else json.dumps(table)
        label_file = [] if table is None else [f"{base}dataset.json"]
        self.sizes = dict.fromkeys(sorted([*names, *label_file]), 1)

    def read(self, name):
        return self.text.encode()

    def locate(self, name):
        return f"root/{name}"


def classes(names, table=None, base=""):
    found = find_classes(Fake(names, table, base), names, base)
    return found.labels, found.count, found.names


def test_subfolders_are_classes_in_the_order_of_their_names():
    assert classes(["b/1.png", "a/2.png", "c/deep/3.png", "a/4.png"]) == (
        [1, 0, 2, 0],
        3,
        ("a", "b", "c"),
    )


def test_a_flat_folder_has_none():
    assert classes(["1.png", "2.png"]) == (None, 0, ())


def test_a_label_file_wins_over_subfolders():
    table = {"labels": [["b/1.png", 0], ["a/2.png", 1], ["unused.png", 7]], "classes": ["x", "y"]}
    assert classes(["b/1.png", "a/2.png"], table) == ([0, 1], 2, ("x", "y"))
    del table["classes"]
    table["labels"][1][1] = 4
    assert classes(["b/1.png", "a/2.png"], table) == ([0, 4], 5, ())
    assert classes(["b/1.png", "a/2.png"], {"labels": None}) == (None, 0, ())


def test_names_in_a_label_file_are_relative_to_it():
    assert classes(["all/1.png"], {"labels": [["1.png", 2]]}, "all/") == ([2], 3, ())


@pytest.mark.parametrize(
    ("names", "base"),
    [
        (["1.png", "a/2.png"], ""),
        (["a/1.png", "b/2.png"], ""),
        (["all/1.png", "all/2.png", "readme.txt"], "all/"),
        (["all/a/1.png", "all/b/2.png"], "all/"),
        (["x/all/a/1.png", "x/all/b/2.png"], "x/all/"),
        (["00000/1.png", "dataset.json"], ""),
        (["x/00000/1.png", "x/dataset.json"], "x/"),
        (["all/1.png", "also/2.png"], ""),
        (["readme.txt"], ""),
    ],
)
def test_folders_around_everything_are_ignored(names, base):
    assert find_base(names) == base


def test_an_image_beside_classes_is_an_error():
    with pytest.raises(UserError, match=r"^root/loose.png: lies beside folders.*data.labels=false"):
        classes(["a/1.png", "loose.png"])


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("{", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ([], "must be"),
        ({}, "must be"),
        ({"labels": [["1.png", 0.5]]}, "must be"),
        ({"labels": [["1.png", True]]}, "must be"),
        ({"labels": [["1.png", -1]]}, "must be"),
        ({"labels": [["1.png", 10**30]]}, "must be"),
        ({"labels": [["1.png", 10**6]]}, "class numbers below 100,000"),
        ({"labels": [[1, 1]]}, "must be"),
        ({"labels": {"1.png": 1}}, "must be"),
        ({"labels": [["1.png", 0]], "classes": 5}, "must be"),
        ({"labels": [["1.png", 0]], "classes": [0]}, "must be"),
        ({"labels": [["2.png", 0]]}, "no label for '1.png'"),
        ({"labels": [["1.png", 2]], "classes": ["a", "b"]}, "class number 2 but 2 classes"),
    ],
)
def test_a_label_file_that_does_not_fit(table, reason):
    with pytest.raises(UserError, match=reason) as error:
        classes(["1.png"], table)
    assert str(error.value).startswith("root/dataset.json: ")
    assert "\n" not in str(error.value)
