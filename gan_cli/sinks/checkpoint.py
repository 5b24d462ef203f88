"""Checkpoints that survive a crash and cannot run code.

A checkpoint is a dictionary of plain containers and tensors, read with `weights_only=True` after a
look at the file itself. A digest of all values stands among them; the file is written beside the
one it replaces, fsynced and renamed, so that at any time the one before or the new one is whole.
"""

import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import torch

from gan_cli.errors import NonFinite, RunFailed, UserError, is_out_of_memory
from gan_cli.files import remove_unfinished, replacing
from gan_cli.sinks.archive import check_archive
from gan_cli.sinks.content import complete, digest, not_finite, plain
from gan_cli.sinks.saved import advise, saved_in
from gan_cli.sinks.sink import Run, Sink

log = logging.getLogger(__name__)

FORMAT = 2
WEIGHTS = ("game", "average")
"""Parts of a state that are never saved unless finite."""
MAX_SHARED = 8
"""How many times a file's own size its tensors may come to, where they are views of each other."""


class Corrupt(UserError):
    """A checkpoint whose content is not what was written, or never was a checkpoint's."""


def save(path: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint; until it is whole, the one before stays as it is.

    What a killed save has left in the folder is removed.

    Raises:
        OSError: the disk is full or not writable; nothing saved before is lost.
        RunFailed: something in it is no tensor and no plain value, or there is too much of it.
    """
    remove_unfinished(path.parent)
    values = plain({key: content[key] for key in content if key != "digest"} | {"format": FORMAT})
    try:
        values = complete(values)
        values["digest"] = digest(values)
    except ValueError as error:
        raise RunFailed(f"{path.name} cannot be saved: {error}") from error
    with replacing(path) as file:
        try:
            torch.save(values, file)
        except RuntimeError as error:
            # where the file said that the disk is full, torch complains of what was left undone
            raise (error.__context__ if isinstance(error.__context__, OSError) else error) from None


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU.

    Returns:
        `config` and `state`, dictionaries; `metrics`, numbers by name; `overrides` and
        `class_names`, lists of str; `links`, str by str; `fingerprint`, str; `fields`, a
        dictionary; `format`; where the file has none of them, they are empty. Only `state` holds
        tensors.

    Raises:
        UserError: it is not there, cannot be read, or is from another version.
        Corrupt: it is damaged, not a checkpoint, would run code or exhaust the memory.
    """
    try:
        if not path.is_file():
            raise UserError(f"{path}: no such checkpoint")
        with path.open("rb") as file:
            check_archive(file)
            content, size = _read(file), os.fstat(file.fileno()).st_size
        return _verify(path, content, size)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(f"{path}: does not fit into this machine's memory") from error
    except ValueError as error:
        raise Corrupt(f"{path}: {error}") from error


def _read(file: IO[bytes]) -> Any:
    """Whatever torch.load makes of an open file; what is damaged makes it fail in any way."""
    file.seek(0)
    try:
        with warnings.catch_warnings():  # about unusual pickles, which are refused anyway
            warnings.simplefilter("ignore")
            return torch.load(file, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise ValueError("damaged or not a checkpoint that gan-train wrote") from error


def _verify(path: Path, content: Any, size: int) -> dict[str, Any]:
    """Hold a content of a file of `size` bytes against its digest, and complete it."""
    if type(content) is not dict or not {"format", "config", "state"} <= content.keys():
        raise ValueError("not a checkpoint that gan-train wrote")
    written, expected = content["format"], content.pop("digest", None)
    if type(written) not in (int, str):
        raise ValueError("not a checkpoint that gan-train wrote")
    try:
        is_whole = digest({**content, "format": FORMAT}, most_bytes=MAX_SHARED * size) == expected
        reason = "damaged, its values are not those that were written"
    except ValueError as error:
        is_whole, reason = False, f"refused, {error}"
    if not is_whole and written == 1:
        raise UserError(f"{path}: written by gan-cli 0.1, which this version cannot load")
    if not is_whole and written != FORMAT:
        raise UserError(
            f"{path}: written in format {written!r:.20} and this version reads {FORMAT}; "
            "update gan-cli"
        )
    if not is_whole or written != FORMAT:  # where only the format differs, a bit has flipped
        raise ValueError(reason)
    return complete(content)


def load_newest(run: Path, among: Sequence[Path] | None = None) -> tuple[Path, dict[str, Any]]:
    """The newest good checkpoint of a run folder, or the file itself where `run` is one.

    Args:
        run: the folder, or a file.
        among: which of the folder's are asked for, oldest first; None for all.

    Raises:
        UserError: there is none, or none of them can be read.
    """
    try:
        if not run.is_dir():
            return run, load(run)
        found = (saved_in(run / "checkpoints") or saved_in(run)) if among is None else among
    except OSError as error:
        raise UserError(f"{run}: cannot be read ({error.strerror})") from error
    if not found:
        raise UserError(f"{run}: no checkpoint in this folder; {advise(run)}")
    for path in reversed(found):
        try:
            return path, load(path)
        except Corrupt as error:
            log.warning("%s; trying the one before", error)
    raise UserError(f"{run}: all {len(found)} checkpoints are damaged; start anew without resume=")


def snapshot(run: Run, about: Mapping[str, Any]) -> dict[str, Any]:
    """What a checkpoint holds: all a later step depends on, and `about` the run.

    Raises:
        NonFinite: a weight is NaN or infinite; nobody could go on from there.
    """
    state = run.state_dict()
    weights = [pair for part in WEIGHTS for pair in not_finite(state.get(part), part)]
    if weights:
        device = weights[0][1].device
        flags = torch.stack([flag.to(device) for _, flag in weights]).tolist()  # one transfer
        bad = [name for (name, _), flag in zip(weights, flags, strict=True) if flag]
        if bad:
            more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
            raise NonFinite(f"{bad[0]}{more} is not finite in step {run.step}: not saved")
    return {**about, "metrics": run.last_report, "seconds": run.seconds, "state": state}


class Checkpoints(Sink):
    """Saves the run every `every` steps, at the end, and when SIGUSR1 asks for it.

    Args:
        every: steps between two checkpoints; 0 keeps only the last.
        folder: where `step-00001000.pt` goes.
        keep_last: how many of them stay.
        about: what besides the state a reader needs: config, fields, fingerprint, versions, ...
    """

    vital = True

    def __init__(self, every: int, folder: Path, keep_last: int, about: Mapping[str, Any]) -> None:
        super().__init__(every)
        self.folder, self.keep_last, self.about = folder, keep_last, dict(about)
        self._saves_done = 0
        self._untried = False
        self.newest: Path | None = next(iter(saved_in(folder)[::-1]), None)

    def offer(self, run: Run, last: bool) -> None:
        """Save when due; delete what is too old once a step has been taken from the newest.

        Weights can be finite and good for nothing: the next turn shows it.
        """
        if self._untried and not run.skips:
            self._delete_old()
        super().offer(run, last)
        if last and not run.skips:
            self._delete_old()

    def due(self, run: Run, last: bool) -> bool:
        """On time unless turns are skipped, at the end, or on request."""
        asked = run.interrupts.saves_asked > self._saves_done
        return last or asked or (super().due(run, last) and not run.skips)

    def write(self, run: Run) -> None:
        """Save.

        Raises:
            NonFinite: a weight is not finite; the checkpoints before stay.
        """
        self._saves_done = run.interrupts.saves_asked
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"step-{run.step:08d}.pt"
        save(path, snapshot(run, self.about))
        self.newest, self._untried = path, True

    def _delete_old(self) -> None:
        self._untried = False
        for old in set(saved_in(self.folder)[: -self.keep_last]) - {self.newest}:
            try:
                old.unlink()
            except OSError as error:
                log.warning("%s cannot be deleted: %s", old, error)
