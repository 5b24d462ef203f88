"""There and back: what both minimise, what D sees, and what is drawn."""

import math

import pytest
import torch
from torch import Tensor

from gan_cli.data.fields import Field
from gan_cli.games.cyclegan import CycleGAN
from gan_cli.games.losses import LeastSquares, Loss, NonSaturating
from gan_cli.games.requests import Request
from gan_cli.tricks.pools import ExperienceReplay
from tests.games.stubs import Scale, Undecided
from tests.tricks.games import START

A, B = torch.full((3, 1, 4, 4), 0.4), torch.full((3, 1, 4, 4), -0.8)
BATCH = {"a": A, "b": B}
IMAGE = Field("image", (1, 4, 4))


def game(ab: float = 1.0, ba: float = 1.0, loss: Loss | None = None, **options: float) -> CycleGAN:
    networks = Scale(ab), Scale(ba), Undecided(), Undecided()
    made = CycleGAN(*networks, loss or LeastSquares(), **options)  # type: ignore[arg-type]
    made.bind({"a": IMAGE, "b": IMAGE})
    return made


def values(losses: dict[str, Tensor]) -> dict[str, float]:
    return {name: value.item() for name, value in losses.items()}


def test_the_identity_costs_nothing_but_ds_verdict():
    """At a logit of 0 least squares cost G 1/2 each way."""
    losses = values(game(identity_weight=0.5).losses("generator", BATCH, START).minimise)
    assert losses == {
        **dict.fromkeys(("adversarial_ab", "adversarial_ba"), 0.5),
        **dict.fromkeys(("cycle_a", "cycle_b", "identity_a", "identity_b"), 0.0),
    }


def test_g_by_hand():
    """ab doubles, ba triples: a = 0.4 comes back as 2.4, b = -0.8 as -4.8.

    ||ba(a) - a|| = 0.8 and ||ab(b) - b|| = 0.8.
    """
    made = game(2.0, 3.0, cycle_weight=10.0, identity_weight=0.5)
    losses = values(made.losses("generator", BATCH, START).minimise)
    assert losses["cycle_a"] == pytest.approx(10 * 2.0)
    assert losses["cycle_b"] == pytest.approx(10 * 4.0)
    assert losses["identity_a"] == pytest.approx(5 * 0.8)
    assert losses["identity_b"] == pytest.approx(5 * 0.8)


def test_weights():
    made = game(2.0, 3.0, cycle_weight=3.0, identity_weight=0.0)
    losses = values(made.losses("generator", BATCH, START).minimise)
    assert losses["cycle_a"] == pytest.approx(3 * 2.0)
    assert not {"identity_a", "identity_b"} & set(losses)


def test_without_a_cycle_only_the_ds_count():
    losses = values(game(2.0, cycle_weight=0.0).losses("generator", BATCH, START).minimise)
    assert sum(losses.values()) == pytest.approx(1.0)


def test_the_identity_loss_needs_equal_channels():
    networks = Scale(), Scale(), Undecided(), Undecided()
    networks[0].out_channels = networks[1].in_channels = 3
    with pytest.raises(ValueError, match=r"identity_weight=0.5: a and b differ in channels"):
        CycleGAN(*networks, LeastSquares(), identity_weight=0.5)  # type: ignore[arg-type]
    CycleGAN(*networks, LeastSquares(), identity_weight=0.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(("loss", "half"), [(LeastSquares, 0.25), (NonSaturating, math.log(2))])
def test_both_ds_losses_are_halved(loss, half: float):
    made = game(2.0, 3.0, loss=loss())
    made.losses("generator", BATCH, START)
    found = made.losses("discriminator", BATCH, START)
    assert values(found.minimise) == {
        "adversarial_a": pytest.approx(half),
        "adversarial_b": pytest.approx(half),
    }
    torch.stack([*found.minimise.values()]).sum().backward()
    assert all(network.scale.grad is None for network in made.averaged.values())


def test_each_d_sees_its_own_kind_and_what_g_has_just_made():
    made = game(2.0, 3.0)
    made.losses("generator", BATCH, START)
    shown = {name: made.adversary(name).network.shown for name in "ab"}
    assert torch.equal(shown["a"].pop(), 3.0 * B)
    assert torch.equal(shown["b"].pop(), 2.0 * A)
    assert shown == {"a": [], "b": []}
    made.generator_ab.scale.data.fill_(7.0)  # as after G's step: D still sees what G had made
    made.losses("discriminator", BATCH, START)
    for name, real, fake in (("a", A, 3.0 * B), ("b", B, 2.0 * A)):
        assert all(map(torch.equal, shown[name], (real, fake)))


@pytest.mark.parametrize("count", [1, 3])
def test_pools_show_ds_the_past(count: int):
    """At p = 1 all of a second turn's fakes are those of the first; G's turn sees its own."""
    made = game(2.0, 3.0)
    for name in "ab":
        pool = ExperienceReplay(50, p=1.0)
        pool.attach((1, 4, 4))
        made.adversary(name).add("pool", pool)
    first, second = ({k: x[:count] * m for k, x in BATCH.items()} for m in (1.0, 0.5))
    shown = {name: made.adversary(name).network.shown for name in "ab"}
    for batch in (first, second):
        for player in made.players_in_order:
            made.losses(player, batch, START)
    for name, old, new in (
        ("a", 3.0 * B[:count], 1.5 * B[:count]),
        ("b", 2 * A[:count], A[:count]),
    ):
        of_g, _, of_d = 3, 4, 5  # each turn of G shows one batch, each of D a real and a fake one
        assert torch.equal(shown[name][of_g], new)
        assert torch.equal(shown[name][of_d], old)


def test_players():
    made = game()
    assert made.players_in_order == ("generator", "discriminator")
    specs = {name: (spec.modules, spec.times) for name, spec in made.players.items()}
    assert specs == {
        "generator": ([made.generator_ab, made.generator_ba], 1),
        "discriminator": ([made.adversary("a").network, made.adversary("b").network], 1),
    }
    assert made.averaged == {
        "generator_ab": made.generator_ab,
        "generator_ba": made.generator_ba,
    }


def test_the_direction_follows_from_the_input():
    made = game()
    assert made.complete(Request(3, inputs={"a": A})).direction == "ab"
    assert made.complete(Request(3, inputs={"b": B})).direction == "ba"
    assert made.complete(Request(3, inputs={"b": B}, direction="ba")).direction == "ba"
    assert made.complete(Request(3, inputs=BATCH)).direction is None


def test_drawing_shows_the_way_back():
    made = game(2.0, 3.0)
    drawing = made.draw(made.complete(Request(3, inputs={"b": B})))
    assert list(drawing.panels) == ["b", "ba", "bab"]
    assert drawing.output == "ba"
    assert torch.equal(drawing.made, 3.0 * B)
    assert torch.equal(drawing.panels["bab"], 6.0 * B)
    both = made.draw(Request(3, inputs=BATCH))
    assert list(both.panels) == ["a", "ab", "aba", "b", "ba", "bab"]
    assert torch.equal(both.made, 2.0 * A)


def test_what_a_run_shows_and_is_measured_by():
    made = game(2.0, 3.0)

    def look_up(count, label):
        return {name: torch.rand(count, 1, 4, 4) for name in "ab"}

    (sheet,) = made.sheets(look_up, 0).values()
    assert (sheet.request.count, sheet.columns) == (8, 1)
    assert {x.shape for x in made.draw(sheet.request).panels.values()} == {(8, 1, 4, 4)}
    for name, trial in made.trials().items():
        request = Request(3, inputs={k: BATCH[k] for k in trial.inputs}, direction=trial.direction)
        drawing = made.draw(made.complete(request))
        assert (drawing.output, trial.paired) == (name, False)
        assert (*trial.inputs, trial.real) == tuple(name)
        # what the cycle error compares with the input is the way there and back
        assert torch.equal(drawing.panels[trial.cycle], 6.0 * BATCH[trial.inputs[0]])
