"""What usually helps against a symptom, as a command to copy."""

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from gan_cli.health.symptoms import COLLAPSE, OVERFITTING, VANISHING, Symptom


class Setting(NamedTuple):
    """What of a run decides which remedies fit.

    Attributes:
        overrides: `key=value`, as given on the command line.
        slopes: whether D is trained on the slope of single pictures' scores.
        points: whether the data are points in the plane.
        saturating: whether G's loss is the minimax one.
        rate: D's learning rate.
    """

    overrides: Sequence[str]
    slopes: bool
    points: bool
    saturating: bool
    rate: float


def advise(symptom: Symptom, setting: Setting) -> str:
    """One line with a command."""
    return f"What usually helps: {command(setting.overrides, remedy(symptom, setting))}"


def remedy(symptom: Symptom, setting: Setting) -> str:
    """The override that helps."""
    slower = f"optimizer.discriminator.lr={setting.rate / 4:g}"
    if symptom is VANISHING and setting.saturating:
        return "model.loss._target_=gan_cli.games.losses.NonSaturating"
    if symptom is COLLAPSE and setting.slopes:
        return slower
    tricks = {COLLAPSE: "minibatch_discrimination", OVERFITTING: "diffaugment"}
    trick = tricks.get(symptom, "instance_noise")
    if trick == "diffaugment" and setting.points:
        trick = "instance_noise"  # a point has no pixels to move
    return slower if trick in chosen_tricks(setting.overrides) else f"tricks=[{trick}]"


def chosen_tricks(overrides: Sequence[str]) -> list[str]:
    """The names in the last `tricks=[...]` that was given."""
    given = [o.partition("=")[2].strip("[]") for o in overrides if o.startswith("tricks=")]
    return [name.strip() for listed in given[-1:] for name in listed.split(",") if name]


def command(overrides: Sequence[str], remedy: str) -> str:
    """The command that was given with `remedy` added; tricks join those that were chosen."""
    key, _, value = remedy.partition("=")
    kept = [o for o in overrides if o.partition("=")[0].lstrip("+~") != key]
    if key == "tricks":
        value = f"[{','.join([*chosen_tricks(overrides), value.strip('[]')])}]"
    return shlex.join(["gan-train", *kept, f"{key}={value}"])
