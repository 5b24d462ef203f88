"""Unrolled GAN: G looks some steps of D ahead."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from gan_cli.errors import UserError
from gan_cli.games.base import Losses
from gan_cli.games.losses import Loss
from gan_cli.games.two_player import TwoPlayer
from gan_cli.networks.roles import Discriminator, Generator
from gan_cli.networks.untouched import call_untouched
from gan_cli.ranges import Count, Natural
from gan_cli.tricks.base import Pool
from gan_cli.tricks.examples import Discriminate, DiscriminatorOutput, Progress
from gan_cli.tricks.terms import AuxiliaryClassifier

Weights = dict[str, Tensor]
State = list[dict[str, object]]

TINY = 1e-15
"""Added to D's gradients: at zero, Adam's square root would have an infinite slope."""


class Unrolled(TwoPlayer):
    """G minimises the game's value against D after further steps (Metz et al. 2017, section 2.2).

    The value f(theta_G, theta_D^K) is minus D's loss, the data term included: D^K depends on G's
    fakes through its steps, and so do its logits of real images. The steps are those of D's own
    optimizer, from its present memory, on the batch at hand, terms included, and G's gradient
    flows through them. They happen on copies of D's weights and buffers and of the optimizer's
    memory: nothing has to be rolled back. What acts around D's real steps (gradient or weight
    clipping) and terms on D's weights alone are left out.

    Args:
        latent_dim, generator, discriminator, loss, n_critic, reuse_fakes: see `TwoPlayer`.
        unrolled_steps: K, how far G looks ahead; 0 is the plain game, the paper's ring takes 5.
    """

    stands_in = (
        "tricks=[unrolled] is for one G against one D without other keys (vanilla, dcgan, sngan); "
        "drop it, or take such a model"
    )
    reads_batch = True
    refuses = {  # noqa: RUF012
        Pool: "an unrolled G foresees a D that learns from present fakes, and this shows D past "
        "ones; drop it or the unrolling",
        AuxiliaryClassifier: "it reads D's weights as they are, and an unrolled G meets D with "
        "weights still to come; drop it or the unrolling",
    }

    def __init__(
        self,
        latent_dim: Count,
        generator: Generator,
        discriminator: Discriminator,
        loss: Loss,
        n_critic: Count = 1,
        unrolled_steps: Natural = 5,
        reuse_fakes: bool = False,
    ) -> None:
        super().__init__(
            latent_dim, generator, discriminator, loss, n_critic, reuse_fakes=reuse_fakes
        )
        self.unrolled_steps = unrolled_steps

    def set_optimizers(self, optimizers: Mapping[str, torch.optim.Optimizer]) -> None:
        """Meet both optimizers.

        Raises:
            UserError: torch cannot differentiate its steps.
        """
        super().set_optimizers(optimizers)
        self._optimizer = optimizers["discriminator"]
        if "differentiable" not in self._optimizer.defaults:
            raise UserError(
                f"optimizer: {type(self._optimizer).__name__} cannot be looked ahead along, since "
                "its steps have no gradient; take Adam, AdamW, RMSprop or SGD for D, or drop the "
                "unrolling"
            )

    def generator_turn(self, x: Tensor, label: Tensor | None, progress: Progress) -> Losses:
        """G against D as it will be."""
        if not self.unrolled_steps:
            return super().generator_turn(x, label, progress)
        adversary = self.adversary("discriminator")
        fake = self.fakes_for_generator(x, label)

        def loss(discriminate: Discriminate) -> Tensor:
            batch = adversary(x, fake, label, progress, "discriminator", discriminate)
            return torch.stack([*adversary.discriminator_losses(batch).values()]).sum()

        ahead = unroll(adversary.network, self._optimizer, self.unrolled_steps, loss)
        batch = adversary(x, fake, label, progress, "generator", ahead)
        value = -adversary.discriminator_loss(batch)
        return Losses(adversary.generator_losses(batch) | {"adversarial": value})


def unroll(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    steps: int,
    loss: Callable[[Discriminate], Tensor],
) -> Discriminate:
    """D as it will be after further steps of its optimizer, differentiable through all of them.

    Args:
        network: D's.
        optimizer: D's; any that torch can differentiate.
        steps: how many.
        loss: what a D minimises, a scalar.
    """
    names = [name for name, _ in network.named_parameters()]
    weights = [p.detach().requires_grad_() for p in network.parameters()]
    state = [dict(optimizer.state.get(p, {})) for p in network.parameters()]
    groups = _groups(optimizer, network)
    for _ in range(steps):
        total = loss(_with_weights(network, dict(zip(names, weights, strict=True))))
        # zeros for weights out of play, such as an embedding's where nothing asks for it
        gradients = torch.autograd.grad(total, weights, create_graph=True, materialize_grads=True)
        weights, state = _step(optimizer, groups, weights, gradients, state)
    return _with_weights(network, dict(zip(names, weights, strict=True)))


def _groups(optimizer: torch.optim.Optimizer, network: nn.Module) -> list[tuple[dict, list[int]]]:
    """Each parameter group's options, and the numbers of the network's weights that are in it."""
    number = {id(p): i for i, p in enumerate(network.parameters())}
    # fused and capturable kernels cannot be differentiated
    plain = {"differentiable": True, "foreach": False, "fused": None, "capturable": False}
    groups = [
        (
            {k: v for k, v in group.items() if k != "params"} | plain,
            [number[id(p)] for p in group["params"] if id(p) in number],
        )
        for group in optimizer.param_groups
    ]
    return [group for group in groups if group[1]]


def _step(
    optimizer: torch.optim.Optimizer,
    groups: Sequence[tuple[dict, list[int]]],
    weights: Sequence[Tensor],
    gradients: Sequence[Tensor],
    state: State,
) -> tuple[list[Tensor], State]:
    """One step of D's optimizer that can be differentiated; all it changes is copied first."""
    ahead = [p.clone() for p in weights]
    kind: Callable[..., torch.optim.Optimizer] = type(optimizer)
    params = [{"params": [ahead[i] for i in members]} for _, members in groups]
    # said here as well: an optimizer that was not made so takes no results and keeps no graph
    copy = kind(params, differentiable=True)
    for group, (options, _) in zip(copy.param_groups, groups, strict=True):
        group.update({k: v for k, v in options.items() if k in group})
    for p, gradient, memory in zip(ahead, gradients, state, strict=True):
        p.grad = gradient + TINY
        copy.state[p] = {k: v.clone() if isinstance(v, Tensor) else v for k, v in memory.items()}
    copy.step()
    return ahead, [copy.state[p] for p in ahead]


def _with_weights(network: nn.Module, weights: Weights) -> Discriminate:
    """D with other weights; its BatchNorm statistics and power iterations stay as they are."""

    def discriminate(x: Tensor, label: Tensor | None) -> DiscriminatorOutput:
        logits, features = call_untouched(network, x, label, weights=weights)
        return DiscriminatorOutput(logits.float(), features.float())

    return discriminate
