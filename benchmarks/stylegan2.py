"""The loop of StyleGAN2-ADA's authors, their operations in plain torch, on our networks.

A phase each for D, its R1, G and its path length, each with a step of its optimizer; both networks
collect gradients only in their own phases; the mean of G's weights follows parameter by parameter.
Filters put zeros between pixels, pad, convolve each channel and leave out every other pixel; and
demodulation multiplies out the weights of every image.
"""

import copy
import math
from collections.abc import Callable
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.functional import softplus

from gan_cli.games.stylegan2 import StyleGAN2
from gan_cli.networks.stylegan2_layers import ModulatedConv2d, SmoothDoubling, Smoothing

KNOWN = {"lazy_r1", "path_length"}
"""Tricks that this loop has as well."""


def filtered(x: Tensor, kernel: Tensor, up: int, down: int, padding: tuple[int, int]) -> Tensor:
    """Zeros between pixels, padding before and after along both axes, filter, every k-th."""
    n, channels, height, width = x.shape
    x = x.reshape(n, channels, height, 1, width, 1)
    x = F.pad(x, [0, up - 1, 0, 0, 0, up - 1]).reshape(n, channels, height * up, width * up)
    x = F.pad(x, [*padding, *padding])
    x = F.conv2d(x, kernel.repeat(channels, 1, 1, 1), groups=channels)
    return x[:, :, ::down, ::down]


def smoothing(self: Smoothing, x: Tensor) -> Tensor:
    return filtered(x, self.kernel, 1, self.stride, (self.padding, self.padding))


def doubling(self: SmoothDoubling, x: Tensor) -> Tensor:
    return filtered(x, self.kernel, 2, 1, (2, 1))


def modulated(self: ModulatedConv2d, x: Tensor, w: Tensor) -> Tensor:
    style = self.affine(w) * self.scale
    x = x * style[:, :, None, None]
    if self.smooth is None:
        x = F.conv2d(x, self.weight, padding=self.weight.shape[2] // 2)
    else:
        x = self.smooth(F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2))
    if not self.demodulate:
        return x
    weights = self.weight[None] * style[:, None, :, None, None]  # [N, out, in, k, k]
    return x * torch.rsqrt(weights.square().sum((2, 3, 4)) + 1e-8)[:, :, None, None]


FORWARDS: dict[type, Callable[..., Tensor]] = {
    Smoothing: smoothing,
    SmoothDoubling: doubling,
    ModulatedConv2d: modulated,
}


def reference_step(
    game: StyleGAN2,
    tricks: dict[str, dict[str, Any]],
    optimizers: dict[str, torch.optim.Optimizer],
    draw: Callable[[], tuple[Tensor, Tensor | None]],
) -> Callable[[], None]:
    """One step, for as long as it is called.

    Args:
        game: whose networks are trained.
        tricks: the arguments of each, by name.
        optimizers: by player.
        draw: a batch of real images and labels.
    """
    generator, discriminator = game.generator, game.adversary("discriminator").network
    for module in [*generator.modules(), *discriminator.modules()]:
        if type(module) in FORWARDS:
            module.forward = MethodType(FORWARDS[type(module)], module)
    average = copy.deepcopy(generator).requires_grad_(False)
    length, count = torch.zeros(()), 0

    def phase(player: str, network: nn.Module, loss: Callable[[], Tensor]) -> None:
        network.requires_grad_(True)
        optimizers[player].zero_grad(set_to_none=True)
        loss().backward()
        network.requires_grad_(False)
        for p in network.parameters():
            if p.grad is not None:
                torch.nan_to_num(p.grad, nan=0, posinf=1e5, neginf=-1e5, out=p.grad)
        optimizers[player].step()

    def step() -> None:
        nonlocal count
        x, y = draw()

        def make(size: int) -> Tensor:
            return generator(torch.randn(size, game.latent_dim), None if y is None else y[:size])

        def d_main() -> Tensor:
            fake = softplus(discriminator(make(len(x)), y)[0]).mean()
            return fake + softplus(-discriminator(x, y)[0]).mean()

        def d_lazy() -> Tensor:
            real = x.detach().requires_grad_()
            logits = discriminator(real, y)[0]
            (slope,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
            options = tricks["lazy_r1"]
            scale = 0.5 * options["weight"] * options["every"]
            return scale * slope.square().sum((1, 2, 3)).mean()

        def g_main() -> Tensor:
            return softplus(-discriminator(make(len(x)), y)[0]).mean()

        def g_lazy() -> Tensor:
            options, size = tricks["path_length"], len(x) // 2
            label = None if y is None else y[:size]
            styles = generator.styles(torch.randn(size, game.latent_dim), label)
            images = generator.synthesize(styles)
            noise = torch.randn_like(images) / math.sqrt(images.shape[2] * images.shape[3])
            (slope,) = torch.autograd.grad((images * noise).sum(), styles, create_graph=True)
            lengths = slope.square().sum(2).mean(1).sqrt()
            length.lerp_(lengths.detach().mean(), 0.01)
            return options["weight"] * options["every"] * (lengths - length).square().mean()

        phase("discriminator", discriminator, d_main)
        if "lazy_r1" in tricks and count % tricks["lazy_r1"]["every"] == 0:
            phase("discriminator", discriminator, d_lazy)
        phase("generator", generator, g_main)
        if "path_length" in tricks and count % tricks["path_length"]["every"] == 0:
            phase("generator", generator, g_lazy)
        with torch.no_grad():
            for mean, now in zip(average.parameters(), generator.parameters(), strict=True):
                mean.copy_(now.lerp(mean, 0.999))
        count += 1

    generator.requires_grad_(False)
    discriminator.requires_grad_(False)
    return step
