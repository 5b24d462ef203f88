"""What usually helps against a symptom, as a command to copy."""

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from gan_cli.health.symptoms import COLLAPSE, DROPPING, OVERFITTING, VANISHING, Symptom


class RunFacts(NamedTuple):
    """What of a run decides which remedies fit.

    Attributes:
        overrides: `key=value`, as given on the command line.
        penalty: whether D is trained on gradients of single images' logits.
        points: whether the data are points in the plane.
        saturating: whether G's loss is the minimax one.
        lr: the discriminator's learning rate; None for a game without a player of that name, for
            which there is no advice.
    """

    overrides: Sequence[str]
    penalty: bool
    points: bool
    saturating: bool
    lr: float | None


def advise(symptom: Symptom, facts: RunFacts) -> str:
    """One line with a command; empty where there is no advice."""
    helps = remedy(symptom, facts)
    return f"What usually helps: {command(facts.overrides, helps)}" if helps else ""


def remedy(symptom: Symptom, facts: RunFacts) -> str | None:
    """The override that helps."""
    if facts.lr is None:
        return None
    slower = f"optimizer.discriminator.lr={facts.lr / 4:g}"
    if symptom is VANISHING and facts.saturating:
        return "loss=non_saturating"
    if symptom in (COLLAPSE, DROPPING) and facts.penalty:
        return slower
    apart = "minibatch_discrimination"
    tricks = {COLLAPSE: apart, DROPPING: apart, OVERFITTING: "diffaugment"}
    trick = tricks.get(symptom, "instance_noise")
    if trick == "diffaugment" and facts.points:
        trick = "instance_noise"  # a point has no pixels to move
    return slower if trick in chosen_tricks(facts.overrides) else f"tricks=[{trick}]"


def chosen_tricks(overrides: Sequence[str]) -> list[str]:
    """The names in the last `tricks=[...]` that was given."""
    given = [o.partition("=")[2].strip("[]") for o in overrides if o.startswith("tricks=")]
    return [name.strip() for listed in given[-1:] for name in listed.split(",") if name]


def command(overrides: Sequence[str], remedy: str) -> str:
    """The command that was given with `remedy` added; tricks join those that were chosen."""
    key, _, value = remedy.partition("=")
    keys = [override.partition("=")[0].lstrip("+~") for override in overrides]
    if key == "tricks":
        value = f"[{','.join([*chosen_tricks(overrides), value.strip('[]')])}]"
    replaced = {key} | {k for k in keys if k.startswith("loss.") and key == "loss"}
    kept = [o for k, o in zip(keys, overrides, strict=True) if k not in replaced]
    return shlex.join(["gan-train", *kept, f"{key}={value}"])
