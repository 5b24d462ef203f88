"""The roles a network can play in a game; a game's constructor asks for one of them."""

import abc

import torch
from torch import Tensor, nn

from gan_cli.metrics.mel import MelSpectrogram
from gan_cli.networks.heads import Head


class Generator(nn.Module, abc.ABC):
    """z and a label to an image."""

    latent_dim: int
    n_classes: int
    """How many labels there are; 0 where unlabelled, and labels given are ignored."""

    @abc.abstractmethod
    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Images [N, C, H, W] in [-1, 1] from z [N, latent_dim] and labels y [N]."""


class StyleGenerator(Generator):
    """A generator in two stages: z to a style for each of its layers, styles to an image."""

    layer_count: int
    style_mean: Tensor
    """Running mean of styles, [style_dim]: what truncation pulls towards."""

    @abc.abstractmethod
    def styles(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Styles [N, layer_count, style_dim] of z [N, latent_dim] and labels y [N]."""

    @abc.abstractmethod
    def synthesize(self, styles: Tensor) -> Tensor:
        """Images [N, C, H, W] of styles [N, layer_count, style_dim]."""


class Translator(nn.Module, abc.ABC):
    """An image to another of the same size, as pix2pix and CycleGAN have it."""

    in_channels: int
    out_channels: int

    @abc.abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Images [N, out_channels, H, W] in [-1, 1] from images [N, in_channels, H, W]."""


class Encoder(nn.Module):
    """Images -> body -> features -> head -> z, or what z is likely to be.

    Every encoder is a constructor of this class.

    Args:
        body: images [N, C, H, W] -> features [N, F].
        head: features -> z [N, latent_dim]; or, where `gaussian`, the mean and the log variance of
            each of its numbers, [N, 2 latent_dim].
        latent_dim: length of z.
        gaussian: whether z is drawn, from a normal distribution around the mean.
    """

    def __init__(
        self, body: nn.Module, head: nn.Module, latent_dim: int, gaussian: bool = False
    ) -> None:
        super().__init__()
        self.body, self.head = body, head
        self.latent_dim, self.gaussian = latent_dim, gaussian

    def forward(self, x: Tensor) -> Tensor:
        """What the head says of images [N, C, H, W]; see above."""
        return self.head(self.body(x))

    def sample(self, x: Tensor) -> Tensor:
        """z of images, float32 [N, latent_dim]; differentiable, also where it is drawn."""
        return drawn(self(x).float()) if self.gaussian else self(x).float()


def drawn(code: Tensor) -> Tensor:
    """mean + exp(log variance / 2) N(0, I) of both side by side, [N, 2 K] -> [N, K]."""
    mean, log_variance = code.chunk(2, dim=1)
    return mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)


class Vocoder(nn.Module, abc.ABC):
    """A mel spectrogram to the sound that it came from.

    Attributes:
        mel: what makes its input of sound.
    """

    mel: MelSpectrogram

    @abc.abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Waves [N, 1, 1, F * hop] in [-1, 1] from log-mel spectrograms [N, M, F]."""


class DiscriminatorGroup(nn.ModuleDict):
    """Several discriminators of one game, by the names of their adversaries."""


class Discriminator(nn.Module):
    """Images -> body -> features -> head -> logits.

    Every discriminator is a constructor of this class. Its features are a vector of an image, and
    it has one logit; or they are a map, and it has a logit for every patch. Whoever asks for
    features gets a vector either way: a map is averaged over its pixels.

    The seam between body and head is where more can attach: an auxiliary classifier reads the
    features, `extend` puts a layer in between.

    Args:
        body: images [N, C, H, W], or what `label_stem` makes of them, -> features [N, F], or a map
            of them [N, F, H', W'].
        head: what the body gives, and labels [N] or None -> logits [N], or [N, H", W"].
        n_classes: how many labels there are; 0 where unlabelled, and labels given are ignored.
        label_stem: takes images and labels, for a body that is told the label.
    """

    def __init__(
        self, body: nn.Module, head: Head, n_classes: int, label_stem: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.label_stem = label_stem
        self.body = body
        self.head = head

    @property
    def feature_dim(self) -> int:
        """F, the number of features the head reads."""
        return self.head.feature_dim

    def features(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """What the head judges by: [N, C, H, W] -> [N, F]."""
        return averaged(self._read(x, y))

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits [N], or [N, H", W"] of patches, and features [N, F].

        Args:
            x: images [N, C, H, W].
            y: labels [N].

        Raises:
            ValueError: a labelled network was given no labels.
        """
        found = self._read(x, y)
        return self.head(found, y), averaged(found)

    def extend(self, layer: nn.Module, feature_dim: int) -> None:
        """Put a layer behind the body and start a head to match.

        To be done before training, and before the head is parametrised or given to an optimizer.

        Args:
            layer: appends features: [N, F] -> [N, feature_dim], the first F as they were. To a map
                it appends planes, each of one value.
            feature_dim: how many there are then.
        """
        self.body = nn.Sequential(self.body, AppendFeatures(layer, self.feature_dim))
        self.head = self.head.resized(feature_dim)

    def _read(self, x: Tensor, y: Tensor | None) -> Tensor:
        return self.body(x if self.label_stem is None else self.label_stem(x, y))


class AppendFeatures(nn.Module):
    """Lets a layer that appends features append planes to a map.

    Args:
        layer: [N, F] -> [N, F + K], the first F as they were.
        feature_dim: F.
    """

    def __init__(self, layer: nn.Module, feature_dim: int) -> None:
        super().__init__()
        self.layer, self.feature_dim = layer, feature_dim

    def forward(self, x: Tensor) -> Tensor:
        """[N, F] -> [N, F + K], or [N, F, H, W] -> [N, F + K, H, W]."""
        if x.ndim == 2:
            return self.layer(x)
        appended = self.layer(averaged(x))[:, self.feature_dim :, None, None]  # [N, K, 1, 1]
        return torch.cat([x, appended.expand(-1, -1, *x.shape[2:])], dim=1)


def averaged(features: Tensor) -> Tensor:
    """Features [N, F] as they are; of a map [N, F, H, W] the mean over pixels, [N, F]."""
    return features if features.ndim == 2 else features.mean((2, 3))
