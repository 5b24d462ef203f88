"""A resumed run equals the uninterrupted one, bit for bit."""

import json
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gan_cli.errors import UserError
from gan_cli.runs.resume import compare
from gan_cli.sinks.checkpoint import load_newest, save
from tests.conftest import BARE, NARROW, Command, narrow
from tests.data.image_files import write_image
from tests.runs.resuming import SIX, assert_equal, check_resume, cut_off


def test_points(gan_train: Command, tmp_path: Path) -> None:
    points = ["model=vanilla", "data=gaussians", "data.limit=64", "data.batch_size=16"]
    whole = gan_train(*points, *SIX[2:])
    assert whole.code == 0, whole.err
    part = cut_off(whole.folder, 3, tmp_path / "part")
    assert gan_train(f"resume={part}").code == 0
    assert_equal(load_newest(whole.folder)[1]["state"], load_newest(part)[1]["state"])


def test_a_run_that_was_stopped_at_any_step(gan_train: Command, tmp_path: Path) -> None:
    every = [*SIX, *NARROW, "trainer.checkpoint_every=1"]
    whole = gan_train(*every)
    goal = load_newest(whole.folder)[1]["state"]
    for step in (1, 2, 4, 5):
        part = cut_off(whole.folder, step, tmp_path / f"part{step}")
        assert gan_train(f"resume={part}").code == 0
        assert_equal(goal, load_newest(part)[1]["state"])


def test_curves_go_on_without_a_seam(gan_train: Command, tmp_path: Path) -> None:
    whole = gan_train(*SIX, *NARROW, "trainer.log_every=1", "logger=[tensorboard]")
    part = cut_off(whole.folder, 3, tmp_path / "part")
    gan_train(f"resume={part}")
    texts = [(r / "metrics.jsonl").read_text().splitlines() for r in (whole.folder, part)]
    lines = [[json.loads(line) for line in text] for text in texts]
    assert [line["step"] for line in lines[1]] == [1, 2, 3, 4, 5, 6]
    for one, other in zip(*lines, strict=True):
        assert one["loss/D/adversarial"] == other["loss/D/adversarial"]
    events = EventAccumulator(str(part / "tensorboard"))
    events.Reload()
    assert [e.step for e in events.Scalars("loss/D/adversarial")] == [1, 2, 3, 4, 5, 6]


def test_more_steps_than_before(gan_train: Command) -> None:
    """13; and 14: without more steps it says that there is nothing to do."""
    first = gan_train(*BARE, *NARROW)
    again = gan_train(f"resume={first.folder}")
    assert again.code == 0
    assert "finished already: 4 of 4 steps" in again.out
    more = gan_train(f"resume={first.folder}", "trainer.steps=6")
    assert more.code == 0, more.err
    assert load_newest(first.folder)[1]["state"]["step"] == 6
    assert json.loads((first.folder / "summary.json").read_text())["step"] == 6


def test_another_rate_or_batch_size_wins_and_is_said_aloud(gan_train: Command) -> None:
    """The new value holds, for both players where it is the common one."""
    first = gan_train(*BARE, *NARROW)
    more = gan_train(
        *(f"resume={first.folder}", "trainer.steps=6", "optimizer.lr=0.01", "data.batch_size=8")
    )
    assert more.code == 0, more.err
    assert "optimizer.lr was 0.002 and is 0.01 from here on" in more.out
    assert "data.batch_size was 16 and is 8 from here on" in more.out
    metrics = json.loads((first.folder / "summary.json").read_text())["metrics"]
    assert (metrics["lr/D"], metrics["lr/G"]) == (0.01, 0.01)
    assert load_newest(first.folder)[1]["state"]["position"] == 4 * 16 + 2 * 8


def test_another_model(gan_train: Command) -> None:
    """What differs is listed."""
    first = gan_train(*BARE, *NARROW)
    other = gan_train(
        *(f"resume={first.folder}", "trainer.steps=6"),
        *("model.generator.width=16", "loss._target_=gan_cli.games.losses.Hinge"),
    )
    assert other.code == 2
    assert "model.generator.width: the checkpoint has 8, this run asks for 16" in other.err
    assert "loss._target_: the checkpoint has gan_cli.games.losses.NonSaturating" in other.err
    assert load_newest(first.folder)[1]["state"]["step"] == 4


@pytest.mark.parametrize("group", ["model=vanilla", "optimizer/schedule=linear", "tricks=[r1]"])
def test_another_group(gan_train: Command, group: str) -> None:
    first = gan_train(*BARE, *NARROW)
    other = gan_train(f"resume={first.folder}", group)
    assert other.code == 2
    assert len(other.problems) == 1, other.err
    assert "a resumed run keeps its" in other.err


def test_the_same_groups_again(gan_train: Command) -> None:
    """The command that began a run may be typed again, with resume= added."""
    same = ["model=dcgan", "loss=hinge", "tricks=[instance_noise]", *BARE, *NARROW]
    first = gan_train(*same)
    again = gan_train(*same, f"resume={first.folder}", "trainer.steps=6")
    assert again.code == 0, again.err
    assert load_newest(first.folder)[1]["state"]["step"] == 6
    other = gan_train(f"resume={first.folder}", "loss=wasserstein")
    assert other.code == 2
    assert "loss=wasserstein: a resumed run keeps its loss (hinge)" in other.err


def test_auto_equals_the_uninterrupted_run(gan_train: Command, tmp_path: Path) -> None:
    """The same command again, after it was killed."""
    command = ["model=vanilla", *narrow("vanilla"), *SIX]
    whole = gan_train(*command)
    part = cut_off(whole.folder, 3, tmp_path / "part")
    again = gan_train(*command, f"hydra.run.dir={part}", "resume=auto")
    assert again.code == 0, again.err
    assert_equal(load_newest(whole.folder)[1]["state"], load_newest(part)[1]["state"])


@pytest.mark.parametrize("plus", ["+", "++"])
def test_however_resume_is_written(gan_train: Command, plus: str) -> None:
    first = gan_train(*BARE, *NARROW)
    assert gan_train(f"{plus}resume={first.folder}", "trainer.steps=6").code == 0
    assert load_newest(first.folder)[1]["state"]["step"] == 6


def test_steps_after_epochs(gan_train: Command) -> None:
    """Steps that are asked for rule over the epochs of before, and not beside them."""
    first = gan_train(*BARE[:2], *NARROW, "trainer.epochs=1")
    assert gan_train(f"resume={first.folder}", "trainer.steps=9").code == 0
    content = load_newest(first.folder)[1]
    assert content["state"]["step"] == 9
    assert (
        content["config"]["trainer"] | {"steps": 9, "epochs": None} == content["config"]["trainer"]
    )
    both = gan_train(*NARROW, "trainer.steps=3", "trainer.epochs=1", folder="both")
    assert both.code == 2
    assert "give one of them, not several" in both.err


def test_a_run_that_fails_at_once_keeps_what_it_had(gan_train: Command) -> None:
    first = gan_train(*BARE, *NARROW)
    failed = gan_train(f"resume={first.folder}", "trainer.steps=9", "optimizer.lr=1e38")
    assert failed.code == 1
    assert "are not finite" in failed.err
    summary = json.loads((first.folder / "summary.json").read_text())
    assert "are not finite" in summary["reason"]
    assert (first.folder / summary["checkpoint"]).is_file()
    assert summary["metrics"]


def test_the_data_has_changed(gan_train: Command, caplog: pytest.LogCaptureFixture) -> None:
    """A warning with both fingerprints."""
    first = gan_train(*BARE, *NARROW)
    more = gan_train(f"resume={first.folder}", "trainer.steps=6", "data.limit=70")
    assert more.code == 0, more.err
    assert "the data has changed" in more.out
    assert load_newest(first.folder)[1]["fingerprint"] in more.out


def test_an_older_checkpoint_begins_a_run_of_its_own(gan_train: Command) -> None:
    first = gan_train(*SIX, *NARROW)
    older = first.folder / "checkpoints" / "step-00000003.pt"
    branch = gan_train(f"resume={older}", "hydra.run.dir=branch")
    assert branch.code == 0, branch.err
    assert (Path("branch") / "checkpoints" / "step-00000006.pt").is_file()
    assert json.loads((first.folder / "summary.json").read_text())["step"] == 6


@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_damaged_newest_checkpoint(gan_train: Command, tmp_path: Path, damage: str) -> None:
    """The one before is taken, and that is said; 7: with all damaged it is an error."""
    run = gan_train(*SIX, *NARROW).folder
    for number in (6, 3):
        path = run / "checkpoints" / f"step-{number:08d}.pt"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content[: len(content) // 2] if damage == "truncated" else content)
        again = gan_train(f"resume={run}")
        if number == 6:
            assert again.code == 0, again.err
            assert "damaged" in again.out
            assert "going on from step 3" in again.out
    for path in (run / "checkpoints").glob("*.pt"):
        path.write_bytes(b"PK")
    lost = gan_train(f"resume={run}")
    assert lost.code == 2
    assert "damaged" in lost.err


def test_what_is_no_checkpoint(gan_train: Command, tmp_path: Path) -> None:
    (tmp_path / "note.pt").write_text("hello")
    (tmp_path / "page.pt").write_text("<!DOCTYPE html><html></html>")
    (tmp_path / "passwd.pt").write_text("root:x:0:0:root:/root:/bin/bash\n" * 9)
    (tmp_path / "table.pt").write_text("step,loss\n1,0.5\n")
    torch.save({"format": "x", "config": {}, "state": {}}, tmp_path / "format.pt")
    (tmp_path / "empty").mkdir()
    for name, said in (
        ("nowhere", "no such checkpoint"),
        ("note.pt", "not a checkpoint"),
        ("page.pt", "not a checkpoint"),
        ("passwd.pt", "not a checkpoint"),
        ("table.pt", "not a checkpoint"),
        ("format.pt", "update gan-cli"),
        ("empty", "no checkpoint in this folder"),
    ):
        result = gan_train(f"resume={tmp_path / name}")
        assert result.code == 2
        assert len(result.problems) == 1, result.err
        assert said in result.err


def test_a_sweep_cannot_be_resumed(gan_train: Command, tmp_path: Path) -> None:
    result = gan_train(f"resume={tmp_path}", "-m")
    assert result.code == 2
    assert "leave out -m" in result.err


@pytest.mark.parametrize("workers", [0, 1])
def test_a_folder_too_large_for_memory(gan_train: Command, tmp_path: Path, workers: int) -> None:
    """Streamed, it trains as from memory, and resumes in the middle of an epoch."""
    for number in range(20):
        write_image(tmp_path / "images" / f"{number}.png", seed=number)
    folder = ["data=folder", f"data.root={tmp_path / 'images'}", "data.image_size=8"]
    steps = ["data.batch_size=8", *SIX[2:], *NARROW]
    memory = gan_train(*folder, *steps, folder="memory")
    stream = gan_train(
        *folder, *steps, "data.memory_limit=1e-6", f"data.workers={workers}", folder="stream"
    )
    assert stream.code == 0, stream.err
    goal = load_newest(memory.folder)[1]["state"]
    assert_equal(goal, load_newest(stream.folder)[1]["state"])
    part = cut_off(stream.folder, 3, tmp_path / "part")
    assert gan_train(f"resume={part}").code == 0
    assert_equal(goal, load_newest(part)[1]["state"])


def test_a_checkpoint_may_lack_keys_that_came_later(
    gan_train: Command, gan_sample: Command, tmp_path: Path
) -> None:
    """They take their defaults; what it does say stays."""
    run = gan_train(*SIX, *NARROW, "trainer.log_every=3").folder
    path, content = load_newest(run)
    for section, key in (("trainer", "health"), ("trainer", "evaluate_every")):
        del content["config"][section][key]
    del content["config"]["evaluation"]
    save(path, content)
    assert gan_sample(f"checkpoint={run}").code == 0
    assert gan_train(f"resume={run}", "trainer.steps=7").code == 0
    config = load_newest(run)[1]["config"]
    assert config["trainer"] | {"log_every": 3, "health": True} == config["trainer"]
    assert config["evaluation"]["best"] == "auto"


def test_in_the_middle_of_a_ramp(gan_train: Command, tmp_path: Path) -> None:
    """Rate, betas, weights and half-life move with the images seen; the mean has just begun."""
    narrow = [f"model.{network}.max_width=8" for network in ("generator", "discriminator")]
    ramps = ("optimizer.schedule", "tricks.r1.weight", "ema.half_life")
    shorter = [f"{ramp}.images=100" for ramp in ramps]
    check_resume(gan_train, tmp_path, "experiment=r3gan_small", *narrow, *shorter)


def test_an_older_run_may_take_up_a_habit_that_it_did_not_know(caplog: pytest.LogCaptureFixture):
    before = {"model": {"n_critic": 1}}
    with caplog.at_level("INFO", "gan_cli"):
        compare(before, {"model": {"n_critic": 1, "reuse_fakes": True}})
    assert "model.reuse_fakes was nothing and is True from here on" in caplog.text
    with pytest.raises(UserError, match="another model"):
        compare(before, {"model": {"n_critic": 1, "gamma": 0.5}})
