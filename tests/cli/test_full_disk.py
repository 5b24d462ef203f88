"""Disks that really are full, and what a run does there: small ones, mounted for the test."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gan_cli.sinks.checkpoint import load_newest
from tests.conftest import TINY, Command, narrow
from tests.data.image_files import write_image
from tests.forked import forked
from tests.runs.resuming import assert_equal

RUN = ["model=vanilla", *narrow("vanilla"), *TINY, "trainer.log_every=1", "ema=null"]
Disk = Callable[..., Path]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A file system of so many KiB; asked again, it is made larger, or read-only."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(kib: int, mode: str = "rw") -> Path:
        again = "remount," if place.is_mount() else ""
        option = f"{again}size={kib}k,{mode}"
        mounted = shutil.which("mount") and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", option, "tmpfs", str(place)],
            capture_output=True,
            check=False,
        )
        if not mounted or mounted.returncode:
            pytest.skip("nothing can be mounted here")
        return place

    yield mount
    if place.is_mount():
        subprocess.run(["umount", "--lazy", str(place)], check=True)  # its train.log is open


def test_a_disk_that_fills_while_saving(gan_train: Command, disk: Disk) -> None:
    """The checkpoint before stays, no half one does, and with more room the run goes on."""
    whole = gan_train(*RUN, "trainer.sample_every=0", "trainer.checkpoint_every=1", folder="whole")
    assert whole.code == 0, whole.err
    size = (whole.folder / "checkpoints" / "step-00000004.pt").stat().st_size // 1024
    run = disk(2 * size + 64) / "run"
    stopped = gan_train(
        *(*RUN, "trainer.sample_every=0", "trainer.checkpoint_every=1"), f"hydra.run.dir={run}"
    )
    assert stopped.code == 1
    assert stopped.problems[0].startswith("gan-train: Checkpoints cannot be written: [Errno 28]")
    assert stopped.problems[1] == "resume with: gan-train resume=disk/run"
    step = load_newest(run)[1]["state"]["step"]
    assert 0 < step < 4
    assert not list(run.rglob("*.tmp"))
    disk(64 * size)
    assert gan_train(f"resume={run}").code == 0
    assert_equal(load_newest(whole.folder)[1]["state"], load_newest(run)[1]["state"])


def test_a_disk_full_of_everything_but_checkpoints(
    gan_train: Command, disk: Disk, tmp_path: Path
) -> None:
    """Each says so once, and the run goes on."""
    (tmp_path / "elsewhere").mkdir()
    run = disk(28) / "run"
    run.mkdir()
    (run / "checkpoints").symlink_to(tmp_path / "elsewhere")
    result = gan_train(*RUN, "trainer.sample_every=2", f"hydra.run.dir={run}")
    assert result.code == 0, result.err
    assert "Traceback" not in result.out + result.err
    told = [line.split()[0] for line in result.out.splitlines() if "cannot be written" in line]
    assert {"Samples", "TensorBoard"} <= set(told)
    assert len(told) == len(set(told))
    assert load_newest(run)[1]["state"]["step"] == 4
    lines = (run / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(1, len(lines) + 1))
    assert not list(run.rglob("*.tmp"))


@pytest.mark.parametrize("kib", [4, 8, 16, 24])
def test_a_disk_with_hardly_any_room(gan_train: Command, disk: Disk, kib: int) -> None:
    """Whatever it is that does not fit, it costs a line."""
    result = gan_train(*RUN, "trainer.sample_every=0", f"hydra.run.dir={disk(kib)}/run")
    assert result.code == 1
    assert "Traceback" not in result.out + result.err
    assert "No space left on device" in result.problems[-1]


def test_a_read_only_disk(gan_train: Command, disk: Disk) -> None:
    """Said before any data is looked for, whether or not the folder is there."""
    (disk(64) / "there").mkdir()
    place = disk(64, "ro")
    for folder in ("there", "new"):
        result = gan_train(f"hydra.run.dir={place}/{folder}", "data=mnist", "data.root=nowhere")
        assert result.code == 2
        assert len(result.problems) == 1, result.err
        assert f"{place}/{folder}" in result.err
        assert "Read-only file system" in result.err


def test_a_run_on_a_disk_that_became_read_only(gan_train: Command, disk: Disk) -> None:
    run = disk(4096) / "run"
    first = forked(lambda: gan_train(*RUN, "trainer.sample_every=0", f"hydra.run.dir={run}"))
    assert first.code == 0  # its process is gone, and with it what was open for writing
    disk(4096, "ro")
    result = gan_train(f"resume={run}", "trainer.steps=9")
    assert result.code == 2
    assert f"{run}: the run cannot be written here (Read-only file system)" in result.err


def test_images_on_a_read_only_disk(gan_train: Command, disk: Disk) -> None:
    for number in range(16):
        write_image(disk(1024) / "images" / f"{number}.png", seed=number)
    place = disk(1024, "ro")
    images = ["data=folder", f"data.root={place}/images", "data.image_size=8"]
    assert gan_train(*RUN, *images, "trainer.sample_every=0").code == 0
