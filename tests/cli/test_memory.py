"""Memory that really runs out, on the CPU: each command says what to lower."""

import sys
from pathlib import Path

import pytest

from gan_cli.sinks.checkpoint import load
from tests.conftest import Command, Result, narrow
from tests.forked import forked, leave_memory

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
POINTS = ["model=vanilla", "data=gaussians", "trainer.steps=2", "trainer.sample_every=0"]


@pytest.fixture(autouse=True)
def all_is_imported(gan_train: Command) -> None:
    """Before memory is counted: libraries take some, and may have something to say."""
    assert gan_train(*POINTS, *narrow("vanilla"), folder="first").code == 0


def starved(command: Command, mebibytes: int, *arguments: str) -> Result:
    """The command in a process that can get so much more memory."""

    def run() -> Result:
        leave_memory(mebibytes)
        return command(*arguments)

    return forked(run)


def test_a_batch_that_is_too_large(gan_train: Command) -> None:
    result = starved(
        *(gan_train, 150, *POINTS, "data.limit=100000", "data.batch_size=100000"),
        *("model.generator.hidden=[512]", "model.discriminator.hidden=[512]"),
    )
    assert result.code == 1
    assert result.problems == [
        "gan-train: out of memory: data.batch_size=100000 is too much here; take less"
    ]
    assert "Traceback" not in result.out


def test_networks_that_are_too_large(gan_train: Command) -> None:
    result = starved(gan_train, 50, *POINTS, "model.generator.hidden=[12000,12000]")
    assert result.code == 1
    assert len(result.problems) == 1, result.err
    assert "out of memory: these networks" in result.problems[0]
    assert "Traceback" not in result.out


def test_data_that_is_too_large(gan_train: Command) -> None:
    big = ["data.limit=60000000", "data.memory_limit=99"]
    result = starved(gan_train, 200, *POINTS, *narrow("vanilla"), *big)
    assert result.code in (1, 2)
    assert len(result.problems) == 1, result.err
    assert "data.limit" in result.problems[0]


def test_too_many_samples(gan_sample: Command, trained: Path) -> None:
    result = starved(gan_sample, 100, f"checkpoint={trained}", "count=1000000", "out=x.npz")
    assert result.code == 1
    assert result.problems == [
        "gan-sample: out of memory: count=1000000 is too many at a time; draw fewer"
    ]


@pytest.mark.parametrize("command", ["gan_sample", "gan_evaluate"])
def test_more_samples_than_any_machine_holds(
    request: pytest.FixtureRequest, trained: Path, command: str
) -> None:
    run: Command = request.getfixturevalue(command)
    result = run(f"checkpoint={trained}", "count=1000000000000")
    assert result.code == 2
    assert "count=1000000000000: 1,000,000,000,000 samples do not fit into memory" in result.err


def test_a_checkpoint_is_not_called_damaged(trained: Path) -> None:
    """It is whole; there is no room for it."""

    def read() -> str:
        leave_memory(1)
        ballast = []
        try:
            while True:
                ballast.append(bytearray(1 << 20))
        except MemoryError:
            pass
        try:
            load(large)
        except Exception as error:
            ballast.clear()
            return str(error)
        return ""

    import torch

    from gan_cli.sinks.checkpoint import save

    large = trained.parent.parent.parent / "large.pt"
    save(large, {"config": {}, "state": {"w": torch.zeros(20_000_000)}})
    assert forked(read) == f"{large}: does not fit into this machine's memory"
