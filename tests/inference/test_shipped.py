"""Checkpoints of what ships: none is refused, and each can be drawn from."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from gan_cli.data.sound_files import save_sound
from tests.conftest import Command, data_of, narrow, options

QUICK = ["data.limit=32", "data.batch_size=8", "trainer.steps=1", "trainer.sample_every=0"]
QUIET = [*QUICK, "trainer.health=false"]
TRANSLATING = ("pix2pix", "cyclegan", "srgan", "esrgan", "vqgan")


def draw(gan_sample: Command, run: Path, *arguments: str) -> None:
    result = gan_sample(f"checkpoint={run}", "count=4", *arguments)
    assert result.code == 0, result.err + result.out
    assert Path("samples.png").is_file()


@pytest.mark.parametrize("model", options("model"))
def test_every_model(gan_train: Command, gan_sample: Command, model: str) -> None:
    sound = model.startswith("hifigan")
    result = gan_train(f"model={model}", *data_of(model), *narrow(model), *QUIET)
    assert result.code == 0, result.err
    if sound:
        rate = 8000 if model == "hifigan_small" else 22050
        save_sound(torch.rand(3000) - 0.5, rate, Path("input.wav"))
        draw(gan_sample, result.folder, "input=input.wav")
        return
    if model not in TRANSLATING:
        draw(gan_sample, result.folder)
        return
    assert "input" in gan_sample(f"checkpoint={result.folder}").err
    Image.new("L", (16, 16), 90).save("input.png")
    draw(gan_sample, result.folder, "input=input.png")


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
    result = gan_train("model=vanilla", *narrow("vanilla"), *chosen, *QUIET)
    assert result.code == 0, result.err
    draw(gan_sample, result.folder)
