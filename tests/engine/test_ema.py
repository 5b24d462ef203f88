"""The running mean of a network."""

import pytest
import torch
from torch import nn

from gan_cli.engine.ema import EMA
from gan_cli.tricks.examples import Progress
from gan_cli.tricks.schedules import Ramp


def a_network(value: float) -> nn.Module:
    network = nn.Linear(1, 1, bias=False)
    network.register_buffer("seen", torch.tensor(value))
    nn.init.constant_(network.weight, value)
    return network


def fill(network: nn.Module, value: float) -> None:
    """As training would have changed it."""
    nn.init.constant_(network.weight, value)
    network.seen.fill_(value)


def test_closed_form_without_warm_up() -> None:
    """From 0 towards 1 with decay d, after n updates: 1 - d^n."""
    average = EMA(decay=0.9, warm_up=False)
    network = a_network(0.0)
    average.attach({"generator": network})
    fill(network, 1.0)
    for n in range(5):
        average.update(Progress(n, 0.0, 0.0))
    assert torch.allclose(average.networks[0].weight, torch.tensor(1 - 0.9**5))


def test_warm_up_forgets_the_first_weights() -> None:
    """The first decays are 1/10 and 2/11, so after two updates 1 - 1/10 * 2/11 is of the new."""
    average = EMA(decay=0.999, warm_up=True)
    network = a_network(0.0)
    average.attach({"generator": network})
    fill(network, 1.0)
    for n in range(2):
        average.update(Progress(n, 0.0, 0.0))
    assert torch.allclose(average.networks[0].weight, torch.tensor(1 - (1 / 10) * (2 / 11)))


def test_a_half_life_counts_images() -> None:
    """Two steps of 32 images leave half of what one step of 64 images does at each."""
    small, large = (EMA(None, warm_up=False, half_life=64) for _ in range(2))
    for average, steps in ((small, 2), (large, 1)):
        network = a_network(0.0)
        average.attach({"generator": network})
        fill(network, 1.0)
        for n in range(steps):
            average.update(Progress(n, 0.0, 0.0), 64 // steps)
        assert average.networks[0].weight == 0.5


def test_a_half_life_may_grow() -> None:
    """StyleGAN2's: 5 % of the images seen, up to 500,000; without any, there is no mean."""
    ramp = Ramp(start=0, end=500_000, images=10_000_000, shape="linear")
    average = EMA(None, warm_up=False, half_life=ramp)
    seen = [average.weight_of_past(Progress(0, 0.0, 0.0, n), 50) for n in (0, 1_000, 20_000_000)]
    assert seen == [0.0, 0.5, 0.5 ** (50 / 500_000)]


def test_it_begins_when_its_decay_does() -> None:
    average = EMA(Ramp(start=0.0, end=0.5, images=0, after=100), warm_up=False)
    network = a_network(0.0)
    average.attach({"generator": network})
    for images, value, mean in ((0, 1.0, 1.0), (99, 2.0, 2.0), (100, 4.0, 3.0)):
        fill(network, value)
        average.update(Progress(0, 0.0, 0.0, images))
        assert average.networks[0].weight == mean


@pytest.mark.parametrize("given", [{}, {"decay": None}, {"half_life": 5.0}])
def test_it_takes_a_decay_or_a_half_life(given: dict) -> None:
    if not given:
        EMA()
        return
    with pytest.raises(ValueError, match="give decay or half_life"):
        EMA(**given)


def test_buffers_are_copied_not_averaged() -> None:
    average = EMA(decay=0.9)
    network = a_network(0.0)
    average.attach({"generator": network})
    fill(network, 3.0)
    average.update(Progress(100, 0.0, 0.0))
    assert average.networks[0].seen == 3.0


def test_the_mean_is_no_part_of_the_network_it_follows() -> None:
    network = a_network(0.0)
    average = EMA()
    average.attach({"generator": network})
    assert not any(p.requires_grad for p in average.networks[0].parameters())
    nn.init.constant_(network.weight, 5.0)
    assert average.networks[0].weight == 0.0


def test_several_networks_stand_in_for_several() -> None:
    game = nn.Module()
    game.there, game.back = a_network(0.0), a_network(10.0)
    own = {"there": game.there, "back": game.back}
    average = EMA(decay=0.5, warm_up=False)
    average.attach(own)
    fill(game.there, 1.0)
    fill(game.back, 20.0)
    average.update(Progress(0, 0.0, 0.0))
    with average.standing_in(game):
        assert (game.there.weight.item(), game.back.weight.item()) == (0.5, 15.0)
    assert game.there is own["there"]
    assert game.back is own["back"]
    average.stand_in(game)
    assert game.back.weight.item() == 15.0


def test_what_fails_while_they_stand_in_puts_the_networks_back() -> None:
    game = nn.Module()
    game.there = own = a_network(0.0)
    average = EMA()
    average.attach({"there": own})
    with pytest.raises(RuntimeError), average.standing_in(game):
        raise RuntimeError
    assert game.there is own


class Remembering(nn.Linear):
    """Remembers something that is no tensor."""

    level = 0

    def get_extra_state(self) -> torch.Tensor:
        return torch.tensor(self.level)

    def set_extra_state(self, state: torch.Tensor) -> None:
        self.level = int(state)


def test_what_modules_remember_besides_tensors_is_copied() -> None:
    average, network = EMA(), Remembering(1, 1)
    average.attach({"generator": network})
    network.level = 3
    assert average.networks[0].level == 0
    average.update(Progress(0, 0.0, 0.0))
    assert average.networks[0].level == 3
