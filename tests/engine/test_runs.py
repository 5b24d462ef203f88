"""Whole runs that meet what is not finite, not readable, not there, or an end by the clock."""

import json
import re
from pathlib import Path

import pytest
import torch

from gan_cli.assembly.devices import open_device, prepare_device
from gan_cli.data import batches
from gan_cli.errors import RunFailed
from gan_cli.sinks.checkpoint import load, save
from gan_cli.sinks.saved import saved_in
from tests.assembly import odd_parts
from tests.conftest import TINY, Command, narrow

VANILLA = [*TINY, "model=vanilla", *narrow("vanilla"), "trainer.sample_every=0"]
QUIET = [*VANILLA, "trainer.health=false"]


def finite(path: Path) -> bool:
    state = load(path)["state"]
    tensors = [*state["game"].values(), *(state["average"] or {}).values()]
    return all(t.isfinite().all() for t in tensors if isinstance(t, torch.Tensor))


def test_a_steep_loss_never_reaches_a_checkpoint(
    gan_train: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first turns are the dry run's and steps 0 and 1."""
    monkeypatch.setattr(odd_parts.SteepLoss, "turns", 0)
    steep = "loss._target_=tests.assembly.odd_parts.SteepLoss"
    result = gan_train(*QUIET, steep, "trainer.checkpoint_every=1")
    assert result.code == 1
    assert "grad_norm/G is not finite in step 2" in result.err
    found = saved_in(result.folder / "checkpoints")
    assert [path.stem for path in found] == ["step-00000001", "step-00000002"]
    assert all(map(finite, found))


@pytest.mark.parametrize("on_nan", ["stop", "skip", "rollback"])
def test_weights_that_become_infinite_push_out_no_good_checkpoint(
    gan_train: Command, on_nan: str
) -> None:
    first = gan_train(*QUIET, "optimizer=sgd", "trainer.checkpoint_every=1")
    assert first.code == 0, first.err
    before = saved_in(first.folder / "checkpoints")
    result = gan_train(
        *(f"resume={first.folder}", "trainer.steps=40", "trainer.keep_last=3"),
        *("optimizer.lr=1e38", f"trainer.on_nan={on_nan}"),
    )
    assert result.code == 1, result.out
    assert len(result.problems) == 2, result.err  # and how to go on
    assert re.search(r"(is|are) not finite in step \d+$", result.problems[0])
    found = saved_in(first.folder / "checkpoints")
    assert all(map(finite, found))
    assert before[-1] in found


def ruin(path: Path) -> None:
    """Make a checkpoint's weights huge, and the checkpoint whole."""
    content = load(path)
    for name, value in content["state"]["game"].items():
        content["state"]["game"][name] = value * 1e30 if value.is_floating_point() else value
    save(path, content)


def test_a_checkpoint_that_is_finite_and_ruined_is_gone_behind(gan_train: Command) -> None:
    first = gan_train(*QUIET, "trainer.checkpoint_every=1", "trainer.keep_last=9", "ema=null")
    assert first.code == 0, first.err
    good = saved_in(first.folder / "checkpoints")
    ruin(good[-1])
    ruin(good[-2])
    resumed = [f"resume={first.folder}", "trainer.steps=9", "trainer.on_nan=rollback"]
    result = gan_train(*resumed)
    assert result.code == 0, result.err
    steps = [int(path.stem[5:]) for path in good]
    gone_back = [int(n) for n in re.findall(r"back to step (\d+) ", result.out + result.err)]
    assert gone_back == [steps[-1], steps[-2], steps[-3]]
    assert all(map(finite, saved_in(first.folder / "checkpoints")))


@pytest.mark.parametrize("keep_last", [1, 3])
def test_weights_that_are_finite_and_ruined_push_out_no_good_checkpoint(
    gan_train: Command, gan_sample: Command, keep_last: int
) -> None:
    """At this rate no weight is infinite, and nothing can be computed with any of them."""
    first = gan_train(*QUIET, "optimizer=sgd", "trainer.checkpoint_every=1", "ema=null")
    good = saved_in(first.folder / "checkpoints")[-1]
    result = gan_train(
        *(f"resume={first.folder}", "trainer.steps=100", f"trainer.keep_last={keep_last}"),
        *("optimizer.lr=1e20", "trainer.on_nan=skip"),
    )
    assert result.code == 1, result.out
    assert re.search(r"(is|are) not finite in step \d+$", result.problems[0])
    assert gan_sample(f"checkpoint={good}").code == 0


@pytest.mark.parametrize("fails_at", [0, 2])
def test_data_that_cannot_be_read_leaves_the_last_whole_step(
    gan_train: Command, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    whole = gan_train(*QUIET, folder="whole")
    read = batches.MemoryBatches.next

    def fail(self: batches.MemoryBatches) -> object:
        if self.position >= fails_at * 16:
            raise RunFailed("a worker died")
        return read(self)

    with monkeypatch.context() as patched:
        patched.setattr(batches.MemoryBatches, "next", fail)
        result = gan_train(*QUIET)
    assert result.code == 1
    assert result.problems[0] == "gan-train: a worker died"
    (path,) = saved_in(result.folder / "checkpoints")
    assert path.stem == f"step-{fails_at:08d}"
    assert gan_train(f"resume={result.folder}").code == 0
    one, other = (load(saved_in(r.folder / "checkpoints")[-1])["state"] for r in (whole, result))
    assert all(torch.equal(one["game"][name], other["game"][name]) for name in one["game"])


def test_minutes(gan_train: Command) -> None:
    steps = [a for a in QUIET if not a.startswith("trainer.steps")]
    result = gan_train(*steps, "trainer.minutes=0.01")
    assert result.code == 0, result.err
    newest = saved_in(result.folder / "checkpoints")[-1]
    content = load(newest)
    assert content["state"]["step"] > 4  # trainer.steps no longer counts
    assert content["seconds"] >= 0.6
    again = gan_train(f"resume={result.folder}")
    assert again.code == 0
    assert "finished already" in again.out
    more = gan_train(f"resume={result.folder}", "trainer.minutes=0.02")
    assert more.code == 0, more.err
    later = load(saved_in(result.folder / "checkpoints")[-1])
    assert later["state"]["step"] > content["state"]["step"]
    assert later["seconds"] >= 1.2
    summary = json.loads((result.folder / "summary.json").read_text())
    assert summary["step"] == later["state"]["step"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about a machine without CUDA")
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:99", "mps", "", "cpu:x", "a b", "-1"])
def test_a_device_that_is_not_there(gan_train: Command, device: str) -> None:
    result = gan_train(*VANILLA, f"trainer.device='{device}'")
    assert result.code == 2, result.err
    assert len(result.problems) == 1, result.err
    assert f"trainer.device={device}: not available here" in result.problems[0]
    assert not result.folder.exists()


def test_a_gpu_that_is_named_without_a_number_is_a_certain_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To make it the current one, torch wants the number."""
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(torch, "empty", lambda *size, device: torch.zeros(*size))
    found = torch.device("cuda")
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **options: found)
    for name in ("cuda", "auto"):
        assert open_device(name) == torch.device("cuda:1")
    assert open_device("cuda:3") == torch.device("cuda:3")


@pytest.mark.parametrize(("precision", "tf32"), [("fp32", False), ("tf32", True), ("bf16", True)])
def test_fp32_means_it(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, precision: str, tf32: bool
) -> None:
    flags = [(torch.backends.cudnn, "allow_tf32"), (torch.backends.cuda.matmul, "allow_tf32")]
    flags.append((torch.backends.cudnn, "deterministic"))
    before = [getattr(*flag) for flag in flags]
    request.addfinalizer(lambda: [setattr(*f, b) for f, b in zip(flags, before, strict=True)])
    request.addfinalizer(lambda: torch.use_deterministic_algorithms(False))
    for place, name in flags:
        setattr(place, name, name == "allow_tf32" and not tf32)
    current = []
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    prepare_device(torch.device("cuda:1"), precision)
    assert torch.backends.cudnn.allow_tf32 is tf32
    assert torch.backends.cuda.matmul.allow_tf32 is tf32
    assert torch.backends.cudnn.deterministic is True
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert current == [torch.device("cuda:1")]
