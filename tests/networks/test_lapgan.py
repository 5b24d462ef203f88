import pytest
import torch

from gan_cli.assembly.memory import Unfilled
from gan_cli.networks.lapgan import Discriminators, Generator, enlarged, halved
from tests.networks.counting import parameters


def test_sizes_are_those_of_the_authors_code():
    """8, 16, 32 pixels: 100-8000-8000-192; 7x7, 7x7, 5x5 over 4-64-64-3; 5x5, 5x5 over 3-64-64."""
    with torch.device("meta"), Unfilled():
        G, D = Generator(32, 3), Discriminators(32, 3)
    finer = 4 * 64 * 49 + 64 + 64 * 64 * 49 + 64 + 64 * 3 * 25 + 3
    assert [parameters(part) for part in (G.base, *G.finer)] == [
        100 * 8000 + 8000 + 8000 * 8000 + 8000 + 8000 * 192 + 192,
        *[finer, finer],
    ]
    convolutions = 3 * 64 * 25 + 64 + 64 * 64 * 25 + 64
    assert [parameters(judge) for judge in D.levels] == [
        192 * 1600 + 1600 + 1600 * 1600 + 1600 + 1600 + 1,
        convolutions + 64 * 4**2 + 1,  # 16 pixels, 12, 4
        convolutions + 64 * 12**2 + 1,
    ]
    assert G.latent_dim == 100 + 16**2 + 32**2


@pytest.fixture
def pyramid() -> Generator:
    torch.manual_seed(0)
    return Generator(16, 2, noise_dim=5, hidden=(8,), width=4)


def test_the_pyramid_is_its_levels_one_after_the_other(pyramid):
    z = torch.rand(3, pyramid.latent_dim) * 2 - 1
    x = pyramid.level(0, None, z[:, :5], None)
    assert x.shape == (3, 2, 4, 4)
    x = pyramid.level(1, enlarged(x), z[:, 5:69], None)
    x = pyramid.level(2, enlarged(x), z[:, 69:], None)
    assert torch.equal(x, pyramid(z))
    assert x.shape == (3, 2, 16, 16)


def test_a_level_without_weights_adds_nothing(pyramid):
    for p in pyramid.finer[1].body[-1].parameters():
        torch.nn.init.zeros_(p)
    coarse = torch.rand(2, 2, 16, 16)
    assert torch.equal(pyramid.level(2, coarse, torch.rand(2, 256), None), coarse)


def test_what_is_enlarged_is_halved_again_nearly():
    """Of a ramp all but the border comes back."""
    x = torch.arange(8.0).expand(1, 1, 8, 8)
    torch.testing.assert_close(halved(enlarged(x))[..., 1:-1], x[..., 1:-1])
    assert torch.equal(halved(x, 2)[0, 0, 0], torch.tensor([1.5, 5.5]))


def test_labels_tell_images_apart():
    G = Generator(8, 1, n_classes=3, depth=1, noise_dim=5, hidden=(8,), width=4)
    D = Discriminators(8, 1, n_classes=3, depth=1, hidden=(8,), width=4, kernel=3)
    z = torch.rand(1, G.latent_dim).expand(3, -1)
    x = G(z, torch.arange(3))
    assert not torch.equal(x[0], x[1])
    for judge, given in zip(D.eval().levels, (halved(x), x), strict=True):
        one, other = (judge(given, torch.full((3,), label))[0] for label in (0, 1))
        assert not torch.equal(one, other)


def test_images_are_clamped_outside_training(pyramid):
    torch.nn.init.constant_(pyramid.finer[1].body[-1].bias, 5.0)
    z = torch.rand(2, pyramid.latent_dim)
    assert pyramid(z).max() > 1
    assert pyramid.eval()(z).max() == 1
