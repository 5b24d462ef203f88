"""Whether latent codes that nobody told of classes have found them."""

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor


def code_accuracy(codes: Tensor, classes: Tensor) -> float:
    """Share of samples whose class is that of their code, in [0, 1], under the best naming.

    Each code stands for one class and each class for one code, chosen so that the share is largest
    (Kuhn 1955, the Hungarian method). Samples of codes, or classes, that are left over count as
    wrong. Chance is a little above 1 / K. InfoGAN's error rate (Chen et al. 2016, section 7.2) is
    one minus it.

    Args:
        codes: the categorical code each sample was made from, int64 [N].
        classes: the class each sample is of, int64 [N].
    """
    counts = np.zeros((int(codes.max()) + 1, int(classes.max()) + 1), dtype=np.int64)
    np.add.at(counts, (codes.numpy(), classes.numpy()), 1)  # [codes, classes]
    named = linear_sum_assignment(counts, maximize=True)
    return float(counts[named].sum() / len(codes))


def codebook_use(entries: Tensor, size: int) -> dict[str, float]:
    """How much of a codebook is used: `codebook_share`, of entries that occur at all, in [0, 1],
    and `codebook_perplexity`, e^H of how often each occurs, in [1, size]: that many would do as
    much if all occurred equally often.

    Args:
        entries: which were used, int64 of any shape.
        size: how many there are.
    """
    counts = torch.bincount(entries.flatten(), minlength=size).double()
    p = counts / counts.sum()
    entropy = -(p * p.clamp_min(1e-12).log()).sum()
    return {
        "codebook_share": float((counts > 0).double().mean()),
        "codebook_perplexity": float(entropy.exp()),
    }
