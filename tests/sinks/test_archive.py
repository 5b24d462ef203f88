"""What is no checkpoint is refused in one line, before it costs anything."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_cli.errors import UserError
from gan_cli.sinks.checkpoint import Corrupt, load, save
from tests.conftest import REPOSITORY
from tests.sinks.bombs import CONTENTS, FILES, PICKLES, PLAIN, pack, save_raw

MOST = 100 << 20
"""Bytes that refusing any of the files may take."""
MEASURE = """
import resource, sys
from pathlib import Path
from gan_cli.sinks.checkpoint import Corrupt, load, save
save(Path("good"), {"config": {}, "state": {}})
load(Path("good"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in sys.argv[1:]:
    try:
        load(Path(name))
    except Corrupt:  # the peak so far
        print(name, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def check_refused(path: Path, said: str) -> None:
    with pytest.raises(Corrupt, match=said) as error:
        load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(("write", "said"), FILES.values(), ids=FILES)
def test_files(tmp_path: Path, write: Callable[[Path], None], said: str) -> None:
    write(tmp_path / "a.pt")
    check_refused(tmp_path / "a.pt", said)


@pytest.mark.parametrize(("pickled", "said"), PICKLES.values(), ids=PICKLES)
def test_pickles(tmp_path: Path, pickled: bytes, said: str) -> None:
    pack(tmp_path / "a.pt", pickled)
    check_refused(tmp_path / "a.pt", said)


@pytest.mark.parametrize(("change", "said"), CONTENTS.values(), ids=CONTENTS)
def test_contents(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    save_raw(tmp_path / "a.pt", {**PLAIN, **change})
    check_refused(tmp_path / "a.pt", said)


def test_without_any_of_this_it_loads(tmp_path: Path) -> None:
    """So that what the others are refused for is what they say."""
    save_raw(tmp_path / "a.pt", PLAIN)
    assert load(tmp_path / "a.pt")["config"] == {}


@pytest.mark.parametrize("name", ["../data/0", "archive/../0", "other/data/0", "archive/code.py"])
def test_entries_that_torch_does_not_write(tmp_path: Path, name: str) -> None:
    save(tmp_path / "a.pt", PLAIN)
    with zipfile.ZipFile(tmp_path / "a.pt", "a") as archive:
        archive.writestr(name, b"")
    check_refused(tmp_path / "a.pt", "other entries|more than one folder")


def test_refusing_takes_little_memory(tmp_path: Path) -> None:
    for name, (write, _) in FILES.items():
        write(tmp_path / name)
    for name, (pickled, _) in PICKLES.items():
        pack(tmp_path / name, pickled)
    for name, (change, _) in CONTENTS.items():
        save_raw(tmp_path / name, {**PLAIN, **change})
    names = [*FILES, *PICKLES, *CONTENTS]
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, *names],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    taken = dict(line.rsplit(" ", 1) for line in measured.stdout.splitlines())
    assert [*taken] == names
    assert {name: size for name, size in taken.items() if int(size) > MOST} == {}


def test_a_checkpoint_of_version_0_1(tmp_path: Path) -> None:
    weights = torch.nn.BatchNorm2d(3).state_dict()  # an OrderedDict with attributes
    old = {"format": 1, "config": {}, "metrics": {}, "state": {"step": 1, "objective": weights}}
    with (tmp_path / "a.pt").open("wb") as file:
        torch.save(old, file)
    with pytest.raises(UserError, match=r"written by gan-cli 0\.1, which this version cannot load"):
        load(tmp_path / "a.pt")


@pytest.mark.parametrize("written", [3, 99, "x", -1])
def test_a_checkpoint_of_another_version(tmp_path: Path, written: Any) -> None:
    with (tmp_path / "a.pt").open("wb") as file:
        torch.save({**PLAIN, "format": written}, file)
    with pytest.raises(UserError, match="update gan-cli"):
        load(tmp_path / "a.pt")


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name in ("nowhere", "fifo", "x" * 300, "a\0b"):
        with pytest.raises(UserError) as error:
            load(tmp_path / name)
        assert len(error.value.problems) == 1
