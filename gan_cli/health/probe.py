"""A look at every player from time to time, on by default as it costs next to nothing."""

import math
from collections import deque
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from gan_cli import randomness
from gan_cli.data.fields import Batch
from gan_cli.games.adversary import Adversary
from gan_cli.games.base import Game
from gan_cli.games.losses import accuracy
from gan_cli.games.requests import Request
from gan_cli.games.two_player import TwoPlayer
from gan_cli.health import signals
from gan_cli.health.classes import NearestClasses
from gan_cli.metrics.mel import MelSpectrogram, comparing
from gan_cli.networks.untouched import preserved_buffers
from gan_cli.tricks.examples import Progress

PREFIX = "health/"
LOSS_D, LOSS_G = "loss/D/adversarial", "loss/G/adversarial"
OSCILLATION_OVER = 10
"""Reports that an oscillation is read from."""
COMPARED = 256
"""Samples of a batch, at the most, that are drawn and compared."""


class HealthProbe:
    """A probe: signs of mode collapse, of a D that memorises or wins, as `health/<name>`.

    It looks at one batch of fresh fakes and of held-out reals, without a trace in any network, and
    reads the rest off the report. Fakes are made by the present weights, not by their mean, in the
    mode the game is in, and compared with real samples as the first of the game's trials says.

    Args:
        game: in training.
        every: steps between two looks.
        seed: of fakes and of held-out samples.
        held_out: real samples by field, uint8 images or as a batch has them, that are never trained
            on; None where there are none.
        earlier: reports of a run that is resumed.
    """

    def __init__(
        self,
        game: Game,
        every: int,
        seed: int,
        held_out: Batch | None,
        earlier: Iterable[Mapping[str, float]] = (),
    ) -> None:
        self.game, self.every, self.seed, self.held_out = game, every, seed, held_out
        losses = (report[LOSS_G] for report in earlier if LOSS_G in report)
        self._losses = deque(losses, maxlen=OSCILLATION_OVER)
        self._classes: NearestClasses | None = None
        self._ear: MelSpectrogram | None = None

    def due(self, step: int, last: bool) -> bool:
        """With the reports."""
        return last or step % self.every == 0

    @torch.no_grad()
    def measure(
        self, progress: Progress, batch: Batch, report: Mapping[str, float]
    ) -> dict[str, float]:
        """The signs that this game and this data allow."""
        randomness.reseed("health", self.seed, progress.step)
        with preserved_buffers(self.game):
            found = self._compare(progress, batch) | self._hold_out(progress, batch)
        values = torch.stack(list(found.values())).tolist() if found else []  # the one transfer
        told = {k: v for k, v in zip(found, values, strict=True) if math.isfinite(v)}
        health = told | self._read(report)  # of real samples that are all alike, nothing is told
        return {PREFIX + name: value for name, value in health.items()}

    def _compare(self, progress: Progress, batch: Batch) -> dict[str, Tensor]:
        """How different fakes are from each other."""
        trial = next(iter(self.game.trials().values()))
        real = batch[trial.real][:COMPARED]
        if len(real) < 2:
            return {}  # a single sample is not like or unlike any
        request = Request(
            len(real),
            seed=randomness.derive("health", self.seed, progress.step),
            label=batch["label"][: len(real)] if self.game.n_classes else None,
            inputs={name: batch[name][: len(real)] for name in trial.inputs},
            direction=trial.direction,
        )
        drawing = self.game.draw(self.game.complete(request))
        fake = drawing.made.to(real.device)
        if drawing.kind == "wave":  # the ear does not hear a wave's phase
            if self._ear is None:
                self._ear = comparing(drawing.rate).to(real.device)
            real, fake = self._ear(real), self._ear(fake)
        found = {
            "diversity": signals.diversity(real, fake),
            "uniqueness": signals.uniqueness(real, fake),
        }
        if self.held_out is not None and "label" in self.held_out and trial.real in self.held_out:
            if self._classes is None:
                known = {name: _as_drawn(x, real.device) for name, x in self.held_out.items()}
                self._classes = NearestClasses(known[trial.real], known["label"])
            found["nearest_class_kl"] = self._classes.kl(fake)
        return found

    def _hold_out(self, progress: Progress, batch: Batch) -> dict[str, Tensor]:
        """What every D makes of real samples it was never trained on, in the mean over all D."""
        if self.held_out is None:
            return {}
        count, device = min(map(len, batch.values())), next(iter(batch.values())).device
        seen = self.game.real_examples(batch)
        unseen = self.game.real_examples(_some(self.held_out, count, device))
        found: dict[str, list[Tensor]] = {}
        for name in seen:
            adversary = self.game.adversary(name)
            known, new = (_logits(adversary, *x[name], progress) for x in (seen, unseen))
            overfitting = signals.overfitting(_per_sample(known), _per_sample(new))
            found.setdefault("overfitting", []).append(overfitting)
            if (threshold := adversary.loss.decision_threshold) is not None:
                right = accuracy(new, threshold, real=True)
                found.setdefault("accuracy_held_out", []).append(right)
        return {name: torch.stack(values).mean() for name, values in found.items()}

    def _read(self, report: Mapping[str, float]) -> dict[str, float]:
        """What the report itself shows."""
        found = {}
        if "score/real" in report:  # not where every turn was skipped
            found["score_gap"] = report["score/real"] - report["score/fake"]
        if LOSS_D in report and isinstance(self.game, TwoPlayer):  # others halve D's loss
            adversary = self.game.adversary("discriminator")
            if adversary.loss.bounds_divergence and not adversary.targets:
                found["divergence_bound"] = signals.divergence_bound(report[LOSS_D])
        if LOSS_G in report:
            self._losses.append(report[LOSS_G])
            found["oscillation"] = signals.oscillation(self._losses)
        return found


def _logits(adversary: Adversary, x: Tensor, label: Tensor | None, progress: Progress) -> Tensor:
    """D's logits of real samples, as it sees them in training; fakes are never asked for."""
    with preserved_buffers(adversary.network):  # the next samples meet the same D
        return adversary(x, x, label, progress, "generator").real.logits


def _per_sample(logits: Tensor) -> Tensor:
    """[N], or the mean of each map: [N, ...] -> [N]."""
    return logits.flatten(1).mean(1) if logits.dim() > 1 else logits


def _some(samples: Batch, count: int, device: torch.device) -> Batch:
    """`count` samples at random, as a batch has them; what belongs together stays together."""
    where = torch.rand(count, dtype=torch.float64)  # fields of one group are equally long

    return {
        name: _as_drawn(values[(where * len(values)).long()], device)
        for name, values in samples.items()
    }


def _as_drawn(values: Tensor, device: torch.device) -> Tensor:
    """Stored values as a batch has them: images in [-1, 1]."""
    drawn = values.to(device)
    return drawn.float() / 127.5 - 1 if values.dtype == torch.uint8 else drawn
