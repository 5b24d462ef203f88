"""The table of runs: a row each, and a column for whatever is known of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from typing import Literal

from gan_cli.comparison.folders import natural
from gan_cli.errors import UserError
from gan_cli.spelling import nearest


class Kind(StrEnum):
    """What a column is about."""

    RUN = auto()
    CHOICE = auto()  # a setting that was asked for
    SETTING = auto()  # one that a chosen group brought along
    DETAIL = auto()  # one that another implies
    QUALITY = auto()
    LOSS = auto()
    SPEED = auto()
    ENDING = auto()
    FURTHER = auto()  # what else is known


RESULTS = (Kind.QUALITY, Kind.LOSS, Kind.SPEED, Kind.ENDING)
SETTINGS = (Kind.CHOICE, Kind.SETTING)


@dataclass(frozen=True)
class Cell:
    """A value and where it comes from.

    Attributes:
        value: None where there is none.
        source: in a few words, what it must not be read without, such as `n=1000`.
        about: everything that is known of it.
    """

    value: int | float | str | None = None
    source: str = ""
    about: str = ""


@dataclass(frozen=True)
class Column:
    """One thing about every run.

    Attributes:
        name: unique in a table.
        kind: what it is about.
        cells: one a run.
        better: which of its values are the better ones, where anybody can say: a GAN's losses do
            not fall when it gets better.
    """

    name: str
    kind: Kind
    cells: tuple[Cell, ...]
    better: Literal["lower", "higher"] | None = None

    @property
    def source(self) -> str:
        """What all its values come from, if it is the same."""
        sources = {cell.source for cell in self.cells if cell.value is not None}
        return sources.pop() if len(sources) == 1 else ""

    @property
    def heading(self) -> str:
        """The name, and the source if all share one."""
        return f"{self.name} ({self.source})" if self.source else self.name

    @property
    def empty(self) -> bool:
        """Whether no run has a value."""
        return all(cell.value is None for cell in self.cells)

    @property
    def best(self) -> frozenset[int]:
        """The runs with the best value; none where all are as good, or were not measured alike."""
        there = {
            row: cell.value
            for row, cell in enumerate(self.cells)
            if isinstance(cell.value, int | float) and math.isfinite(cell.value)
        }
        measured = {self.cells[row].source.partition(",")[0] for row in there}  # n=1000
        if self.better is None or len(measured) > 1 or len(set(there.values())) < 2:
            return frozenset()
        best = (min if self.better == "lower" else max)(there.values())
        return frozenset(row for row, value in there.items() if value == best)

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return not any(isinstance(cell.value, str) for cell in self.cells)


@dataclass(frozen=True)
class Table:
    """The columns, from what tells runs apart to how they ended; the first names the runs."""

    columns: tuple[Column, ...]

    def of(self, *kinds: Kind) -> list[Column]:
        """The columns of these kinds."""
        return [column for column in self.columns if column.kind in kinds]

    def sort(self, name: str) -> "Table":
        """By one column: the best first, else numbers upwards; then text, NaN, and no value.

        Raises:
            UserError: there is no such column.
        """
        columns = {column.name: column for column in self.columns}
        if name not in columns:
            raise UserError(f"--sort {name}: no such column{nearest(name, columns)}")
        cells = columns[name].cells
        sign = -1 if columns[name].better == "higher" else 1
        order = sorted(range(len(cells)), key=lambda row: _rank(cells[row], sign))
        return Table(
            tuple(
                replace(column, cells=tuple(column.cells[row] for row in order))
                for column in self.columns
            )
        )


def _rank(cell: Cell, sign: int) -> tuple[int, float, Sequence[str | int]]:
    if cell.value is None:
        return 3, 0, ()
    if isinstance(cell.value, str):
        return 1, 0, natural(cell.value)
    return (2, 0, ()) if math.isnan(cell.value) else (0, sign * cell.value, ())
