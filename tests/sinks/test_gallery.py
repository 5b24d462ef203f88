"""The pictures a run leaves, as files and in TensorBoard."""

import io
import json
import logging
from pathlib import Path

import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gan_cli.data.batches import MemoryBatches
from gan_cli.data.dataset import Pictures
from gan_cli.data.order import Draw
from gan_cli.sinks.checkpoint import load_newest
from gan_cli.sinks.gallery import choose_real
from tests.conftest import NARROW, TINY, Command
from tests.data.picture_files import write_picture
from tests.runs.test_resume import assert_equal, cut_off

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
def test_pictures_of_a_labelled_run(gan_train: Command) -> None:
    result = gan_train(*TINY, *CGAN, EVERY)
    assert result.code == 0, result.err
    run = result.folder
    assert left(run) == FILES
    cell = 50
    assert size(run / "real_and_fake.png") == (2 * (10 * cell + 2) + 16, 6 * cell + 2 + 22)
    assert size(run / "interpolation.png") == (10 * cell + 2, 8 * cell + 2)
    assert frames(run / "training.gif") == 2
    assert size(run / "curves.png")[0] == 1260
    assert images(run) == {
        "samples": [2, 4],
        "samples/interpolation": [2, 4],
        "samples/real_and_fake": [2, 4],
        "samples/training": [4],
        "curves": [4],
    }


def test_the_film_is_in_tensorboard_as_it_is_on_disk(gan_train: Command) -> None:
    run = gan_train(*TINY, *NARROW, EVERY).folder
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    (event,) = events.Images("samples/training")
    assert event.encoded_image_string == (run / "training.gif").read_bytes()
    with Image.open(io.BytesIO(event.encoded_image_string)) as film:
        assert (event.width, event.height) == film.size


def test_the_real_half_stays_while_the_fakes_change(gan_train: Command) -> None:
    run = gan_train(*TINY, *CGAN, EVERY, "optimizer.lr=0.05").folder
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    shown = []
    for event in events.Images("samples/real_and_fake"):
        with Image.open(io.BytesIO(event.encoded_image_string)) as image:
            shown.append((image.crop((0, 0, 502, 302)), image.crop((518, 0, 1020, 302))))
    (real, fake), (real_later, fake_later) = [(a.tobytes(), b.tobytes()) for a, b in shown]
    assert real == real_later
    assert fake != fake_later


@pytest.mark.curves
def test_points_have_a_film_of_scatter_plots_only(gan_train: Command) -> None:
    result = gan_train(*POINTS, EVERY)
    assert result.code == 0, result.err
    assert left(result.folder) == {"training.gif", "curves.png"}
    assert images(result.folder).keys() == {"samples", "samples/training", "curves"}
    with Image.open(result.folder / "samples" / "step-00000004.png") as plot:
        corner = plot.getpixel((2, 2))
    assert corner != (255, 255, 255), "no surface"


@pytest.mark.parametrize("data", [POINTS, [*TINY, *NARROW]])
def test_without_sample_times_there_are_curves_alone(gan_train: Command, data: list[str]) -> None:
    run = gan_train(*data, "trainer.sample_every=0").folder
    assert left(run) == {"curves.png"}
    assert not (run / "samples").exists()


@pytest.mark.parametrize("data", [[*POINTS, "model=cgan"], [*TINY, *CGAN]])
def test_looking_changes_nothing(gan_train: Command, data: list[str]) -> None:
    tricks = "tricks=[ema,spectral_norm,instance_noise]"
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
    assert frames(part / "training.gif") == 6
    lines = (part / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert (part / "curves.png").read_bytes() == (whole / "curves.png").read_bytes()
    assert images(part)["samples"] == [1, 2, 3, 4, 5, 6]


def test_streamed_pictures(gan_train: Command, tmp_path: Path) -> None:
    for i in range(8):
        write_picture(tmp_path / "pictures" / f"{i}.png", seed=i, size=(16, 16))
    result = gan_train(
        *("data=folder", f"data.root={tmp_path / 'pictures'}", "data.image_size=16", EVERY),
        *(
            "data.memory_limit=1e-9",
            "data.batch_size=4",
            "trainer.steps=2",
            "data.workers=0",
            *NARROW,
        ),
    )
    assert result.code == 0, result.err
    assert size(result.folder / "real_and_fake.png") == (2 * (8 * 50 + 2) + 16, 8 * 50 + 2 + 22)


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
    assert sorted(line.split()[0] for line in told) == [
        *("Curves", "Interpolation", "RealAndFake", "Samples"),
    ]
    assert (result.folder / "summary.json").is_file()


def labelled(labels: list[int] | None, size: int = 12) -> MemoryBatches:
    """Picture i is all i."""
    pixels = torch.arange(size, dtype=torch.uint8).view(-1, 1, 1, 1)
    y = None if labels is None else torch.tensor(labels)
    return MemoryBatches(Pictures(pixels, y), Draw(2, torch.device("cpu"), 0))


def numbers(x: torch.Tensor) -> list[int]:
    return ((x.flatten() + 1) * 127.5).round().long().tolist()


def test_real_pictures_are_of_the_classes_wanted() -> None:
    batches = labelled([0, 1, 2] * 4)
    y = torch.tensor([0, 1, 2] * 4)
    chosen = numbers(choose_real(batches, y, 12, seed=0))
    assert [i % 3 for i in chosen] == y.tolist()
    assert sorted(chosen) == list(range(12)), "none twice while there are others"
    assert chosen == numbers(choose_real(batches, y, 12, seed=0))
    assert chosen != numbers(choose_real(batches, y, 12, seed=1))


def test_a_class_without_pictures_stays_gray_and_a_small_one_repeats() -> None:
    batches = labelled([0] * 11 + [1])
    chosen = choose_real(batches, torch.tensor([1, 2, 1, 0]), 4, seed=0).flatten()
    assert numbers(chosen[::2]) == [11, 11]
    assert chosen[1] == 0.0
    assert numbers(chosen[3:])[0] < 11


def test_without_labels_any_will_do() -> None:
    chosen = numbers(choose_real(labelled(None), None, 20, seed=0))
    assert sorted(chosen[:12]) == list(range(12))
    assert chosen[12:] == chosen[:8]
