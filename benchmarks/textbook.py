"""The tutorials' training loop on this package's networks, losses and optimizers.

Both networks always collect gradients, fakes of D's turn are made with a graph and detached, G's
turn draws fresh latents, tensors are contiguous, images are gathered and scaled on the fly, dropout
and all of a convolution are torch's, and `.item()` reads both losses in each step. There is no
EMA. Pix2pix, CycleGAN, HiFi-GAN and StyleGAN2 have the loops of their authors:
benchmarks/translation.py, textbook_hifigan.py, stylegan2.py.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks import stylegan2, textbook_hifigan, translation
from benchmarks.common import open_settings
from gan_cli.assembly.build import build_game
from gan_cli.games.cyclegan import CycleGAN
from gan_cli.games.hifigan import HiFiGAN
from gan_cli.games.losses import Targets
from gan_cli.games.pix2pix import Pix2Pix
from gan_cli.games.stylegan2 import StyleGAN2
from gan_cli.games.two_player import TwoPlayer
from gan_cli.networks import convolution
from gan_cli.networks.dropout import UniformDropout

PLAYABLE = {"gradient_penalty", "weight_clipping", "spectral_norm", "r1", "r2"}
"""Tricks that this loop has as well; spectral norm lies in D itself."""


def textbook_step(overrides: Sequence[str]) -> Callable[[], None]:
    """One step: D's turns, then G's, for as long as it is called.

    Raises:
        SystemExit: a game or a trick that this loop does not know.
    """
    step = _step(overrides)

    def with_torchs_convolutions() -> None:
        wide, convolution.WIDE = convolution.WIDE, sys.maxsize
        try:
            step()
        finally:
            convolution.WIDE = wide

    return with_torchs_convolutions


def _step(overrides: Sequence[str]) -> Callable[[], None]:
    settings, dataset, device = open_settings(overrides)
    game = build_game(settings, dataset.fields).to(device)
    for module in [*game.modules()]:
        for name, layer in module.named_children():
            if isinstance(layer, UniformDropout):
                setattr(module, name, nn.Dropout(layer.p))
    data, n = dataset.load(), settings.data.batch_size
    if isinstance(game, HiFiGAN):
        optimizers = {name: settings.optimizer.of(name).build for name in game.players_in_order}
        return textbook_hifigan.hifigan_step(game, data["wave"], n, optimizers)
    if isinstance(game, Pix2Pix | CycleGAN):

        def draw_all() -> dict[str, Tensor]:
            rows = {f.group: torch.randint(dataset.sizes[f.group], (n,)) for f in fields.values()}
            found = {name: data[name][rows[f.group]].to(device) for name, f in fields.items()}
            return {name: x.float() / 127.5 - 1.0 for name, x in found.items()}

        def build(player: str, parameters: Any) -> torch.optim.Optimizer:
            return settings.optimizer.of(player).build(params=parameters)

        fields = {name: f for name, f in dataset.fields.items() if f.kind == "image"}
        if isinstance(game, Pix2Pix):
            return translation.pix2pix_step(game, draw_all, build)
        return translation.cyclegan_step(game, draw_all, build)
    styled = type(game) is StyleGAN2
    unknown = sorted(settings.tricks.keys() - (stylegan2.KNOWN if styled else PLAYABLE))
    if unknown or type(game) not in (TwoPlayer, StyleGAN2):
        sys.exit(f"{' '.join(overrides)}: no textbook loop for {unknown or type(game).__name__}")
    discriminator = game.adversary("discriminator").network
    generator, loss = game.generator, game.adversary("discriminator").loss
    optimizers = {
        name: settings.optimizer.of(name).build(params=network.parameters())
        for name, network in (("discriminator", discriminator), ("generator", generator))
    }
    tricks = {name: entry.trick.arguments for name, entry in settings.tricks.items()}

    def draw() -> tuple[Tensor, Tensor | None]:
        index = torch.randint(len(data["image"]), (n,))
        x = data["image"][index].to(device)
        x = x if x.is_floating_point() else x.float() / 127.5 - 1.0
        return x, data["label"][index].to(device) if game.n_classes else None

    if styled:
        return stylegan2.reference_step(game, tricks, optimizers, draw)

    def make(label: Tensor | None) -> Tensor:
        return generator(torch.randn(n, game.latent_dim, device=device), label)

    def descend(player: str, value: Tensor) -> None:
        optimizers[player].zero_grad()
        value.backward()
        optimizers[player].step()
        value.item()

    def step() -> None:
        for _ in range(game.n_critic):
            real, label = draw()
            fake = make(label).detach()
            logits_real, logits_fake = discriminator(real, label)[0], discriminator(fake, label)[0]
            targets = Targets(torch.ones_like(logits_real), torch.zeros_like(logits_fake))
            value = loss.discriminator(logits_real, logits_fake, targets)
            if "gradient_penalty" in tricks:
                weight = tricks["gradient_penalty"]["weight"]
                value = value + weight * penalty(discriminator, real, fake, label)
            for name, x in (("r1", real), ("r2", fake)):
                if name in tricks:
                    value = value + tricks[name]["weight"] * slope(discriminator, x, label)
            descend("discriminator", value)
            if "weight_clipping" in tricks:
                limit = tricks["weight_clipping"]["limit"]
                for p in discriminator.parameters():
                    p.data.clamp_(-limit, limit)
        logits_real = discriminator(real, label)[0] if loss.generator_sees_real else None
        descend("generator", loss.generator(discriminator(make(label), label)[0], logits_real))

    return step


def penalty(discriminator: nn.Module, real: Tensor, fake: Tensor, label: Tensor | None) -> Tensor:
    """E[(||grad D(x_hat)|| - 1)^2], x_hat between real and fake [N, C, H, W]."""
    t = torch.rand(len(real), 1, 1, 1, device=real.device)
    x = (t * real + (1 - t) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(x, label)[0].sum(), x, create_graph=True)
    return ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()


def slope(discriminator: nn.Module, x: Tensor, label: Tensor | None) -> Tensor:
    """E||grad D(x)||^2 / 2 at x [N, C, H, W], of an evaluation of its own."""
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(x, label)[0].sum(), x, create_graph=True)
    return 0.5 * gradient.flatten(1).pow(2).sum(1).mean()
