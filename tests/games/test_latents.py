"""Latents, walks and generating."""

import pytest
import torch
from torch import Tensor, nn

from gan_cli.games import latents as sampling


def test_latents_follow_from_the_seed() -> None:
    assert torch.equal(sampling.draw_latents(4, 3, 1), sampling.draw_latents(4, 3, 1))
    assert not torch.equal(sampling.draw_latents(4, 3, 1), sampling.draw_latents(4, 3, 2))


def test_truncated_latents_stay_inside() -> None:
    z = sampling.draw_latents(1000, 4, 0, truncation=0.5)
    assert z.abs().max() <= 0.5
    assert z.std() > 0.2  # drawn again, not clamped to the edge
    assert (z.abs() == 0.5).float().mean() < 0.01


def test_slerp_keeps_the_length_between_equals_and_hits_both_ends() -> None:
    """Half way between two orthogonal vectors of length 2 lies (sqrt 2, sqrt 2)."""
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    assert torch.allclose(sampling.slerp(a, b, 0.5), torch.full((2,), 2.0**0.5))
    assert torch.allclose(sampling.slerp(a, b, 0.0), a)
    assert torch.allclose(sampling.slerp(a, b, 1.0), b, atol=1e-6)


def test_slerp_between_parallel_latents_is_a_straight_line() -> None:
    a = torch.tensor([1.0, 1.0])
    assert torch.allclose(sampling.slerp(a, 3 * a, 0.5), 2 * a)


def test_a_walk_passes_through_its_stations() -> None:
    z = sampling.draw_latents(3, 5, 0)
    walk = sampling.walk(z, 4)
    assert walk.shape == (2, 4, 5)
    assert torch.allclose(walk[0, 0], z[0], atol=1e-6)
    assert torch.allclose(walk[0, -1], z[1], atol=1e-5)
    assert torch.allclose(walk[1, 0], z[1], atol=1e-6)


@pytest.mark.parametrize(
    ("n_classes", "labels", "expected"),
    [(0, None, None), (3, None, [0, 1, 2, 0]), (9, [7], [7] * 4), (9, [3, 5], [3, 5, 3, 5])],
)
def test_labels_take_turns(
    n_classes: int, labels: list[int] | None, expected: list[int] | None
) -> None:
    spread = sampling.spread_labels(4, n_classes, labels)
    assert (spread if spread is None else spread.tolist()) == expected


def test_generating_in_parts_changes_nothing_and_leaves_the_mode_alone() -> None:
    class Doubler(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor(2.0))
            self.drop = nn.Dropout(0.5)

        def forward(self, z: Tensor, y: Tensor | None) -> Tensor:
            return self.drop(self.weight * z)[:, :, None, None]

    network = Doubler().train()
    z = sampling.draw_latents(5, 3, 0)
    images = sampling.generate(network, z, None, batch_size=2)
    assert torch.equal(images, 2 * z[:, :, None, None])
    assert network.training


def test_a_walk_laid_out_keeps_each_stretch_s_label() -> None:
    z = sampling.draw_latents(3, 5, 0)
    walk, labels = sampling.lay_out_walk(z, torch.tensor([4, 7, 9]), 2)
    assert torch.equal(walk, sampling.walk(z, 2).flatten(0, 1))
    assert labels is not None
    assert labels.tolist() == [4, 4, 7, 7]
    assert sampling.lay_out_walk(z, None, 2)[1] is None
