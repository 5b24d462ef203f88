"""BEGAN: autoencoder against generator, held in balance (Berthelot et al. 2017)."""

import torch
from torch import Tensor

from gan_cli.games.base import Losses
from gan_cli.games.latents import Noise
from gan_cli.games.losses import Wasserstein
from gan_cli.games.two_player import TwoPlayer
from gan_cli.networks.autoencoder import Autoencoder
from gan_cli.networks.roles import Generator
from gan_cli.networks.together import sum_over_ranks
from gan_cli.ranges import Count, Positive, Probability
from gan_cli.tricks.examples import Progress


class BEGAN(TwoPlayer):
    """A Wasserstein game with errors of reconstruction, whose fakes D heeds by a changing k.

    L_D = L(x) - k L(G(z_D)), L_G = L(G(z_G)), and then k += k_rate (gamma L(x) - L(G(z))) in [0, 1]
    (section 3.4), with L the error, minus D's logit. The paper takes k's L(G(z)) from G's turn,
    which comes after D's. k moves once a step, by the mean over D's turns and processes.
    `health/convergence` is L(x) + |gamma L(x) - L(G(z))| (section 3.4.1): it falls as samples get
    better.

    Args:
        latent_dim: length of z.
        generator: z to images.
        discriminator: an autoencoder.
        loss: Wasserstein's.
        gamma: L(G(z)) / L(x) that is aimed at; less of it, less variety.
        k_rate: lambda_k.
        noise: what z is.

    Attributes:
        k: a scalar, 0 at first.
        balance: gamma L(x) - L(G(z)) of this step, summed, and how often, [2].
    """

    k: Tensor
    balance: Tensor

    def __init__(
        self,
        latent_dim: Count,
        generator: Generator,
        discriminator: Autoencoder,
        loss: Wasserstein,
        gamma: Probability = 0.5,
        k_rate: Positive = 1e-3,
        noise: Noise = "uniform",
    ) -> None:
        super().__init__(latent_dim, generator, discriminator, loss, noise=noise)
        self.gamma, self.k_rate = gamma, k_rate
        self.register_buffer("k", torch.zeros(()))
        self.register_buffer("balance", torch.zeros(2))  # 0 between two steps

    def discriminator_turn(self, x: Tensor, label: Tensor | None, progress: Progress) -> Losses:
        """D on real images x [N, C, H, W] and on fakes made without a graph."""
        adversary, k = self.adversary("discriminator"), self.k.clone()
        with torch.no_grad():
            fake = self.fakes(len(x), None, x.device)
        seen = adversary(x, fake, None, progress, "discriminator")
        losses = adversary.discriminator_losses(seen)
        real_error, fake_error = -seen.real.logits.mean(), -seen.fake.logits.mean()
        losses["adversarial"] = real_error - k * fake_error
        with torch.no_grad():
            balance = self.gamma * real_error - fake_error
            watch = {"health/k": k, "health/convergence": real_error + balance.abs()}
            # a turn that is not finite, which may be skipped, leaves k as it is
            seen_once = torch.stack([balance.nan_to_num(0.0, 0.0, 0.0), torch.ones_like(balance)])
            self.balance += seen_once if progress.phase != "lazy" else 0.0
        self.observe("discriminator", seen)
        return Losses(losses, adversary.watch(seen) | watch)

    @torch.no_grad()
    def on_step(self, progress: Progress) -> None:
        """Move k."""
        super().on_step(progress)
        total, count = sum_over_ranks(self.balance)
        self.k.add_(self.k_rate * total / count.clamp(min=1.0)).clamp_(0.0, 1.0)
        self.balance.zero_()
