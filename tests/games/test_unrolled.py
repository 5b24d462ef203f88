import gc

import pytest
import torch
from torch import Tensor, nn

from gan_cli.games.adversary import Adversary
from gan_cli.games.losses import NonSaturating, Wasserstein
from gan_cli.games.two_player import Game
from gan_cli.games.unrolled import Unrolled
from gan_cli.networks import dcgan
from gan_cli.tricks.examples import Exchange, Progress
from gan_cli.tricks.layers import SpectralNorm
from gan_cli.tricks.penalties import R1
from tests.tricks.games import START, Tiny, exchange_of


def test_no_steps_ahead_are_the_plain_game():
    plain, unrolled = Tiny(), Tiny(unrolled=Unrolled(steps=0))
    plain.play(3)
    unrolled.play(3)
    assert plain.equals(unrolled)


def test_some_steps_ahead_are_another_game():
    plain, unrolled = Tiny(), Tiny(unrolled=Unrolled(steps=2))
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


def quadratic(steps: int, w: float, real: float, fake: float, lr: float) -> tuple[float, float]:
    """G's loss -D(G) and its slope, where L_D = w (fake - real) + w^2 / 2 and D takes SGD steps."""
    network = Slope(w)
    unrolled = Unrolled(steps)
    unrolled.attach(torch.optim.SGD(network.parameters(), lr))
    x = torch.full((1, 1, 1, 1), real)
    g = torch.full((1, 1, 1, 1), fake, requires_grad=True)

    def meet(judge) -> Exchange:
        return exchange_of(judge, x, g)

    def losses(exchange: Exchange) -> dict[str, Tensor]:
        w_now = exchange.judge(torch.ones(1, 1, 1, 1), None).score[0]
        score = exchange.fake.score.mean() - exchange.real.score.mean()
        return {"adversarial": score, "decay": w_now**2 / 2}

    loss = -unrolled(network, meet, losses).fake.score.mean()
    (slope,) = torch.autograd.grad(loss, g)
    assert network.w.item() == pytest.approx(w)
    assert network.w.grad is None
    return loss.item(), slope.item()


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_the_gradient_by_hand(steps: int):
    """w' = w - lr (g - r + w), so with c = 1 - lr, after k steps
    w_k = c^k w + (1 - c^k) (r - g) and L_G = -w_k g, whose slope is -w_k + (1 - c^k) g.
    """
    w, real, fake, lr = 0.7, 2.0, -0.5, 0.1
    kept = (1 - lr) ** steps
    ahead = kept * w + (1 - kept) * (real - fake)
    loss, slope = quadratic(steps, w, real, fake, lr)
    assert loss == pytest.approx(-ahead * fake)
    assert slope == pytest.approx(-ahead + (1 - kept) * fake)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (torch.optim.Adam, {"lr": 0.02, "betas": (0.5, 0.9)}),
        (torch.optim.RMSprop, {"lr": 0.01}),
        (torch.optim.SGD, {"lr": 0.1, "momentum": 0.5}),
        (torch.optim.AdamW, {"lr": 0.02, "weight_decay": 0.1}),
    ],
)
def test_the_steps_ahead_are_those_of_ds_optimizer(kind, options):
    """What G sees is what D scores after real steps on the same batch."""
    torch.manual_seed(0)
    game = Tiny()
    network = game.networks["discriminator"]
    optimizer = kind(network.parameters(), **options)
    real, fake = torch.rand(2, 6, 1, 2, 2)

    def losses(exchange: Exchange) -> dict[str, Tensor]:
        return {"adversarial": game.game.adversary.discriminator_loss(exchange)}

    def learn() -> None:
        optimizer.zero_grad()
        losses(exchange_of(network, real, fake))["adversarial"].backward()
        optimizer.step()

    learn()
    learn()
    unrolled = Unrolled(steps=3)
    unrolled.attach(optimizer)
    before = [p.clone() for p in network.parameters()]
    memory = [t.clone() for of in optimizer.state.values() for t in of.values() if t is not None]
    seen = unrolled(network, lambda judge: exchange_of(judge, real, fake), losses).fake.score
    after = [t for of in optimizer.state.values() for t in of.values() if t is not None]
    assert all(map(torch.equal, before, network.parameters()))
    assert all(map(torch.equal, memory, after))
    for _ in range(3):
        learn()
    torch.testing.assert_close(seen, network(fake)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", ["batch", "spectral"])
def test_buffers_are_left_alone(norm: str):
    network = dcgan.Discriminator(
        16, 1, width=4, normalization="batch" if norm == "batch" else "none"
    )
    if norm == "spectral":
        SpectralNorm().apply_to(network)
    unrolled = Unrolled(steps=2)
    unrolled.attach(torch.optim.Adam(network.parameters(), 1e-3))
    generator = dcgan.Generator(4, 16, 1, width=4)
    game = Game(
        generator,
        Adversary(network, NonSaturating()),
        {"discriminator": {}, "generator": {}},
        unrolled,
    )
    network.requires_grad_(False)  # as in G's turn
    before = [b.clone() for b in network.buffers()]
    game.losses("generator", torch.rand(4, 1, 16, 16), None, START).losses["adversarial"].backward()
    assert before
    assert all(map(torch.equal, before, network.buffers()))
    assert all(p.grad is None and not p.requires_grad for p in network.parameters())
    assert all(torch.isfinite(p.grad).all() for p in generator.parameters())


def test_terms_of_d_are_part_of_its_steps():
    """R1 of a weight that would blow the score up holds it back."""
    scores = []
    for tricks in ((), (R1(weight=100.0),)):
        game = Tiny(*tricks, unrolled=Unrolled(steps=5))
        scores.append(game.play(1)["generator/adversarial"].item())
    assert scores[0] != pytest.approx(scores[1], rel=1e-3)


class Dead(Slope):
    """D(x) = w x + relu(dead x - 100), a hidden unit that never fires."""

    def __init__(self, w: float) -> None:
        super().__init__(w)
        self.dead = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        score, features = super().forward(x)
        return score + torch.relu(self.dead * x.flatten() - 100), features


def test_dead_weights_give_no_nan():
    """A zero gradient under Adam's square root, differentiated again."""
    network = Dead(0.5)
    unrolled = Unrolled(steps=2)
    unrolled.attach(torch.optim.Adam(network.parameters(), 0.1))
    real, fake = torch.rand(4, 1, 1, 1), torch.rand(4, 1, 1, 1, requires_grad=True)
    adversary = Adversary(network, Wasserstein())

    def losses(exchange: Exchange) -> dict[str, Tensor]:
        return {"adversarial": adversary.discriminator_loss(exchange)}

    exchange = unrolled(network, lambda judge: exchange_of(judge, real, fake), losses)
    (slope,) = torch.autograd.grad(exchange.fake.score.sum(), fake)
    assert torch.isfinite(slope).all()


def test_graphs_are_freed_without_the_garbage_collector():
    """A cycle would hold each step's graph, device memory included, until Python looks for it."""

    def tensors() -> int:
        return sum(type(found) is Tensor for found in gc.get_objects())

    game = Tiny(unrolled=Unrolled(steps=3))
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
    game = Tiny(unrolled=Unrolled(steps=5))
    plain = Tiny()
    game.optimizers["discriminator"].param_groups[0]["lr"] = 0.0
    x = torch.rand(6, 1, 2, 2)
    for made in (game, plain):
        torch.manual_seed(0)
        made.loss = made.game.losses("generator", x, None, Progress(0, 0.0, 0.0)).losses
    assert game.loss["adversarial"].item() == pytest.approx(plain.loss["adversarial"].item())
