"""Building blocks that the networks share."""

import math
from typing import Literal, TypeVar

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from gan_cli.networks.labels import required

Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh"]
Normalization = Literal["batch", "instance", "layer", "group", "none"]
PlainNormalization = Literal["batch", "instance", "none"]
FeatureNormalization = Literal["batch", "layer", "none"]
WeightNorm = Literal["weight", "spectral"]

L = TypeVar("L", bound=nn.Module)

COMMON_SIZES = (8, 16, 28, 32, 48, 64, 96, 128, 256)


def activation(name: Activation) -> nn.Module:
    """Return a nonlinearity; both ReLUs overwrite their input; leaky_relu has DCGAN's slope 0.2."""
    match name:
        case "relu":
            return nn.ReLU(inplace=True)
        case "leaky_relu":
            return nn.LeakyReLU(0.2, inplace=True)
        case "elu":
            return nn.ELU()
        case "gelu":
            return nn.GELU()
        case "silu":
            return nn.SiLU()
        case "tanh":
            return nn.Tanh()


def normalization(name: Normalization, channels: int) -> nn.Module:
    """Return a normalisation of [N, C, H, W] with a gain and a bias per channel.

    A critic under a gradient penalty takes any but `batch`, which ties the images of a batch
    together while the penalty is per image (Gulrajani et al. 2017, section 4).
    """
    match name:
        case "batch":
            return nn.BatchNorm2d(channels)
        case "instance":
            return nn.InstanceNorm2d(channels, affine=True)
        case "layer":  # over C, H, W of each image
            return nn.GroupNorm(1, channels)
        case "group":  # 32 groups (Wu & He 2018), or as many as divide the channels evenly
            return nn.GroupNorm(math.gcd(32, channels), channels)
        case "none":
            return nn.Identity()


def plain_normalization(name: PlainNormalization, channels: int) -> nn.Module:
    """Return a normalisation as pix2pix and CycleGAN have it: InstanceNorm without gain or bias."""
    return nn.InstanceNorm2d(channels) if name == "instance" else normalization(name, channels)


def feature_normalization(name: FeatureNormalization, size: int, affine: bool = True) -> nn.Module:
    """Return a normalisation of [N, size], with a gain and a bias each where `affine`."""
    match name:
        case "batch":
            return nn.BatchNorm1d(size, affine=affine)
        case "layer":
            return nn.LayerNorm(size, elementwise_affine=affine)
        case "none":
            return nn.Identity()


def weight_normalized(layer: L, norm: WeightNorm) -> L:
    """The layer with its weight as length and direction (Salimans & Kingma 2016), or divided by its
    largest singular value (Miyato et al. 2018)."""
    (weight_norm if norm == "weight" else spectral_norm)(layer)
    return layer


class ConditionalBatchNorm2d(nn.Module):
    """BatchNorm with a gain and a bias per class (Dumoulin et al. 2017; de Vries et al. 2017).

    Args:
        channels: C of the images normalised.
        n_classes: 0 makes it the ordinary BatchNorm, so that one network serves both.
    """

    def __init__(self, channels: int, n_classes: int) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.norm = nn.BatchNorm2d(channels, affine=n_classes == 0)
        if n_classes:
            self.gain = nn.Embedding(n_classes, channels)
            self.bias = nn.Embedding(n_classes, channels)
            nn.init.ones_(self.gain.weight)
            nn.init.zeros_(self.bias.weight)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Normalise x [N, C, H, W], scale and shift it by its labels y [N]."""
        x = self.norm(x)
        if not self.n_classes:
            return x
        y = required(y, self.n_classes)
        gain = self.gain(y)[:, :, None, None]  # [N, C] -> [N, C, 1, 1]
        bias = self.bias(y)[:, :, None, None]
        return gain * x + bias


class LatentToMap(nn.Module):
    """The transposed convolution that opens a DCGAN generator: a vector becomes a small map.

    On a 1x1 input that is one matrix product, and written so it takes about a third of the time on
    a CPU.

    Args:
        latent_dim: length of the vector.
        channels: C of the map.
        size: H = W of the map.
        bias: whether a bias per channel is added.
    """

    def __init__(self, latent_dim: int, channels: int, size: int, bias: bool) -> None:
        super().__init__()
        self.shape = (channels, size, size)
        conv = nn.ConvTranspose2d(latent_dim, channels, size, bias=bias)
        # [latent_dim, C, H, W] -> [latent_dim, C*H*W]: so channels_last leaves it as it is, where
        # a weight with four dimensions would have to be copied in every forward
        self.weight = nn.Parameter(conv.weight.detach().flatten(1))
        self.bias = conv.bias

    def forward(self, z: Tensor) -> Tensor:
        """[N, latent_dim] -> [N, C, H, W]."""
        x = (z @ self.weight).unflatten(1, self.shape)  # [N, C*H*W] -> [N, C, H, W]
        return x if self.bias is None else x + self.bias[:, None, None]


WEIGHTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, LatentToMap)
SPECTRAL = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.Embedding)
NORMALIZING = (nn.BatchNorm1d, nn.BatchNorm2d, nn.InstanceNorm2d, nn.GroupNorm, nn.LayerNorm)


def init_normal(network: nn.Module) -> None:
    """Draw weights from N(0, 0.02) and gains from N(1, 0.02), zero biases (Radford et al. 2016).

    Embeddings keep what their layer gave them.
    """
    for layer in network.modules():
        if isinstance(layer, WEIGHTED):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, NORMALIZING) and layer.weight is not None:
            nn.init.normal_(layer.weight, 1.0, 0.02)
        else:
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def normalize_spectrally(network: nn.Module, iterations: int = 1, embeddings: bool = True) -> None:
    """Divide each linear and convolutional weight by its largest singular value.

    Miyato et al. 2018, equation 8, with so many power iterations in each forward pass of training.

    Args:
        network: changed in place.
        iterations: in each forward pass.
        embeddings: embeddings' weights as well.
    """
    kinds = SPECTRAL if embeddings else SPECTRAL[:-1]
    for layer in [m for m in network.modules() if isinstance(m, kinds)]:
        spectral_norm(layer, n_power_iterations=iterations)


def init_orthogonal(network: nn.Module) -> None:
    """Draw orthogonal weights, embeddings included, and zero biases (Brock et al. 2019)."""
    for layer in network.modules():
        if isinstance(layer, SPECTRAL):
            nn.init.orthogonal_(layer.weight)
            if isinstance(bias := getattr(layer, "bias", None), Tensor):
                nn.init.zeros_(bias)


def widths(first: int, count: int, limit: int) -> list[int]:
    """Return `count` channel counts: `first`, then each twice the one before, up to `limit`.

    Raises:
        ValueError: `limit` is below `first`.
    """
    if limit < first:
        raise ValueError(f"max_width={limit} is below width={first}: raise it or lower width")
    return [min(first * 2**i, limit) for i in range(count)]


def halvings(size: int) -> int:
    """Return how often `size` can be halved and remain whole: 5 for 32, 2 for 28."""
    return (size & -size).bit_length() - 1  # its lowest bit is the largest power that divides it


def divided(image_size: int, divisor: int) -> int:
    """Return a fraction of a size.

    Raises:
        ValueError: it is not divisible; the message names sizes that are.
    """
    if image_size % divisor:
        below = image_size // divisor * divisor
        choices = f"{below} or {below + divisor}" if below else f"{divisor} or more"
        raise ValueError(
            f"image_size={image_size}: should be divisible by {divisor}; choose {choices}"
        )
    return image_size // divisor


def doublings(image_size: int, depth: int | None = None) -> tuple[int, int]:
    """Return (base, count) with base * 2^count = image_size.

    Args:
        image_size: H = W of the images.
        depth: the count; None stands for the one that leaves a base of 4 to 7 pixels.

    Raises:
        ValueError: there is no such base; the message lists sizes, or depths, that have one.
    """
    if depth is None:
        depth = math.floor(math.log2(image_size)) - 2  # image_size / 2^depth is in [4, 8)
        if depth < 1 or image_size % 2**depth:
            raise ValueError(_cannot_make(image_size))
    elif image_size % 2**depth or image_size < 2 * 2**depth:
        possible = [d for d in range(1, depth) if image_size % 2**d == 0]
        right = max(round(image_size / 2**depth), 2) * 2**depth
        raise ValueError(
            f"depth={depth}: image_size={image_size} cannot be halved so often and leave 2 pixels; "
            + (f"choose one of {_listed(possible)}" if possible else f"choose image_size={right}")
        )
    return image_size // 2**depth, depth


def _cannot_make(image_size: int) -> str:
    step = max(2, 2 ** math.floor(math.log2(image_size / 4)))  # sizes that fit lie so far apart
    below = image_size // step * step
    nearest = [size for size in (below, below + step) if size >= 8] or [8]
    others = [size for size in COMMON_SIZES if size not in nearest]
    return (
        f"image_size={image_size}: an image is 4 to 7 pixels doubled a few times; "
        f"choose one of {_listed(nearest)} (nearest) or {_listed(others)}"
    )


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
