"""What a few examples and a thousand have in common: a folder of its own, and what must hold.

pytest tests/fuzz                                    a few of each, always the same
pytest tests/fuzz --hypothesis-profile=thorough      a thousand of each, others each time
"""

import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.configuration import set_hypothesis_home_dir

from tests.conftest import Command, Result

PATIENCE = 60  # seconds, for what takes a tenth of one
LONGEST_LINE = 2_000

# No example is remembered from one run to the next, and none is sought with the clock in view.
COMMON = {
    "database": None,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.explicit, Phase.generate, Phase.shrink],
}
settings.register_profile("few", max_examples=20, derandomize=True, **COMMON)
settings.register_profile("thorough", max_examples=1_000, **COMMON)
settings.load_profile("few")


def few(count: int) -> settings:
    """So many examples where a few are asked for, for what takes longer than others."""
    current = settings.get_current_profile_name() == "few"
    return settings(max_examples=count) if current else settings()


CALM = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""When the collector finds a file that an error left open is a matter of chance."""


class Hung(BaseException):
    """A command did not come to an end; no `except Exception` on the way takes it."""


def _give_up(number: int, frame: FrameType | None) -> NoReturn:
    raise Hung(f"nothing after {PATIENCE} seconds")


@contextmanager
def in_time() -> Iterator[None]:
    """While entered, a minute is enough."""
    before = signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is fetched, whatever an override asks for."""

    def refuse(*given: object) -> NoReturn:
        raise OSError("there is no network here")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
    set_hypothesis_home_dir(tmp_path / "cache")


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """A new, empty working directory, deep enough for `../..` to be seen; the last one goes."""

    def make() -> Path:
        top = tmp_path / "top"
        monkeypatch.chdir(tmp_path)
        shutil.rmtree(top, ignore_errors=True)
        place = top / "middle" / "here"
        place.mkdir(parents=True)
        monkeypatch.chdir(place)
        return place

    return make


def survives(command: Command, *arguments: str) -> Result:
    """Run a command as `room` made ready for; it ends as documented, whatever it was given."""
    here = Path.cwd()
    before = _outside(here)
    with in_time():
        result = command(*arguments)
    assert result.code in (0, 1, 2)
    said = result.out + result.err
    assert "Traceback" not in said
    assert "unexpected error" not in said
    for line in result.problems:
        assert len(line) < LONGEST_LINE
        assert not line.endswith(": ")
    if result.code:
        assert any(line.startswith("gan-") for line in result.problems), result.err
    assert _outside(here) == before
    return result


def _outside(here: Path) -> set[Path]:
    """What lies around the working directory, which nobody asked to change."""
    top = here.parents[1]
    return {p for p in top.rglob("*") if here not in p.parents}
