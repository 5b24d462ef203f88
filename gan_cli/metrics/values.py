"""Metrics as they are reported: never a number without what it was computed from."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

CLASSIFIER = "_classifier"
"""Ends the name of a metric of a classifier's features, where the plain name means Inception's."""

HELD_OUT = "held_out/"
"""Begins the name of a scalar: a metric, `metric/<name>`, of held-out reals in the fakes' place."""

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
    "authenticity": "higher",
    "duplicates": "lower",
    "classes_reached": "higher",
    "class_kl": "lower",
    "label_accuracy": "higher",
    "modes_hit": "higher",
    "high_quality": "higher",
    "reverse_kl": "lower",
    "mode_overlap": "higher",
    "l1": "lower",
    "psnr": "higher",
    "ssim": "higher",
    "l2": "lower",
    "psnr_y": "higher",
    "ssim_y": "higher",
    "mel_l1": "lower",
    "codebook_share": "higher",
    "codebook_perplexity": "higher",
    "cycle_l1": "lower",
    "code_accuracy": "higher",
    "neighbour_accuracy": "higher",
}

HEADLINES = ("fid", "fd" + CLASSIFIER, "mode_overlap", "ssim", "mel_l1")
"""The one metric to judge a run by, in order of preference. FID is the literature's. Of points in
the plane, modes hit are few whole numbers with ties, one mode alone can be of high quality, and an
even histogram can come of bad samples: only `mode_overlap` needs all of it. Of pairs, L1 and PSNR
reward blur most."""


@dataclass(frozen=True)
class MetricValue:
    """One metric of fakes, and the same of real images held out: the best one can hope for.

    Attributes:
        name: such as `fid`.
        value: of the fakes.
        held_out: of held-out reals put in the fakes' place; None where that makes no sense.
        n: how many fakes.
        reals: how many of the reference; 0 where there is none.
        held_out_n: how many held-out reals.
        split: of the reference.
        held_out_split: of the held-out reals.
        extractor: what made the features.
        seed: of the fakes and of subsets.
        k: which nearest neighbour bounds a neighbourhood; None where the metric knows none.
        note: what to beware of.
        trial: which way of a game it measures, such as `ab`; empty where there is only one. A
            metric's name ends in it.
    """

    name: str
    value: float
    held_out: float | None
    n: int
    reals: int
    held_out_n: int
    split: str
    held_out_split: str
    extractor: str
    seed: int
    k: int | None = None
    note: str = ""
    trial: str = ""


def stem(name: str) -> str:
    """The metric's own name, a key of `BETTER`: `fd` of `fd_classifier_ab`.

    Raises:
        KeyError: there is no such metric.
    """
    found = [known for known in BETTER if name == known or name.startswith(f"{known}_")]
    if not found:
        raise KeyError(name)
    return max(found, key=len)


def better(name: str) -> Literal["lower", "higher"]:
    """Which values of a metric are the better ones.

    Raises:
        KeyError: there is no such metric.
    """
    return BETTER[stem(name)]


def headline(names: Collection[str]) -> str | None:
    """The name, among those of a run's metrics, of the one to judge it by; None: none will do.

    Of a game that is measured in several trials, that of the first.
    """
    for wanted in HEADLINES:
        for name in names:
            if name == wanted or name.startswith(f"{wanted}_"):
                return name
    return None
