"""What a run's health signs mean, in words, and what usually helps.

Thresholds were chosen on some runs and tried on others: see docs/health.md.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from gan_cli.health.probe import PREFIX

WINDOW = 8
"""Reports that are averaged; what persists is there in two windows in a row."""
APART = 20
"""Steps between two reports, at the least: nearer ones say nothing new."""

Means = Mapping[str, float]


class Symptom(NamedTuple):
    """Something that goes wrong with GANs.

    Attributes:
        name: in one word or two.
        signs: what it is read from.
        shows: whether signs averaged over a window show it, given those of the window before.
        says: what it is, for someone who meets it for the first time; signs are filled in.
    """

    name: str
    signs: tuple[str, ...]
    shows: Callable[[Means, Means], bool]
    says: str


def _collapses(now: Means, before: Means) -> bool:
    """Fakes are alike, or were far less so, and do not recover: early on they always are."""
    alike = now["diversity"] < max(0.4, 0.6 * now["diversity_then"]) or now["uniqueness"] < 0.3
    return alike and not _recovers(now, before)


def _drops_classes(now: Means, before: Means) -> bool:
    """Most classes are hardly made, and it is not about to get better."""
    worst = min(now["nearest_class_kl"], before["nearest_class_kl"])
    persists = worst > 0.8 and now["nearest_class_kl"] > 0.9 * before["nearest_class_kl"]
    return persists and not _recovers(now, before)


def _recovers(now: Means, before: Means) -> bool:
    """Fakes become less alike, as they do early on."""
    signs = [sign for sign in ("diversity", "uniqueness") if sign in now and sign in before]
    return any(now[sign] > 1.1 * before[sign] for sign in signs)


def _vanishes(now: Means, before: Means) -> bool:
    """D wins, and what is left of G's gradient is a tenth of what there was."""
    return _worst(now) > 0.98 and now["gradient_left"] < 0.1


def _overpowers(now: Means, before: Means) -> bool:
    """D is all but never wrong, and not because it memorises."""
    return min(_worst(now), _worst(before)) > 0.995 and not _memorises(now)


def _overfits(now: Means, before: Means) -> bool:
    return _memorises(now) and before["overfitting"] > 0.4


def _memorises(now: Means) -> bool:
    """D ranks training images above others, and takes many of those for fakes, if any."""
    known = "accuracy_real" in now and "accuracy_held_out" in now
    mistaken = not known or now["accuracy_real"] - now["accuracy_held_out"] > 0.2
    return now.get("overfitting", 0.0) > 0.5 and mistaken


def _worst(means: Means) -> float:
    return min(means["accuracy_real"], means["accuracy_fake"])


COLLAPSE = Symptom(
    "mode collapse",
    ("diversity", "uniqueness"),
    _collapses,
    "the samples look more and more alike: G makes few different images (mode collapse; "
    "diversity {diversity:.2f} and uniqueness {uniqueness:.2f} of the real images')",
)
DROPPING = Symptom(
    "dropped classes",
    ("nearest_class_kl",),
    _drops_classes,
    "G makes few of the classes (mode dropping): those of the real images nearest to its samples "
    "are {nearest_class_kl:.2f} nats from as even as they should be",
)
VANISHING = Symptom(
    "vanishing gradient",
    ("accuracy_real", "accuracy_fake", "gradient_left"),
    _vanishes,
    "D tells real from fake without fail, and of G's gradient {gradient_left:.1%} is left "
    "(vanishing gradient): G learns hardly anything any more",
)
OVERPOWERING = Symptom(
    "overpowering D",
    ("accuracy_real", "accuracy_fake"),
    _overpowers,
    "D is never wrong (right on {accuracy_real:.1%} of real and {accuracy_fake:.1%} of fake "
    "images): it learns much faster than G, which hardly gets a useful hint",
)
OVERFITTING = Symptom(
    "overfitting D",
    ("overfitting",),
    _overfits,
    "D memorises the training images: it scores them higher than real images it was "
    "never shown (told apart {overfitting:.0%} better than by chance)",
)
SYMPTOMS = (COLLAPSE, DROPPING, VANISHING, OVERPOWERING, OVERFITTING)


class Watch:
    """Reads reports in order and says what persists, each symptom once.

    Attributes:
        found: symptoms so far, with the step at which they were said.
        means: signs averaged over the last window.
        unmeasured: symptoms that cannot show, as a sign of theirs is missing.
    """

    def __init__(self) -> None:
        self.found: dict[Symptom, int] = {}
        self.means: dict[str, float] = {}
        self.unmeasured: list[Symptom] = list(SYMPTOMS)
        self._signs: deque[dict[str, float]] = deque(maxlen=2 * WINDOW)
        self._steps: deque[int] = deque(maxlen=WINDOW)
        self._showed: dict[Symptom, int] = {}  # at which step last
        self._last = -APART
        self._steepest, self._most_diverse = 0.0, 0.0

    @property
    def too_early(self) -> bool:
        """Whether there are fewer reports than a warning needs."""
        return len(self._signs) < 2 * WINDOW

    def ended(self, symptom: Symptom) -> int | None:
        """When one that was found showed last; None where a window of reports has not passed."""
        showed = self._showed[symptom]
        return showed if showed < self._steps[0] else None

    def read(self, step: int, report: Mapping[str, float]) -> list[Symptom]:
        """The symptoms that this report brings to light."""
        if step - self._last < APART:
            return []
        self._last = step
        self._steps.append(step)
        self._signs.append(self._read_signs(report))
        signs = list(self._signs)
        self.means = _mean(signs[-WINDOW:])
        if self.too_early:
            return []
        self._most_diverse = max(self._most_diverse, self.means.get("diversity", 0.0))
        self.means["diversity_then"] = self._most_diverse
        before = _mean(signs[:WINDOW])
        there = self.means.keys() & before.keys()
        self.unmeasured = [s for s in SYMPTOMS if not there.issuperset(s.signs)]
        measured = [symptom for symptom in SYMPTOMS if symptom not in self.unmeasured]
        showing = [symptom for symptom in measured if symptom.shows(self.means, before)]
        self._showed |= dict.fromkeys(showing, step)
        new = [symptom for symptom in showing if symptom not in self.found]
        self.found |= dict.fromkeys(new, step)
        return new

    def _read_signs(self, report: Mapping[str, float]) -> dict[str, float]:
        """The signs in a report without their prefix, and G's gradient over its greatest."""
        signs = {k.removeprefix(PREFIX): v for k, v in report.items() if k.startswith(PREFIX)}
        steepness = report.get("grad_norm/G", 0.0)
        self._steepest = max(self._steepest, steepness)
        if "grad_norm/G" in report and self._steepest > 0:
            signs["gradient_left"] = steepness / self._steepest
        return signs


def _mean(signs: list[dict[str, float]]) -> dict[str, float]:
    """Means of the signs that each of the reports has."""
    names = set(signs[0]).intersection(*signs[1:])
    return {name: sum(s[name] for s in signs) / len(signs) for name in sorted(names)}
