"""Whether an encoder's features tell classes apart that nobody told it of."""

from torch import Tensor

from gan_cli.metrics.diversity import find_nearest


def neighbour_accuracy(
    features: Tensor, classes: Tensor, known: Tensor, known_classes: Tensor
) -> float:
    """Share of samples whose nearest known one is of their class, in [0, 1] (1-NN, Euclidean).

    BiGAN's figure (Donahue et al. 2017, table 1), with held-out images as samples and the training
    images as the known ones.

    Args:
        features: [N, F].
        classes: of the samples, int64 [N].
        known: [M, F].
        known_classes: int64 [M].
    """
    nearest = find_nearest(features, known).indices[:, 0]
    return float((known_classes[nearest] == classes).double().mean())
