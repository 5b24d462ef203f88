"""Figures as they are reported: never a number without what it was computed from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

CLASSIFIER = "_classifier"
"""Ends the name of a figure of a classifier's features, where the plain name means Inception's."""

BETTER: dict[str, Literal["lower", "higher"]] = {
    "fid": "lower",
    "fd": "lower",
    "kid": "lower",
    "kd": "lower",
    "is": "higher",
    "precision": "higher",
    "recall": "higher",
    "density": "higher",
    "coverage": "higher",
    "classes_reached": "higher",
    "class_kl": "lower",
    "label_accuracy": "higher",
    "modes_hit": "higher",
    "high_quality": "higher",
    "reverse_kl": "lower",
    "mode_overlap": "higher",
}

HEADLINES = ("fid", "fd" + CLASSIFIER, "mode_overlap")
"""The one figure to judge a run by, in order of preference. FID is the literature's. Of points in
the plane, modes hit are few whole numbers with ties, one mode alone can be of high quality, and an
even histogram can come of bad samples: only `mode_overlap` needs all of it."""


@dataclass(frozen=True)
class Figure:
    """One measure of fakes, and the same of real pictures held out: the best one can hope for.

    Attributes:
        name: such as `fid`.
        value: of the fakes.
        held_out: of held-out reals put in the fakes' place.
        fakes: how many.
        reals: how many of the reference; 0 where there is none.
        held_out_reals: how many.
        split: of the reference.
        held_out_split: of the held-out reals.
        extractor: what made the features.
        seed: of the fakes and of subsets.
        note: what to beware of.
    """

    name: str
    value: float
    held_out: float
    fakes: int
    reals: int
    held_out_reals: int
    split: str
    held_out_split: str
    extractor: str
    seed: int
    note: str = ""


def better(name: str) -> Literal["lower", "higher"]:
    """Which values of a figure are the better ones.

    Raises:
        KeyError: there is no such figure.
    """
    return BETTER[name.removesuffix(CLASSIFIER)]


def headline(names: Collection[str]) -> str:
    """The name, among those of a run's figures, of the one to judge it by.

    Raises:
        ValueError: none of them will do.
    """
    for name in HEADLINES:
        if name in names:
            return name
    raise ValueError(f"no figure to judge a run by among {sorted(names)}")


def table(figures: Sequence[Figure]) -> str:
    """Figures of one extractor as lines for a terminal."""
    rows = [("", "fakes", "held-out reals", "")]
    rows += [(f.name, f"{f.value:.4g}", f"{f.held_out:.4g}", f.note) for f in figures]
    return "\n".join(f"  {n:<22}{v:>10}{h:>16}  {note}".rstrip() for n, v, h, note in rows)
