"""Tricks on what D is made of."""

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_cli.ranges import Count
from gan_cli.tricks.places import Layer

WEIGHTED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.Embedding)


class SpectralNorm(Layer):
    """Every weight of D divided by its largest singular value (Miyato et al. 2018, eq. 8).

    Args:
        iterations: power iterations per forward pass; the paper uses one.
    """

    def __init__(self, iterations: Count = 1) -> None:
        super().__init__()
        self.iterations = iterations

    def apply_to(self, network: nn.Module) -> None:
        """Parametrise all linear, convolutional and embedding layers."""
        for layer in [m for m in network.modules() if isinstance(m, WEIGHTED)]:
            spectral_norm(layer, n_power_iterations=self.iterations)
