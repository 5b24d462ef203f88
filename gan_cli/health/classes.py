"""Which classes a generator has lost, told without a classifier."""

import torch
from torch import Tensor

REFERENCES, VALUES = 1024, 2**24
"""Real samples, and numbers in them all, that fakes are held against at the most."""


class NearestClasses:
    """The class of a sample is that of the real sample next to it.

    Coarse where pixels say little of the class, so that fakes are held against what becomes of
    real samples under the same rule, not against the classes these really are of.

    Args:
        samples: real ones, [N, ...] with N at least 2, in random order; the first `REFERENCES`,
            or as many as `VALUES` allows, are taken.
        labels: their classes, int64 [N].
    """

    def __init__(self, samples: Tensor, labels: Tensor) -> None:
        count = max(2, min(REFERENCES, VALUES // samples[0].numel()))
        self._rows = samples[:count].flatten(1)
        _, self._classes = labels[:count].unique(return_inverse=True)
        self._n = int(self._classes.max()) + 1
        own = torch.cdist(self._rows, self._rows).fill_diagonal_(torch.inf).argmin(1)
        counts = self._count(own) + 1  # or a class that is nobody's neighbour would weigh all
        self._expected = counts / counts.sum()

    def _count(self, nearest: Tensor) -> Tensor:
        one_hot = torch.nn.functional.one_hot(self._classes[nearest], self._n)
        return one_hot.sum(0).double()

    def kl(self, fakes: Tensor) -> Tensor:
        """How uneven the classes of fakes [M, ...] are: KL(fakes || reals) in nats, a scalar.

        Without its bias for few fakes (Miller 1955, "Note on the bias of information estimates");
        0 where they are as even as reals, about log K where one of K classes is left.
        """
        counts = self._count(torch.cdist(fakes.flatten(1), self._rows).argmin(1))
        share = counts / counts.sum()
        bias = ((counts > 0).sum() - 1) / (2 * len(fakes))
        kl = torch.xlogy(share, share / self._expected).sum()
        return (kl - bias).clamp(min=0).float()
