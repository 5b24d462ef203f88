"""CycleGAN: from one kind of image to another and back, without pairs (Zhu et al. 2017)."""

import dataclasses
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from gan_cli.data.fields import Batch
from gan_cli.games.adversary import Adversary
from gan_cli.games.base import Game, Losses, PlayerSpec
from gan_cli.games.just_made import JustMade
from gan_cli.games.latents import in_chunks
from gan_cli.games.losses import Loss
from gan_cli.games.requests import Drawing, LookUp, Request, Sheet, Trial
from gan_cli.games.several import by_direction, mean_watch
from gan_cli.networks.roles import Discriminator, Translator
from gan_cli.ranges import NonNegative
from gan_cli.tricks.examples import Progress

SHOWN = 8
"""Images of each kind in a sheet, a row each."""


class CycleGAN(Game):
    """Two generators, there and back, and a D for each kind of image.

    L_G = adversarial both ways + cycle_weight (||a - ba(ab(a))||_1 + ||b - ab(ba(b))||_1)
    + identity_weight cycle_weight (||b - ab(b)||_1 + ||a - ba(a)||_1) (equation 3, section 5.2).
    Both generators are one player and play first, both Ds are the other. Each D's loss is halved.
    D sees the fakes that G has just made, as in the authors' code, where it sees them through a
    pool of past ones: the trick `experience_replay`.

    Args:
        generator_ab: images like a to images like b.
        generator_ba: back.
        discriminator_a: judges images like a; the adversary `a`.
        discriminator_b: likewise `b`.
        loss: what all minimise; least squares in the paper.
        cycle_weight: lambda; the paper's 10 stands beside least squares without the 1/2 that
            LSGAN's has here, which makes it 5.
        identity_weight: of leaving alone what needs no translation, over `cycle_weight`; 0.5 in the
            authors' code. 0 where a and b differ in channels.

    Raises:
        ValueError: an identity_weight above 0 where a generator changes the channels.
    """

    players_in_order = ("generator", "discriminator")
    needs = {"a": ("image",), "b": ("image",)}  # noqa: RUF012
    takes = frozenset({"input", "direction"})

    def __init__(
        self,
        generator_ab: Translator,
        generator_ba: Translator,
        discriminator_a: Discriminator,
        discriminator_b: Discriminator,
        loss: Loss,
        cycle_weight: NonNegative = 5.0,
        identity_weight: NonNegative = 0.0,
    ) -> None:
        super().__init__()
        changes = generator_ab.in_channels != generator_ab.out_channels
        if identity_weight and changes:
            raise ValueError(
                f"identity_weight={identity_weight}: a and b differ in channels; set it to 0"
            )
        self.cycle_weight, self.identity_weight = cycle_weight, identity_weight
        self.generator_ab, self.generator_ba = generator_ab, generator_ba
        self.adversaries["a"] = Adversary(discriminator_a, loss)
        self.adversaries["b"] = Adversary(discriminator_b, loss)
        self._made = JustMade()

    @property
    def players(self) -> Mapping[str, PlayerSpec]:
        """Both generators, then both discriminators."""
        return {
            "generator": PlayerSpec([self.generator_ab, self.generator_ba]),
            "discriminator": PlayerSpec([self.adversary(name).network for name in "ab"]),
        }

    @property
    def averaged(self) -> Mapping[str, nn.Module]:
        """Both generators."""
        return {"generator_ab": self.generator_ab, "generator_ba": self.generator_ba}

    @property
    def ways(self) -> Mapping[str, nn.Module]:
        """There and back."""
        return {"ab": self.generator_ab, "ba": self.generator_ba}

    def begin_step(self) -> None:
        """What was made is forgotten."""
        self._made.forget()

    def losses(self, player: str, batch: Batch, progress: Progress) -> Losses:
        """The turn of one player on images a and b, [N, C, H, W] each, no pairs."""
        if player == "discriminator":
            return self.discriminator_turn(batch, progress)
        return self.generator_turn(batch, progress)

    def generator_turn(self, batch: Batch, progress: Progress) -> Losses:
        """Fool both Ds, come back to where one started, leave alone what is right already."""
        a, b = batch["a"], batch["b"]
        ab, ba = self.generator_ab(a).float(), self.generator_ba(b).float()
        against = {
            "ab": self.adversary("b")(b, ab, None, progress, "generator"),
            "ba": self.adversary("a")(a, ba, None, progress, "generator"),
        }
        losses = by_direction(
            {way: self.adversary(way[1]).generator_losses(seen) for way, seen in against.items()}
        )
        losses["cycle_a"] = self.cycle_weight * l1_loss(self.generator_ba(ab).float(), a)
        losses["cycle_b"] = self.cycle_weight * l1_loss(self.generator_ab(ba).float(), b)
        if weight := self.cycle_weight * self.identity_weight:
            losses["identity_a"] = weight * l1_loss(self.generator_ba(a).float(), a)
            losses["identity_b"] = weight * l1_loss(self.generator_ab(b).float(), b)
        self._made.put({"a": ba, "b": ab}, progress)
        return Losses(losses)

    def discriminator_turn(self, batch: Batch, progress: Progress) -> Losses:
        """Each D on its kind of image and on what G has just made."""
        losses, watch = {}, []
        made = self._made.take(progress)
        for name in "ab":
            adversary = self.adversary(name)
            seen = adversary(batch[name], made[name], None, progress, "discriminator")
            losses[name] = adversary.discriminator_losses(seen)
            losses[name]["adversarial"] = 0.5 * losses[name]["adversarial"]
            watch.append(adversary.watch(seen))
            self.observe(name, seen)
        return Losses(by_direction(losses), mean_watch(watch))

    def real_examples(self, batch: Batch) -> Mapping[str, tuple[Tensor, Tensor | None]]:
        """Each D takes its own kind for real."""
        return {name: (batch[name], None) for name in "ab"}

    def complete(self, request: Request) -> Request:
        """The direction that the inputs allow, where only one is given."""
        if request.direction is None and len(request.inputs) == 1:
            way = "ab" if "a" in request.inputs else "ba"
            return dataclasses.replace(request, direction=way)
        return request

    @torch.no_grad()
    def draw(self, request: Request) -> Drawing:
        """Input, translation and the way back; both ways side by side where none is asked for."""
        ways = [request.direction] if request.direction else ["ab", "ba"]
        panels: dict[str, Tensor] = {}
        for way in ways:
            first, second = self.generator_ab, self.generator_ba
            if way == "ba":
                first, second = second, first
            source = request.inputs[way[0]]
            there = in_chunks(first, source)
            panels |= {way[0]: source.cpu(), way: there, way + way[0]: in_chunks(second, there)}
        return Drawing(panels, ways[0])

    def sheets(self, look_up: LookUp, seed: int) -> Mapping[str, Sheet]:
        """The same images over the run: there and back again, both ways."""
        images = look_up(SHOWN, None)
        return {"samples": Sheet(Request(len(images["a"]), seed, inputs=images), columns=1)}

    def trials(self) -> Mapping[str, Trial]:
        """Both ways: the translations against the other kind, the way back against the input."""
        return {
            "ab": Trial(real="b", inputs=("a",), cycle="aba", direction="ab"),
            "ba": Trial(real="a", inputs=("b",), cycle="bab", direction="ba"),
        }
