"""`resume=auto`: the same command again starts a run or goes on with it."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from gan_cli.cli.overrides import for_resumed
from gan_cli.errors import UserError
from gan_cli.sinks.checkpoint import load_newest
from gan_cli.sinks.saved import saved_in
from tests.cli.commands import SHORT, command, environment
from tests.conftest import Command

COMMAND = [*SHORT, "model=dcgan", "tricks=[instance_noise]", "hydra.run.dir=run", "resume=auto"]
RUN = Path("run")


def reported() -> list[int]:
    lines = (RUN / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["step"] for line in lines]


def test_it_starts_goes_on_and_ends(gan_train: Command) -> None:
    first = gan_train(*COMMAND)
    assert first.code == 0, first.err
    assert load_newest(RUN)[1]["state"]["step"] == 4
    assert load_newest(RUN)[1]["config"]["resume"] is None
    again = gan_train(*COMMAND)
    assert again.code == 0, again.err
    assert "finished already: 4 of 4 steps" in again.out
    further = gan_train(*COMMAND, "trainer.steps=6", "optimizer.lr=0.001")
    assert further.code == 0, further.err
    assert "optimizer.lr was 0.0002 and is 0.001 from here on" in further.out
    assert reported() == [2, 4, 6]


def test_it_needs_a_folder_that_stays_the_same(gan_train: Command) -> None:
    for folder in ([], ["hydra.run.dir=run/${now:%H}"]):
        result = gan_train("resume=auto", *folder)
        assert result.code == 2
        assert "give hydra.run.dir=FOLDER" in result.err
    result = gan_train("resume=auto", "hydra.run.dir=run", "-m")
    assert result.code == 2
    assert "leave out -m" in result.err
    assert list(Path().iterdir()) == []


def test_other_groups_are_refused(gan_train: Command) -> None:
    gan_train(*COMMAND)
    other = gan_train(*COMMAND, "model=vanilla", "optimizer/schedule=linear", "tricks=[r1]")
    assert other.code == 2
    assert len(other.problems) == 3, other.err
    assert "model=vanilla: a resumed run keeps its model (dcgan)" in other.err


def test_what_the_first_start_added(gan_train: Command) -> None:
    """`+key` says that a key is new, which it is no longer."""
    added = [*COMMAND, "+optimizer.generator.weight_decay=0.1", "optimizer.discriminator.lr=0.001"]
    for steps in (4, 6):
        result = gan_train(*added, f"trainer.steps={steps}")
        assert result.code == 0, result.err
    config = load_newest(RUN)[1]["config"]
    assert config["optimizer"]["generator"]["weight_decay"] == 0.1


def test_which_overrides_a_resumed_run_gets() -> None:
    saved = {
        "config": {"seed": 0, "tricks": {"r1": {}, "ema": {}}, "data": {"root": "x"}},
        "choices": {"model": "dcgan", "experiment": None, "optimizer/schedule": "linear"},
    }
    arguments = [
        *("seed=1", "+data.flip=true", "++data.limit=3", "~data.download", "~data.root"),
        *("model=dcgan", "optimizer/schedule='linear'", "experiment=null", "debug=null"),
        "tricks=[ema,r1]",
    ]
    assert list(for_resumed(arguments, saved, None)) == [
        *("seed=1", "++data.flip=true", "++data.limit=3", "~data.root"),
    ]
    for other in ("model=wgan", "experiment=dcgan_64", "tricks=[r1]", "data=digits", "~model"):
        with pytest.raises(UserError, match="a resumed run keeps its"):
            list(for_resumed([other], saved, None))


def test_killed_before_the_first_checkpoint(gan_train: Command, tmp_path: Path) -> None:
    """What the killed run left is no run; it starts anew in the same folder."""
    endless = [*COMMAND, "trainer.steps=1000000", "trainer.checkpoint_every=0"]
    process = subprocess.Popen(
        command("train", *endless), cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL
    )
    lines = RUN / "metrics.jsonl"
    _wait_for(lambda: lines.exists() and lines.read_text().count("\n") > 2, process)
    process.kill()
    process.wait()
    assert not saved_in(RUN / "checkpoints")
    again = gan_train(*COMMAND)
    assert again.code == 0, again.err
    assert "going on" not in again.out
    assert reported() == [2, 4]


def test_stopped_and_started_again(tmp_path: Path, gan_train: Command) -> None:
    """What a cluster does to a job; the last line says how to go on by hand."""
    endless = [*COMMAND, "trainer.steps=1000000"]
    steps = []
    for _ in range(2):
        process = subprocess.Popen(
            command("train", *endless),
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        lines = RUN / "metrics.jsonl"
        seen = lines.read_text().count("\n") if lines.exists() else 0
        _wait_for(lambda: lines.exists() and lines.read_text().count("\n") > seen + 1, process)  # noqa: B023
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()
        assert process.returncode == 143, err
        assert err.splitlines()[-2:] == [
            "gan-train: stopped by SIGTERM",
            "resume with: gan-train resume=run",
        ]
        steps.append(load_newest(RUN)[1]["state"]["step"])
    assert 0 < steps[0] < steps[1]


def _wait_for(what, process, patience=60.0):  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + patience
    while not what():
        assert process.poll() is None, "it ended"
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.05)
