"""Latents, labels, interpolations, and what a network makes of them in parts."""

import pytest
import torch
from torch import Tensor, nn

from gan_cli.errors import UserError
from gan_cli.games import latents
from gan_cli.games.requests import Request


def test_latents_follow_from_the_seed() -> None:
    assert torch.equal(latents.draw_latents(4, 3, 1), latents.draw_latents(4, 3, 1))
    assert not torch.equal(latents.draw_latents(4, 3, 1), latents.draw_latents(4, 3, 2))


def test_truncated_latents_stay_inside() -> None:
    z = latents.draw_latents(1000, 4, 0, truncation=0.5)
    assert z.abs().max() <= 0.5
    assert z.std() > 0.2  # drawn again, not clamped to the edge
    assert (z.abs() == 0.5).float().mean() < 0.01


def test_a_truncation_that_truncates_nothing_is_refused() -> None:
    z = latents.draw_latents(1000, 2, seed=0, truncation=0.5, noise="uniform")
    assert z.abs().max() <= 0.5
    with pytest.raises(UserError, match=r"truncation=1: this model's z is uniform in \[-1, 1\]"):
        latents.draw_latents(4, 2, seed=0, truncation=1.0, noise="uniform")


def test_slerp_keeps_the_length_between_equals_and_hits_both_ends() -> None:
    """Half way between two orthogonal vectors of length 2 lies (sqrt 2, sqrt 2)."""
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    assert torch.allclose(latents.slerp(a, b, 0.5), torch.full((2,), 2.0**0.5))
    assert torch.allclose(latents.slerp(a, b, 0.0), a)
    assert torch.allclose(latents.slerp(a, b, 1.0), b, atol=1e-6)


def test_slerp_between_parallel_latents_is_a_straight_line() -> None:
    a = torch.tensor([1.0, 1.0])
    assert torch.allclose(latents.slerp(a, 3 * a, 0.5), 2 * a)


def test_an_interpolation_passes_through_its_anchors() -> None:
    z = latents.draw_latents(3, 5, 0)
    found = latents.interpolate(z, 4)
    assert found.shape == (2, 4, 5)
    assert torch.allclose(found[0, 0], z[0], atol=1e-6)
    assert torch.allclose(found[0, -1], z[1], atol=1e-5)
    assert torch.allclose(found[1, 0], z[1], atol=1e-6)


@pytest.mark.parametrize(
    ("n_classes", "labels", "expected"),
    [(0, None, None), (3, None, [0, 1, 2, 0]), (9, [7], [7] * 4), (9, [3, 5], [3, 5, 3, 5])],
)
def test_labels_take_turns(
    n_classes: int, labels: list[int] | None, expected: list[int] | None
) -> None:
    spread = latents.spread_labels(4, n_classes, labels)
    assert (spread if spread is None else spread.tolist()) == expected


def test_a_request_is_completed_once() -> None:
    """What it brings stays; the rest follows from its seed."""
    found = latents.complete(Request(4, seed=2), 3, 2)
    assert torch.equal(found.latents, latents.draw_latents(4, 3, 2))
    assert found.label.tolist() == [0, 1, 0, 1]
    assert latents.complete(found, 3, 2) == found
    own = latents.complete(Request(2, latents=torch.ones(2, 3), label=torch.tensor([1, 1])), 3, 2)
    assert torch.equal(own.latents, torch.ones(2, 3))
    assert own.label.tolist() == [1, 1]


class Doubler(nn.Module):
    """2 z; remembers how many it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))
        self.given: list[int] = []

    def forward(self, z: Tensor, y: Tensor | None) -> Tensor:
        self.given.append(len(z))
        assert y is None or len(y) == len(z)
        return (self.weight * z)[:, :, None, None] + (0 if y is None else y.view(-1, 1, 1, 1))


@pytest.mark.parametrize("label", [None, torch.arange(5)])
def test_drawing_in_parts_changes_nothing(label: Tensor | None) -> None:
    network = Doubler().train()
    z = latents.draw_latents(5, 3, 0)
    whole, parts = (
        latents.in_chunks(network, z, label),
        latents.in_chunks(network, z, label, size=2),
    )
    assert network.given == [5, 2, 2, 1]
    assert torch.equal(parts, whole)
    assert torch.equal(whole, network(z, label))
    assert not whole.requires_grad
    assert network.training


def test_an_interpolation_is_a_request_whose_segments_keep_their_labels() -> None:
    anchors = Request(3, latents=latents.draw_latents(3, 5, 0), label=torch.tensor([4, 7, 9]))
    found = latents.interpolated(anchors, 2)
    assert found.count == 4
    assert torch.equal(found.latents, latents.interpolate(anchors.latents, 2).flatten(0, 1))
    assert found.label.tolist() == [4, 4, 7, 7]
    unlabelled = Request(3, latents=anchors.latents)
    assert latents.interpolated(unlabelled, 2).label is None


def test_an_interpolation_needs_two_ends() -> None:
    with pytest.raises(UserError, match=r"count=1: an interpolation needs two ends"):
        latents.interpolated(Request(1, latents=torch.ones(1, 3)), 5)
