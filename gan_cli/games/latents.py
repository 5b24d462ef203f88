"""Latents and labels: drawn, interpolated, and put through a network."""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from gan_cli import randomness
from gan_cli.errors import UserError
from gan_cli.games.requests import Request

Noise = Literal["normal", "uniform"]
"""What each number of z is: N(0, 1), or uniform in [-1, 1]."""


def fresh(count: int, latent_dim: int, device: torch.device, noise: Noise = "normal") -> Tensor:
    """z of a turn, [count, latent_dim]."""
    if noise == "uniform":
        return torch.rand(count, latent_dim, device=device) * 2 - 1
    return torch.randn(count, latent_dim, device=device)


def draw_latents(
    count: int,
    latent_dim: int,
    seed: int,
    truncation: float | None = None,
    noise: Noise = "normal",
) -> Tensor:
    """z, [count, latent_dim], always the same for a seed.

    With `truncation`, numbers further from zero than that are drawn again (Brock et al. 2019,
    section 3.1): less variety, more typical images.

    Raises:
        UserError: no uniform number is further from zero than `truncation`.
    """
    source = randomness.generator("latents", seed)
    z = torch.empty(count, latent_dim)
    if noise == "uniform":
        if truncation is not None and truncation >= 1:
            raise UserError(
                f"truncation={truncation:g}: this model's z is uniform in [-1, 1]; give less than "
                "1, or leave it out"
            )
        reach = truncation or 1.0
        return z.uniform_(-reach, reach, generator=source)
    if truncation is None:
        return z.normal_(generator=source)
    return nn.init.trunc_normal_(z, a=-truncation, b=truncation, generator=source)


def spread_labels(count: int, n_classes: int, labels: Sequence[int] | None = None) -> Tensor | None:
    """`count` labels taking turns through `labels`, or through all classes; None if unlabelled."""
    if not n_classes:
        return None
    turn = torch.tensor(list(labels) if labels else range(n_classes))
    return turn[torch.arange(count) % len(turn)]


def complete(request: Request, latent_dim: int, n_classes: int, noise: Noise = "normal") -> Request:
    """A request with its latents drawn and its labels spread, where it does not bring its own.

    Raises:
        UserError: classes are asked for that the game does not know.
    """
    z, label = request.latents, request.label
    if z is None:
        z = draw_latents(request.count, latent_dim, request.seed, request.truncation, noise)
    if label is None:
        label = spread_labels(request.count, n_classes)
    elif not n_classes:
        raise UserError("label: this model was trained without labels; leave label out")
    elif int(label.max()) >= n_classes:
        raise UserError(
            f"label={int(label.max())}: the model knows the classes 0 to {n_classes - 1}"
        )
    return dataclasses.replace(request, latents=z, label=label)


def square_columns(count: int) -> int:
    """The columns of a grid of `count` that is as square as can be, and no narrower than high."""
    return math.isqrt(count - 1) + 1


def slerp(start: Tensor, end: Tensor, t: float) -> Tensor:
    """A point on the great circle from `start` to `end` (White 2016), [..., latent_dim].

    Straight lines between Gaussian latents pass through lengths the generator never saw.

    Args:
        start, end: latents.
        t: how far along, in [0, 1].
    """
    a, b = (z / z.norm(dim=-1, keepdim=True) for z in (start, end))
    angle = torch.acos((a * b).sum(-1, keepdim=True).clamp(-1.0, 1.0))
    if float(angle.min()) < 1e-4:
        return torch.lerp(start, end, t)
    sin = torch.sin(angle)
    return torch.sin((1.0 - t) * angle) / sin * start + torch.sin(t * angle) / sin * end


def interpolate(anchors: Tensor, frames: int) -> Tensor:
    """Latents on the way through `anchors` [K, latent_dim], `frames` from each to the next.

    Returns:
        [K - 1, frames, latent_dim], both ends of each segment included.
    """
    times = [i / max(frames - 1, 1) for i in range(frames)]
    segments = [
        torch.stack([slerp(a, b, t) for t in times]) for a, b in itertools.pairwise(anchors)
    ]
    return torch.stack(segments)


def interpolated(anchors: Request, frames: int) -> Request:
    """A completed request's latents as anchors: `interpolate`d, one image after another.

    Each segment has the label it starts from: K anchors give (K - 1) * frames images.

    Raises:
        UserError: there is only one anchor.
    """
    if anchors.count < 2:
        raise UserError("count=1: an interpolation needs two ends; take count=2 or more")
    assert anchors.latents is not None
    z = interpolate(anchors.latents, frames).flatten(0, 1)
    label = None if anchors.label is None else anchors.label[:-1].repeat_interleave(frames)
    return dataclasses.replace(anchors, count=len(z), latents=z, label=label)


@torch.no_grad()
def in_chunks(network: nn.Module, *inputs: Tensor | None, size: int = 256) -> Tensor:
    """What a network makes of inputs [N, ...], float32 on the CPU, `size` at a time."""
    device = next(network.parameters()).device
    count = next(len(x) for x in inputs if x is not None)
    parts = []
    for start in range(0, count, size):
        rows = [None if x is None else x[start : start + size].to(device) for x in inputs]
        parts.append(network(*rows).float().cpu())
    return torch.cat(parts)
