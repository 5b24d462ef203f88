"""Randomness is a function of integers."""

import pytest
import torch

from gan_cli import randomness


def test_the_same_key_gives_the_same_numbers() -> None:
    randomness.reseed(0, 0, 5)
    first = torch.randn(3)
    torch.randn(7)
    randomness.reseed(0, 0, 5)
    assert torch.equal(first, torch.randn(3))


def test_each_part_of_the_key_matters() -> None:
    keys = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (10, 0), (1, 00), ("1", 0)]
    seeds = {randomness.derive(*key) for key in keys}
    assert len(seeds) == len(set(keys))


def test_a_generator_leaves_the_global_stream_alone() -> None:
    before = torch.get_rng_state()
    torch.randn(4, generator=randomness.generator("latents", 0))
    assert torch.equal(before, torch.get_rng_state())


def test_an_accelerator_in_use_is_seeded_with_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeds.append)
    randomness.reseed(1, 2)
    numbers = torch.randn(3)
    monkeypatch.undo()
    randomness.reseed(1, 2)
    assert seeds == [randomness.derive(1, 2)]
    assert torch.equal(numbers, torch.randn(3))
