"""What usually helps against a symptom, as a command to copy."""

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from gan_cli.health.symptoms import (
    COLLAPSE,
    OVERFITTING,
    OVERPOWERING,
    VANISHING,
    Symptom,
)


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
    if symptom is COLLAPSE:
        return slower if setting.slopes else "tricks=[minibatch_discrimination]"
    if symptom is VANISHING and setting.saturating:
        return "model.loss._target_=gan_cli.losses.NonSaturating"
    if symptom is OVERFITTING:
        return "tricks=[instance_noise]" if setting.points else "tricks=[diffaugment]"
    assert symptom in (VANISHING, OVERPOWERING)
    return "tricks=[instance_noise]"


def command(overrides: Sequence[str], remedy: str) -> str:
    """The command that was given with `remedy` added; tricks join those that were chosen."""
    key, _, value = remedy.partition("=")
    kept = [o for o in overrides if o.partition("=")[0].lstrip("+~") != key]
    if key == "tricks":
        earlier = [o.partition("=")[2].strip("[]") for o in overrides if o.startswith("tricks=")]
        names = [name for listed in earlier[-1:] for name in listed.split(",") if name]
        value = f"[{','.join([*names, value.strip('[]')])}]"
    return shlex.join(["gan-train", *kept, f"{key}={value}"])
