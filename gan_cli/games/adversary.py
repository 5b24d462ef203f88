"""One discriminator's side of a game: what it sees, how it judges, what it is told."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gan_cli.games.losses import Loss, Targets
from gan_cli.tricks.base import LabelTrick, Pool, View
from gan_cli.tricks.examples import Exchange, Judge, Judged, Progress, Verdict


class Adversary(nn.Module):
    """A discriminator with its loss and the tricks on its way.

    Args:
        network: D; takes x [N, C, H, W] and y [N] or None, gives scores [N] and features [N, F].
        loss: what both sides minimise.
        labels: tricks on D's targets, applied in order.
        views: what D sees of each picture, applied in order.
        pool: where the fakes of D's turn come from; None for G alone.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: Loss,
        labels: Sequence[LabelTrick] = (),
        views: Sequence[View] = (),
        pool: Pool | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.loss = loss
        self.labels = nn.ModuleList(labels)
        self.views = nn.ModuleList(views)
        self.pool = pool

    def judge(self, x: Tensor, y: Tensor | None) -> Verdict:
        """D's verdict on pictures as they are."""
        return Verdict.of(*self.network(x, y))

    def meet(
        self,
        real: Tensor,
        fake: Tensor,
        y: Tensor | None,
        progress: Progress,
        replay: bool,
        judge: Judge | None = None,
    ) -> Exchange:
        """Bring a real and a fake batch [N, C, H, W] before D; `y` [N] or None labels both.

        With `replay`, as in D's own turn, past fakes from the pool may stand in for present ones.
        Another `judge` may stand in for D itself, such as D some steps ahead.
        """
        judge = judge or self.judge

        def view(x: Tensor) -> Tensor:
            for change in self.views:
                x = change(x, progress)
            return x

        fake, fake_y = self.pool(fake, y) if replay and self.pool is not None else (fake, y)
        return Exchange(
            real=Judged(real, y, view, judge),
            fake=Judged(fake, fake_y, view, judge),
            judge=judge,
            discriminator=self.network,
            progress=progress,
        )

    def discriminator_loss(self, exchange: Exchange) -> Tensor:
        """What D minimises, a scalar."""
        real, fake = exchange.real.score, exchange.fake.score
        targets = torch.ones_like(real), torch.zeros_like(fake)
        for trick in self.labels:
            targets = trick(*targets)
        return self.loss.discriminator(real, fake, Targets(*targets))

    def generator_loss(self, exchange: Exchange) -> Tensor:
        """What G minimises, a scalar."""
        real = exchange.real.score if self.loss.generator_sees_real else None
        return self.loss.generator(exchange.fake.score, real)
