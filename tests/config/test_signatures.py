"""Checking configs against constructors' signatures."""

import dataclasses
from typing import Annotated, Any, Literal

import pytest
import torch

from gan_cli.config.components import Component, locate, parameters
from gan_cli.config.schema import TrickSettings
from gan_cli.config.signatures import Checker
from gan_cli.games.losses import Hinge, Loss
from gan_cli.ranges import Count, Positive, Probability


class Part:
    def __init__(
        self, width: Count, share: Probability = 0.5, kind: Literal["a", "b"] = "a"
    ) -> None:
        self.width, self.share, self.kind = width, share, kind


@dataclasses.dataclass
class Section:
    lr: Positive
    loss: Annotated[Component, Loss]
    parts: dict[str, Annotated[Component, Part]]


PART = f"{__name__}.Part"
GOOD = {"lr": 0.1, "loss": {"_target_": "gan_cli.games.losses.Hinge"}, "parts": {}}


def problems(value: Any, wanted: Any = Section, **options: Any) -> dict[str, str]:
    checker = Checker(**options)
    checker.value(value, wanted, "")
    return checker.problems


def test_a_good_config_has_no_problems_and_comes_out_typed() -> None:
    checker = Checker()
    checked = checker.value({**GOOD, "parts": {"p": {"_target_": PART, "width": 1e1}}}, Section, "")
    assert not checker.problems
    assert isinstance(checked, Section)
    part = checked.parts["p"].build()
    assert part.width == 10
    assert isinstance(part.width, int)
    assert isinstance(checked.loss.build(), Hinge)


def test_all_problems_come_out_together_under_their_full_keys() -> None:
    value = {
        "lr": -1,
        "loss": {"_target_": "gan_cli.games.losses.Hinge", "margin": 2},
        "parts": {"p": {"_target_": PART, "widht": 3, "share": 2, "kind": "c"}},
        "extra": 1,
    }
    assert problems(value).keys() == {
        "lr",
        "loss.margin",
        "parts.p.widht",
        "parts.p.width",
        "parts.p.share",
        "parts.p.kind",
        "extra",
    }


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "greater than 0"),
        (float("nan"), "finite"),
        (float("inf"), "finite"),
        ("fast", "valid number"),
        (True, "a number"),
        ("???", "missing"),
        ([1], "valid number"),
    ],
)
def test_a_rate_is_a_finite_positive_number(value: Any, said: str) -> None:
    found = problems({**GOOD, "lr": value})
    assert list(found) == ["lr"]
    assert said in found["lr"]


@pytest.mark.parametrize(("value", "good"), [(1e5, True), ("1e5", False), (1.5, False), (0, False)])
def test_whole_numbers_may_be_written_as_floats(value: Any, good: bool) -> None:
    assert (not problems({"_target_": PART, "width": value}, Part)) is good


def test_a_mistyped_key_is_told_the_nearest_real_one() -> None:
    found = problems({"_target_": PART, "width": 1, "shrae": 0.1}, Part)
    assert "did you mean share?" in found["shrae"]


def test_a_component_must_be_of_the_right_kind() -> None:
    assert (
        "not a Loss" in problems({**GOOD, "loss": {"_target_": PART, "width": 1}})["loss._target_"]
    )
    assert "_target_" in problems({**GOOD, "loss": "hinge"})["loss"]


def test_a_section_with_a_component_takes_the_keys_of_both() -> None:
    value = {"_target_": "gan_cli.tricks.penalties.R1", "weight": 1, "on": ["a"]}
    checker = Checker()
    checked = checker.value(value, TrickSettings, "t")
    assert not checker.problems
    assert (checked.on, checked.trick.arguments) == (["a"], {"weight": 1.0})
    assert problems({**value, "other": 1}, TrickSettings).keys() == {"other"}


def test_a_key_that_others_interpolate_needs_no_reader() -> None:
    assert problems({**GOOD, "shared": 1}).keys() == {"shared"}
    assert not problems({**GOOD, "shared": 1}, variables={"shared"})


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("lr", 0.0),
        ("lr", float("nan")),
        ("betas", [0.5, 1.0]),
        ("betas", [-0.1, 0.9]),
        ("betas", [0.5]),
        ("eps", 0.0),
        ("weight_decay", -1.0),
        ("colour", 1),
    ],
)
def test_optimizers_have_ranges(name: str, bad: Any) -> None:
    good = {"_target_": "torch.optim.Adam", "lr": 0.1, "betas": [0.0, 0.9]}
    assert not problems(good, torch.optim.Optimizer)
    assert len(problems({**good, name: bad}, torch.optim.Optimizer)) == 1


def test_what_an_optimizer_steps_is_not_the_configs_to_say() -> None:
    assert "params" not in parameters(torch.optim.SGD)


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "torch.load",
        "torch.nn.Linear",
        "builtins.eval",
        "gan_cli.sinks.jsonl.json.JSONDecoder",
        "gan_cli.files.os._Environ",
        "gan_cli.config.components.types.CodeType",
        "gan_cli.runs.train.run_training",
        "gan_cli.config.components.locate",
        "gan_client.Thing",
        "gan_cli",
        "",
        None,
        "gan_cli.games.losses.Nope",
        "gan_cli.nowhere.Nope",
    ],
)
def test_an_untrusted_config_names_only_our_classes(target: Any) -> None:
    with pytest.raises(ValueError, match=r"refused|not a class|cannot be imported|not the dotted"):
        locate(target, trusted=("gan_cli", "torch.optim"))


def test_trusted_classes_are_found() -> None:
    assert locate("gan_cli.games.losses.Hinge", trusted=("gan_cli",)) is Hinge
    assert locate("torch.optim.Adam", trusted=("torch.optim",)) is torch.optim.Adam
    assert locate(PART) is Part
