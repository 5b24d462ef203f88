"""A look at both players from time to time, on by default as it costs next to nothing."""

from collections import deque
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from gan_cli import randomness
from gan_cli.data.dataset import Pictures
from gan_cli.games.losses import accuracy
from gan_cli.games.two_player import Game
from gan_cli.health import signals
from gan_cli.networks.untouched import call_untouched
from gan_cli.tricks.examples import Progress, Verdict

PREFIX = "health/"
JUDGING, SWINGING = "loss/D/adversarial", "loss/G/adversarial"
SWING_OVER = 10
"""Reports that an oscillation is read from."""


class Health:
    """A probe: signs of collapse, of a D that learns by heart or wins, as `health/<name>`.

    It looks at one batch of fresh fakes and of held-out reals, without a trace in either network,
    and reads the rest off the report.

    Args:
        game: both players.
        every: steps between two looks.
        seed: of fakes and of held-out pictures.
        held_out: real pictures that are never trained on, where there are any.
        earlier: reports of a run that is gone on with.
    """

    def __init__(
        self,
        game: Game,
        every: int,
        seed: int,
        held_out: Pictures | None,
        earlier: Iterable[Mapping[str, float]] = (),
    ) -> None:
        self.game, self.every, self.seed, self.held_out = game, every, seed, held_out
        swings = (report[SWINGING] for report in earlier if SWINGING in report)
        self._swings = deque(swings, maxlen=SWING_OVER)

    def due(self, step: int, last: bool) -> bool:
        """With the reports."""
        return last or step % self.every == 0

    @torch.no_grad()
    def measure(
        self, progress: Progress, x: Tensor, y: Tensor | None, report: Mapping[str, float]
    ) -> dict[str, float]:
        """The signs that this loss and this data allow."""
        randomness.reseed("health", self.seed, progress.step)
        found = self._look(progress, x, y if self.game.generator.n_classes else None)
        values = torch.stack(list(found.values())).tolist() if found else []  # the one transfer
        health = dict(zip(found, values, strict=True)) | self._read(report)
        return {PREFIX + name: value for name, value in health.items()}

    def _look(self, progress: Progress, x: Tensor, y: Tensor | None) -> dict[str, Tensor]:
        if len(x) < 2:
            return {}  # a single picture is not like or unlike any
        generator, adversary = self.game.generator, self.game.adversary
        z = torch.randn(len(x), generator.latent_dim, device=x.device)
        fake = call_untouched(generator, z, y).float()
        found = {
            "diversity": signals.diversity(x, fake),
            "uniqueness": signals.uniqueness(x, fake),
        }
        if self.held_out is None:
            return found

        def judge(pictures: Tensor, labels: Tensor | None) -> Verdict:
            return Verdict.of(*call_untouched(adversary.network, pictures, labels))

        other, other_y = self._draw(len(x), x.device)
        seen, unseen = (
            adversary.meet(real, fake, labels, progress, replay=False, judge=judge).real.score
            for real, labels in ((x, y), (other, None if y is None else other_y))
        )
        found["overfitting"] = signals.overfitting(seen, unseen)
        if adversary.loss.undecided is not None:
            found["accuracy_held_out"] = accuracy(unseen, adversary.loss.undecided, real=True)
        return found

    def _draw(self, count: int, device: torch.device) -> tuple[Tensor, Tensor | None]:
        """As many held-out pictures as D is used to see at a time, float32 in [-1, 1]."""
        assert self.held_out is not None
        index = torch.randint(len(self.held_out.images), (count,))
        x = self.held_out.images[index].to(device)
        labels = None if self.held_out.labels is None else self.held_out.labels[index].to(device)
        return x.float() / 127.5 - 1 if x.dtype == torch.uint8 else x, labels

    def _read(self, report: Mapping[str, float]) -> dict[str, float]:
        """What the report itself shows."""
        found = {}
        if "score/real" in report:  # not where every turn was skipped
            found["score_gap"] = report["score/real"] - report["score/fake"]
        adversary = self.game.adversary
        if JUDGING in report and adversary.loss.bounds_divergence and not adversary.labels:
            found["divergence_bound"] = signals.divergence_bound(report[JUDGING])
        if SWINGING in report:
            self._swings.append(report[SWINGING])
            found["oscillation"] = signals.swing(self._swings)
        return found
