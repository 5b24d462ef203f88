"""What several processes agree on: when to stop, what has failed, who speaks and who writes."""

import contextlib
import io
import json
import logging
import os
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_cli.cli.process import Stopped
from gan_cli.cli.ranks import follow as follow_command
from gan_cli.cli.ranks import hear_from_others
from gan_cli.cli.train import run_on
from gan_cli.engine.joined import Joined
from gan_cli.engine.per_rank import count_of
from gan_cli.errors import NonFinite, RunFailed
from gan_cli.evaluation.drawing import CHUNK
from gan_cli.networks.synchronised import SynchronisedBatchNorm
from gan_cli.networks.together import synchronise_now
from gan_cli.runs.following import follow
from gan_cli.sinks import curves
from gan_cli.sinks.checkpoint import load
from gan_cli.tricks.augmentation import ADA
from gan_cli.tricks.examples import Progress
from tests.conftest import Command, narrow
from tests.engine.acting import (
    Scene,
    played,
    state_of,
    weights,
)
from tests.engine.quadratic import a_trainer
from tests.ranks import on_ranks

VANILLA = ["model=vanilla", *narrow("vanilla"), "data.limit=32", "trainer.device=cpu"]
VANILLA += ["trainer.sample_every=0", "logger=[]", "trainer.steps=4", "trainer.log_every=2"]
COMMANDS = {
    "run": ["data.batch_size=8", "trainer.checkpoint_every=2"],
    "measured": [
        *("data=gaussians", "data.batch_size=8", "trainer.evaluate_every=4"),
        *(f"evaluation.count={CHUNK + 50}", "trainer.health=false"),
    ],
    "divides": ["data.batch_size=15"],
    "mistyped": ["data.batch_size=8", "trainer.stepz=1"],
    "sweep": ["-m", "seed=0,1"],
    "gpu": ["data.batch_size=8", "trainer.device=cuda:0"],
}


def warned(ranks: Joined) -> list[str]:
    """Rank 1 has something to say, and then what rank 0 has said."""
    heard: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    if ranks.leads:
        hear_from_others(ranks)
        logging.getLogger().warning("a turn was skipped")
    else:
        ranks.messages += ["the disk is full", "a turn was skipped"]
    ranks.ready([])
    logging.getLogger().handlers = []
    return heard


def interrupted(ranks: Joined) -> list[Any]:
    """A signal reaches rank 1 in its second step; when do all stop, and of what?"""
    trainer, game = a_trainer(steps=9, ranks=ranks)

    def strike(player: str, step: int) -> bool:
        if ranks.rank == 1 and step == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return False

    game.poison = strike
    trainer.run()
    return [trainer.step, trainer.outcome]


def poisoned(ranks: Joined, on_nan: str) -> list[Any]:
    """Something is not finite on rank 1 alone."""
    trainer, game = a_trainer(steps=4, ranks=ranks, on_nan=on_nan)
    once = [True]

    def poison(player: str, step: int) -> bool:
        return ranks.rank == 1 and (player, step) == ("generator", 2) and once.pop()

    once += [True] * 8 if on_nan == "stop" else []
    game.poison = lambda player, step: bool(once) and poison(player, step)
    if on_nan == "rollback" and not ranks.leads:
        follow(trainer)
    if on_nan == "rollback":
        saved = state_of(trainer)
        if ranks.leads:
            trainer.rollback = lambda: trainer.load_state_dict(ranks.spread(saved))
    try:
        trainer.run()
    except NonFinite as problem:
        return [trainer.step, str(problem)]
    finally:
        ranks.end_step()
    return [trainer.step, trainer.attempt, weights(trainer)["own.generator.weight"].item()]


def by_the_clock(ranks: Joined) -> list[Any]:
    """Minutes are those of rank 0."""
    trainer, _ = a_trainer(minutes=0.0005, ranks=ranks)
    trainer.run()
    return [trainer.step > 0, trainer.step, trainer.seconds]


def unreadable(ranks: Joined) -> list[Any]:
    """Rank 1 cannot read its second batch."""
    trainer, _ = a_trainer(ranks=ranks)
    trainer.batches.fails_at = 2 if ranks.rank == 1 else None  # type: ignore[attr-defined]
    try:
        trainer.run()
    except RunFailed as problem:
        return [trainer.step, trainer.batches.position, str(problem)]
    return []


def command(ranks: Joined, arguments: Sequence[str]) -> tuple[int, str]:
    """The whole of `gan-train` on all ranks: exit code, and what is said on stderr."""
    logging.getLogger().handlers = []
    curves.curves = lambda panels: torch.zeros(3, 2, 2, dtype=torch.uint8)  # half a second a run
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        if not ranks.leads:
            code = follow_command("gan-train", ranks)
        else:
            code = 1
            try:
                code = run_on([*arguments], ranks)
            except Stopped as stopped:
                code = stopped.code
            finally:
                ranks.dismiss(code)
    ranks.end_step()
    return code, said.getvalue()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where commands leave their runs."""
    return tmp_path_factory.mktemp("ranks")


@pytest.fixture(scope="module")
def pair(stage: Path) -> list[dict[str, Any]]:
    """What came of each scene, on either rank."""
    scenes: dict[str, Scene] = {"interrupted": interrupted, "warned": warned}
    for on_nan in ("stop", "skip", "rollback"):
        scenes[f"poisoned {on_nan}"] = partial(poisoned, on_nan=on_nan)
    scenes |= {"by the clock": by_the_clock, "unreadable": unreadable}
    for name, more in COMMANDS.items():
        given = [f"hydra.run.dir={stage / name}", *VANILLA, *more]
        scenes[f"command {name}"] = partial(command, arguments=given)
    longer = [f"resume={stage / 'run'}", "trainer.steps=6"]
    scenes["command longer"] = partial(command, arguments=longer)
    return played(scenes)


def test_a_signal_to_one_stops_all_after_the_same_step(pair: list[dict[str, Any]]) -> None:
    assert [rank["interrupted"] for rank in pair] == [[3, "SIGTERM"]] * 2


def test_minutes_are_the_same_for_all(pair: list[dict[str, Any]]) -> None:
    assert pair[0]["by the clock"] == pair[1]["by the clock"]
    assert pair[0]["by the clock"][0]


@pytest.mark.parametrize("on_nan", ["stop", "skip", "rollback"])
def test_what_is_not_finite_on_one_is_so_for_all(pair: list[dict[str, Any]], on_nan: str) -> None:
    found, other = (rank[f"poisoned {on_nan}"] for rank in pair)
    assert found == other
    expected = {"stop": 2, "skip": 4, "rollback": 4}
    assert found[0] == expected[on_nan]
    if on_nan == "stop":
        assert "loss/G/pull and loss/G/other are not finite in step 2" in found[1]
    else:
        assert found[1] == (on_nan == "rollback")


def test_what_one_cannot_read_ends_all(pair: list[dict[str, Any]]) -> None:
    assert pair[0]["unreadable"] == [1, 2, "rank 1: a worker died"]
    assert pair[1]["unreadable"] == [1, 2, "a worker died"]


def test_what_is_summed_without_the_others_is_said_in_a_line() -> None:
    def play(ranks: Joined) -> list[str]:
        ranks.ready([])
        if not ranks.leads:
            return []
        synchronise_now(True)
        view, norm = ADA(every=1), SynchronisedBatchNorm(2)
        said = []
        for use in (lambda: view.on_step(Progress(1, 0.0, 0.0)), lambda: norm(torch.ones(2, 2))):
            with pytest.raises(RunFailed) as error:
                use()
            said.append(str(error.value))
        return said

    found, _ = on_ranks(play)
    assert len(found) == 2
    for line in found:
        assert line.startswith("another process of this run has ended (")
        assert "\n" not in line


def test_what_others_warn_of_is_said_once(pair: list[dict[str, Any]]) -> None:
    assert pair[0]["warned"] == ["a turn was skipped", "rank 1: the disk is full"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "divides",
            "gan-train: data.batch_size=15: cannot be parted evenly among 2 processes; set "
            "data.batch_size=14 or 16, or another multiple of 2\n",
        ),
        ("mistyped", "gan-train: trainer.stepz: no such key; did you mean steps?\n"),
        ("sweep", "gan-train: several processes train one run; leave out -m\n"),
        (
            "gpu",
            "gan-train: trainer.device=cuda:0: not for each of several processes; take cuda, cpu "
            "or auto\n",
        ),
    ],
)
def test_mistakes_are_said_once(pair: list[dict[str, Any]], name: str, said: str) -> None:
    assert pair[0][f"command {name}"] == (2, said)
    assert pair[1][f"command {name}"] == (2, "")


def test_one_of_all_writes(pair: list[dict[str, Any]], stage: Path) -> None:
    for name in ("run", "longer", "measured"):
        assert [rank[f"command {name}"] for rank in pair] == [(0, "")] * 2
    assert sorted(path.name for path in stage.iterdir()) == ["measured", "run"]
    lines = (stage / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [2, 4, 6]
    state = load(stage / "run" / "checkpoints" / "step-00000006.pt")["state"]
    assert (state["step"], state["position"], count_of(state)) == (6, 48, 2)
    reported = json.loads((stage / "measured" / "metrics.jsonl").read_text().splitlines()[-1])
    assert "metric/modes_hit" in reported


def test_another_number_of_processes_goes_on(
    pair: list[dict[str, Any]], stage: Path, gan_train: Command
) -> None:
    result = gan_train(f"resume={stage / 'run'}", "trainer.steps=7")
    assert result.code == 0, result.err
    assert "the checkpoint is of 2 processes and 1 goes on" in result.out
    state = load(stage / "run" / "checkpoints" / "step-00000007.pt")["state"]
    assert "ranks" not in state
