"""A loss: what D and what G minimise, from logits."""

from torch import Tensor

from gan_cli.games.losses import Loss, Targets


class Pearson(Loss):
    """LSGAN with a = -1, b = 1, c = 0 (Mao et al. 2017, eq. 8): G lowers Pearson's chi-squared.

    At D = 0, where D cannot tell: L_D = 1, L_G = 0.
    """

    decision_threshold, margin = 0.0, 1.0  # halfway between -1 and 1, and from there to either

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets) -> Tensor:
        """(D(x) - 1)^2 / 2 + (D(G(z)) + 1)^2 / 2."""
        return 0.5 * ((real - 1.0) ** 2).mean() + 0.5 * ((fake + 1.0) ** 2).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """D(G(z))^2 / 2."""
        return 0.5 * (fake**2).mean()
