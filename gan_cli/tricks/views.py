"""Tricks on every image D sees."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from gan_cli.ranges import NonNegative, Probability
from gan_cli.tricks.base import View
from gan_cli.tricks.examples import Progress


class InstanceNoise(View):
    """Gaussian noise on real and fake before D (Sonderby et al. 2017; Arjovsky & Bottou 2017).

    Args:
        std: standard deviation at the start; images span [-1, 1].
        decay: factor per epoch of the exponential form, in [0, 1].
        schedule: `exponential` by epoch, or `linear` down to zero at the end of the run.
    """

    present: Tensor

    def __init__(
        self,
        std: NonNegative = 0.1,
        decay: Probability = 0.95,
        schedule: Literal["exponential", "linear"] = "exponential",
    ) -> None:
        super().__init__()
        self.std, self.decay, self.schedule = std, decay, schedule
        # a tensor, so that a recorded step reads it anew
        self.register_buffer("present", torch.tensor(float(std)))

    def level(self, progress: Progress) -> float:
        """The standard deviation now."""
        if self.schedule == "linear":
            return self.std * (1.0 - progress.done)
        return float(self.std * self.decay**progress.epoch)

    def on_step(self, progress: Progress) -> None:
        """What the next step adds."""
        self.present.fill_(self.level(progress))

    def forward(self, x: Tensor, progress: Progress) -> Tensor:
        """Add fresh noise to each image."""
        return x + self.present * torch.randn_like(x)


class DiffAugment(View):
    """The same kinds of random change on real and fake, differentiable (Zhao et al. 2020).

    D no longer memorises the training images, and G does not learn the changes, since its
    images are judged only after them. Ranges are those of the paper's code, for images in
    [-1, 1]; every image draws its own.

    Args:
        policy: which changes: color (brightness, saturation, contrast), translation by up to an
            eighth of the image, cutout of a square half as wide as the image.
    """

    needs_pixels = True

    def __init__(
        self,
        policy: Sequence[Literal["color", "translation", "cutout"]] = (
            "color",
            "translation",
            "cutout",
        ),
    ) -> None:
        super().__init__()
        self.policy = policy

    def forward(self, x: Tensor, progress: Progress) -> Tensor:
        """Change each image in the policy's order."""
        changes = {"color": recolor, "translation": translate, "cutout": cut_out}
        for name in self.policy:
            x = changes[name](x)
        return x


def recolor(x: Tensor) -> Tensor:
    """Shift brightness by [-0.5, 0.5], scale saturation by [0, 2] and contrast by [0.5, 1.5]."""
    brightness, saturation, contrast = torch.rand(
        3, len(x), 1, 1, 1, device=x.device, dtype=x.dtype
    )
    x = x + brightness - 0.5
    gray = x.mean(1, keepdim=True)  # [N, 1, H, W]
    x = torch.lerp(gray, x, 2.0 * saturation)
    mean = x.mean((1, 2, 3), keepdim=True)  # [N, 1, 1, 1]
    return torch.lerp(mean, x, contrast + 0.5)


def translate(x: Tensor, ratio: float = 0.125) -> Tensor:
    """Shift by whole pixels, up to `ratio` of the image; what comes in is zero, mid-gray."""
    size = x.shape[-1]
    reach = rounded(size * ratio)
    rows, columns = (
        torch.arange(size, device=x.device) + _whole(-reach, reach, x) + reach for _ in range(2)
    )  # [N, size], where each pixel of the result comes from
    x = F.pad(x, [reach] * 4)
    x = x.gather(2, rows[:, None, :, None].expand(-1, x.shape[1], -1, x.shape[3]))
    return x.gather(3, columns[:, None, None, :].expand(-1, x.shape[1], x.shape[2], -1))


def cut_out(x: Tensor, ratio: float = 0.5) -> Tensor:
    """Set a square `ratio` as wide as the image to zero; a part of it may lie outside."""
    size = x.shape[-1]
    width = rounded(size * ratio)
    pixels = torch.arange(size, device=x.device)
    rows, columns = (
        (pixels - _whole(0, size - width % 2, x) + width // 2).div(width, rounding_mode="floor")
        == 0
        for _ in range(2)
    )  # [N, size], whether within the square
    hidden = rows[:, None, :, None] & columns[:, None, None, :]  # [N, 1, H, W]
    return x.masked_fill(hidden, 0.0)


def rounded(length: float) -> int:
    """Whole pixels, halves upwards as the paper's code has it; Python's round takes 2.5 for 2."""
    return int(length + 0.5)


def _whole(low: int, high: int, x: Tensor) -> Tensor:
    """A whole number in [low, high] for each image, [N, 1]."""
    return torch.randint(low, high + 1, (len(x), 1), device=x.device)
