"""The loops of pix2pix and CycleGAN as their authors have them, on this package's networks.

One model object steps both optimizers: D's gradients are switched off while G learns, fakes of one
forward pass serve both, every image goes through D by itself, CycleGAN's pool keeps images one by
one, and all losses are read in each step, as they are printed. No mean of weights.
"""

import itertools
import random
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss, mse_loss

from gan_cli.games.cyclegan import CycleGAN
from gan_cli.games.pix2pix import Pix2Pix

Draw = Callable[[], Mapping[str, Tensor]]
Build = Callable[[str, Any], torch.optim.Optimizer]


class Pool:
    """Past fakes; half of those asked for come out of it.

    Args:
        size: how many it holds.
    """

    def __init__(self, size: int = 50) -> None:
        self.size, self.images = size, []

    def query(self, images: Tensor) -> Tensor:
        """As many images as were given, [N, C, H, W]."""
        given = []
        for image in images:
            image = image.detach()[None]
            if len(self.images) < self.size:
                self.images.append(image)
                given.append(image)
            elif random.random() > 0.5:
                place = random.randrange(self.size)
                given.append(self.images[place].clone())
                self.images[place] = image
            else:
                given.append(image)
        return torch.cat(given)


def require_gradients(networks: list[nn.Module], wanted: bool) -> None:
    for network in networks:
        for p in network.parameters():
            p.requires_grad = wanted


def pix2pix_step(game: Pix2Pix, draw: Draw, build: Build) -> Callable[[], None]:
    """G makes an image; D learns of it and of the true one, then G of D and of the pixels."""
    G, D = game.generator, game.adversary("discriminator").network
    optimizers = {"D": build("discriminator", D.parameters())}
    optimizers["G"] = build("generator", G.parameters())

    def judged(a: Tensor, b: Tensor, real: bool) -> Tensor:
        logits = D(torch.cat((a, b), 1))[0]
        target = torch.tensor(float(real), device=logits.device).expand_as(logits)
        return binary_cross_entropy_with_logits(logits, target)

    def step() -> None:
        batch = draw()
        a, b = batch["source"], batch["target"]
        fake = G(a)

        require_gradients([D], True)
        optimizers["D"].zero_grad()
        losses = {"fake": judged(a, fake.detach(), False), "real": judged(a, b, True)}
        ((losses["fake"] + losses["real"]) * 0.5).backward()
        optimizers["D"].step()

        require_gradients([D], False)
        optimizers["G"].zero_grad()
        losses["gan"] = judged(a, fake, True)
        losses["l1"] = l1_loss(fake, b) * game.l1_weight
        (losses["gan"] + losses["l1"]).backward()
        optimizers["G"].step()
        for value in losses.values():
            value.item()

    return step


def cyclegan_step(game: CycleGAN, draw: Draw, build: Build) -> Callable[[], None]:
    """Both Gs learn of two fakes, the ways back and what they should leave alone; then both Ds."""
    AB, BA = game.generator_ab, game.generator_ba
    D = {side: game.adversary(side).network for side in "ab"}
    pools = {side: Pool() for side in "ab"}
    both = itertools.chain(AB.parameters(), BA.parameters())
    optimizers = {"G": build("generator", list(both))}
    sides = itertools.chain(*(network.parameters() for network in D.values()))
    optimizers["D"] = build("discriminator", list(sides))

    def judged(side: str, x: Tensor, real: bool) -> Tensor:
        logits = D[side](x)[0]
        target = torch.tensor(float(real), device=logits.device).expand_as(logits)
        return 0.5 * mse_loss(logits, target)  # with LSGAN's half, as the game has it

    def step() -> None:
        batch = draw()
        a, b = batch["a"], batch["b"]
        fake_b = AB(a)
        back_a = BA(fake_b)
        fake_a = BA(b)
        back_b = AB(fake_a)

        require_gradients([*D.values()], False)
        optimizers["G"].zero_grad()
        weight = game.cycle_weight
        losses = {
            "identity_a": l1_loss(BA(a), a) * weight * game.identity_weight,
            "identity_b": l1_loss(AB(b), b) * weight * game.identity_weight,
            "gan_ab": judged("b", fake_b, True),
            "gan_ba": judged("a", fake_a, True),
            "cycle_a": l1_loss(back_a, a) * weight,
            "cycle_b": l1_loss(back_b, b) * weight,
        }
        sum(losses.values()).backward()  # type: ignore[union-attr]
        optimizers["G"].step()

        require_gradients([*D.values()], True)
        optimizers["D"].zero_grad()
        for side, real, fake in (("a", a, fake_a), ("b", b, fake_b)):
            old = pools[side].query(fake)
            value = (judged(side, real, True) + judged(side, old, False)) * 0.5
            value.backward()
            losses[f"D_{side}"] = value
        optimizers["D"].step()
        for value in losses.values():
            value.item()

    return step
