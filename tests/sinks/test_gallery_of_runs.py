"""The images that whole runs leave, as files and in TensorBoard."""

import io
import json
import logging
from pathlib import Path

import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gan_cli.sinks.checkpoint import load_newest
from gan_cli.viz.charts import PANEL
from gan_cli.viz.images import CAPTION, GAP, HEADING, save_png
from gan_cli.viz.plane import LEFT, TOP
from tests.conftest import NARROW, TINY, Command
from tests.runs.resuming import assert_equal, cut_off

EVERY = "trainer.sample_every=2"
CGAN = ["model=cgan", "model.generator.hidden=[8]", "model.discriminator.hidden=[8]"]
POINTS = ["model=vanilla", "data=gaussians", "data.limit=100", *TINY[1:]]
FILES = {"training.gif", "interpolation.png", "real_and_fake.png", "curves.png"}


def images(run: Path) -> dict[str, list[int]]:
    """The steps of every image tag in a run's event files."""
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"images": 0})
    events.Reload()
    return {tag: [e.step for e in events.Images(tag)] for tag in events.Tags()["images"]}


def left(run: Path) -> set[str]:
    return {p.name for p in run.iterdir() if p.suffix in (".png", ".gif", ".tmp")}


def frames(film: Path) -> int:
    with Image.open(film) as image:
        return int(getattr(image, "n_frames"))  # noqa: B009


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


@pytest.mark.curves
def test_images_of_a_labelled_run(gan_train: Command) -> None:
    result = gan_train(*TINY, *CGAN, EVERY)
    assert result.code == 0, result.err
    run = result.folder
    assert left(run) == FILES
    cell = 50
    high = 6 * cell + 2 + CAPTION + HEADING
    assert size(run / "real_and_fake.png") == (2 * (10 * cell + 2) + GAP, high)
    assert size(run / "interpolation.png") == (10 * cell + 2, 8 * cell + 2)
    assert frames(run / "training.gif") == 3
    assert size(run / "curves.png")[0] == round(3 * 100 * PANEL[0])
    assert images(run) == {
        "Samples": [0, 2, 4],
        "Samples/interpolation": [0, 2, 4],
        "Samples/real_and_fake": [0, 2, 4],
        "Samples/training": [4],
    }


def test_the_first_picture_is_of_untrained_weights(gan_train: Command) -> None:
    """Of a run that is shorter than `trainer.sample_every`, too, there is a film."""
    run = gan_train(*TINY, *NARROW, "trainer.sample_every=1000").folder
    names = sorted(path.name for path in (run / "samples").iterdir())
    assert names == ["step-00000000.png", "step-00000004.png"]
    assert len({path.read_bytes() for path in (run / "samples").iterdir()}) == 2
    assert frames(run / "training.gif") == 2


def test_the_film_is_in_tensorboard_as_it_is_on_disk(gan_train: Command) -> None:
    run = gan_train(*TINY, *NARROW, EVERY).folder
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    (event,) = events.Images("Samples/training")
    assert event.encoded_image_string == (run / "training.gif").read_bytes()
    with Image.open(io.BytesIO(event.encoded_image_string)) as film:
        assert (event.width, event.height) == film.size


@pytest.mark.curves
def test_points_have_a_film_of_scatter_plots_only(gan_train: Command) -> None:
    result = gan_train(*POINTS, EVERY)
    assert result.code == 0, result.err
    assert left(result.folder) == {"training.gif", "curves.png"}
    assert images(result.folder).keys() == {"Samples", "Samples/training"}
    with Image.open(result.folder / "samples" / "step-00000004.png") as plot:
        corner = plot.getpixel((LEFT + 4, TOP + 4))
    assert corner != (255, 255, 255), "no surface"


@pytest.mark.parametrize("data", [POINTS, [*TINY, *NARROW]])
def test_without_sample_times_there_are_curves_alone(gan_train: Command, data: list[str]) -> None:
    run = gan_train(*data, "trainer.sample_every=0").folder
    assert left(run) == {"curves.png"}
    assert not (run / "samples").exists()


@pytest.mark.parametrize("data", [[*POINTS, "model=cgan"], [*TINY, *CGAN]])
def test_looking_changes_nothing(gan_train: Command, data: list[str]) -> None:
    tricks = "tricks=[spectral_norm,instance_noise]"
    seen = gan_train(*data, tricks, "trainer.sample_every=1", folder="seen")
    unseen = gan_train(*data, tricks, "trainer.sample_every=0", folder="unseen")
    assert seen.code == unseen.code == 0, seen.err + unseen.err
    assert_equal(*(load_newest(r.folder)[1]["state"] for r in (seen, unseen)))


@pytest.mark.curves
def test_a_resumed_run_shows_all_of_it(gan_train: Command, tmp_path: Path) -> None:
    every = [*TINY, *NARROW, "trainer.log_every=1", "trainer.sample_every=1"]
    whole = gan_train(*every, "trainer.steps=6", "trainer.checkpoint_every=3").folder
    part = cut_off(whole, 3, tmp_path / "part")
    (part / "samples" / "step-00000005.png").write_bytes(b"")  # written as the power went
    assert gan_train(f"resume={part}").code == 0
    for name in ("training.gif", "interpolation.png", "real_and_fake.png"):
        assert (part / name).read_bytes() == (whole / name).read_bytes(), name
    assert frames(part / "training.gif") == 7
    lines = (part / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert (part / "curves.png").read_bytes() == (whole / "curves.png").read_bytes()
    assert images(part)["Samples"] == [0, 1, 2, 3, 4, 5, 6]


def test_streamed_images(gan_train: Command, tmp_path: Path) -> None:
    root = tmp_path / "images"
    root.mkdir()
    for i in range(8):
        save_png(torch.full((3, 16, 16), 20 * i, dtype=torch.uint8), root / f"{i}.png")
    result = gan_train(
        *("data=folder", f"data.root={root}", "data.image_size=16", EVERY),
        *(
            "data.memory_limit=1e-9",
            "data.batch_size=4",
            "trainer.steps=2",
            "data.workers=0",
            *NARROW,
        ),
    )
    assert result.code == 0, result.err
    half = 8 * 50 + 2
    assert size(result.folder / "real_and_fake.png") == (2 * half + GAP, half + CAPTION)


def test_where_nothing_can_be_written_the_run_goes_on(
    gan_train: Command, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in FILES:
        (tmp_path / "run" / name).mkdir(parents=True)
    (tmp_path / "run" / "samples").write_text("not a folder")
    with caplog.at_level(logging.WARNING):
        result = gan_train(*TINY, *NARROW, EVERY)
    assert result.code == 0, result.err
    told = [line for line in result.out.splitlines() if "cannot be written" in line]
    assert sorted(line.split()[0] for line in told) == ["Curves", "Samples"]
    assert (result.folder / "summary.json").is_file()
