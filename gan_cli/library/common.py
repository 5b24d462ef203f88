"""What everything that `import gan_cli` offers has in common."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

StrPath = str | os.PathLike[str]


@contextmanager
def own_randomness() -> Iterator[None]:
    """Leave torch's global generators as they were."""
    used = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=used):
        yield
