"""Pictures to features: what an extractor is, and how it is led through many pictures."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from tqdm import tqdm

Extractor = Callable[[Tensor], tuple[Tensor, Tensor]]
"""uint8 pictures [N, C, H, W] -> features [N, F] and logits [N, K]."""


class Features(NamedTuple):
    """What an extractor makes of N pictures, float32 on the CPU.

    Attributes:
        features: [N, F].
        probabilities: p(class | picture), [N, K].
    """

    features: Tensor
    probabilities: Tensor

    @property
    def classes(self) -> Tensor:
        """The likeliest class of each picture, int64 [N]."""
        return self.probabilities.argmax(1)


@torch.no_grad()
def extract(
    extractor: Extractor, pictures: Tensor, device: torch.device, batch_size: int = 250
) -> Features:
    """Features of uint8 pictures [N, C, H, W], from an extractor on `device` in eval mode.

    A progress bar appears on a terminal where it takes more than two seconds.
    """
    bar = tqdm(total=len(pictures), desc="features", unit="img", leave=False, disable=None, delay=2)
    features, probabilities = [], []
    with bar:
        for batch in pictures.split(batch_size):
            found, logits = extractor(batch.to(device))
            features.append(found.float().cpu())
            probabilities.append(logits.float().softmax(1).cpu())
            bar.update(len(batch))
    return Features(torch.cat(features), torch.cat(probabilities))
