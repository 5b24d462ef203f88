"""What may be asked of gan-sample and gan-evaluate: it is done, or a line says why not."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Command
from tests.fuzz.changes import BEYOND, NUMBERS, THINGS, WORDS, as_typed
from tests.fuzz.conftest import CALM, few, survives

pytestmark = CALM

SAMPLE = {
    "count": [1, 7, 64, 1001],
    "out": [
        "a.png",
        "a.npz",
        "a.gif",
        "a/",
        "a/b/c.PNG",
        "a.txt",
        ".",
        "",
        "a",
        "é .png",
        "~x/a.png",
    ],
    "seed": [0, 2**31, 2**64],
    "label": [3, [1, 2], "3", ["x"], 10, "[0,0]"],
    "code": [0, [1, 2]],
    "continuous": [[0.5, -1], [], 1],
    "input": ["nowhere", ".", "a.png"],
    "direction": ["ab", "ba"],
    "ema": [True, False],
    "interpolate": [1, 2, 8],
    "truncation": [0.5, 2, 1e-3],
    "standing": [1, 2],
    "psi": [0.5],
    "crossover": [2],
    "device": ["auto", "cpu", "cuda", "cuda:9", "mps", "meta", "hpu", "cpu:1"],
    "trust": [[], ["torch"], ["os"], ["nope"]],
    "hydra.run.dir": ["here"],
    "nope": [1],
}
EVALUATE = {
    "count": [10, 16],
    "out": ["a.json", "a/b.json", ".", "", "a.txt", "é .json"],
    "inception": ["auto", "none", "nowhere.pth", "."],
    "data.root": ["nowhere", "."],
    "data.limit": [1, 16, 64],
    "data.download": [True, False],
    "nope": [1],
} | {key: SAMPLE[key] for key in ("seed", "ema", "device", "trust")}
NO_PATH = [word for word in WORDS if ".." not in word and not word.startswith("/")]
anything = st.sampled_from([*NUMBERS, *BEYOND, *NO_PATH, *THINGS, 10**9])
"""What would lie outside is left out: a person may put it there."""


@st.composite
def options(draw: st.DrawFn, known: Mapping[str, list[Any]]) -> list[str]:
    line = []
    for key in draw(st.lists(st.sampled_from(sorted(known)), min_size=1, max_size=4)):
        value = draw(st.sampled_from(known[key]) if draw(st.integers(0, 2)) else anything)
        line.append(f"{key}={as_typed(value, quoted=draw(st.booleans()))}")
    return line


@few(12)
@given(line=options(SAMPLE))
def test_whatever_is_asked_of_gan_sample(
    line: list[str], trained: Path, gan_sample: Command, room: Callable[[], Path]
) -> None:
    here = room()
    result = survives(gan_sample, f"checkpoint={trained}", *line)
    if result.code:
        assert not [path for path in here.rglob("*") if path.is_file()]


@pytest.fixture
def quick_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has learnt nothing measures as well, and takes no minute."""
    monkeypatch.setattr("gan_cli.metrics.classifier.train", lambda network, *given: network.eval())


@few(8)
@given(line=options(EVALUATE))
def test_whatever_is_asked_of_gan_evaluate(
    line: list[str],
    trained: Path,
    gan_evaluate: Command,
    quick_classifier: None,
    room: Callable[[], Path],
) -> None:
    here = room()
    first = ("out=result.json", "count=16", "data.limit=64")
    result = survives(gan_evaluate, f"checkpoint={trained}", *first, *line)
    if result.code:
        assert not [path for path in here.rglob("*") if path.is_file()]
