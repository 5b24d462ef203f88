"""ADA: what it does to images, and that gradients flow through it twice."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from gan_cli.tricks import augmentation
from gan_cli.tricks.augmentation import ADA, hidden, moves, recolored
from gan_cli.tricks.penalties import R1
from gan_cli.tricks.warp import SYM6, Warp
from tests.tricks.games import START, Tiny

ALWAYS, NEVER = torch.tensor(1.0), torch.tensor(0.0)


def smooth(count: int = 2, size: int = 24) -> Tensor:
    return interpolate(torch.rand(count, 1, 4, 4), (size, size), mode="bicubic")


def warped(x: Tensor, linear: list[list[float]], offset: tuple[float, float] = (0, 0)) -> Tensor:
    return Warp()(x, torch.tensor(linear).expand(len(x), 2, 2), torch.tensor([offset] * len(x)))


def test_doubling_and_halving_undo_each_other():
    """Even shifts of the filter are orthonormal."""
    taps = torch.tensor(SYM6, dtype=torch.double)
    products = [(taps[2 * k :] * taps[: 12 - 2 * k]).sum().item() for k in range(6)]
    assert products == pytest.approx([1, 0, 0, 0, 0, 0], abs=1e-11)
    x = torch.rand(2, 3, 16, 16)
    stayed = warped(x, [[1.0, 0.0], [0.0, 1.0]])
    torch.testing.assert_close(stayed[..., 4:-4, 4:-4], x[..., 4:-4, 4:-4])


def test_it_moves_where_it_is_told():
    torch.manual_seed(0)
    x, one = smooth(), [[1.0, 0.0], [0.0, 1.0]]
    inner = (..., slice(5, -5), slice(5, -5))
    wanted = {
        "left": (warped(x, one, (2.0, 0.0)), x.roll(-2, 3)),
        "up": (warped(x, one, (0.0, 2.0)), x.roll(-2, 2)),
        "mirrored": (warped(x, [[-1.0, 0.0], [0.0, 1.0]]), x.flip(3)),
        "turned": (warped(x, [[0.0, -1.0], [1.0, 0.0]]), x.rot90(1, (2, 3))),
        "shrunk": (
            warped(x, [[2.0, 0.0], [0.0, 2.0]])[..., 6:-6, 6:-6],
            interpolate(x, scale_factor=0.5, mode="area"),
        ),
    }
    for name, (found, right) in wanted.items():
        if name == "shrunk":
            assert (found - right).abs().max() < 0.05, name
        else:
            torch.testing.assert_close(found[inner], right[inner], atol=0.01, rtol=0, msg=name)


def test_outside_lies_the_image_mirrored():
    torch.manual_seed(0)
    x = smooth(size=16)
    shifted = warped(x, [[1.0, 0.0], [0.0, 1.0]], (8.0, 0.0))
    assert (shifted[..., 8:] - x[..., 8:].flip(3)).abs().mean() < 0.04


def test_moves_have_their_sizes():
    torch.manual_seed(0)
    x = torch.zeros(4000, 1, 16, 16)
    linear, offset, still = moves(x, NEVER, ALWAYS)
    assert not still.any()
    scale = torch.linalg.det(linear).sqrt()  # stretching keeps the area
    assert torch.log2(scale).std().item() == pytest.approx(0.2, rel=0.05)
    stretch = torch.linalg.svdvals(linear)
    ratio = torch.log2(stretch[:, 0] / stretch[:, 1])  # |2 log s|, s as the scale
    assert ratio.square().mean().sqrt().item() == pytest.approx(0.4, rel=0.05)
    assert (offset / scale[:, None]).std().item() == pytest.approx(2.0, rel=0.05)  # an eighth

    linear, offset, still = moves(x, ALWAYS, NEVER)
    torch.testing.assert_close(linear.abs().sum((1, 2)), torch.full((4000,), 2.0))
    assert len(linear.round().unique(dim=0)) == 8  # two flips times four turns
    assert set(offset.round().unique().tolist()) == {-2.0, -1.0, 0.0, 1.0, 2.0}
    assert 0 < still.sum() < 4000 / 8


def test_changes_are_as_likely_as_is_asked_for():
    torch.manual_seed(0)
    x = torch.zeros(4000, 1, 8, 8)
    p = torch.tensor(0.36)
    linear, _, still = moves(x, NEVER, p)
    assert still.float().mean().item() == pytest.approx((1 - 0.36) ** 4, abs=0.02)
    turned = (linear - linear.mT).abs().sum((1, 2)) > 1e-6
    assert turned.float().mean().item() == pytest.approx(0.36, abs=0.03)
    assert not moves(x, NEVER, NEVER)[2].logical_not().any()


def test_colors_change_as_the_papers_matrices_do(monkeypatch: pytest.MonkeyPatch):
    """Brightness, contrast, inverted luma, hue, saturation: 4x4 matrices in this order."""
    drawn = iter(
        [torch.tensor([[value]]) for value in (0.1, 2.0, -1.0, 0.7, 0.5)]  # as `recolored` asks
    )
    monkeypatch.setattr(augmentation, "_drawn", lambda *_: next(drawn))
    x = torch.rand(1, 3, 4, 4)
    v = torch.ones(3, 1) / math.sqrt(3)
    cross = torch.linalg.cross(v.T.expand(3, 3), torch.eye(3)).T  # v x each axis, as columns
    hue = v @ v.T + math.cos(0.7) * (torch.eye(3) - v @ v.T) + math.sin(0.7) * cross
    saturation = v @ v.T + 0.5 * (torch.eye(3) - v @ v.T)
    right = saturation @ hue @ (torch.eye(3) - 2 * v @ v.T) @ (2.0 * (x + 0.1).flatten(2))
    torch.testing.assert_close(recolored(x, ALWAYS).flatten(2), right)


def test_colors_have_their_sizes():
    torch.manual_seed(0)
    gray = torch.zeros(4000, 3, 1, 1)
    p = torch.tensor(0.5)
    assert (recolored(gray, p) != 0).flatten(1).any(1).float().mean() == pytest.approx(
        0.5, abs=0.03
    )
    single = recolored(torch.full((4000, 1, 1, 1), 100.0), ALWAYS).flatten()
    assert torch.log2(single.abs() / 100).std().item() == pytest.approx(0.5, rel=0.05)
    assert (single < 0).float().mean() == pytest.approx(0.5, abs=0.03)
    assert torch.equal(recolored(gray, NEVER), gray)


def test_half_of_the_image_is_hidden():
    torch.manual_seed(0)
    gone = hidden(torch.ones(500, 2, 16, 16), ALWAYS) == 0
    assert torch.equal(gone[:, 0], gone[:, 1])
    rows, columns = (gone[:, 0].any(d).sum(1) for d in (2, 1))
    assert torch.equal(gone[:, 0].sum((1, 2)), rows * columns)
    assert (rows.min(), rows.max()) == (4, 8)
    assert not (hidden(torch.ones(9, 1, 8, 8), NEVER) == 0).any()


@pytest.mark.parametrize("shape", [(1, 2, 2), (3, 5, 5), (1, 8, 12), (4, 8, 8)], ids=str)
def test_any_shape_and_independent_draws(shape: tuple[int, ...]):
    torch.manual_seed(0)
    x = torch.rand(1, *shape).repeat(6, 1, 1, 1)
    changed = ADA(p=1.0, cutout=0.5)(x, START)
    assert changed.shape == x.shape
    assert len(changed.unique(dim=0)) == 6


def test_strength_zero_changes_nothing():
    x = torch.rand(4, 3, 8, 8)
    torch.testing.assert_close(ADA(p=0.0, cutout=1.0)(x, START), x)
    off = ADA(p=1.0, blit=0, geometry=0, color=0, cutout=0)
    assert torch.equal(off(x, START), x)


def test_it_can_be_differentiated_twice():
    x = torch.rand(2, 3, 5, 5, dtype=torch.double, requires_grad=True)

    def same(x: Tensor) -> Tensor:
        torch.manual_seed(3)
        return ADA(p=1.0, cutout=1.0)(x, START)

    assert torch.autograd.gradcheck(same, x, fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda x: same(x) ** 2, x, fast_mode=True)


def test_r1_goes_through_it():
    plain, with_ = (Tiny(R1(weight=1.0), ADA(p=p)) for p in (0.0, 1.0))
    found = [game.play(2)["discriminator/term0"] for game in (plain, with_)]
    assert found[0] != found[1]
    assert all(map(torch.isfinite, found))
