"""Tricks on what D is made of."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gan_cli.errors import UserError
from gan_cli.networks.dropout import drop
from gan_cli.networks.layers import normalize_spectrally
from gan_cli.networks.minibatch import GroupStddev
from gan_cli.networks.roles import Discriminator
from gan_cli.ranges import Count, NonNegative, Probability
from gan_cli.tricks.base import Layer

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh)


class SpectralNorm(Layer):
    """Every weight of D divided by its largest singular value (Miyato et al. 2018, eq. 8).

    Args:
        iterations: power iterations per forward pass; the paper uses one.
    """

    stage = "layers"

    def __init__(self, iterations: Count = 1) -> None:
        super().__init__()
        self.iterations = iterations

    def apply_to(self, network: Discriminator) -> None:
        """Parametrise all linear, convolutional and embedding layers."""
        normalize_spectrally(network, self.iterations)


class MinibatchDiscrimination(Layer):
    """D sees how close each image is to the others of its batch (Salimans et al. 2016, sec. 3.2).

    A collapsed G gives itself away. Real and fake images come in batches of their own.

    Args:
        kernels: B, how many closenesses join the features. Memory grows with N^2 B C.
        kernel_dim: C, in how many dimensions each is measured.
    """

    stage = "features"
    mixes_samples = True

    def __init__(self, kernels: Count = 100, kernel_dim: Count = 5) -> None:
        super().__init__()
        self.kernels, self.kernel_dim = kernels, kernel_dim

    def apply_to(self, network: Discriminator) -> None:
        """Put it between D's features and its head."""
        layer = Closeness(network.feature_dim, self.kernels, self.kernel_dim)
        network.extend(layer, network.feature_dim + self.kernels)


class Closeness(nn.Module):
    """Appends o(x_i)_b = sum over j of exp(-||M_ib - M_jb||_1), M_i = f(x_i) T.

    Args:
        feature_dim: F.
        kernels: B.
        kernel_dim: C.
    """

    reads_batch = True

    def __init__(self, feature_dim: int, kernels: int, kernel_dim: int) -> None:
        super().__init__()
        self.shape = (kernels, kernel_dim)
        self.linear = nn.Linear(feature_dim, kernels * kernel_dim, bias=False)  # the paper's T
        nn.init.normal_(self.linear.weight, std=feature_dim**-0.5)  # M as large as the features

    def forward(self, features: Tensor) -> Tensor:
        """[N, F] -> [N, F + B]."""
        m = self.linear(features).unflatten(1, self.shape)  # [N, B*C] -> [N, B, C]
        distance = (m[:, None] - m[None]).abs().sum(3)  # [N, N, B]
        return torch.cat([features, torch.exp(-distance).sum(1)], dim=1)


class MinibatchStddev(Layer):
    """D sees how much the images of its batch vary (Karras et al. 2018, section 3).

    The paper appends it as a channel of the last map; here, behind that map, it is one number.
    It ties images together, and yet its authors train it under gradient penalties (WGAN-GP
    there, R1 in StyleGAN), so that these do not refuse it.

    Args:
        group_size: images among which the spread is measured, at most; 4 in the paper's code.
    """

    stage = "features"

    def __init__(self, group_size: Count = 4) -> None:
        super().__init__()
        self.group_size = group_size

    def apply_to(self, network: Discriminator) -> None:
        """Put it between D's features and its head."""
        network.extend(GroupStddev(self.group_size), network.feature_dim + 1)


class LayerNoise(Layer):
    """Gaussian noise behind every activation of D (Salimans et al. 2016, section 5.1).

    Training only. Noise on the images themselves is `InstanceNoise`.

    Args:
        std: its standard deviation.
    """

    stage = "layers"

    def __init__(self, std: NonNegative = 0.1) -> None:
        super().__init__()
        self.std = std

    def apply_to(self, network: Discriminator) -> None:
        """Let every activation add it."""

        def add(layer: nn.Module, _: tuple[Tensor], output: Tensor) -> Tensor:
            return output + self.std * torch.randn_like(output) if layer.training else output

        behind_activations(network, add)


class Dropout(Layer):
    """A random part of every activation of D set to zero in training (Srivastava et al. 2014).

    Args:
        p: the probability of each output to be dropped.
    """

    stage = "layers"

    def __init__(self, p: Probability = 0.3) -> None:
        super().__init__()
        self.p = p

    def apply_to(self, network: Discriminator) -> None:
        """Let every activation drop some of its output."""

        def thin(layer: nn.Module, _: tuple[Tensor], output: Tensor) -> Tensor:
            return drop(output, self.p, layer.training)

        behind_activations(network, thin)


def behind_activations(
    network: nn.Module, hook: Callable[[nn.Module, tuple[Tensor], Tensor], Tensor]
) -> None:
    """Let `hook` change what every activation of `network` gives.

    Raises:
        UserError: it has none that is a module.
    """
    activations = [m for m in network.modules() if isinstance(m, ACTIVATIONS)]
    if not activations:
        raise UserError(f"model.discriminator: {type(network).__name__} has no activation modules")
    for activation in activations:
        activation.register_forward_hook(hook)
