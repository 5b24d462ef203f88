import math

import pytest
import torch
from torch import nn

from gan_cli.errors import UserError
from gan_cli.networks import dcgan, mlp, resnet
from gan_cli.tricks.layers import (
    Closeness,
    Dropout,
    LayerNoise,
    MinibatchDiscrimination,
    MinibatchStddev,
    SpectralNorm,
)


def small() -> dcgan.Discriminator:
    return dcgan.Discriminator(16, 1, width=8, normalization="none")


def test_spectral_norm_divides_by_the_largest_singular_value():
    torch.manual_seed(0)
    network = small()
    SpectralNorm(iterations=20).apply_to(network)
    for _ in range(5):
        network(torch.rand(2, 1, 16, 16))
    network.eval()
    weights = [m.weight for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(weights) == 3
    for weight in weights:
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, abs=1e-3)


def test_spectral_norm_remembers_its_direction():
    first, second = small(), small()
    for network in (first, second):
        SpectralNorm().apply_to(network)
    first(torch.rand(2, 1, 16, 16))
    second.load_state_dict(first.state_dict())
    x = torch.rand(2, 1, 16, 16)
    assert torch.equal(first(x)[0], second(x)[0])


def test_closeness_by_hand():
    """One feature, T = (1, 2): M is f and 2 f, of one dimension each.

    For f = 0, 1: o_0 = (1 + e^-1, 1 + e^-2), the same for both.
    """
    layer = Closeness(1, kernels=2, kernel_dim=1)
    layer.linear.weight.data = torch.tensor([[1.0], [2.0]])
    found = layer(torch.tensor([[0.0], [1.0]]))
    near = [1 + math.exp(-1), 1 + math.exp(-2)]
    torch.testing.assert_close(found, torch.tensor([[0.0, *near], [1.0, *near]]))


def test_closeness_adds_up_dimensions():
    """One kernel of two dimensions, M = (f, 2 f): the L1 distance of 0 and 1 is 3."""
    layer = Closeness(1, kernels=1, kernel_dim=2)
    layer.linear.weight.data = torch.tensor([[1.0], [2.0]])
    found = layer(torch.tensor([[0.0], [1.0]]))
    assert found[:, 1].tolist() == pytest.approx([1 + math.exp(-3)] * 2)


def test_a_collapsed_batch_is_as_close_as_can_be():
    layer = Closeness(3, kernels=4, kernel_dim=2)
    found = layer(torch.rand(1, 3).expand(5, 3))
    torch.testing.assert_close(found[:, 3:], torch.full((5, 4), 5.0))
    assert (layer(10 * torch.randn(5, 3))[:, 3:] < 5).all()


@pytest.mark.parametrize(
    ("trick", "more"), [(MinibatchDiscrimination(kernels=7), 7), (MinibatchStddev(), 1)]
)
def test_what_joins_the_features_is_judged(trick, more):
    network = small()
    before = network.feature_dim
    trick.apply_to(network)
    score, features = network(torch.rand(4, 1, 16, 16))
    assert score.shape == (4,)
    assert features.shape == (4, before + more) == (4, network.feature_dim)


NETWORKS = {
    "mlp": lambda: mlp.Discriminator(16, 1, hidden=[8, 8], dropout=0.0),
    "dcgan": small,
    "resnet": lambda: resnet.Discriminator(16, 1, width=8, max_width=8),
}


@pytest.mark.parametrize("trick", [LayerNoise(0.5), Dropout(0.5)], ids=["noise", "dropout"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_disturbed_in_training_only(trick, kind):
    network, x = NETWORKS[kind](), torch.rand(2, 1, 16, 16)
    clean = network(x)[1]
    trick.apply_to(network)
    assert not torch.equal(network(x)[1], clean)
    assert not torch.equal(network(x)[1], network(x)[1])
    network.eval()
    assert torch.equal(network(x)[1], clean)


def test_noise_has_its_standard_deviation():
    torch.manual_seed(0)
    network = mlp.Discriminator(1, 2, hidden=[2000], activation="relu", dropout=0.0)
    x = torch.rand(10, 2, 1, 1)
    clean = network(x)[1]
    LayerNoise(0.3).apply_to(network)
    assert (network(x)[1] - clean).std().item() == pytest.approx(0.3, rel=0.02)


def test_dropout_drops_its_share_and_keeps_the_mean():
    torch.manual_seed(0)
    network = mlp.Discriminator(1, 2, hidden=[2000], activation="leaky_relu", dropout=0.0)
    x = torch.rand(10, 2, 1, 1)
    clean = network(x)[1]
    Dropout(0.25).apply_to(network)
    dropped = network(x)[1]
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], clean[kept] / 0.75)


def test_no_noise_and_no_dropout_equal_absent():
    network, x = small(), torch.rand(2, 1, 16, 16)
    clean = network(x)[0]
    LayerNoise(0.0).apply_to(network)
    Dropout(0.0).apply_to(network)
    assert torch.equal(network(x)[0], clean)


def test_a_network_without_activations_is_refused():
    with pytest.raises(UserError, match="no activation modules"):
        LayerNoise().apply_to(nn.Sequential(nn.Linear(2, 1)))
