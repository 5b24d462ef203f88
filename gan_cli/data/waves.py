"""A person's own sound: a folder or a zip of .wav."""

import logging
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from tqdm import tqdm

from gan_cli.data.dataset import Split, StreamableDataset, other
from gan_cli.data.fields import Field, Fields
from gan_cli.data.files import Files, open_files
from gan_cli.data.image_files import spread
from gan_cli.data.sides import find_part
from gan_cli.data.sound_files import UnreadableSoundError, is_sound, length_of, read_sound
from gan_cli.errors import UserError
from gan_cli.ranges import Count

log = logging.getLogger(__name__)


class Piece(NamedTuple):
    """Where a sample lies."""

    name: str
    start: int


class Waves(StreamableDataset):
    """Pieces of equal length of the .wav files in a folder or a .zip.

    A clip longer than `length` is cut into as few pieces as cover it, evenly spread: the last ends
    where the clip does, and neighbours may overlap. The parts are in folders `train` and `test`
    (or `val`); without any, all is to train on. Only headers are read before training.

    Args:
        root: path of the folder or zip; only read.
        sample_rate: samples a second, of every file.
        length: samples in each piece.
        split: `train` or `test`.
        limit: so many clips, spread evenly over the sorted names; None for all.
        on_corrupt: a clip that is damaged, of another kind or too short is an error, or is left out
            and counted.
        n_classes: none, written down so that other parts of a config can refer to it.
    """

    labels: Mapping[str, Tensor] = {}  # never written to

    def __init__(
        self,
        root: str,
        sample_rate: Count = 22050,
        length: Count = 16384,
        split: Split = "train",
        limit: Count | None = None,
        on_corrupt: Literal["error", "skip"] = "error",
        n_classes: Literal[0] = 0,
    ) -> None:
        self.sample_rate, self.length, self.n_classes = sample_rate, length, n_classes
        self.split, self.limit = split, limit
        self._root, self._on_corrupt = root, on_corrupt
        self._pieces: Sequence[Piece] = ()
        self._files: Files

    @property
    def fields(self) -> Fields:
        """`wave`."""
        return {"wave": Field("wave", (1, 1, self.length), rate=self.sample_rate)}

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of pieces."""
        return {"": len(self._pieces)}

    def prepare(self) -> None:
        """List the pieces.

        Raises:
            UserError: there are none, or a clip cannot be used.
        """
        self._files = open_files(self._root, "data.root")
        names = self._names(self._files)
        if names is None:
            raise UserError(
                f"data.root={self._root}: no folder for data.split={self.split}; make one called "
                f"{self.split}, or set data.split={other(self.split)}"
            )
        if not names:
            raise UserError(
                f"data.root={self._root}: no sound in it; give a folder or a .zip with .wav files"
            )
        names = [names[i] for i in spread(len(names), self.limit)]
        pieces: list[Piece] = []
        skipped = 0
        for name in tqdm(names, "listing", disable=None, unit=" clips", delay=2):
            try:
                pieces += self._cut(name)
            except UnreadableSoundError as error:
                if self._on_corrupt == "error":
                    raise self._unusable(name, error) from error
                log.warning("skipping %s (%s)", self._files.locate(name), error)
                skipped += 1
        if skipped:
            log.warning("skipped %d of %d clips", skipped, len(names))
        if not pieces:
            raise UserError(
                f"data.root={self._root}: none of its {len(names)} clips can be used; the lines "
                "above say why"
            )
        self._pieces = pieces

    def load(self) -> dict[str, Tensor]:
        """float32 [N, 1, 1, length] in [-1, 1]."""
        whole = torch.empty(len(self), 1, 1, self.length)
        for row in tqdm(range(len(self)), "decoding", disable=None, unit=" pieces", delay=2):
            whole[row] = self.open("", row)["wave"]
        return {"wave": whole}

    def open(self, group: str, index: int) -> dict[str, Tensor]:
        """Read one piece, float32 [1, 1, length]."""
        name, start = self._pieces[index]
        try:
            with self._files.open(name) as file:
                sound = read_sound(file, self.sample_rate, start, self.length)
        except (UnreadableSoundError, OSError) as error:
            raise self._unusable(name, error) from error
        return {"wave": sound[None, None]}

    def listing(self, group: str) -> list[tuple[str, int]]:
        """Where each piece lies, and the size in bytes of its file."""
        return [(f"{name}:{start}", self._files.sizes[name]) for name, start in self._pieces]

    @property
    def part(self) -> str:
        """The split."""
        return self.split

    def held_out(self) -> "Waves | None":
        """The other split, where there is one."""
        rest = self._changed(split=other(self.split), limit=None)
        return rest if rest._names(open_files(self._root, "data.root")) else None

    def _names(self, files: Files) -> list[str] | None:
        """Of the clips of this split; None where there is no such split."""
        sounds = [name for name in files.sizes if is_sound(name)]
        folder = find_part(sounds, self.split) if sounds else ""
        return None if folder is None else [name for name in sounds if name.startswith(folder)]

    def _cut(self, name: str) -> list[Piece]:
        try:
            with self._files.open(name) as file:
                total = length_of(file, self.sample_rate, self._files.sizes[name])
        except OSError as error:
            raise UnreadableSoundError(str(error)) from error
        if total < self.length:
            raise UnreadableSoundError(
                f"{total / self.sample_rate:.2f} s, shorter than data.length={self.length} samples"
            )
        count = -(-total // self.length)
        last = total - self.length
        return [Piece(name, last * n // max(count - 1, 1)) for n in range(count)]

    def _unusable(self, name: str, reason: object) -> UserError:
        return UserError(
            f"{self._files.locate(name)}: cannot be used ({reason}); convert, replace or remove "
            "it, lower data.length if it is short, or set data.on_corrupt=skip"
        )
