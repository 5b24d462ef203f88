"""Numbers that follow the images seen."""

import pytest
import torch

from gan_cli.config.components import Component
from gan_cli.config.signatures import Checker
from gan_cli.engine.player import Player
from gan_cli.engine.schedules import Constant
from gan_cli.tricks.examples import Progress
from gan_cli.tricks.penalties import R1
from gan_cli.tricks.schedules import Ramp, now

RAMP = {"_target_": "gan_cli.tricks.schedules.Ramp", "start": 0.9, "end": 0.99, "images": 100}


def at(images: int, step: int = 0) -> Progress:
    return Progress(step, 0.0, 0.0, images)


@pytest.mark.parametrize(
    ("ramp", "expected"),
    [
        (Ramp(2.0, 1.0, 100, "linear"), [2.0, 1.75, 1.5, 1.0, 1.0]),
        (Ramp(0.0, 2.0, 100, "cosine"), [0.0, 1 - 0.5**0.5, 1.0, 2.0, 2.0]),
        (Ramp(0.0, 1.0, 0, after=50), [0.0, 0.0, 1.0, 1.0, 1.0]),
        (Ramp(0.0, 1.0, 50, "linear", after=50), [0.0, 0.0, 0.0, 1.0, 1.0]),
    ],
    ids=["linear", "cosine", "jump", "later"],
)
def test_on_its_way(ramp: Ramp, expected: list[float]) -> None:
    assert [ramp(at(n)) for n in (0, 25, 50, 100, 1000)] == pytest.approx(expected)


def test_a_number_stays() -> None:
    assert now(0.3, at(7)) == 0.3


def test_a_weight_that_is_zero_now_costs_nothing() -> None:
    term = R1(Ramp(0.0, 4.0, 100, "linear"), every=2)
    assert [term.due(at(images, step)) for images, step in ((0, 0), (50, 1), (50, 2))] == [
        *(False, False, True)
    ]
    assert term.weigh(torch.tensor(3.0), at(50, 2)) == 2.0 * 2 * 3.0  # weight, every, value


def test_an_optimizer_follows() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    betas = (0.0, Ramp(0.9, 0.99, 100, "linear"))
    adam = torch.optim.Adam([weight], betas=(0.0, 0.9))
    player = Player("generator", [weight], adam, Constant(), moving={"betas": betas})
    player.follow(at(50))
    assert adam.param_groups[0]["betas"] == (0.0, pytest.approx(0.945))


def checked(node: object) -> tuple[object, list[str]]:
    checker = Checker()
    given = {"_target_": "torch.optim.Adam", "betas": node}
    made = checker.component(given, [torch.optim.Optimizer], "optimizer")
    return made and made.arguments.get("betas"), [*checker.problems.values()]


def test_a_config_names_one_where_a_number_may_stand() -> None:
    betas, problems = checked([0.0, RAMP])
    assert not problems
    assert isinstance(betas, tuple)
    assert isinstance(betas[1], Component)


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ([0.0, RAMP | {"end": 1.5}], "optimizer.betas[1].end=1.5: should be less than 1"),
        ([0.0, RAMP | {"images": -1}], "optimizer.betas[1].images=-1: should be greater than or"),
        ([0.0, 1.0], "optimizer.betas[1]=1.0: should be less than 1"),
        ([0.0], "optimizer.betas=[0.0]: too few values"),
        ([0.0, 0.5, 0.9], "optimizer.betas=[0.0, 0.5, 0.9]: should be 2 values"),
        ([0.0, {"_target_": "torch.nn.Linear"}], "torch.nn.Linear is not a Schedule"),
        ([0.0, {"start": 1}], "optimizer.betas[1]={'start': 1}: should be a valid number"),
    ],
)
def test_a_mistake_in_one(node: object, said: str) -> None:
    _, problems = checked(node)
    assert len(problems) == 1
    assert said in problems[0]
