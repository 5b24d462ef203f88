"""One discriminator's side of a game: what it sees, what it is told, what it minimises.

`Adversary.discriminator_losses` is all that D minimises, `generator_losses` all that whoever makes
the fakes minimises against it.
"""

import torch
from torch import Tensor, nn

from gan_cli.games.losses import Loss, Targets, accuracy
from gan_cli.networks.untouched import judges_singly
from gan_cli.tricks.base import Pool, TargetTrick, Term, Trick, View
from gan_cli.tricks.examples import (
    Discriminate,
    DiscriminatorOutput,
    Examples,
    Progress,
    RealFakeBatch,
    Role,
    judge_together,
)


class Adversary(nn.Module):
    """A discriminator with its loss and the tricks on its way.

    Args:
        network: D; takes x [N, C, H, W] and labels [N] or None, gives logits [N] (or a map
            [N, ...]) and features [N, F].
        loss: what both roles minimise.

    Attributes:
        targets: tricks on D's targets, applied in order.
        views: what D sees of each image, applied in order.
        pool: where the fakes of D's turn come from, if not from the generator alone.
        terms: what is added to the losses, by name.
    """

    def __init__(self, network: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.network = network
        self.loss = loss
        self.targets = nn.ModuleList()
        self.views = nn.ModuleList()
        self.pool: Pool | None = None
        self.terms = nn.ModuleDict()
        self._single: bool | None = None

    def add(self, name: str, trick: Trick) -> None:
        """Put a trick in its place; one that can stand in several stands in all of them."""
        if isinstance(trick, TargetTrick):
            self.targets.append(trick)
        if isinstance(trick, View):
            self.views.append(trick)
        if isinstance(trick, Pool):
            self.pool = trick
        if isinstance(trick, Term):
            self.terms[name] = trick

    def discriminate(self, x: Tensor, label: Tensor | None) -> DiscriminatorOutput:
        """D's output on images as they are, in float32."""
        logits, features = self.network(x, label)
        return DiscriminatorOutput(logits.float(), features.float())

    def forward(
        self,
        real: Tensor,
        fake: Tensor,
        label: Tensor | None,
        progress: Progress,
        role: Role,
        discriminate: Discriminate | None = None,
        fake_label: Tensor | None = None,
    ) -> RealFakeBatch:
        """Bring a real and a fake batch, [N, C, H, W] each, before D.

        Args:
            real: real images.
            fake: fake ones; in D's turn without a graph.
            label: [N] or None, of the real ones, and of the fakes where `fake_label` is None.
            progress: how far the run is.
            role: whose turn it is. In D's own, past fakes from the pool may stand in for present
                ones, and gradients at the images are provided for.
            discriminate: what stands in for D itself, such as D some steps ahead.
            fake_label: of the fakes, where they have others than the real ones.
        """
        discriminate = discriminate or self.discriminate
        fake_label = label if fake_label is None else fake_label
        own = role == "discriminator"
        if own and self.pool is not None:
            fake, fake_label = self.pool(fake, fake_label)
        at = {kind for _, term in self._due(role, progress) for kind in term.at} if own else set()

        def view(x: Tensor) -> Tensor:
            for change in self.views:
                x = change(x, progress)
            return x

        reals = Examples(real, label, view, discriminate, "real" in at)
        fakes = Examples(fake, fake_label, view, discriminate, "fake" in at)
        if own and discriminate == self.discriminate and not at and self._judges_singly():
            judge_together(reals, fakes, discriminate)
        return RealFakeBatch(
            real=reals,
            fake=fakes,
            discriminate=discriminate,
            discriminator=self.network,
            progress=progress,
        )

    def discriminator_losses(
        self, batch: RealFakeBatch, real_share: float | None = None
    ) -> dict[str, Tensor]:
        """What D minimises: scalars by term."""
        loss = self.discriminator_loss(batch, real_share)
        return {"adversarial": loss} | self._terms(batch, "discriminator")

    def discriminator_loss(self, batch: RealFakeBatch, real_share: float | None = None) -> Tensor:
        """D's loss without its terms, a scalar.

        With `real_share` D learns that much from the reals and the rest from the fakes; the value
        stays the same.
        """
        real, fake = batch.real.logits, batch.fake.logits
        targets = torch.ones_like(real), torch.zeros_like(fake)
        for trick in self.targets:
            targets = trick(*targets)
        told = Targets(*targets)
        if real_share is None:
            return self.loss.discriminator(real, fake, told)
        of_real = self.loss.discriminator(real, fake.detach(), told)
        of_fake = self.loss.discriminator(real.detach(), fake, told)
        return real_share * of_real + (1 - real_share) * of_fake

    def generator_losses(self, batch: RealFakeBatch) -> dict[str, Tensor]:
        """What the generator minimises against this D: scalars by term."""
        real = batch.real.logits if self.loss.generator_sees_real else None
        loss = self.loss.generator(batch.fake.logits, real)
        return {"adversarial": loss} | self._terms(batch, "generator")

    def watch(self, batch: RealFakeBatch) -> dict[str, Tensor]:
        """Detached scalars of D's turn: mean logits, and how often D is right."""
        real, fake = batch.real.logits.detach(), batch.fake.logits.detach()
        seen = {"score/real": real.mean(), "score/fake": fake.mean()}
        if (threshold := self.loss.decision_threshold) is not None:
            seen["health/accuracy_real"] = accuracy(real, threshold, real=True)
            seen["health/accuracy_fake"] = accuracy(fake, threshold, real=False)
        for view in self.views:
            assert isinstance(view, View)
            seen |= view.watch()
        return seen

    def observe(self, batch: RealFakeBatch) -> None:
        """Let views follow what D made of a batch in its own turn, once."""
        if batch.progress.phase == "lazy":
            return
        for view in self.views:
            assert isinstance(view, View)
            view.observe(self._excess(batch))

    def on_step(self, progress: Progress) -> None:
        """Let views adapt after a step."""
        for view in self.views:
            assert isinstance(view, View)
            view.on_step(progress)

    def _excess(self, batch: RealFakeBatch) -> Tensor:
        """D's logits of real images, from that of a D that cannot tell.

        Where only differences of logits count, from the mean of the fakes'.
        """
        real, threshold = batch.real.logits.detach(), self.loss.decision_threshold
        return real - (batch.fake.logits.detach().mean() if threshold is None else threshold)

    def _judges_singly(self) -> bool:
        if self._single is None:  # once all tricks that change D have been applied
            self._single = judges_singly(self.network)
        return self._single

    def _due(self, role: Role, progress: Progress) -> list[tuple[str, Term]]:
        """The terms of a role that are computed in this step."""
        terms: list[tuple[str, Term]] = list(self.terms.items())  # type: ignore[arg-type]
        return [(name, t) for name, t in terms if role in t.roles and t.due(progress)]

    def _terms(self, batch: RealFakeBatch, role: Role) -> dict[str, Tensor]:
        return {
            name: term.weigh(term(batch, role), batch.progress)
            for name, term in self._due(role, batch.progress)
        }
