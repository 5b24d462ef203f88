"""Who learns from what, and who waits."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from gan_cli.errors import UserError
from gan_cli.games.losses import Minimax, NonSaturating, Targets
from gan_cli.games.vaegan import VAEGAN, weighed, who_plays
from gan_cli.networks import bigan, vaegan
from tests.games.composed import assembled, random_batch
from tests.tricks.games import START, batch_of

TINY = ["model.latent_dim=5", "model.generator.width=2", "model.discriminator.width=2"]


@pytest.fixture
def game() -> VAEGAN:
    made = assembled("vaegan", *TINY, "data.image_size=8")
    assert isinstance(made, VAEGAN)
    return made


def reached(losses: dict[str, Tensor], game: VAEGAN) -> set[str]:
    """Which networks a gradient of these losses would change, were all of them trained."""
    networks = {
        "E": game.encoder,
        "G": game.generator,
        "D": game.adversary("discriminator").network,
    }
    total = torch.stack([*losses.values()]).sum()
    found = {
        name: torch.autograd.grad(
            total, [*network.parameters()], retain_graph=True, allow_unused=True
        )
        for name, network in networks.items()
    }
    return {n for n, gs in found.items() if any(g is not None and g.any() for g in gs)}


def test_each_gradient_reaches_whom_it_is_for(game: VAEGAN):
    """Whoever else it could reach is not that player's: the loop trains a player's own alone."""
    batch = random_batch(game.fields, 4)
    assert list(game.players) == ["discriminator", "encoder", "generator"]
    assert reached(game.losses("discriminator", batch, START).minimise, game) == {"D"}
    of_e = game.losses("encoder", batch, START).minimise
    assert set(of_e) == {"kl", "likeness"}
    assert "E" in reached(of_e, game)
    of_g = game.losses("generator", batch, START).minimise
    assert set(of_g) == {"adversarial", "likeness"}
    assert "E" not in reached(of_g, game)  # the verdict of D least of all
    owners = [spec.modules for spec in game.players.values()]
    assert owners == [
        *([game.adversary("discriminator").network], [game.encoder]),
        [game.generator],
    ]


def test_kl_and_likeness_by_hand(game: VAEGAN):
    """KL(N(m, s^2) || N(0, 1)) = (m^2 + s^2 - 1 - log s^2) / 2 for each of 5 numbers."""
    x = random_batch(game.fields, 4)["image"]
    mean, log_variance = 0.5, math.log(2.0)
    with torch.no_grad():
        game.encoder.head.weight.zero_()
        game.encoder.head.bias.copy_(torch.tensor([mean] * 5 + [log_variance] * 5))
    torch.manual_seed(0)
    losses = game.encoder_turn(x).minimise
    assert losses["kl"].item() == pytest.approx(5 * 0.5 * (0.25 + 2 - 1 - math.log(2)))
    torch.manual_seed(0)
    network = game.adversary("discriminator").network
    assert isinstance(network, vaegan.Discriminator)
    made = network.likeness(game.reconstruct(x))
    assert made.shape == (4, 8)  # 8 planes of one pixel
    distance = 0.5 * mse_loss(made, network.likeness(x), reduction="sum") / 4
    assert losses["likeness"].item() == pytest.approx(distance.item(), rel=1e-4)


def test_the_weight_of_likeness(game: VAEGAN):
    batch, found = random_batch(game.fields, 4), {}
    for weight in (0.0, 0.5, 1.0):
        game.likeness_weight = weight
        torch.manual_seed(0)
        found[weight] = game.losses("generator", batch, START).minimise
    assert found[0.0]["likeness"] == 0
    assert found[1.0]["adversarial"] == 0
    half, all_ = found[0.5], found[1.0]
    assert half["likeness"].item() == pytest.approx(0.5 * all_["likeness"].item(), rel=1e-3)
    assert half["adversarial"].item() == pytest.approx(0.5 * found[0.0]["adversarial"].item())


def logits_of_cost(real: float, fake: float) -> tuple[Tensor, Tensor]:
    """Logits at which softplus(-real) and softplus(fake) are these costs."""
    inverse = [math.log(math.expm1(cost)) for cost in (real, fake)]
    return torch.tensor([-inverse[0]] * 3), torch.tensor([inverse[1]] * 6)


@pytest.mark.parametrize(
    ("costs", "plays"),
    [
        ((0.68, 0.68), (1, 1)),
        ((0.3, 0.68), (0, 1)),
        ((0.68, 0.3), (0, 1)),
        ((1.1, 0.68), (1, 0)),
        ((0.68, 1.1), (1, 0)),
        ((0.3, 1.1), (1, 1)),
    ],
)
def test_who_waits(costs: tuple[float, float], plays: tuple[int, int]):
    answers = iter(logits_of_cost(*costs))

    def network(x: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor]:
        return next(answers), x

    seen = batch_of(network, torch.zeros(3, 1), torch.zeros(6, 1), differentiable=False)
    assert tuple(int(of) for of in who_plays(seen, 0.35)) == plays


def test_a_player_that_waits_learns_nothing(game: VAEGAN):
    game.margin = 0.0  # at random weights some cost is on either side of 0.68
    batch = random_batch(game.fields, 4)
    losses = game.losses("discriminator", batch, START)
    plays = {name: losses.watch[f"health/plays_{name}"].item() for name in "DG"}
    of_g = game.losses("generator", batch, START).minimise
    assert ("D" in reached(losses.minimise, game)) == bool(plays["D"])
    assert ("G" in reached(of_g, game)) == bool(plays["G"])
    assert losses.minimise["adversarial"] > 0  # the curves go on


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_weighed_is_the_gradient_alone(weight: float):
    x = torch.tensor(3.0, requires_grad=True)
    value = weighed(x**2, torch.tensor(weight))
    value.backward()
    assert (value.item(), x.grad.item()) == (9.0, 6.0 * weight)


def test_a_share_of_ds_gradient():
    """The value stays; of the gradient the reals have so much, the fakes the rest."""
    from gan_cli.games.adversary import Adversary

    real, fake = (torch.randn(4, requires_grad=True) for _ in range(2))
    seen = batch_of(lambda x, _: (x, x[:, None]), real, fake, differentiable=False)
    loss = NonSaturating()
    adversary = Adversary(torch.nn.Identity(), loss)
    plain, shared = adversary.discriminator_loss(seen), adversary.discriminator_loss(seen, 0.75)
    assert shared.item() == pytest.approx(plain.item())
    whole = torch.autograd.grad(
        loss.discriminator(real, fake, Targets(torch.ones(4), torch.zeros(4))), [real, fake]
    )
    part = torch.autograd.grad(shared, [real, fake])
    for share, a, b in zip((0.75, 0.25), part, whole, strict=True):
        assert torch.allclose(a, share * b)


def test_what_does_not_go_together():
    with pytest.raises(UserError, match=r"margin=0.35: Hinge has no such costs; take loss=non_sat"):
        assembled("vaegan", *TINY, "loss=hinge")
    assert assembled("vaegan", *TINY, "loss=hinge", "model.margin=null")
    with pytest.raises(UserError, match=r"image_size=12: should be divisible by 8; choose 8 or 16"):
        assembled("vaegan", *TINY, "data.image_size=12")
    networks = vaegan.Generator(5, 8, 1, 2), bigan.Encoder(5, 8, 1, 4)
    with pytest.raises(ValueError, match="gives no variance"):
        VAEGAN(5, *networks, vaegan.Discriminator(8, 1, 2), Minimax())
