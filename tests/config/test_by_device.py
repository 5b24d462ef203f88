"""Batch sizes and lengths for a laptop, and others for a GPU."""

import pytest
import torch

from gan_cli.config.by_device import chosen_by_device
from tests.settings import composed, settings_of


def test_mnist_on_a_cpu_and_on_a_gpu() -> None:
    on_cpu = settings_of("data=mnist", "trainer.device=cpu")
    on_gpu = settings_of("data=mnist", "trainer.device=cuda:1")
    assert on_gpu.data.batch_size == 128 > on_cpu.data.batch_size
    assert on_gpu.trainer.steps == 40000 > on_cpu.trainer.steps
    assert on_gpu.plain["data"]["batch_size"] == 128  # what config.yaml and checkpoints hold


@pytest.mark.parametrize(("found", "size"), [(None, 64), (torch.device("cuda"), 128)])
def test_auto_follows_the_machine(
    monkeypatch: pytest.MonkeyPatch, found: torch.device | None, size: int
) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: found)
    assert settings_of("data=mnist").data.batch_size == size


def test_what_is_given_holds_on_any_device() -> None:
    config = composed("data=mnist", "data.batch_size=7", "trainer.device=cuda")
    assert config.data.batch_size == 7
    assert chosen_by_device(config) == {"trainer.steps": 40000}


def test_published_recipes_do_not_follow_the_device() -> None:
    assert chosen_by_device(composed("experiment=dcgan_mnist")) == {}
    assert chosen_by_device(composed()) == {}
