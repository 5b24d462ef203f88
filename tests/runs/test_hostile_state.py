"""States that a stranger wrote: refused in a line before the first step, or begun anew."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.conftest import Command

NAN, INF = float("nan"), float("inf")
Change = Callable[[dict[str, Any]], object]
Edited = Callable[[Callable[[dict], object]], Path]


def resumed(gan_train: Command, path: Path, *more: str) -> Any:
    return gan_train(f"resume={path}", "hydra.run.dir=again", "trainer.steps=5", *more)


def each_memory(change: Change) -> Change:
    """Change what the generator's Adam remembers of every parameter."""

    def edit(content: dict[str, Any]) -> None:
        for memory in content["state"]["players"]["generator"]["state"].values():
            change(memory)

    return edit


def of_generator(value: Any) -> Change:
    return lambda content: content["state"]["players"]["generator"].update(state=value)


REFUSED = {
    "no step": each_memory(lambda m: m.pop("step")),
    "no mean": each_memory(lambda m: m.pop("exp_avg")),
    "a step before the first": each_memory(lambda m: m.update(step=torch.tensor(-1.0))),
    "a step that is none": each_memory(lambda m: m.update(step=torch.tensor(NAN))),
    "an endless step": each_memory(lambda m: m.update(step=torch.tensor(INF))),
    "a truth value": each_memory(lambda m: m.update(step=torch.tensor(True))),
    "a word": each_memory(lambda m: m.update(step="four")),
    "nothing": each_memory(lambda m: m.update(exp_avg=None)),
    "another shape": each_memory(lambda m: m.update(exp_avg=torch.zeros(2, 3, 4))),
    "complex": each_memory(lambda m: m.update(exp_avg=m["exp_avg"].to(torch.complex64))),
    "a list": of_generator([1]),
    "lists": of_generator({0: [1]}),
    "names": of_generator({"0": {}}),
    "one too many": of_generator({99: {}}),
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_a_memory_that_is_no_memory(gan_train: Command, edited: Edited, change: Change) -> None:
    result = resumed(gan_train, edited(change))
    assert result.code == 2
    assert len(result.problems) == 1, result.err
    assert "the checkpoint's state does not fit its own config" in result.problems[0]
    assert not Path("again").exists()


@pytest.mark.parametrize("change", [each_memory(dict.clear), of_generator({})])
def test_an_empty_memory_begins_anew(gan_train: Command, edited: Edited, change: Change) -> None:
    assert resumed(gan_train, edited(change)).code == 0


def test_another_memory_than_the_options_want(gan_train: Command, trained: Path) -> None:
    result = resumed(gan_train, trained, "+optimizer.amsgrad=true")
    assert result.code == 2
    assert "'max_exp_avg_sq' is missing" in result.err


def test_more_samples_than_any_machine_holds(gan_train: Command, edited: Edited) -> None:
    def ask(content: dict[str, Any]) -> None:
        content["config"]["trainer"]["evaluate_every"] = 1
        content["config"]["evaluation"]["count"] = 10**12

    result = resumed(gan_train, edited(ask))
    assert result.code == 2
    assert "evaluation.count=1000000000000" in result.err


@pytest.mark.parametrize("value", [NAN, INF, 1e38])
def test_nothing_is_drawn_from_a_run_that_diverged(
    gan_sample: Command, edited: Edited, value: float
) -> None:
    """Not finite, or finite and so large that what is drawn is not."""

    def ruin(content: dict[str, Any]) -> None:
        for part in ("game", "average"):
            for tensor in content["state"][part].values():
                if torch.is_tensor(tensor) and tensor.is_floating_point():
                    tensor.fill_(value)

    result = gan_sample(f"checkpoint={edited(ruin)}")
    assert result.code == 2
    assert "take an earlier checkpoint" in result.err
    assert not Path("samples.png").exists()
