"""What holds for every pair of networks."""

import pytest
import torch
from torch import Tensor, nn

from gan_cli.config.signatures import Checker
from gan_cli.networks import dcgan, infogan, mlp, resnet, sngan

PAIRS = {
    "mlp": (mlp.Generator, mlp.Discriminator, {"hidden": (16, 32)}, {"hidden": (32, 16)}),
    "dcgan": (dcgan.Generator, dcgan.Discriminator, {"width": 4}, {"width": 4}),
    "resnet": (
        resnet.Generator,
        resnet.Discriminator,
        {"width": 4, "max_width": 8},
        {"width": 4, "max_width": 8},
    ),
    "infogan": (infogan.Generator, infogan.Discriminator, {"width": 4}, {"width": 4}),
    "sngan": (sngan.Generator, sngan.Discriminator, {"width": 4}, {"width": 4}),
}


def make(pair: str, image_size: int = 16, channels: int = 1, n_classes: int = 0):
    """A narrow generator and discriminator, the same at every call."""
    torch.manual_seed(0)
    G, D, of_G, of_D = PAIRS[pair]
    return (
        G(latent_dim=10, image_size=image_size, channels=channels, n_classes=n_classes, **of_G),
        D(image_size=image_size, channels=channels, n_classes=n_classes, **of_D),
    )


def pictures(count: int, image_size: int = 16, channels: int = 1) -> Tensor:
    return torch.rand(count, channels, image_size, image_size) * 2 - 1


@pytest.fixture(params=PAIRS)
def pair(request) -> str:
    return request.param


@pytest.mark.parametrize(
    ("image_size", "channels"), [(8, 1), (28, 1), (32, 1), (32, 3), (48, 3), (64, 1), (128, 3)]
)
def test_shapes_and_range(pair, image_size, channels):
    G, D = make(pair, image_size, channels)
    x = G(torch.randn(2, G.latent_dim))
    assert x.shape == (2, channels, image_size, image_size)
    assert x.abs().max() <= 1
    score, features = D(x)
    assert score.shape == (2,)
    assert features.shape == (2, D.feature_dim)


def test_says_what_it_was_built_for(pair):
    G, D = make(pair, n_classes=3)
    assert (G.latent_dim, G.n_classes, D.n_classes) == (10, 3, 3)


def test_score_is_head_of_features(pair):
    _, D = make(pair, n_classes=3)
    D.eval()
    x, y = pictures(4), torch.tensor([0, 1, 2, 0])
    score, features = D(x, y)
    torch.testing.assert_close(features, D.features(x, y))
    torch.testing.assert_close(score, D.head(features, y))


def test_same_latent_another_label_another_picture(pair):
    G, _ = make(pair, n_classes=3)
    for layer in G.modules():  # ConditionalBatchNorm starts alike for all classes
        if isinstance(layer, nn.Embedding):
            nn.init.normal_(layer.weight)
    G.eval()
    z = torch.randn(1, 10).expand(3, -1)
    a, b, a_again = G(z, torch.tensor([0, 1, 0]))
    assert not torch.allclose(a, b, atol=1e-6)
    torch.testing.assert_close(a, a_again)


def test_same_picture_another_label_another_score(pair):
    _, D = make(pair, n_classes=3)
    D.eval()
    a, b, a_again = D(pictures(1).expand(3, -1, -1, -1), torch.tensor([0, 1, 0]))[0]
    assert not torch.allclose(a, b, atol=0)
    torch.testing.assert_close(a, a_again)


def test_labels_are_demanded_by_name(pair):
    G, D = make(pair, n_classes=3)
    with pytest.raises(ValueError, match=r"n_classes=3: .* labels"):
        G(torch.randn(2, 10))
    with pytest.raises(ValueError, match=r"n_classes=3: .* labels"):
        D(pictures(2))


def test_unlabelled_networks_ignore_labels(pair):
    G, D = make(pair)
    G.eval(), D.eval()
    z, y = torch.randn(2, 10), torch.tensor([0, 7])
    x = G(z)
    torch.testing.assert_close(G(z, y), x)
    torch.testing.assert_close(D(x, y), D(x))


def test_every_parameter_learns(pair):
    G, D = make(pair, n_classes=3)
    y = torch.arange(6) % 3
    D(G(torch.randn(6, 10), y), y)[0].square().sum().backward()
    for name, parameter in [*G.named_parameters(), *D.named_parameters()]:
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_gradient_penalty_reaches_the_weights(pair):
    """The penalty differentiates the score by x and that again by the weights."""
    _, D = make(pair)
    D.eval()
    x = pictures(3).requires_grad_()
    (slope,) = torch.autograd.grad(D(x)[0].sum(), x, create_graph=True)
    (slope.square().sum((1, 2, 3)).sqrt() - 1).square().mean().backward()
    for name, parameter in D.named_parameters():
        if parameter.ndim > 1:  # biases only move the kinks
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


def test_channels_last_changes_no_score(pair):
    G, D = make(pair, n_classes=3)
    z, y = torch.randn(4, 10), torch.tensor([0, 1, 2, 0])
    D.eval()
    before = D(G(z, y), y)[0]
    G.to(memory_format=torch.channels_last), D.to(memory_format=torch.channels_last)
    torch.testing.assert_close(D(G(z, y), y)[0], before, rtol=1e-4, atol=1e-5)


def test_a_layer_between_body_and_head(pair):
    """`extend` is where minibatch discrimination goes: it appends features, the head follows."""

    class AppendMean(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            return torch.cat([features, features.mean(1, keepdim=True)], dim=1)

    _, D = make(pair, n_classes=3)
    D.eval()
    x, y = pictures(2), torch.tensor([0, 2])
    before, F = D.features(x, y), D.feature_dim
    D.extend(AppendMean(), F + 1)
    score, features = D(x, y)
    assert D.feature_dim == F + 1
    assert score.shape == (2,)
    torch.testing.assert_close(features[:, :-1], before)
    torch.testing.assert_close(features[:, -1], before.mean(1))


@pytest.mark.parametrize(
    ("target", "argument", "said"),
    [
        ("dcgan.Generator", {"depth": 10**9}, "less than or equal to 64"),
        ("dcgan.Discriminator", {"depth": 65}, "less than or equal to 64"),
        ("resnet.Discriminator", {"downsamplings": 10**9}, "less than or equal to 64"),
        ("resnet.Discriminator", {"flat_blocks": 10**9}, "less than or equal to 64"),
        ("mlp.Generator", {"hidden": [1] * 65}, "at most 64 items"),
        ("mlp.Discriminator", {"hidden": [1] * 65}, "at most 64 items"),
        ("unet.UNet", {"depth": 65}, "less than or equal to 64"),
        ("unet.UNet", {"dropout_blocks": 65}, "less than or equal to 64"),
        ("patchgan.PatchGAN", {"layers": 9}, "less than or equal to 8"),
        ("resnet_translator.ResNetTranslator", {"blocks": 10**9}, "less than or equal to 64"),
        ("resnet_translator.ResNetTranslator", {"downsamplings": 65}, "less than or equal to 64"),
    ],
)
def test_no_config_can_ask_for_layers_without_end(target, argument, said):
    (name, value) = next(iter(argument.items()))
    checker = Checker()
    node = {"_target_": f"gan_cli.networks.{target}", **argument}
    checker.value(node, nn.Module, "model.network")
    assert said in checker.problems[f"model.network.{name}"]
    checker = Checker()
    checker.value(node | {name: [1] * 64 if isinstance(value, list) else 8}, nn.Module, "model.n")
    assert f"model.n.{name}" not in checker.problems
