"""How fast a step of R3GAN is: a ratio against the authors' loop, on reference operations.

    python benchmarks/r3gan.py
    python benchmarks/r3gan.py --rounds 20 data=cifar10 model.generator.width=64 ...

The loop is written anew after how theirs goes where their CUDA kernels cannot: resampling puts
zeros in between, smooths at full size and leaves out, biases and activations are steps of their
own, real and fake images go through D one after the other, each penalty reads the gradient of the
logits that the loss read, gradients are cleared of what is not finite, and weights are averaged one
by one. Data lies in memory for both. Networks have the same weights at first; both take turns in
one process.
"""

import argparse
import copy
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.common import open_settings
from benchmarks.speed import OURS, compare, our_step, seconds, summarise
from gan_cli.assembly.build import build_game
from gan_cli.networks.r3gan import DepthwiseSum, GroupedBlock
from gan_cli.networks.resampling import SmoothDown, SmoothUp
from gan_cli.tricks.examples import Progress
from gan_cli.tricks.schedules import now

START = Progress(0, 0.0, 0.0)


class ReferenceBlock(nn.Module):
    """A residual block whose biases are added by themselves, of the weights of ours."""

    def __init__(self, block: GroupedBlock) -> None:
        super().__init__()
        self.first, _, self.second, _, self.third = block.residual

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> the same."""
        y = x
        for conv in (self.first, self.second):
            y = F.conv2d(y, conv.weight, padding=conv.padding, groups=conv.groups)
            y = F.leaky_relu(y + conv.bias[None, :, None, None], 0.2)
        return x + F.conv2d(y, self.third.weight)


class ReferenceResample(nn.Module):
    """Resampling as a filter that moves one pixel at a time."""

    def __init__(self, up: bool) -> None:
        super().__init__()
        row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.up = up
        self.register_buffer("kernel", torch.outer(row, row) * (4.0 if up else 1.0))

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, 2H, 2W], or half of H and W."""
        n, c, h, w = x.shape
        kernel = self.kernel.expand(c, 1, 4, 4)
        if self.up:
            x = F.pad(x.reshape(n, c, h, 1, w, 1), [0, 1, 0, 0, 0, 1]).reshape(n, c, 2 * h, 2 * w)
            return F.conv2d(F.pad(x, [2, 1, 2, 1]), kernel, groups=c)
        return F.conv2d(F.pad(x, [1, 1, 1, 1]), kernel, groups=c)[:, :, ::2, ::2]


class ReferenceTail(nn.Module):
    """A depthwise convolution of the whole map."""

    def __init__(self, tail: DepthwiseSum) -> None:
        super().__init__()
        self.map = tail.map

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C]."""
        return F.conv2d(x, self.map[:, None], groups=len(self.map)).flatten(1)


def reference(network: nn.Module) -> nn.Module:
    """A network of ours with the same weights and other operations."""
    network = copy.deepcopy(network)
    for name, module in list(network.named_modules()):
        other: nn.Module | None = None
        if isinstance(module, GroupedBlock):
            other = ReferenceBlock(module)
        elif isinstance(module, SmoothUp | SmoothDown):
            other = ReferenceResample(isinstance(module, SmoothUp))
        elif isinstance(module, DepthwiseSum):
            other = ReferenceTail(module)
        if other is not None:
            network.set_submodule(name, other)
    return network


def reference_step(overrides: Sequence[str]) -> Callable[[], None]:
    """One step of the authors' loop: D's turn, G's turn, the mean of weights."""
    settings, dataset, device = open_settings(overrides)
    game = build_game(settings, dataset.fields)
    G = reference(game.generator).to(device)  # type: ignore[arg-type]
    D = reference(game.adversary("discriminator").network).to(device)
    mean = copy.deepcopy(G).requires_grad_(False)
    data, n = dataset.load(), settings.data.batch_size
    gamma = [now(settings.tricks[name].trick.build().weight, START) for name in ("r1", "r2")]
    adam = {net: torch.optim.Adam(net.parameters(), 2e-4, (0.0, 0.9)) for net in (G, D)}

    def draw() -> tuple[Tensor, Tensor | None]:
        index = torch.randint(len(data["image"]), (n,))
        x = data["image"][index].to(device)
        x = x if x.is_floating_point() else x.float() / 127.5 - 1.0
        return x, data["label"][index].to(device) if game.n_classes else None

    def make(label: Tensor | None) -> Tensor:
        return G(torch.randn(n, game.latent_dim, device=device), label)

    def descend(network: nn.Module, loss: Tensor) -> None:
        loss.backward()
        for p in network.parameters():
            if p.grad is not None:
                torch.nan_to_num(p.grad, nan=0.0, posinf=1e5, neginf=-1e5, out=p.grad)
        adam[network].step()
        adam[network].zero_grad(set_to_none=True)
        network.requires_grad_(False)

    def slope(x: Tensor, logits: Tensor) -> Tensor:
        (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
        return gradient.square().sum((1, 2, 3))

    def step() -> None:
        D.requires_grad_(True)
        G.requires_grad_(False)
        real, label = draw()
        fake = make(label).detach().requires_grad_()
        real = real.requires_grad_()
        on_real, on_fake = D(real, label)[0], D(fake, label)[0]
        penalty = gamma[0] / 2 * slope(real, on_real) + gamma[1] / 2 * slope(fake, on_fake)
        descend(D, (F.softplus(on_fake - on_real) + penalty).mean())
        G.requires_grad_(True)
        real, label = draw()
        on_real, on_fake = D(real, label)[0], D(make(label), label)[0]
        descend(G, F.softplus(on_real - on_fake).mean())
        with torch.no_grad():
            for average, p in zip(mean.parameters(), G.parameters(), strict=True):
                average.copy_(p.lerp(average, 0.999))

    return step


def measure(overrides: Sequence[str], rounds: int) -> dict[str, float]:
    """Milliseconds of a step of each, and how often ours fits into theirs."""
    steps: dict[str, Callable[[], Any]] = {
        OURS: our_step(overrides),
        "reference": reference_step(overrides),
    }
    clocks = {name: partial(seconds, step) for name, step in steps.items()}
    compare(clocks, 1)  # the first step allocates
    return summarise(compare(clocks, rounds))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", choices=("r3gan", "cgan_r3gan"), default="cgan_r3gan")
    parser.add_argument("--rounds", type=int, default=10, help="steps of each")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("overrides", nargs="*", help="further keys, such as data.batch_size=8")
    given = parser.parse_intermixed_args(arguments)
    found = measure([f"model={given.model}", *given.overrides], given.rounds)
    print(", ".join(f"{name} {value:.4g}" for name, value in found.items()))
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
