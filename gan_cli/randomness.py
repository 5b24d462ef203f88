"""Randomness as a function of integers: nothing random has to be saved to be resumed."""

import functools
import hashlib

import torch


def derive(*key: int | str) -> int:
    """A 63-bit seed from any integers and words; different keys give unrelated streams."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def reseed(*key: int | str) -> None:
    """Seed torch's global generators (CPU and every accelerator) from `key`."""
    seed = derive(*key)
    # torch.manual_seed formats a stack for every kind of accelerator that is not in use, to seed it
    # once it is: half of a small network's step on a GPU
    if torch.cuda.is_initialized():
        torch.default_generator.manual_seed(seed)
        torch.cuda.manual_seed_all(seed)
    elif _accelerated():
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)


@functools.cache
def _accelerated() -> bool:
    return torch.accelerator.is_available()


def generator(*key: int | str) -> torch.Generator:
    """A CPU generator of its own, for draws made outside a training step."""
    return torch.Generator().manual_seed(derive(*key))
