"""Checkpoints of strangers with a digest as it should be, and bytes as a bad disk leaves them."""

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from gan_cli.errors import RunFailed
from gan_cli.sinks.checkpoint import load, save
from tests.conftest import Command
from tests.fuzz.changes import INF, NAN, changed, damaged, values
from tests.fuzz.conftest import CALM, few, survives

pytestmark = CALM

TENSORS = [
    *(torch.zeros(()), torch.zeros(0), torch.zeros(2, 3), torch.full((8, 4), NAN)),
    *(torch.full((8,), INF), torch.ones(8, dtype=torch.int64), torch.ones(8, dtype=torch.bool)),
    *(torch.ones(1).expand(8), torch.ones(8, dtype=torch.complex64), torch.zeros(1, 1, 1, 1, 1)),
]
odd = st.one_of(values, st.sampled_from(TENSORS))
ONE_STEP = [
    *("trainer.steps=5", "trainer.minutes=null", "trainer.epochs=null", "data.limit=64"),
    *("trainer.evaluate_every=0", "trainer.sample_every=0", "model.n_critic=1"),
]
SECTIONS = ["config", "config", "state", "fields", "class_names", "links", "metrics", "choices"]


@cache
def whole(path: Path) -> dict[str, Any]:
    return load(path)


def change(path: Path, data: st.DataObject) -> Path:
    """A changed copy, beside which there is no other checkpoint."""
    content = copy.copy(whole(path))
    section = data.draw(st.sampled_from([*SECTIONS, None]))
    if section is None:
        content = data.draw(changed(content, odd))
    else:
        content[section] = data.draw(changed(content[section], odd))
    assume(isinstance(content, dict))
    stranger = Path("stranger.pt")
    try:
        save(stranger, content)
    except RunFailed:  # what cannot be saved needs no refusal
        assume(False)
    return stranger


@few(12)
@given(data=st.data())
def test_nothing_is_drawn_from_what_is_no_checkpoint(
    data: st.DataObject, trained: Path, gan_sample: Command, room: Callable[[], Path]
) -> None:
    here = room()
    stranger = change(trained, data)
    result = survives(gan_sample, f"checkpoint={stranger}", "count=4")
    made = {path.name for path in here.iterdir()}
    assert made == ({"stranger.pt", "samples.png"} if result.code == 0 else {"stranger.pt"})


@few(8)
@given(data=st.data())
def test_no_run_goes_on_from_what_is_no_checkpoint(
    data: st.DataObject, trained: Path, gan_train: Command, room: Callable[[], Path]
) -> None:
    here = room()
    stranger = change(trained, data)
    result = survives(gan_train, f"resume={stranger}", "hydra.run.dir=run", *ONE_STEP)
    assert {path.name for path in here.iterdir()} <= {"stranger.pt", "run"}
    if result.code == 2:
        assert not (here / "run").exists()


@few(8)
@given(data=st.data())
def test_damaged_bytes_are_noticed(
    data: st.DataObject, trained: Path, gan_sample: Command, room: Callable[[], Path]
) -> None:
    room()
    content = trained.read_bytes()
    spoilt = data.draw(damaged(content))
    assume(spoilt != content)
    Path("spoilt.pt").write_bytes(spoilt)
    result = survives(gan_sample, "checkpoint=spoilt.pt", "count=4")
    assert result.code in (0, 2)  # 0: the bytes between two values mean nothing
