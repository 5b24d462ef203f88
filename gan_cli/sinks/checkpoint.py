"""Checkpoints that survive a crash and cannot run code.

A checkpoint is a dictionary of plain containers and tensors, read with `weights_only=True`. It is
written to a temporary file, fsynced and renamed, with its sha256 beside it, since torch.load does
not notice a flipped bit.
"""

import hashlib
import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import torch

from gan_cli.errors import UserError
from gan_cli.sinks.sink import Run, Sink

log = logging.getLogger(__name__)

FORMAT = 1
NAME = re.compile(r"step-(\d{8,})\.pt")


class Corrupt(UserError):
    """A checkpoint whose bytes are not those that were written."""


@contextmanager
def _durably(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `path`, for good, once it is whole."""
    unfinished = path.with_name(path.name + ".tmp")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def save(path: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint; until it is whole, the one before stays the newest.

    Raises:
        OSError: the disk is full or not writable; nothing saved before is lost.
    """
    with _durably(path) as file:
        torch.save({"format": FORMAT, **content}, file)
        file.flush()
        line = f"{_digest(Path(file.name))}  {path.name}\n"  # as sha256sum prints it
        with _durably(_digest_path(path)) as beside:
            beside.write(line.encode())


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU.

    Raises:
        UserError: it is not there, not a checkpoint, from a newer version, or would run code.
        Corrupt: its bytes have changed since it was written.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint")
    expected = _digest_path(path)
    if expected.is_file() and expected.read_text().split()[:1] != [_digest(path)]:
        raise Corrupt(f"{path}: damaged, its sha256 is not the one in {expected.name}")
    try:
        with warnings.catch_warnings():  # about unusual pickles, which are refused anyway
            warnings.simplefilter("ignore", UserWarning)
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what is no pickle makes its reader fail in any way
        if "Weights only load failed" in str(error) and "GLOBAL" in str(error):
            reason = "refused, it holds more than tensors and plain values and could run code"
        else:
            reason = "not a checkpoint that gan-train wrote"
        raise Corrupt(f"{path}: {reason}") from error
    if not isinstance(content, dict) or not {"format", "config", "state"} <= content.keys():
        raise UserError(f"{path}: not a checkpoint that gan-train wrote")
    if not isinstance(content["format"], int) or content["format"] > FORMAT:
        raise UserError(
            f"{path}: written in format {content['format']} and this version reads up to {FORMAT}; "
            "update gan-cli"
        )
    return content


def saved_in(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest step first; clocks and file dates play no part."""
    steps = {path: NAME.fullmatch(path.name) for path in folder.glob("step-*.pt")}
    return sorted((p for p, m in steps.items() if m), key=lambda p: int(p.stem.split("-")[1]))


def load_newest(run: Path) -> tuple[Path, dict[str, Any]]:
    """The newest good checkpoint of a run folder, or the file itself where `run` is one.

    Raises:
        UserError: there is none, or none of them can be read.
    """
    if not run.is_dir():
        return run, load(run)
    found = saved_in(run / "checkpoints") or saved_in(run)
    if not found:
        raise UserError(f"{run}: no checkpoint in this folder; name a run folder or a .pt file")
    for path in reversed(found):
        try:
            return path, load(path)
        except Corrupt as error:
            log.warning("%s; trying the one before", error)
    raise UserError(f"{run}: all {len(found)} checkpoints are damaged; start anew without resume=")


def snapshot(run: Run, about: Mapping[str, Any]) -> dict[str, Any]:
    """What a checkpoint holds: all a later step depends on, and `about` the run."""
    return {**about, "metrics": run.last_report, "state": run.state_dict()}


class Checkpoints(Sink):
    """Saves the run every `every` steps, at the end, and when SIGUSR1 asks for it.

    Args:
        every: steps between two checkpoints; 0 keeps only the last.
        folder: where `step-00001000.pt` goes.
        keep_last: how many of them stay.
        about: what besides the state a reader needs (config, data fingerprint, versions).
    """

    vital = True

    def __init__(self, every: int, folder: Path, keep_last: int, about: Mapping[str, Any]) -> None:
        super().__init__(every)
        self.folder, self.keep_last, self.about = folder, keep_last, dict(about)
        self._saves_done = 0
        self.newest: Path | None = next(iter(saved_in(folder)[::-1]), None)

    def due(self, run: Run, last: bool) -> bool:
        """On time, at the end, or on request."""
        asked = run.interrupts.saves_asked > self._saves_done
        return last or asked or super().due(run, last)

    def write(self, run: Run) -> None:
        """Save, then delete what is too old."""
        self._saves_done = run.interrupts.saves_asked
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"step-{run.step:08d}.pt"
        save(path, snapshot(run, self.about))
        self.newest = path
        for old in set(saved_in(self.folder)[: -self.keep_last]) - {path}:
            try:
                old.unlink()
                _digest_path(old).unlink(missing_ok=True)
            except OSError as error:
                log.warning("%s cannot be deleted: %s", old, error)
