"""Adaptive augmentation (ADA): random changes that D sees and G does not learn.

Karras et al. 2020, "Training generative adversarial networks with limited data", appendix B. Where
a change is made with a probability well below 1, distributions that are alike after it are alike
before it as well, so that G's own images stay like the training images (section 2.2).
"""

import math

import torch
from torch import Tensor

from gan_cli.ranges import Count, Probability
from gan_cli.tricks.adaptive import AdaptiveView, Sign
from gan_cli.tricks.examples import Progress
from gan_cli.tricks.schedules import Schedule
from gan_cli.tricks.warp import Warp

SHIFT = 0.125
"""Of the image: whole pixels up to that, fractions with that standard deviation."""
SCALE, CONTRAST, SATURATION = 0.2, 0.5, 1.0
"""Standard deviations of the logarithms to base 2."""
BRIGHTNESS = 0.2
"""Standard deviation, images in [-1, 1]."""
HIDDEN = 0.5
"""Side of the square that is cut out, of the image's."""


class ADA(AdaptiveView):
    """Random changes of all that D sees, each with a probability p that follows D's scores.

    Every image draws its own. A group's changes are made with its strength times p each; the
    paper's choice `bgc` is blit, geometry and color.

    Args:
        p: probability, fixed, scheduled, or to begin with.
        target: of E[sign D(x)]; null leaves p as it is, or to its schedule.
        every: steps between two moves of p.
        images: real ones that D sees while p goes from 0 to 1, at the fastest.
        blit: strength of flips, quarter turns and shifts by whole pixels.
        geometry: of scaling, rotation, stretching, shifts by fractions of pixels.
        color: of brightness, contrast, inverted luma, and, of three channels, hue and saturation.
        cutout: of a square half as wide as the image, set to zero.
    """

    needs_pixels = True

    def __init__(
        self,
        p: Probability | Schedule = 0.0,
        target: Sign | None = 0.6,
        every: Count = 4,
        images: Count = 500_000,
        blit: Probability = 1.0,
        geometry: Probability = 1.0,
        color: Probability = 1.0,
        cutout: Probability = 0.0,
    ) -> None:
        super().__init__(p, target, every, images)
        self.blit, self.geometry, self.color, self.cutout = blit, geometry, color, cutout

        self.warp = Warp()

    def watch(self) -> dict[str, Tensor]:
        """The strength p."""
        return {"health/augmentation": self.p.clone()}

    def forward(self, x: Tensor, progress: Progress) -> Tensor:
        """Change each image: its place, then its color, then what of it is seen."""
        with torch.autocast(x.device.type, enabled=False):  # bf16 would round the pixels
            if self.blit or self.geometry:
                linear, offset, still = moves(x, self.blit * self.p, self.geometry * self.p)
                x = torch.where(still, x, self.warp(x, linear, offset))
            if self.color:
                x = recolored(x, self.color * self.p)
            return hidden(x, self.cutout * self.p) if self.cutout else x


def moves(x: Tensor, blit: Tensor, geometry: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Flip, turn and shift; scale, turn, stretch, turn again and shift: draw where each image goes.

    Args:
        x: images [N, C, H, W].
        blit, geometry: probability of each change before and after the semicolon, scalars.

    Returns:
        What `Warp` takes: linear maps [N, 2, 2] and offsets [N, 2]; and whether an image stays as
        it is, [N, 1, 1, 1].
    """
    n = len(x)
    # each is drawn as its inverse, which is drawn as often
    flip = _drawn(2.0 * _integers(n, 2, x) - 1, 1.0, blit)  # [N, 1]
    quarter = _drawn(math.pi / 2 * _integers(n, 4, x), 0.0, blit)
    whole = _drawn(torch.round(SHIFT * _in_pixels(_uniform(n, 2, x), x)), 0.0, blit)
    scale = _drawn(2 ** (SCALE * _normal(n, 1, x)), 1.0, geometry)
    stretch = _drawn(2 ** (SCALE * _normal(n, 1, x)), 1.0, geometry)
    fraction = _drawn(SHIFT * _in_pixels(_normal(n, 2, x), x), 0.0, geometry)
    turning = 1 - torch.sqrt(1 - geometry)  # one of two turns is as likely as any other change
    before, after = (_drawn(math.pi * _uniform(n, 1, x), 0.0, turning) for _ in range(2))

    blitted = _scaling(flip, torch.ones_like(flip)) @ _rotation(quarter)  # [N, 2, 2]
    warped = scale[..., None] * (
        _rotation(before) @ _scaling(stretch, 1 / stretch) @ _rotation(after)
    )
    linear = blitted @ warped
    offset = blitted @ (warped @ fraction[..., None] + whole[..., None])  # [N, 2, 1]
    still = (linear == torch.eye(2, device=x.device)).all(2).all(1) & (offset == 0).all(2).all(1)
    return linear, offset[..., 0], still[:, None, None, None]


def recolored(x: Tensor, p: Tensor) -> Tensor:
    """Change the colors of images [N, C, H, W], each in each way with probability p, a scalar.

    Colors are taken apart into the mean of their channels, and what the channels differ from it
    by: hue and saturation are of that alone.
    """
    n = len(x)
    brightness = _drawn(BRIGHTNESS * _normal(n, 1, x), 0.0, p)[..., None, None]  # [N, 1, 1, 1]
    contrast = _drawn(2 ** (CONTRAST * _normal(n, 1, x)), 1.0, p)[..., None, None]
    inverted = _drawn(2.0 * _integers(n, 2, x) - 1, 1.0, p)[..., None, None]
    luma = x.mean(1, keepdim=True)
    chroma = contrast * (x - luma)
    luma = inverted * contrast * (luma + brightness)
    if x.shape[1] != 3:
        return luma + chroma
    angle = _drawn(math.pi * _uniform(n, 1, x), 0.0, p)[..., None, None]
    saturation = _drawn(2 ** (SATURATION * _normal(n, 1, x)), 1.0, p)[..., None, None]
    # the cross product of (1, 1, 1) / sqrt(3) and the chroma is at right angles to both
    across = (chroma.roll(-2, 1) - chroma.roll(-1, 1)) / math.sqrt(3)
    return luma + saturation * (torch.cos(angle) * chroma + torch.sin(angle) * across)


def hidden(x: Tensor, p: Tensor) -> Tensor:
    """Set a square of images [N, C, H, W] to zero with probability p; it may reach over an edge."""
    middle = _uniform(len(x), 2, x) / 2 + 0.5  # [N, 2]
    middle = _drawn(middle, -1.0, p)  # far from any pixel
    rows, columns = (
        ((torch.arange(size, device=x.device) + 0.5) / size - middle[:, [i]]).abs() < HIDDEN / 2
        for i, size in enumerate(x.shape[2:])
    )  # [N, size], whether within the square
    return x.masked_fill((rows[:, :, None] & columns[:, None])[:, None], 0.0)


def _drawn(value: Tensor, otherwise: float, probability: Tensor) -> Tensor:
    """Values [N, K] with a probability, a scalar, for each of the N."""
    happens = torch.rand(len(value), 1, device=value.device) < probability
    return torch.where(happens, value, otherwise)


def _integers(count: int, below: int, x: Tensor) -> Tensor:
    """[N, 1] of 0 to below - 1."""
    return torch.randint(below, (count, 1), device=x.device).to(x.dtype)


def _uniform(count: int, numbers: int, x: Tensor) -> Tensor:
    """[N, numbers] in [-1, 1]."""
    return torch.rand(count, numbers, device=x.device, dtype=x.dtype) * 2 - 1


def _normal(count: int, numbers: int, x: Tensor) -> Tensor:
    """[N, numbers]."""
    return torch.randn(count, numbers, device=x.device, dtype=x.dtype)


def _in_pixels(shares: Tensor, x: Tensor) -> Tensor:
    """Shares of the width and the height of x, [N, 2], as pixels."""
    across, down = shares.split(1, dim=1)
    return torch.cat([across * x.shape[3], down * x.shape[2]], dim=1)


def _scaling(across: Tensor, down: Tensor) -> Tensor:
    """[N, 1] each -> [N, 2, 2]."""
    return torch.diag_embed(torch.cat([across, down], dim=1))


def _rotation(angle: Tensor) -> Tensor:
    """[N, 1] -> [N, 2, 2]."""
    cos, sin = torch.cos(angle), torch.sin(angle)
    return torch.cat([cos, -sin, sin, cos], dim=1).unflatten(1, (2, 2))
