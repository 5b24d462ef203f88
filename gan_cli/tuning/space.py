"""What a search varies: YAML to Optuna's distributions, and a trial's values to overrides."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial

from gan_cli.errors import UserError

RANGE = {"low", "high", "log", "step"}
WHERE = "search.space"


@dataclasses.dataclass(frozen=True)
class Dimension:
    """One key that is searched.

    Attributes:
        key: as `gan-train` calls it, such as `optimizer.lr`.
        distribution: where its values come from; a choice is kept as it is typed.
    """

    key: str
    distribution: BaseDistribution

    def suggest(self, trial: Trial) -> Any:
        """A value for a trial."""
        found = self.distribution
        if isinstance(found, CategoricalDistribution):
            return trial.suggest_categorical(self.key, found.choices)
        if isinstance(found, IntDistribution):
            return trial.suggest_int(self.key, found.low, found.high, log=found.log)
        assert isinstance(found, FloatDistribution)
        return trial.suggest_float(self.key, found.low, found.high, log=found.log)

    @property
    def corners(self) -> list[Any]:
        """Values that stand for all: every choice, and the ends of a range."""
        found = self.distribution
        if isinstance(found, CategoricalDistribution):
            return list(found.choices)
        assert isinstance(found, IntDistribution | FloatDistribution)
        return [found.low, found.high]


def override(key: str, value: Any) -> str:
    """How a value is typed after a command."""
    return f"{key}={value if isinstance(value, str) else json.dumps(value)}"


def read_space(space: Mapping[str, Any]) -> list[Dimension]:
    """The dimensions of `search.space`, nested as the keys of `gan-train` are.

    A list is a choice among its entries; `{low, high}` a range, of whole numbers where both ends
    are; `log: true` spreads it evenly over orders of magnitude.

    Raises:
        UserError: something else stands there; one line each.
    """
    problems: list[str] = []
    found = list(_read(space, "", problems))
    if not found and not problems:
        problems.append(f"{WHERE}: nothing is searched; give it a list or {{low: , high: }}")
    if problems:
        raise UserError(*problems)
    return found


def _read(tree: Mapping[str, Any], above: str, problems: list[str]) -> Iterator[Dimension]:
    for name, value in tree.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping) and not RANGE & value.keys():
            yield from _read(value, f"{key}.", problems)
        elif said := _fault(value):
            problems.append(f"{WHERE}.{key}: {said}")
        elif isinstance(value, Mapping):
            yield Dimension(key, _range(value))
        else:
            yield Dimension(key, CategoricalDistribution([_typed(choice) for choice in value]))


def _fault(value: Any) -> str:
    """What is wrong with a dimension; empty where nothing is."""
    if isinstance(value, list):
        return "" if len(value) > 1 else "one choice is none; list two at least"
    if not isinstance(value, Mapping):
        return f"{value!r} is neither a list of choices nor a range {{low: , high: }}"
    if odd := value.keys() - (RANGE - {"step"}):
        return f"{', '.join(map(str, sorted(odd)))}: a range has low, high and log"
    low, high = value.get("low", ""), value.get("high", "")
    if not all(isinstance(x, int | float) and not isinstance(x, bool) for x in (low, high)):
        return "a range has two numbers, low and high (write 1.0e-4, which YAML reads as one)"
    if not low < high:
        return f"low is {low} and high is {high}; low has to be less"
    if value.get("log") and low <= 0:
        return "log: true takes a range above 0"
    return ""


def _range(value: Mapping[str, Any]) -> BaseDistribution:
    low, high, log = value["low"], value["high"], bool(value.get("log", False))
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log=log)
    return FloatDistribution(float(low), float(high), log=log)


def _typed(choice: Any) -> Any:
    """A choice as Optuna keeps it: lists as they would be typed."""
    if isinstance(choice, list):
        return f"[{','.join(str(_typed(one)) for one in choice)}]"
    return choice
