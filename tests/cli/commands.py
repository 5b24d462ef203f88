"""Commands in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import NARROW, REPOSITORY, TINY

SHORT = [*TINY, *NARROW, "trainer.sample_every=0", "trainer.health=false"]


def environment(**more: str) -> dict[str, str]:
    """One thread, and this checkout before any other."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY), **more}


def command(name: str, *arguments: str) -> list[str]:
    """The words that run it."""
    return [sys.executable, "-c", f"from gan_cli.cli.{name} import main; main()", *arguments]


def run(name: str, *arguments: str, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run(
        command(name, *arguments), cwd=cwd, text=True, env=environment(), check=False, **streams
    )


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder: the bytes of files, None for folders."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }
