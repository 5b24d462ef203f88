"""Drawing from a trained generator."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gan_cli import randomness


def draw_latents(count: int, latent_dim: int, seed: int, truncation: float | None = None) -> Tensor:
    """z ~ N(0, I), [count, latent_dim], always the same for a seed.

    With `truncation`, numbers further from zero than that are drawn again (Brock et al. 2019,
    section 3.1): less variety, more typical pictures.
    """
    source = randomness.generator("latents", seed)
    z = torch.empty(count, latent_dim)
    if truncation is None:
        return z.normal_(generator=source)
    return nn.init.trunc_normal_(z, a=-truncation, b=truncation, generator=source)


def slerp(start: Tensor, end: Tensor, share: float) -> Tensor:
    """A point on the great circle from `start` to `end` (White 2016), [..., latent_dim].

    Straight lines between Gaussian latents pass through lengths the generator never saw.
    """
    a, b = (z / z.norm(dim=-1, keepdim=True) for z in (start, end))
    angle = torch.acos((a * b).sum(-1, keepdim=True).clamp(-1.0, 1.0))
    if float(angle.min()) < 1e-4:
        return torch.lerp(start, end, share)
    sin = torch.sin(angle)
    return torch.sin((1.0 - share) * angle) / sin * start + torch.sin(share * angle) / sin * end


def walk(stations: Tensor, frames: int) -> Tensor:
    """Latents on the way through `stations` [K, latent_dim], `frames` from each to the next.

    Returns:
        [K - 1, frames, latent_dim], both ends of each stretch included.
    """
    shares = [i / max(frames - 1, 1) for i in range(frames)]
    stretches = [
        torch.stack([slerp(a, b, share) for share in shares])
        for a, b in itertools.pairwise(stations)
    ]
    return torch.stack(stretches)


def lay_out_walk(stations: Tensor, y: Tensor | None, frames: int) -> tuple[Tensor, Tensor | None]:
    """`walk` one picture after another, each stretch with the label it starts from.

    Args:
        stations: [K, latent_dim], K at least 2.
        y: labels [K] of the stations, or None.
        frames: pictures a stretch.

    Returns:
        Latents [(K - 1) * frames, latent_dim] and labels [(K - 1) * frames] or None.
    """
    z = walk(stations, frames).flatten(0, 1)
    return z, None if y is None else y[:-1].repeat_interleave(frames)


def spread_labels(count: int, n_classes: int, labels: Sequence[int] | None = None) -> Tensor | None:
    """`count` labels taking turns through `labels`, or through all classes; None if unlabelled."""
    if not n_classes:
        return None
    turn = torch.tensor(list(labels) if labels else range(n_classes))
    return turn[torch.arange(count) % len(turn)]


@torch.no_grad()
def generate(network: nn.Module, z: Tensor, y: Tensor | None, batch_size: int = 256) -> Tensor:
    """Pictures of `z` [N, latent_dim], float32 in [-1, 1] on the CPU, [N, C, H, W].

    The network is left in the mode it was found in.
    """
    device = next(network.parameters()).device
    was_training = network.training
    network.eval()
    parts = []
    for start in range(0, len(z), batch_size):
        stop = start + batch_size
        labels = None if y is None else y[start:stop].to(device)
        parts.append(network(z[start:stop].to(device), labels).float().cpu())
    network.train(was_training)
    return torch.cat(parts)
