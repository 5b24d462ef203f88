"""Checkpoints of what ships: none is refused, and each can be drawn from.

Those of every model are in `tests/runs/test_every_model.py`.
"""

import json
from pathlib import Path

import pytest

from tests.conftest import Command, narrow, options

QUICK = ["data.limit=32", "data.batch_size=8", "trainer.steps=1", "trainer.sample_every=0"]
QUIET = [*QUICK, "trainer.health=false", "logger=[]"]


def draw(gan_sample: Command, run: Path, *arguments: str) -> None:
    result = gan_sample(f"checkpoint={run}", "count=4", *arguments)
    assert result.code == 0, result.err + result.out
    assert Path("samples.png").is_file()


@pytest.mark.parametrize(
    "tricks",
    [
        "two_sided_smoothing,label_flipping,instance_noise,diffaugment,experience_replay",
        "feature_matching,historical_averaging,gradient_clipping,weight_clipping",
        "spectral_norm,minibatch_discrimination,layer_noise,dropout",
        "r1,r2,minibatch_stddev",
        "unrolled",
    ],
)
@pytest.mark.parametrize("ema", [True, False])
def test_every_trick(gan_train: Command, gan_sample: Command, tricks: str, ema: bool) -> None:
    arguments = ["model=vanilla", *narrow("vanilla"), f"tricks=[{tricks}]", *QUIET]
    result = gan_train(*arguments, *([] if ema else ["ema=null"]))
    assert result.code == 0, result.err
    draw(gan_sample, result.folder)


def test_a_model_of_classes(gan_train: Command, gan_sample: Command) -> None:
    tricks = "tricks=[auxiliary_classifier]"
    result = gan_train("model=cgan", *narrow("cgan"), tricks, *QUIET)
    assert result.code == 0, result.err
    draw(gan_sample, result.folder, "label=[3,7]")


def test_points(gan_train: Command, gan_sample: Command) -> None:
    result = gan_train("experiment=unrolled_ring", *QUIET)
    assert result.code == 0, result.err
    draw(gan_sample, result.folder)


@pytest.mark.parametrize("optimizer", options("optimizer"))
def test_every_optimizer(gan_train: Command, gan_sample: Command, optimizer: str) -> None:
    chosen = [f"optimizer={optimizer}", "optimizer/schedule=linear"]
    result = gan_train("model=vanilla", *narrow("vanilla"), *chosen, *QUIET, "trainer.steps=2")
    assert result.code == 0, result.err
    assert json.loads((result.folder / "summary.json").read_text())["metrics"]["lr/G"] > 0
    draw(gan_sample, result.folder)
