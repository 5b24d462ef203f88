import pytest
import torch

from gan_cli.tricks.diffusion import Diffusion
from tests.tricks.games import START, Tiny


def test_noise_by_hand():
    """Betas 0.1, 0.2, 0.3 leave 1, 0.9, 0.72, 0.504 of an image."""
    view = Diffusion(p=1.0, target=None, shortest=1, longest=3, first_beta=0.1, last_beta=0.3)
    torch.testing.assert_close(view.kept(view.length), torch.tensor([1.0, 0.9, 0.72, 0.504]))


def test_the_shorter_the_steeper():
    """The last step brings as much noise, however many there are."""
    view = Diffusion(p=0.5, target=None, shortest=2, longest=4)
    kept = view.kept(view.length)
    assert view.length.item() == 3
    assert (1 - kept[3] / kept[2]).item() == pytest.approx(0.02, rel=1e-3)


@pytest.mark.parametrize(("draw", "mean"), [("priority", 2 / 3), ("uniform", 1 / 2)])
def test_half_stay_and_the_rest_are_drawn(draw: str, mean: float):
    torch.manual_seed(0)
    view = Diffusion(p=1.0, target=None, longest=500, draw=draw)  # type: ignore[arg-type]
    steps = view.steps(20_000)
    noised = steps[steps > 0]
    assert len(noised) / 20_000 == pytest.approx(0.5, abs=0.02)
    assert noised.float().mean().item() == pytest.approx(mean * 500, rel=0.03)
    assert (noised.min(), noised.max()) == (noised.min().clamp(1), 500)


def test_images_fade_into_noise():
    torch.manual_seed(0)
    view = Diffusion(p=1.0, target=None, longest=1000, std=0.05)
    seen = view(torch.ones(4000, 1, 2, 2), START).mean((1, 2, 3))
    assert (seen == 1.0).float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert seen.min() < 0.1
    shortest = Diffusion()(torch.ones(100, 1, 2, 2), START)
    assert (shortest - 1).abs().max() < 0.2


def test_points_are_noised_as_well_and_d_learns():
    assert Tiny(Diffusion(p=0.5)).play(2).keys() == Tiny().play(2).keys()


def test_longest_before_shortest():
    with pytest.raises(ValueError, match="longest=5 is below shortest=10"):
        Diffusion(longest=5)
