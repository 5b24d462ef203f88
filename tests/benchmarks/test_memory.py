"""The memory benchmark, and what it shows: a step takes little beside what it cannot do without."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks import memory
from benchmarks.bench import END


def test_a_storage_is_counted_once_and_until_all_that_hold_it_are_gone() -> None:
    class Holder:
        pass

    storages, x, first, second = memory.Storages(), torch.zeros(100), Holder(), Holder()
    storages.hold(x, first)
    storages.hold(x[:50], second)
    assert storages.peak == 400
    del first
    storages.hold(torch.zeros(10), third := Holder())
    assert storages.peak == 440
    del second, third
    storages.hold(torch.zeros(5), Holder())
    assert storages.peak == 440


def test_what_was_there_before_is_not_counted() -> None:
    weights = torch.nn.Linear(10, 10)
    with memory.peak(torch.device("cpu"), [*weights.parameters()]) as most:
        y = weights(torch.zeros(3, 10))  # reads a view of the weights
        del y
    assert 120 <= most() < 400


def test_activations_are_what_a_backward_pass_reads() -> None:
    weight = torch.ones(1000, requires_grad=True)
    with memory.activations([weight]) as kept:
        y = (weight * 2).exp().sum()  # exp keeps its result; a product with a number nothing
        y.backward()
        assert kept.peak == 4000


@pytest.mark.parametrize("model", ["vanilla", "dcgan_r1", "r3gan"])
def test_a_step_takes_at_most_a_tenth_more_memory_than_it_has_to(model: str) -> None:
    found = memory.measure([f"model={model}", "data.image_size=16", "data.batch_size=16"])
    assert found["ratio"] <= 1.1


def test_a_study_leaves_its_table_on_the_page(tmp_path: Path) -> None:
    page, file = tmp_path / "page.md", tmp_path / "memory.json"
    page.write_text(f"before\n{memory.START}\nold\n{END}\nafter\n")
    arguments = ["--cells", "vanilla", "--batches", "2", "--device", "cpu", "--json", str(file)]
    memory.main([*arguments, "--page", str(page)])
    (cell,) = json.loads(file.read_text())["cells"]
    kinds = ("weights and mean", "optimizers", "gradients", "activations", "real samples")
    assert cell["needed"] == pytest.approx(sum(cell[name] for name in kinds))
    text = page.read_text()
    assert "| vanilla 28 | 2 |" in text
    assert "old" not in text
    assert text.startswith("before")
    assert text.endswith("after\n")
