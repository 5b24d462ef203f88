import pytest
import torch
from torch import nn

from gan_cli.networks.patchgan import PatchGAN
from gan_cli.tricks.layers import MinibatchDiscrimination, MinibatchStddev, SpectralNorm
from tests.networks.counting import parameters


def images(count: int, size: int, channels: int = 1) -> torch.Tensor:
    return torch.rand(count, channels, size, size) * 2 - 1


def test_published_sizes():
    """16 * (6*64 + 64*128 + 128*256 + 256*512 + 512) + 64 + 1 + 2 * (128 + 256 + 512): 2.769M of
    pix2pix. CycleGAN's sees 3 channels and has biases where BatchNorm had gains and biases.
    """
    assert parameters(PatchGAN(256, channels=6)) == 2_768_705
    assert parameters(PatchGAN(256, channels=3, normalization="instance")) == 2_764_737


@pytest.mark.parametrize(("layers", "patch"), [(0, 1), (1, 16), (2, 34), (3, 70), (4, 142)])
def test_receptive_field(layers, patch):
    """Which pixels a logit in the middle depends on."""
    size = 2 * patch + 64
    network = PatchGAN(size, 1, width=2, layers=layers, normalization="none")
    for parameter in network.parameters():
        nn.init.constant_(parameter, 0.01)  # so that nothing cancels and every LeakyReLU is open
    x = torch.zeros(1, 1, size, size, requires_grad=True)
    logits, _ = network(x)
    middle = logits.shape[-1] // 2
    (gradient,) = torch.autograd.grad(logits[0, middle, middle], x)
    rows = gradient[0, 0].abs().amax(1).nonzero().flatten()
    assert len(rows) == rows.max() - rows.min() + 1 == patch


@pytest.mark.parametrize(
    ("image_size", "layers", "size"), [(256, 3, 30), (32, 3, 2), (28, 3, 1), (16, 2, 2), (7, 0, 7)]
)
def test_a_logit_for_every_patch(image_size, layers, size):
    network = PatchGAN(image_size, 3, width=2, layers=layers)
    logits, features = network(images(4, image_size, 3))
    assert logits.shape == (4, size, size)
    assert features.shape == (4, network.feature_dim)


def test_features_are_the_map_averaged():
    network = PatchGAN(32, 1, width=2).eval()
    x = images(2, 32)
    _, features = network(x)
    torch.testing.assert_close(features, network.body(x).mean((2, 3)))
    torch.testing.assert_close(features, network.features(x))


def test_too_small_an_image_lists_what_will_do():
    with pytest.raises(ValueError, match=r"layers=3: image_size=16 .* choose one of 0, 1, 2$"):
        PatchGAN(16, 1)
    with pytest.raises(ValueError, match=r"layers=3: image_size=3 .* choose one of 0$"):
        PatchGAN(3, 1)
    PatchGAN(16, 1, layers=2), PatchGAN(3, 1, layers=0)


def test_labels_change_logits():
    torch.manual_seed(0)
    network = PatchGAN(16, 1, n_classes=3, width=2, layers=1).eval()
    a, b, a_again = network(images(1, 16).expand(3, -1, -1, -1), torch.tensor([0, 1, 0]))[0]
    assert not torch.equal(a, b)
    torch.testing.assert_close(a, a_again)
    with pytest.raises(ValueError, match=r"n_classes=3: .* labels"):
        network(images(1, 16))


@pytest.mark.parametrize(
    ("trick", "more"), [(MinibatchStddev(), 1), (MinibatchDiscrimination(kernels=5), 5)]
)
def test_what_a_trick_appends_becomes_planes(trick, more):
    torch.manual_seed(0)
    network = PatchGAN(32, 1, width=2).eval()
    x = images(4, 32)
    before = network.body(x)
    trick.apply_to(network)
    after = network.body(x)
    torch.testing.assert_close(after[:, :-more], before)
    planes = after[:, -more:]
    torch.testing.assert_close(planes, planes.mean((2, 3), keepdim=True).expand_as(planes))
    logits, features = network(x)
    assert logits.shape == (4, 2, 2)
    assert features.shape == (4, 16 + more) == (4, network.feature_dim)
    assert not torch.allclose(planes[:1], network.body(x[:1])[:, -more:])  # it sees the batch


def test_spectral_norm_reaches_the_head():
    network = PatchGAN(32, 1, width=2)
    SpectralNorm().apply_to(network)
    assert network(images(2, 32))[0].shape == (2, 2, 2)
    assert hasattr(network.head.conv, "parametrizations")
