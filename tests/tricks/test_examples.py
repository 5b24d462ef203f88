"""R1 and R2 read the gradient of the very logits that the loss read."""

import pytest
import torch
from torch import Tensor, nn

from gan_cli.games.adversary import Adversary
from gan_cli.games.base import Game, Losses
from gan_cli.games.losses import NonSaturating
from gan_cli.tricks.base import Term, View
from gan_cli.tricks.penalties import R1, R2
from tests.games.composed import assembled, random_batch
from tests.tricks.games import START, tiny_discriminator


class Calls:
    """What dtype a network answered in, each time it was asked."""

    def __init__(self, network: nn.Module) -> None:
        self.dtypes: list[torch.dtype] = []
        network.register_forward_hook(lambda m, x, output: self.dtypes.append(output[0].dtype))


def r3gan() -> Game:
    return assembled("r3gan", "data.image_size=8")


def turn(game: Game, precision: torch.dtype | None = None) -> Losses:
    torch.manual_seed(0)
    batch = random_batch(game.fields, 6)
    with torch.autocast("cpu", precision, enabled=precision is not None):
        return game.turn("discriminator", batch, START)


def test_d_is_asked_twice():
    game = r3gan()
    calls = Calls(game.adversary("discriminator").network)
    losses = turn(game)
    assert set(losses.minimise) == {"adversarial", "r1", "r2"}
    assert calls.dtypes == [torch.float32] * 2  # once of real images, once of fakes


def test_g_does_not_pay_for_it():
    game = r3gan()
    calls = Calls(game.adversary("discriminator").network)
    losses = game.turn("generator", random_batch(game.fields, 6), START)
    assert set(losses.minimise) == {"adversarial"}
    assert len(calls.dtypes) == 2


def test_under_autocast_penalties_are_in_float32_and_losses_are_not():
    exact, coarse = r3gan(), r3gan()
    calls = Calls(coarse.adversary("discriminator").network)
    wanted, found = turn(exact).minimise, turn(coarse, torch.bfloat16).minimise
    assert calls.dtypes == [torch.bfloat16] * 2 + [torch.float32] * 2
    assert found["adversarial"].dtype == torch.float32
    assert found["adversarial"].item() == pytest.approx(wanted["adversarial"].item(), rel=0.02)
    assert found["adversarial"].item() != wanted["adversarial"].item()
    # reals are the same in both; fakes are G's, which makes them in bf16
    assert found["r1"].dtype == torch.float32
    assert found["r1"].item() == pytest.approx(wanted["r1"].item(), rel=1e-5)
    assert found["r2"].item() == pytest.approx(wanted["r2"].item(), rel=0.02)


def gradients(network: nn.Module, losses: dict[str, Tensor]) -> list[Tensor]:
    return [*torch.autograd.grad(losses["term"], [*network.parameters()], materialize_grads=True)]


@pytest.mark.parametrize("kind", [R1, R2])
def test_autocast_changes_neither_the_penalty_nor_its_gradient(kind: type[Term]):
    torch.manual_seed(0)
    network = tiny_discriminator()
    adversary = Adversary(network, NonSaturating())
    adversary.add("term", kind())
    real, fake = torch.rand(2, 6, 1, 2, 2)
    found = []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            batch = adversary(real, fake, None, START, "discriminator")
            losses = adversary.discriminator_losses(batch)
        found.append((losses["term"], *gradients(network, losses)))
    for plain, under in zip(*found, strict=True):
        torch.testing.assert_close(under, plain, rtol=1e-5, atol=1e-7)


class Linear(nn.Module):
    """D(x) = 3 times the sum of x: 9 for each number, half of it by R1."""

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return 3.0 * x.flatten(1).sum(1), x.flatten(1)


class Twice(View):
    """Images twice as bright."""

    def forward(self, x: Tensor, progress) -> Tensor:
        return 2.0 * x


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("kind", [R1, R2])
def test_views_are_part_of_what_is_differentiated(kind: type[Term], autocast: bool):
    """d D(2x) / dx is twice the gradient at 2x, and its square four times as large."""
    found = []
    for views in (0, 1, 2):
        adversary = Adversary(Linear(), NonSaturating())
        adversary.add("term", kind(weight=1.0))
        for i in range(views):
            adversary.add(f"view{i}", Twice())
        real, fake = torch.rand(2, 6, 1, 2, 2)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            batch = adversary(real, fake, None, START, "discriminator")
            found.append(adversary.discriminator_losses(batch)["term"].item())
    assert found == pytest.approx([4 * 9 / 2, 4 * 4 * 9 / 2, 16 * 4 * 9 / 2])


def test_batches_are_left_as_they_came():
    """No gradient gathers in the data."""
    network = tiny_discriminator()
    adversary = Adversary(network, NonSaturating())
    adversary.add("term", R1())
    real, fake = torch.rand(2, 6, 1, 2, 2)
    losses = adversary.discriminator_losses(adversary(real, fake, None, START, "discriminator"))
    torch.stack([*losses.values()]).sum().backward()
    assert not real.requires_grad
    assert real.grad is None
    assert all(p.grad is not None for p in network.parameters())
