"""BatchNorm over the shares of all processes, as over one batch."""

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gan_cli.networks.together import in_step, sum_over_ranks


class SynchronisedBatchNorm(_BatchNorm):
    """BatchNorm whose mean and variance are those of all processes' shares together.

    Any number of dimensions, any device, and as often differentiable as one likes; torch's own
    `SyncBatchNorm` needs CUDA and is differentiable once. In evaluation, and where one process
    looks at a network alone, it is the ordinary one.
    """

    def _check_input_dim(self, input: Tensor) -> None:  # torch's name
        pass

    def forward(self, input: Tensor) -> Tensor:
        """[N, C, ...] -> [N, C, ...]."""
        if not (self.training and in_step()):
            return super().forward(input)
        x = input.float()
        rest = [dim for dim in range(x.dim()) if dim != 1]
        own = torch.stack([x.mean(rest), x.var(rest, correction=0)])  # [2, C]
        size, rank = distributed.get_world_size(), distributed.get_rank()
        mine = torch.arange(size, device=x.device) == rank
        rows = torch.where(mine[:, None, None], own, torch.zeros_like(own))  # [ranks, 2, C]
        means, variances = sum_over_ranks(rows).unbind(1)  # a row each: gathered
        mean = means.mean(0)
        variance = variances.mean(0) + means.var(0, correction=0)  # shares are equally large
        self._note(mean, variance, size * x.numel() // x.shape[1])
        shape = [1, -1] + [1] * (x.dim() - 2)
        normal = (x - mean.view(shape)) * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            normal = normal * self.weight.view(shape) + self.bias.view(shape)
        return normal.to(input.dtype)

    @torch.no_grad()
    def _note(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Move the running statistics, of `count` numbers a channel."""
        if self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        momentum = self.momentum
        part = 1.0 / float(self.num_batches_tracked) if momentum is None else momentum
        self.running_mean.lerp_(mean, part)
        self.running_var.lerp_(variance * count / max(count - 1, 1), part)


def synchronise(module: nn.Module) -> None:
    """Let every BatchNorm of torch's inside be a synchronised one, with the same weights."""
    for name, inner in list(module.named_modules()):
        if type(inner) not in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d):
            continue
        new = SynchronisedBatchNorm(
            inner.num_features,
            inner.eps,
            inner.momentum,
            inner.affine,
            inner.track_running_stats,
        )
        for kept in ("weight", "bias"):
            setattr(new, kept, getattr(inner, kept))
        for kept in ("running_mean", "running_var", "num_batches_tracked"):
            setattr(new, kept, getattr(inner, kept))
        new.train(inner.training)
        module.set_submodule(name, new)
