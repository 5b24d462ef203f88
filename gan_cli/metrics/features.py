"""Images to features: what an extractor is, and how it is led through many images."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from gan_cli.metrics.progress import track

Extractor = Callable[[Tensor], tuple[Tensor, Tensor]]
"""uint8 images [N, C, H, W] -> features [N, F] and logits [N, K]."""


class Features(NamedTuple):
    """What an extractor makes of N images, float32 on the CPU.

    Attributes:
        features: [N, F].
        probabilities: p(class | image), [N, K].
    """

    features: Tensor
    probabilities: Tensor

    @property
    def classes(self) -> Tensor:
        """The likeliest class of each image, int64 [N]."""
        return self.probabilities.argmax(1)


def extract(
    extractor: Extractor, images: Tensor, device: torch.device, batch_size: int = 250
) -> Features:
    """What an extractor on `device`, in eval mode, makes of uint8 images [N, C, H, W].

    A progress bar appears on a terminal where it takes more than two seconds.
    """
    features, probabilities = [], []
    for found, logits in _batches(extractor, images, device, batch_size):
        features.append(found.float().cpu())
        probabilities.append(logits.float().softmax(1).cpu())
    return Features(torch.cat(features), torch.cat(probabilities))


def extract_features(
    extractor: Extractor, images: Tensor, device: torch.device, batch_size: int = 250
) -> Tensor:
    """The features alone, [N, F]: a thousand classes' probabilities would take more room."""
    return torch.cat(
        [found.float().cpu() for found, _ in _batches(extractor, images, device, batch_size)]
    )


def _batches(
    extractor: Extractor, images: Tensor, device: torch.device, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    with track(len(images), "features", "img") as advance:
        for batch in images.split(batch_size):
            with torch.no_grad():
                found = extractor(batch.to(device))
            yield found
            advance(len(batch))
