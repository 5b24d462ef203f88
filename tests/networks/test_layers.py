import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from gan_cli.networks import layers


def pictures(channels: int = 8) -> torch.Tensor:
    return torch.randn(4, channels, 6, 6) * 3 + 1


@pytest.mark.parametrize(
    ("name", "at_minus_one"),
    [("relu", 0.0), ("leaky_relu", -0.2), ("elu", -0.6321), ("tanh", -0.7616), ("silu", -0.2689)],
)
def test_activation(name, at_minus_one):
    value = layers.activation(name)(torch.tensor(-1.0))
    torch.testing.assert_close(value, torch.tensor(at_minus_one), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "over"),
    [("batch", (0, 2, 3)), ("instance", (2, 3)), ("layer", (1, 2, 3))],
)
def test_normalization_is_over(name, over):
    torch.manual_seed(0)
    of_each_map = 3 * torch.randn(4, 8, 1, 1)
    x = layers.normalization(name, 8)(pictures() + of_each_map)
    torch.testing.assert_close(x.mean(over), torch.zeros_like(x.mean(over)), rtol=0, atol=1e-5)
    var = x.var(over, correction=0)
    torch.testing.assert_close(var, torch.ones_like(var), rtol=0, atol=1e-3)
    maps_stay_apart = x.mean((2, 3)).abs().max() > 0.1
    assert maps_stay_apart == (name != "instance")


@pytest.mark.parametrize(("channels", "groups"), [(64, 32), (48, 16), (7, 1)])
def test_group_norm_divides_evenly(channels, groups):
    norm = layers.normalization("group", channels)
    assert norm.num_groups == groups


def test_no_normalization_is_the_identity():
    x = pictures()
    assert layers.normalization("none", 8)(x) is x


def test_conditional_batch_norm_starts_as_batch_norm():
    x, y = pictures(), torch.tensor([0, 1, 1, 2])
    norm = layers.ConditionalBatchNorm2d(8, n_classes=3)
    torch.testing.assert_close(norm(x, y), nn.BatchNorm2d(8)(x))


def test_conditional_batch_norm_scales_and_shifts_by_class():
    x, y = pictures(), torch.tensor([0, 1, 1, 2])
    norm = layers.ConditionalBatchNorm2d(8, n_classes=3)
    with torch.no_grad():
        norm.gain.weight[1], norm.bias.weight[1] = 2.0, 5.0
    plain = nn.BatchNorm2d(8)(x)
    expected = torch.stack([plain[0], 2 * plain[1] + 5, 2 * plain[2] + 5, plain[3]])
    torch.testing.assert_close(norm(x, y), expected)


def test_conditional_batch_norm_without_classes_is_batch_norm():
    norm = layers.ConditionalBatchNorm2d(8, n_classes=0)
    x = pictures()
    torch.testing.assert_close(norm(x), nn.BatchNorm2d(8)(x))
    assert sum(p.numel() for p in norm.parameters()) == 2 * 8


@pytest.mark.parametrize("bias", [True, False])
def test_latent_to_map_is_a_transposed_convolution_of_one_pixel(bias):
    torch.manual_seed(0)
    stem = layers.LatentToMap(10, channels=6, size=4, bias=bias)
    torch.manual_seed(0)
    conv = nn.ConvTranspose2d(10, 6, 4, bias=bias)
    z = torch.randn(3, 10)
    torch.testing.assert_close(stem(z), conv(z[:, :, None, None]))


class Watch(TorchDispatchMode):
    """Which operators run, on tensors of how many numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, int]] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self.seen.append((func.overloadpacket.__name__, result.numel()))
        return result


def test_latent_to_map_does_not_copy_its_weight():
    stem = layers.LatentToMap(10, channels=6, size=4, bias=True)
    stem.to(memory_format=torch.channels_last)
    with Watch() as watch:
        stem(torch.randn(3, 10))
    assert "mm" in dict(watch.seen)
    moved = [name for name, numel in watch.seen if numel == stem.weight.numel()]
    assert not {name for name in moved if "clone" in name or "copy" in name}, moved


def test_init_normal_reaches_what_is_no_layer_of_torchs():
    torch.manual_seed(0)
    network = nn.Sequential(layers.LatentToMap(50, 40, 4, bias=True), nn.BatchNorm1d(4096))
    layers.init_normal(network)
    assert network[0].weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert network[0].bias.abs().max() == 0
    assert network[1].weight.std().item() == pytest.approx(0.02, rel=0.05)


def test_init_normal():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(64, 64, 4), nn.BatchNorm2d(4096), nn.Embedding(9, 999))
    layers.init_normal(network)
    conv, norm, embedding = network
    assert conv.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert conv.bias.abs().max() == 0
    assert norm.weight.mean().item() == pytest.approx(1, abs=0.002)
    assert norm.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert embedding.weight.std().item() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize(
    ("image_size", "base", "count"),
    [
        (8, 4, 1),
        (14, 7, 1),
        (28, 7, 2),
        (32, 4, 3),
        (48, 6, 3),
        (64, 4, 4),
        (96, 6, 4),
        (128, 4, 5),
    ],
)
def test_doublings(image_size, base, count):
    assert layers.doublings(image_size) == (base, count)


@pytest.mark.parametrize(("size", "count"), [(1, 0), (15, 0), (28, 2), (32, 5), (48, 4), (256, 8)])
def test_halvings(size, count):
    assert layers.halvings(size) == count


def test_doublings_to_a_depth():
    assert layers.doublings(32, depth=1) == (16, 1)
    assert layers.doublings(100, depth=2) == (25, 2)


@pytest.mark.parametrize(
    ("image_size", "nearest"),
    [(1, "8"), (7, "8"), (9, "8, 10"), (30, "28, 32"), (63, "56, 64"), (100, "96, 112")],
)
def test_an_impossible_size_lists_possible_ones(image_size, nearest):
    with pytest.raises(
        ValueError, match=f"image_size={image_size}: .* {nearest} \\(nearest\\)"
    ) as e:
        layers.doublings(image_size)
    listed = str(e.value).partition("choose one of ")[2].replace(" (nearest) or", ",")
    for size in listed.split(", "):
        base, count = layers.doublings(int(size))
        assert base * 2**count == int(size)


def test_nearest_sizes_are_the_nearest():
    """Every size up to 300 either can be made, or its neighbours are what the message names."""

    def possible(size: int) -> bool:
        try:
            layers.doublings(size)
        except ValueError:
            return False
        return True

    makeable = [size for size in range(1, 600) if possible(size)]
    assert makeable[:8] == [8, 10, 12, 14, 16, 20, 24, 28]
    for size in set(range(9, 300)) - set(makeable):
        below, above = max(s for s in makeable if s < size), min(s for s in makeable if s > size)
        with pytest.raises(ValueError, match=f" {below}, {above} \\(nearest\\)"):
            layers.doublings(size)


def test_an_impossible_depth_lists_possible_ones():
    with pytest.raises(ValueError, match=r"depth=3: image_size=28 .* choose one of 1, 2$"):
        layers.doublings(28, depth=3)
    with pytest.raises(ValueError, match=r"depth=5: image_size=32 .* choose one of 1, 2, 3, 4$"):
        layers.doublings(32, depth=5)
    with pytest.raises(ValueError, match=r"depth=1: image_size=15 .* choose image_size=16"):
        layers.doublings(15, depth=1)


def test_widths():
    assert layers.widths(128, 5, limit=1024) == [128, 256, 512, 1024, 1024]
    with pytest.raises(ValueError, match="max_width=64 is below width=128"):
        layers.widths(128, 3, limit=64)
