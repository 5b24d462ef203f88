"""Disks that really are full, and what a run does there: small ones, mounted for the test."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gan_cli.sinks.checkpoint import load_newest
from tests.conftest import TINY, Command, narrow
from tests.runs.test_resume import assert_equal

RUN = ["model=vanilla", *narrow("vanilla"), *TINY, "trainer.log_every=1", "ema=null"]
Disk = Callable[[int], Path]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A file system of so many KiB, made larger when asked again."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(kib: int) -> Path:
        again = place.is_mount()
        option = f"{'remount,' if again else ''}size={kib}k"
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
