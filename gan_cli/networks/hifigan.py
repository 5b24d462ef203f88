"""HiFi-GAN's networks (Kong et al. 2020, sections 2.2, 2.3 and appendix A).

Waves are rows of samples, [N, 1, 1, T]. Weights begin as torch's layers draw them: the N(0, 0.01)
of the authors' code lands in a copy that weight normalisation overwrites.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Annotated

import torch
from annotated_types import MaxLen
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from gan_cli.metrics.mel import MelSpectrogram
from gan_cli.mirrored import reflect
from gan_cli.networks import roles
from gan_cli.networks.heads import StripHead
from gan_cli.networks.layers import WeightNorm, weight_normalized
from gan_cli.ranges import Count, LayerSizes, OptionalLayerCount

SLOPE = 0.1
"""Of every leaky ReLU but the generator's last, which has torch's 0.01 in the authors' code."""


class Generator(roles.Vocoder):
    """A mel spectrogram to a wave: upsampled step by step, each step followed by residual stacks.

    Args:
        mel: what its input is, and how many samples a frame becomes.
        width: channels of the spectrogram's first convolution, halved with every step.
        rates: of upsampling; together `mel.hop`.
        kernels: of the transposed convolutions, longer than their rates by an even number.
        stack_kernels: of the residual stacks, whose mean goes on; odd.
        dilations: of each stack's convolutions.
        paired: each dilated convolution is followed by a plain one (the paper's V1 and V2).

    Raises:
        ValueError: these do not make `mel.hop` samples of a frame, or do not belong together.
    """

    def __init__(
        self,
        mel: MelSpectrogram,
        width: Count = 512,
        rates: LayerSizes = (8, 8, 2, 2),
        kernels: LayerSizes = (16, 16, 4, 4),
        stack_kernels: LayerSizes = (3, 7, 11),
        dilations: Annotated[Sequence[LayerSizes], MaxLen(64)] = ((1, 3, 5),) * 3,
        paired: bool = True,
    ) -> None:
        super().__init__()
        _require_fitting(mel.hop, width, rates, kernels, stack_kernels, dilations)
        self.mel = mel
        widths = [width // 2**n for n in range(len(rates) + 1)]
        self.first = _weighted(nn.Conv1d(mel.n_mels, width, 7, padding=3))
        self.steps = nn.ModuleList(
            _weighted(nn.ConvTranspose1d(before, after, kernel, rate, (kernel - rate) // 2))
            for (before, after), rate, kernel in zip(pairwise(widths), rates, kernels, strict=True)
        )
        self.stacks = nn.ModuleList(
            nn.ModuleList(
                Stack(after, kernel, dilated, paired)
                for kernel, dilated in zip(stack_kernels, dilations, strict=True)
            )
            for after in widths[1:]
        )
        self.last = _weighted(nn.Conv1d(widths[-1], 1, 7, padding=3))

    def forward(self, x: Tensor) -> Tensor:
        """[N, M, F] -> [N, 1, 1, F * hop] in [-1, 1]."""
        x = self.first(x)
        for step, stacks in zip(self.steps, self.stacks, strict=True):
            x = step(leaky_relu(x, SLOPE))  # [N, C, L] -> [N, C / 2, L * rate]
            assert isinstance(stacks, nn.ModuleList)
            x = torch.stack([stack(x) for stack in stacks]).mean(0)
        return torch.tanh(self.last(leaky_relu(x)))[:, None]  # [N, 1, T] -> [N, 1, 1, T]


class Stack(nn.Module):
    """Residual blocks of dilated convolutions, [N, C, L] -> [N, C, L].

    Args:
        channels: C.
        kernel: of every convolution; odd.
        dilations: of each block's first.
        paired: whether each block has a second one, without dilation.
    """

    def __init__(self, channels: int, kernel: int, dilations: Sequence[int], paired: bool) -> None:
        super().__init__()

        def layers(dilation: int) -> Iterator[nn.Module]:
            for spread in (dilation, 1) if paired else (dilation,):
                edge = spread * (kernel // 2)
                conv = nn.Conv1d(channels, channels, kernel, padding=edge, dilation=spread)
                yield from (nn.LeakyReLU(SLOPE), _weighted(conv))

        self.blocks = nn.ModuleList(nn.Sequential(*layers(dilation)) for dilation in dilations)

    def forward(self, x: Tensor) -> Tensor:
        """Each block's output is added to its input."""
        for block in self.blocks:
            x = x + block(x)
        return x


class PeriodDiscriminators(roles.DiscriminatorGroup):
    """A discriminator for each period: it sees samples that lie so far apart, side by side.

    Args:
        periods: no two with a common divisor, so that each sees what no other does.
        width: channels behind the first convolution; then 4, 16, 32 and 32 times as many.
    """

    def __init__(self, periods: LayerSizes = (2, 3, 5, 7, 11), width: Count = 32) -> None:
        widths = [1, width, 4 * width, 16 * width, 32 * width, 32 * width]
        super().__init__({f"period_{p}": self._judge(Fold(p), widths) for p in periods})

    @staticmethod
    def _judge(fold: nn.Module, widths: Sequence[int]) -> roles.Discriminator:
        convs = [
            nn.Conv2d(before, after, (5, 1), (3 if after != before else 1, 1), (2, 0))
            for before, after in pairwise(widths)
        ]
        return _discriminator(fold, convs, (3, 1), "weight")


class ScaleDiscriminators(roles.DiscriminatorGroup):
    """A discriminator of the wave itself, and others of means of ever more samples.

    Args:
        scales: how many; the first is spectrally normalised, the others by weight.
        width: channels behind the first convolution; up to eight times as many then.
    """

    def __init__(self, scales: OptionalLayerCount = 3, width: Count = 128) -> None:
        super().__init__(
            {
                f"scale_{2**n}": self._judge(
                    nn.Sequential(*[nn.AvgPool2d((1, 4), (1, 2), (0, 2))] * n), width, n == 0
                )
                for n in range(scales)
            }
        )

    @staticmethod
    def _judge(pool: nn.Module, width: int, spectral: bool) -> roles.Discriminator:
        widths = [1, width, width, 2 * width, 4 * width, 8 * width, 8 * width, 8 * width]
        kernels, strides = (15, 41, 41, 41, 41, 41, 5), (1, 2, 2, 4, 4, 1, 1)
        groups = [math.gcd(most, width) for most in (1, 4, 16, 16, 16, 16, 1)]
        convs = [
            nn.Conv2d(before, after, (1, kernel), (1, stride), (0, kernel // 2), groups=parts)
            for (before, after), kernel, stride, parts in zip(
                pairwise(widths), kernels, strides, groups, strict=True
            )
        ]
        return _discriminator(pool, convs, (1, 3), "spectral" if spectral else "weight")


class Fold(nn.Module):
    """A row of samples as a map whose columns are samples `period` apart."""

    def __init__(self, period: int) -> None:
        super().__init__()
        self.period = period

    def forward(self, x: Tensor) -> Tensor:
        """[N, 1, 1, T] -> [N, 1, ceil(T / period), period], mirrored where samples are missing."""
        missing = -x.shape[3] % self.period
        x = reflect(x.squeeze(2), 0, missing)
        return x.unflatten(2, (-1, self.period))  # [N, 1, T'] -> [N, 1, T' / period, period]


@contextmanager
def recorded_maps(network: nn.Module) -> Iterator[list[Tensor]]:
    """What comes out of each activation of a discriminator while it is asked, in order."""
    maps: list[Tensor] = []
    handles = [
        module.register_forward_hook(lambda _, given, made: maps.append(made))
        for module in network.modules()
        if isinstance(module, nn.LeakyReLU)
    ]
    try:
        yield maps
    finally:
        for handle in handles:
            handle.remove()


def _discriminator(
    stem: nn.Module, convs: Sequence[nn.Conv2d], last: tuple[int, int], norm: WeightNorm
) -> roles.Discriminator:
    layers: list[nn.Module] = [stem]
    for conv in convs:
        layers += [weight_normalized(conv, norm), nn.LeakyReLU(SLOPE)]
    head = StripHead(convs[-1].out_channels, last, norm)
    return roles.Discriminator(nn.Sequential(*layers), head, n_classes=0)


def _weighted(layer: nn.Module) -> nn.Module:
    return weight_normalized(layer, "weight")


def _require_fitting(
    hop: int,
    width: int,
    rates: Sequence[int],
    kernels: Sequence[int],
    stack_kernels: Sequence[int],
    dilations: Sequence[Sequence[int]],
) -> None:
    if math.prod(rates) != hop:
        raise ValueError(
            f"rates={list(rates)}: they make {math.prod(rates)} samples of a frame, and mel.hop is "
            f"{hop}; make them equal"
        )
    if len(kernels) != len(rates) or any(
        k < r or (k - r) % 2 for k, r in zip(kernels, rates, strict=True)
    ):
        raise ValueError(
            f"kernels={list(kernels)}: one for each of rates={list(rates)}, longer by an even "
            f"number; set kernels={[2 * r for r in rates]}"
        )
    if width % 2 ** len(rates):
        raise ValueError(
            f"width={width}: it is halved {len(rates)} times; take a multiple of {2 ** len(rates)}"
        )
    if len(dilations) != len(stack_kernels) or any(k % 2 == 0 for k in stack_kernels):
        raise ValueError(
            f"stack_kernels={list(stack_kernels)}: odd, with one list of dilations each"
        )
