"""k, by hand; and that it goes on where it stood."""

import copy

import pytest
import torch
from torch import nn

from gan_cli.data.fields import Field
from gan_cli.errors import UserError
from gan_cli.games.began import BEGAN
from gan_cli.games.losses import Wasserstein
from tests.games.composed import assembled, settings_of, watched
from tests.tricks.games import START, tiny_generator

BATCH = {"image": torch.ones(4, 1, 2, 2)}


class Errs(nn.Module):
    """An autoencoder whose error is `real` of images of ones, and `fake` of all others."""

    n_classes = 0

    def __init__(self, real: float, fake: float) -> None:
        super().__init__()
        self.errors = nn.Parameter(torch.tensor([real, fake]))

    def forward(self, x, y=None):
        other = (x.flatten(1) != 1).any(1).long()
        return -self.errors[other], x.flatten(1)


def game(real: float, fake: float, k: float = 0.0, **options: float) -> BEGAN:
    made = BEGAN(3, tiny_generator(), Errs(real, fake), Wasserstein(), **options)  # type: ignore[arg-type]
    made.bind({"image": Field("image", (1, 2, 2))})
    made.k.fill_(k)
    return made


def test_losses_k_and_convergence_by_hand():
    """L(x) = 0.8, L(G(z)) = 0.1, gamma 0.5: the balance is 0.3."""
    made = game(0.8, 0.1, k=0.2, gamma=0.5, k_rate=0.01)
    losses = made.losses("discriminator", BATCH, START)
    assert losses.minimise["adversarial"].item() == pytest.approx(0.8 - 0.2 * 0.1)
    assert losses.watch["health/convergence"].item() == pytest.approx(0.8 + 0.3)
    assert losses.watch["health/k"].item() == pytest.approx(0.2)
    made.on_step(START)
    assert made.k.item() == pytest.approx(0.2 + 0.01 * 0.3)
    losses.minimise["adversarial"].backward()
    assert made.adversary("discriminator").network.errors.grad.tolist() == pytest.approx([1, -0.2])
    of_g = made.losses("generator", BATCH, START).minimise
    assert of_g["adversarial"].item() == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("errors", "k", "wanted"),
    [((0.1, 9.0), 0.0, 0.0), ((9.0, 0.1), 1.0, 1.0), ((float("nan"), 0.1), 0.3, 0.3)],
)
def test_k_stays_in_its_range_and_survives_what_is_not_finite(errors, k: float, wanted: float):
    made = game(*errors, k=k)
    made.losses("discriminator", BATCH, START)
    made.on_step(START)
    assert made.k.item() == pytest.approx(wanted)


@pytest.mark.parametrize("phases", [["whole"], ["whole"] * 4, ["main", "lazy"]])
def test_k_moves_once_a_step_in_however_many_parts_and_phases_it_is_played(phases):
    made = game(0.8, 0.1, k=0.2, gamma=0.5, k_rate=0.01)
    for step in range(2):
        for phase in phases:
            made.losses("discriminator", BATCH, START._replace(phase=phase))
        made.on_step(START)
        assert made.k.item() == pytest.approx(0.2 + (step + 1) * 0.01 * 0.3)


def test_it_goes_on_from_the_k_it_had():
    """A run cut while k moves plays on as the other would have."""
    settings = settings_of("began", "model.gamma=1", "model.k_rate=0.1", "data.image_size=8")
    trainers = [watched(settings, assembled("began", "data.image_size=8")) for _ in range(2)]
    batch = {"image": torch.rand(4, 1, 8, 8) * 2 - 1, "label": torch.zeros(4, dtype=torch.long)}
    for trainer in trainers:
        trainer.game.gamma, trainer.game.k_rate = 1.0, 0.1
        trainer._draw_batches = lambda: [batch]
    whole, part = trainers
    for _ in range(2):
        whole.play()
    assert 0 < whole.game.k < 1
    part.load_state_dict(copy.deepcopy(whole.state_dict()))
    assert torch.equal(part.game.k, whole.game.k)
    for trainer in trainers:
        trainer.play()
    states = [trainer.game.state_dict() for trainer in trainers]
    assert states[0]["k"] != 0
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("loss=hinge", "losses.Hinge is not a Wasserstein"),
        ("model.gamma=1.5", "model.gamma=1.5"),
        ("data.image_size=38", "image_size=38: should be divisible by 4; choose 36 or 40"),
        ("data.image_size=4", "image_size=4: should be 8 or more"),
    ],
)
def test_what_it_cannot_be(change: str, said: str):
    with pytest.raises(UserError, match=said):
        assembled("began", change)
