import pytest
import torch
from torch import Tensor
from torch.autograd.functional import jacobian
from torch.func import functional_call

from gan_cli.tricks.base import Term
from gan_cli.tricks.examples import input_gradients
from gan_cli.tricks.penalties import DRAGAN, R1, R2, GradientPenalty
from tests.tricks.games import Tiny, batch_of, tiny_discriminator

ALL = [GradientPenalty, DRAGAN, R1, R2]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        # ||w|| = 5 everywhere, whatever x is: (5 - 1)^2 and 5^2 / 2
        (GradientPenalty, 16.0),
        (DRAGAN, 16.0),
        (R1, 12.5),
        (R2, 12.5),
    ],
)
def test_a_linear_discriminator(kind: type[Term], wanted: float):
    w = torch.tensor([3.0, 0.0, 4.0, 0.0])
    batch = batch_of(
        lambda x, y: (x.flatten(1) @ w, x.flatten(1)),
        torch.rand(5, 1, 2, 2),
        torch.rand(5, 1, 2, 2),
    )
    assert kind().forward(batch, "discriminator").item() == pytest.approx(wanted)


def test_a_target_of_its_own():
    """||w|| = 5, held at 2.5: (5 / 2.5 - 1)^2."""
    w = torch.tensor([3.0, 0.0, 4.0, 0.0])
    x = torch.rand(5, 1, 2, 2)
    batch = batch_of(lambda x, y: (x.flatten(1) @ w, x.flatten(1)), x, x)
    assert GradientPenalty(target=2.5).forward(batch, "discriminator").item() == pytest.approx(1.0)


@pytest.mark.parametrize(("kind", "wanted"), [(R1, (1 + 4) / 2 / 2), (R2, (9 + 16) / 2 / 2)])
def test_each_looks_at_its_own_kind(kind: type[Term], wanted: float):
    """D = x^2 / 2 has the slope x: reals (1, 2) and fakes (3, 4)."""
    real, fake = (torch.tensor(v).view(2, 1, 1, 1) for v in ([1.0, 2.0], [3.0, 4.0]))
    batch = batch_of(lambda x, y: (x.flatten() ** 2 / 2, x.flatten(1)), real, fake)
    assert kind().forward(batch, "discriminator").item() == pytest.approx(wanted)


def test_between_real_and_fake():
    """D = x^2 / 2 between reals at 2 and fakes at 4: slopes lie in [2, 4], one per sample."""
    real, fake = torch.full((500, 1, 2, 2), 2.0), torch.full((500, 1, 2, 2), 4.0)
    seen: list[Tensor] = []

    def discriminate(x, y):
        seen.append(x.detach())
        return (x**2).flatten(1).sum(1) / 2, x.flatten(1)

    GradientPenalty().forward(batch_of(discriminate, real, fake), "discriminator")
    (x_hat,) = seen
    assert torch.equal(x_hat, x_hat[:, :, :1, :1].expand_as(x_hat))
    assert x_hat.min() >= 2
    assert x_hat.max() <= 4
    assert x_hat.std() > 0.5


def test_around_reals():
    """Reals of standard deviation 1: x_hat lies up to half of that above them."""
    torch.manual_seed(0)
    real = torch.randn(500, 1, 2, 2)
    real = real / real.std()
    seen: list[Tensor] = []

    def discriminate(x, y):
        seen.append(x.detach() - real)
        return x.flatten(1).sum(1), x.flatten(1)

    DRAGAN().forward(batch_of(discriminate, real, torch.zeros_like(real)), "discriminator")
    (moved,) = seen
    assert moved.min() >= 0
    assert 0.4 < moved.max() <= 0.5
    assert moved.mean().item() == pytest.approx(0.125, abs=0.01)  # E[a] E[u] / 2


@pytest.mark.parametrize("kind", ALL)
def test_gradients_by_finite_differences(kind: type[Term]):
    torch.manual_seed(0)
    network = tiny_discriminator().double()
    real, fake = torch.rand(2, 3, 1, 2, 2, dtype=torch.double)

    def value(*weights: Tensor) -> Tensor:
        named = dict(zip(dict(network.named_parameters()), weights, strict=True))
        torch.manual_seed(1)
        batch = batch_of(lambda x, y: functional_call(network, named, (x, y)), real, fake)
        return kind().forward(batch, "discriminator")

    weights = [p.detach().clone().requires_grad_() for p in network.parameters()]
    assert torch.autograd.gradcheck(value, weights)
    assert any(slope.abs().max() > 1e-3 for slope in jacobian(value, tuple(weights)))


def test_gradients_ask_with_the_label():
    w = torch.tensor([1.0, -2.0])
    x, y = torch.rand(2, 1, 1, 1), torch.tensor([0, 1])
    batch = batch_of(lambda x, y: (x.flatten() * w[y], x.flatten(1)), x, x, y)
    assert input_gradients(batch.discriminate, x, y).flatten().tolist() == [1.0, -2.0]


@pytest.mark.parametrize("kind", ALL)
def test_weight_zero_equals_absent(kind: type[Term]):
    plain, without, with_ = Tiny(), Tiny(kind(weight=0.0)), Tiny(kind())
    for game in (plain, without, with_):
        game.play(3)
    assert plain.equals(without)
    assert not plain.equals(with_)


def test_every_first_step_is_not_lazy():
    lazy, eager = Tiny(R1(weight=2.0, every=1)), Tiny(R1(weight=2.0))
    lazy.play(3)
    eager.play(3)
    assert lazy.equals(eager)


def test_every_third_step_weighs_three_times_as_much():
    eager = Tiny(R1(weight=2.0)).play(1)["discriminator/term0"]
    lazy = Tiny(R1(weight=2.0, every=3))
    assert lazy.play(1)["discriminator/term0"].item() == pytest.approx(3 * eager.item())
    assert "discriminator/term0" not in lazy.play(2, start=1)
    assert "discriminator/term0" in lazy.play(1, start=3)


def test_a_flat_discriminator_gives_no_nan():
    weight = torch.zeros(4, requires_grad=True)
    batch = batch_of(
        lambda x, y: (x.flatten(1) @ weight, x.flatten(1)),
        torch.rand(2, 1, 2, 2),
        torch.rand(2, 1, 2, 2),
    )
    for kind in ALL:
        (slope,) = torch.autograd.grad(kind().forward(batch, "discriminator"), weight)
        assert torch.isfinite(slope).all()
