import pytest
import torch

from gan_cli.assembly.memory import Unfilled
from gan_cli.networks.progan import Discriminator, Generator, Growing, as_grown
from tests.networks.counting import parameters


def grown(network: torch.nn.Module, growth: float) -> torch.nn.Module:
    for part in network.modules():
        if isinstance(part, Growing):
            part.grow_to(growth)
    return network


@pytest.fixture
def pair() -> tuple[Generator, Discriminator]:
    """Three levels: 4, 8 and 16 pixels."""
    torch.manual_seed(0)
    return (
        Generator(6, 16, 2, width=4, max_width=8),
        Discriminator(16, 2, width=4, max_width=8),
    )


def test_sizes_are_the_paper_s():
    """Table 2: 23.1 million weights each at 1024 pixels."""
    with torch.device("meta"), Unfilled():
        pair = Generator(512, 1024, 3, width=16), Discriminator(1024, 3, width=16)
    sizes = [parameters(network) for network in pair]
    assert sizes == [23_079_115, 23_087_249]


@pytest.mark.parametrize(("growth", "pixels"), [(0, 4), (0.5, 8), (1, 8), (1.5, 16), (2, 16)])
def test_pixels_are_as_large_as_the_level(pair, growth, pixels):
    G = grown(pair[0], growth)
    x = G(torch.randn(3, 6))
    assert x.shape == (3, 2, 16, 16)
    squares = x.unflatten(3, (pixels, -1)).unflatten(2, (pixels, -1))  # [3, 2, p, s, p, s]
    assert torch.equal(squares, squares[:, :, :, :1, :, :1].expand_as(squares))
    if pixels > 4:
        assert not torch.equal(x[..., : 16 // pixels], x[..., 16 // pixels : 32 // pixels])


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("side", [-1, 1])
def test_nothing_jumps_where_a_fade_begins_or_ends(pair, level, side):
    """Where the next level is there by 1e-6, and where a level is whole but for that."""
    near = level + side * 1e-6
    if not 0 <= near <= 2:
        return
    z, x = torch.randn(4, 6), as_grown(torch.randn(4, 2, 16, 16), level, 2)
    with torch.no_grad():
        for network, given in zip(pair, (z, x), strict=True):
            there, close = (grown(network, g)(given) for g in (level, near))
            torch.testing.assert_close(there, close, rtol=1e-3, atol=1e-4)


def test_d_sees_no_more_than_its_level_has(pair):
    D, x = grown(pair[1], 1), torch.randn(4, 2, 16, 16)
    torch.testing.assert_close(D(x)[0], D(as_grown(x, 1, 2))[0])
    assert not torch.allclose(D(x)[0], grown(D, 2)(x)[0])


def test_reals_fade_by_hand():
    """Of 1 and 3 beside each other, a quarter faded in: 2 + (1 - 2) / 4 and 2 + (3 - 2) / 4."""
    x = torch.tensor([1.0, 3.0]).expand(1, 1, 2, 2)
    assert torch.equal(as_grown(x, 1, 1), x)
    assert torch.equal(as_grown(x, 0, 1), torch.full_like(x, 2.0))
    wanted = torch.tensor([1.75, 2.25]).expand(1, 1, 2, 2)
    torch.testing.assert_close(as_grown(x, 0.25, 1), wanted)


def test_growth_is_state(pair):
    """And none that no such network can have."""
    G, _ = pair
    state = grown(G, 1.25).state_dict()
    grown(G, 0.0).load_state_dict(state)
    assert G.growth == 1.25
    for wrong in (2.5, -1.0, float("nan")):
        with pytest.raises(ValueError, match="3 levels"):
            G.load_state_dict({**state, "_extra_state": torch.tensor(wrong)})
    assert G.growth == 1.25


def test_images_are_clamped_outside_training(pair):
    G = pair[0]
    with torch.no_grad():
        G.to_image[0].bias += 2
        z = torch.randn(2, 6)
        assert G(z).max() > 1
        assert G.eval()(z).max() == 1


def test_labels_tell_images_apart():
    G = Generator(6, 8, 1, n_classes=3, width=4)
    z = torch.randn(1, 6).expand(3, -1)
    x = G(z, torch.arange(3))
    assert not torch.equal(x[0], x[1])
    with pytest.raises(ValueError, match="needs labels"):
        G(z)
