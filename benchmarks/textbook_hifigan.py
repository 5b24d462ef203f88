"""HiFi-GAN's training loop as its authors write it, on this package's networks and optimizers.

One wave serves both turns, D's on it detached; both networks always collect gradients, so that G's
turn computes those of all discriminators' weights too; real and made waves are heard one after the
other; pieces are cut on the fly; `.item()` reads both losses in each step. There is no EMA.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from gan_cli.games.hifigan import HiFiGAN
from gan_cli.networks.hifigan import recorded_maps
from gan_cli.networks.roles import Discriminator


def hifigan_step(
    game: HiFiGAN, waves: Tensor, n: int, build: Mapping[str, Callable[..., Any]]
) -> Callable[[], None]:
    """One step: all discriminators, then G, for as long as it is called.

    Args:
        game: on its device.
        waves: [M, 1, 1, T] to cut pieces from.
        n: of a batch.
        build: each player's optimizer of its weights, `params`.
    """
    generator, device = game.generator, game.mel.window.device
    judges = [game.adversary(name).network for name in game.adversaries]
    heard = itertools.chain(*(judge.parameters() for judge in judges))
    optimizers = {
        "generator": build["generator"](params=generator.parameters()),
        "discriminator": build["discriminator"](params=list(heard)),
    }

    def draw() -> Tensor:
        index = torch.randint(len(waves), (n,))
        starts = torch.randint(waves.shape[-1] - game.segment + 1, (n,))
        pieces = [waves[i, ..., s : s + game.segment] for i, s in zip(index, starts, strict=True)]
        return torch.stack(pieces).to(device)

    def hear(judge: Discriminator, wave: Tensor) -> list[Tensor]:
        """Every layer's map, logits last."""
        with recorded_maps(judge) as maps:
            logits, _ = judge(wave)
            return [*maps, logits]

    def descend(player: str, value: Tensor) -> None:
        optimizers[player].zero_grad()
        value.backward()
        optimizers[player].step()
        value.item()

    def step() -> None:
        real = draw()
        fake = generator(generator.mel(real))
        total = torch.zeros((), device=device)
        for judge in judges:
            on_real, on_fake = judge(real)[0], judge(fake.detach())[0]
            total = total + ((1 - on_real) ** 2).mean() + (on_fake**2).mean()
        descend("discriminator", total)
        total = game.mel_weight * l1_loss(game.mel(fake), game.mel(real))
        for judge in judges:
            of_real, of_fake = hear(judge, real), hear(judge, fake)
            apart = sum(l1_loss(f, r) for f, r in zip(of_fake, of_real, strict=True))
            total = total + game.feature_weight * apart + ((1 - of_fake[-1]) ** 2).mean()
        descend("generator", total)

    return step
