"""From pairs: what both minimise, and what is drawn."""

import math

import pytest
import torch
from torch import nn

from gan_cli.data.fields import Field
from gan_cli.games.losses import LeastSquares, NonSaturating
from gan_cli.games.pix2pix import Pix2Pix
from gan_cli.games.requests import Request
from gan_cli.tricks.penalties import R1
from tests.games.stubs import Scale, Undecided
from tests.tricks.games import START

BATCH = {"source": torch.full((3, 1, 4, 4), 0.4), "target": torch.full((3, 1, 4, 4), 1.0)}
IMAGE = Field("image", (1, 4, 4))


def game(scale: float = 0.5, loss=None, **options: float) -> tuple[Pix2Pix, Scale, Undecided]:
    generator, discriminator = Scale(scale), Undecided()
    made = Pix2Pix(generator, discriminator, loss or NonSaturating(), **options)
    made.bind({"source": IMAGE, "target": IMAGE})
    return made, generator, discriminator


@pytest.mark.parametrize(("weight", "l1"), [(100.0, 80.0), (10.0, 8.0), (0.0, 0.0)])
def test_g_by_hand(weight: float, l1: float):
    """G(0.4) = 0.2 is 0.8 from the target; D at 1/2 costs G log 2."""
    made, generator, _ = game(l1_weight=weight)
    losses = made.losses("generator", BATCH, START)
    assert losses.watch == {}
    assert {k: v.item() for k, v in losses.minimise.items()} == {
        "adversarial": pytest.approx(math.log(2)),
        "l1": pytest.approx(l1),
    }
    losses.minimise["l1"].backward()
    assert generator.scale.grad.item() == pytest.approx(-0.4 * weight)


@pytest.mark.parametrize(("loss", "half"), [(NonSaturating, math.log(4) / 2), (LeastSquares, 0.25)])
def test_ds_loss_is_halved(loss, half: float):
    """At a logit of 0 it would be log 4, and for least squares 1/2."""
    made, generator, _ = game(loss=loss())
    losses = made.losses("discriminator", BATCH, START)
    assert losses.minimise["adversarial"].item() == pytest.approx(half)
    assert set(losses.minimise) == {"adversarial"}
    losses.minimise["adversarial"].backward()
    assert generator.scale.grad is None  # fakes of D's turn come without a graph


def test_a_term_of_d_is_not_halved():
    losses = []
    for tricks in ((), (R1(weight=2.0),)):
        made = Pix2Pix(Scale(), nn_slope(3.0), NonSaturating())
        for trick in tricks:
            made.adversary("discriminator").add("r1", trick)
        losses.append(made.losses("discriminator", BATCH, START).minimise)
    assert losses[0]["adversarial"].item() == pytest.approx(losses[1]["adversarial"].item())
    assert losses[1]["r1"].item() == pytest.approx(2.0 * 3.0**2 * 32 / 2)


def nn_slope(w: float) -> nn.Module:
    """D(x) = w times the sum of x, whose gradient is w at each of 2x4x4 numbers."""

    class Slope(nn.Module):
        def forward(self, x, y=None):
            return w * x.flatten(1).sum(1), x.flatten(1)

    return Slope()


def test_d_sees_source_and_image_together():
    made, _, discriminator = game()
    wanted = {
        "real": torch.cat([BATCH["source"], BATCH["target"]], 1),
        "fake": torch.cat([BATCH["source"], 0.5 * BATCH["source"]], 1),
    }
    made.losses("discriminator", BATCH, START)
    assert all(map(torch.equal, discriminator.shown, (wanted["real"], wanted["fake"])))
    discriminator.shown.clear()
    made.losses("generator", BATCH, START)
    assert len(discriminator.shown) == 1
    assert torch.equal(discriminator.shown[0], wanted["fake"])
    assert torch.equal(made.real_examples(BATCH)["discriminator"][0], wanted["real"])
    assert made.shape_seen_by("discriminator") == (2, 4, 4)


def test_g_is_asked_once_a_step():
    """What it made in D's turn serves its own, with the gradients that it would have had."""
    made, generator, _ = game()
    calls = []
    generator.register_forward_hook(lambda *_: calls.append(1))
    made.set_optimizers({"generator": torch.optim.SGD(generator.parameters(), 0.1)})
    alone = made.losses("generator", BATCH, START).minimise
    sum(alone.values()).backward()
    wanted = generator.scale.grad.clone()
    calls.clear()
    generator.zero_grad()
    generator.requires_grad_(False)  # as it is in D's turn
    made.losses("discriminator", BATCH, START).minimise["adversarial"].backward()
    assert not generator.scale.requires_grad
    assert generator.scale.grad is None
    generator.requires_grad_(True)
    sum(made.losses("generator", BATCH, START).minimise.values()).backward()
    assert len(calls) == 1
    assert torch.equal(generator.scale.grad, wanted)
    made.losses("generator", BATCH, START)
    assert len(calls) == 2  # nothing is used twice


def test_players():
    made, generator, discriminator = game()
    assert made.players_in_order == ("discriminator", "generator")
    assert {name: (spec.modules, spec.times) for name, spec in made.players.items()} == {
        "discriminator": ([discriminator], 1),
        "generator": ([generator], 1),
    }
    assert made.averaged == {"generator": generator}


def test_drawing_shows_input_output_and_target():
    made, _, _ = game()
    drawing = made.draw(made.complete(Request(3, inputs=BATCH)))
    assert list(drawing.panels) == ["input", "output", "target"]
    assert torch.equal(drawing.made, 0.5 * BATCH["source"])
    assert torch.equal(drawing.panels["target"], BATCH["target"])
    assert not drawing.made.requires_grad
    alone = made.draw(made.complete(Request(3, inputs={"source": BATCH["source"]})))
    assert list(alone.panels) == ["input", "output"]


def test_what_a_run_shows_and_is_measured_by():
    made, _, _ = game()

    def look_up(count, label):
        return {name: torch.rand(count, 1, 4, 4) for name in made.fields}

    (sheet,) = made.sheets(look_up, 0).values()
    assert (sheet.request.count, sheet.columns) == (16, 2)
    assert made.draw(sheet.request).panels["target"].shape == (16, 1, 4, 4)
    (trial,) = made.trials().values()
    assert (trial.real, trial.inputs, trial.paired) == ("target", ("source",), True)
