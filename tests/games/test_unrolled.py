import gc

import pytest
import torch
from torch import Tensor, nn

from gan_cli.games.losses import (
    Hinge,
    LeastSquares,
    Loss,
    NonSaturating,
    RelativisticAverage,
    Wasserstein,
)
from gan_cli.games.unrolled import Unrolled
from gan_cli.networks import dcgan
from gan_cli.networks.roles import Generator
from gan_cli.tricks.base import Term
from gan_cli.tricks.examples import Progress
from gan_cli.tricks.layers import SpectralNorm
from gan_cli.tricks.penalties import DRAGAN, R1, R2, GradientPenalty
from tests.tricks.games import START, Tiny, image_fields


def test_no_steps_ahead_are_the_plain_game():
    plain, unrolled = Tiny(), Tiny(unrolled_steps=0)
    plain.play(3)
    unrolled.play(3)
    assert plain.equals(unrolled)


def test_some_steps_ahead_are_another_game():
    plain, unrolled = Tiny(), Tiny(unrolled_steps=2)
    plain.play(3)
    unrolled.play(3)
    assert not plain.equals(unrolled)


class Slope(nn.Module):
    """D(x) = w x for numbers x."""

    n_classes = 0

    def __init__(self, w: float) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w))

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.w * x.flatten(), x.flatten(1)


class Numbers(Generator):
    """Images of one pixel, the learned numbers themselves, whatever z is."""

    latent_dim, n_classes = 1, 0

    def __init__(self, *numbers: float) -> None:
        super().__init__()
        self.numbers = nn.Parameter(torch.tensor(numbers).view(-1, 1, 1, 1))

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.numbers


class Decay(Term):
    """w^2 / 2, whatever the images are: D's logit at 1 is w."""

    def __init__(self) -> None:
        super().__init__(1.0)

    def forward(self, batch, role) -> Tensor:
        return batch.discriminate(torch.ones(1, 1, 1, 1), None).logits[0] ** 2 / 2


def quadratic(steps: int, w: float, real: float, fake: float, lr: float) -> tuple[float, float]:
    """G's loss and its slope, where L_D = w (fake - real) + w^2 / 2 and D takes SGD steps."""
    network, generator = Slope(w), Numbers(fake)
    game = Unrolled(1, generator, network, Wasserstein(), unrolled_steps=steps)
    game.adversary("discriminator").add("decay", Decay())
    game.set_optimizers({"discriminator": torch.optim.SGD(network.parameters(), lr)})
    network.requires_grad_(False)  # as in G's turn
    losses = game.losses("generator", {"image": torch.full((1, 1, 1, 1), real)}, START).minimise
    assert set(losses) == {"adversarial"}
    losses["adversarial"].backward()
    assert network.w.item() == pytest.approx(w)
    assert network.w.grad is None
    return losses["adversarial"].item(), generator.numbers.grad.item()


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_whole_value_by_hand(steps: int):
    """w' = w - lr (g - r + w), so with c = 1 - lr, after k steps w_k = c^k w + (1 - c^k) (r - g).

    G minimises minus D's loss, f = w_k (r - g), the data term w_k r included; with
    dw_k/dg = -(1 - c^k) its slope is -(1 - c^k) (r - g) - w_k. Without the data term it would lack
    -(1 - c^k) r.
    """
    w, real, fake, lr = 0.7, 2.0, -0.5, 0.1
    kept = (1 - lr) ** steps
    ahead = kept * w + (1 - kept) * (real - fake)
    loss, slope = quadratic(steps, w, real, fake, lr)
    assert loss == pytest.approx(ahead * (real - fake))
    assert slope == pytest.approx(-(1 - kept) * (real - fake) - ahead)


def test_no_steps_ahead_by_hand():
    """The plain loss -w g."""
    assert quadratic(0, 0.7, 2.0, -0.5, 0.1) == pytest.approx((0.35, -0.7))


@pytest.mark.parametrize("loss", [NonSaturating, Wasserstein, LeastSquares, Hinge])
@pytest.mark.parametrize("term", [None, R1, R2, GradientPenalty, DRAGAN])
def test_gradients_by_finite_differences(loss: type[Loss], term: type[Term] | None):
    """Of G's loss in G's own numbers, through three Adam steps of D and what D minimises."""
    tricks = [] if term is None else [term(weight=1.0)]
    made = Tiny(*tricks, unrolled_steps=3, loss=loss())
    made.play(1)  # D's optimizer has a memory
    made.game.generator = Pixels(torch.rand(6, 1, 2, 2))
    real = torch.rand(6, 1, 2, 2)

    def value() -> Tensor:
        torch.manual_seed(1)
        return made.game.losses("generator", {"image": real}, START).minimise["adversarial"]

    pixels = made.game.generator.pixels
    (slope,) = torch.autograd.grad(value(), pixels)
    direction, size = slope.sign(), 2e-3
    pixels.data += size * direction
    above = value()
    pixels.data -= 2 * size * direction
    wanted = ((above - value()) / (2 * size)).item()
    assert (slope * direction).sum().item() == pytest.approx(wanted, rel=0.01)


class Pixels(Generator):
    """The same learned images, whatever z is."""

    latent_dim, n_classes = 3, 0

    def __init__(self, pixels: Tensor) -> None:
        super().__init__()
        self.pixels = nn.Parameter(pixels)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return 1.0 * self.pixels


@pytest.mark.parametrize("norm", ["batch", "spectral"])
def test_buffers_are_left_alone(norm: str):
    network = dcgan.Discriminator(
        16, 1, width=4, normalization="batch" if norm == "batch" else "none"
    )
    if norm == "spectral":
        SpectralNorm().apply_to(network)
    generator = dcgan.Generator(4, 16, 1, width=4)
    game = Unrolled(4, generator, network, NonSaturating(), unrolled_steps=2)
    game.bind(image_fields(1, 16, 16))
    game.set_optimizers({"discriminator": torch.optim.Adam(network.parameters(), 1e-3)})
    network.requires_grad_(False)  # as in G's turn
    before = [b.clone() for b in network.buffers()]
    losses = game.losses("generator", {"image": torch.rand(4, 1, 16, 16)}, START).minimise
    losses["adversarial"].backward()
    assert before
    assert all(map(torch.equal, before, network.buffers()))
    assert all(p.grad is None and not p.requires_grad for p in network.parameters())
    assert all(torch.isfinite(p.grad).all() for p in generator.parameters())


def test_terms_of_d_are_part_of_its_steps():
    """R1 of a weight that would blow the logits up holds them back."""
    found = []
    for tricks in ((), (R1(weight=100.0),)):
        game = Tiny(*tricks, unrolled_steps=5)
        found.append(game.play(1)["generator/adversarial"].item())
    assert found[0] != pytest.approx(found[1], rel=1e-3)


@pytest.mark.parametrize("loss", [RelativisticAverage(), Wasserstein()])
def test_the_value_is_minus_ds_loss_ahead(loss: Loss):
    """Also where G's own loss reads real images."""
    game = Tiny(unrolled_steps=1, loss=loss)
    game.optimizers["discriminator"].param_groups[0]["lr"] = 0.0
    x = torch.rand(6, 1, 2, 2)
    torch.manual_seed(0)
    found = game.game.losses("generator", {"image": x}, START).minimise["adversarial"]
    torch.manual_seed(0)
    wanted = game.game.losses("discriminator", {"image": x}, START).minimise["adversarial"]
    assert found.item() == pytest.approx(-wanted.item())


class Dead(Slope):
    """D(x) = w x + relu(dead x - 100), a hidden unit that never fires."""

    def __init__(self, w: float) -> None:
        super().__init__(w)
        self.dead = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        logits, features = super().forward(x)
        return logits + torch.relu(self.dead * x.flatten() - 100), features


def test_dead_weights_give_no_nan():
    """A zero gradient under Adam's square root, differentiated again."""
    network, generator = Dead(0.5), Numbers(0.1, 0.2, 0.3, 0.4)
    game = Unrolled(1, generator, network, Wasserstein(), unrolled_steps=2)
    game.set_optimizers({"discriminator": torch.optim.Adam(network.parameters(), 0.1)})
    losses = game.losses("generator", {"image": torch.rand(4, 1, 1, 1)}, START).minimise
    losses["adversarial"].backward()
    assert torch.isfinite(generator.numbers.grad).all()
    assert (generator.numbers.grad != 0).all()


def test_graphs_are_freed_without_the_garbage_collector():
    """A cycle would hold each step's graph, device memory included, until Python looks for it."""

    def tensors() -> int:
        return sum(type(found) is Tensor for found in gc.get_objects())

    game = Tiny(unrolled_steps=3)
    game.play(2)
    gc.collect()
    gc.disable()
    try:
        before = tensors()
        game.play(5, start=2)
        assert tensors() <= before
    finally:
        gc.enable()


def test_it_follows_the_present_rate():
    x = torch.rand(6, 1, 2, 2)

    def value(steps: int, lr: float) -> float:
        game = Tiny(unrolled_steps=steps, loss=Wasserstein())
        game.optimizers["discriminator"].param_groups[0]["lr"] = lr
        torch.manual_seed(0)
        losses = game.game.losses("generator", {"image": x}, Progress(0, 0.0, 0.0)).minimise
        return losses["adversarial"].item()

    assert value(5, 0.0) == pytest.approx(value(1, 0.0))
    assert value(5, 0.01) != pytest.approx(value(1, 0.01))
