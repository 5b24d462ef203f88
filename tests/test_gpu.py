"""What only a GPU can show. Skipped where there is none."""

from pathlib import Path

import pytest
import torch

from gan_cli.sinks.checkpoint import load_newest
from tests.conftest import NARROW, TINY, Command, data_of, narrow
from tests.runs.resuming import SIX, assert_equal, cut_off

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.mark.parametrize(("first", "then"), [("cuda", "cpu"), ("cpu", "cuda")])
def test_a_checkpoint_moves_between_devices(gan_train: Command, first: str, then: str) -> None:
    run = gan_train(*TINY, *NARROW, f"trainer.device={first}").folder
    moved = gan_train(f"resume={run}", f"trainer.device={then}", "trainer.steps=6")
    assert moved.code == 0, moved.err
    state = load_newest(run)[1]["state"]
    assert state["step"] == 6
    for part in (state["game"], state["average"]):
        tensors = [value for value in part.values() if isinstance(value, torch.Tensor)]
        assert all(value.device.type == "cpu" for value in tensors)


@pytest.mark.parametrize("model", ["cyclegan", "infogan", "pix2pix", "wgan_gp"])
def test_every_game_resumes_on_the_gpu(gan_train: Command, tmp_path: Path, model: str) -> None:
    tiny = [f"model={model}", *data_of(model), *narrow(model), *SIX]
    whole = gan_train(*tiny, "trainer.device=cuda")
    assert whole.code == 0, whole.err
    part = cut_off(whole.folder, 3, tmp_path / "part")
    assert gan_train(f"resume={part}").code == 0
    assert_equal(load_newest(whole.folder)[1]["state"], load_newest(part)[1]["state"])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_resuming_on_the_gpu(gan_train: Command, tmp_path: Path, precision: str) -> None:
    whole = gan_train(*SIX, *NARROW, "trainer.device=cuda", f"trainer.precision={precision}")
    assert whole.code == 0, whole.err
    part = cut_off(whole.folder, 3, tmp_path / "part")
    assert gan_train(f"resume={part}").code == 0
    assert_equal(load_newest(whole.folder)[1]["state"], load_newest(part)[1]["state"])
