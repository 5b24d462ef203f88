"""Every model that ships: it trains, it resumes bit for bit, and it can be drawn from."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from gan_cli.data.sound_files import save_sound
from tests.conftest import Command, data_of, narrow, options
from tests.runs.resuming import FEWER, check_resume

TRANSLATING = ("pix2pix", "cyclegan", "cyclegan_small", "srgan", "esrgan", "vqgan")


@pytest.mark.parametrize("model", options("model"))
def test_every_model(gan_train: Command, gan_sample: Command, tmp_path: Path, model: str) -> None:
    """With the loggers that it has where nothing else is said; no checkpoint is refused."""
    small = [f"model={model}", *data_of(model), *narrow(model), *FEWER, "logger=[tensorboard]"]
    run = f"checkpoint={check_resume(gan_train, tmp_path, *small)}"
    given = []
    if model.startswith("hifigan"):
        rate = 8000 if model == "hifigan_small" else 22050
        save_sound(torch.rand(3000) - 0.5, rate, Path("input.wav"))
        given = ["input=input.wav"]
    elif model in TRANSLATING:
        assert "input" in gan_sample(run).err
        Image.new("L", (16, 16), 90).save("input.png")
        given = ["input=input.png"]
    drawn = gan_sample(run, "count=4", *given)
    assert drawn.code == 0, drawn.err + drawn.out
    assert Path("samples.png").is_file()


@pytest.mark.parametrize("model", ["esrgan", "vqgan"])
def test_a_player_that_rests_at_first(gan_train: Command, tmp_path: Path, model: str) -> None:
    """Stopped at step 3, before D plays for the first time."""
    further = [*data_of(model), *narrow(model), "model.adversarial_start=4", *FEWER]
    check_resume(gan_train, tmp_path, f"model={model}", *further)
