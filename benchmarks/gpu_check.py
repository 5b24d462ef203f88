"""What no machine without a GPU can show: one verdict a line, and all of it as JSON.

    python benchmarks/gpu_check.py
    python benchmarks/gpu_check.py --models vanilla dcgan --recipes --rounds 5 --jobs 1
    python benchmarks/gpu_check.py --device cpu --models vanilla --recipes --speed --no-tests

Checks run in --jobs processes side by side; speeds follow them, alone. What has not begun after
--minutes is not run, and counts as not shown. The exit code is 1 where something failed or was not
shown.
"""

import argparse
import contextlib
import copy
import gc
import io
import json
import logging
import math
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import torch
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf
from PIL import Image

from benchmarks import bench
from benchmarks.common import compose_config, now, open_settings, open_trainer
from gan_cli.assembly.devices import open_device, prepare_device
from gan_cli.assembly.precision import multiplies_bf16
from gan_cli.cli.train import main as gan_train
from gan_cli.engine.trainer import Trainer
from gan_cli.games.requests import Request
from gan_cli.networks.modes import evaluating
from gan_cli.paths import conf_folder

FITTING = {  # what a model is trained on where the default data does not fit it
    "ali": "data.image_size=32",
    "esrgan": "data=digit_low_resolution",
    "hifigan": "data=tones data.sample_rate=22050",
    "hifigan_small": "data=tones",
    "hifigan_v2": "data=tones data.sample_rate=22050",
    "hifigan_v3": "data=tones data.sample_rate=22050",
    "lapgan": "data.image_size=32",
    "srgan": "data=digit_low_resolution",
}
STAND_INS = {  # for data that would have to be there: the same shape
    "mnist": ["data=digits", "data.image_size=28"],
    "fashion_mnist": ["data=digits", "data.image_size=28"],
    "cifar10": ["data=digits", "data.image_size=32", "data.channels=3"],
    "super_resolution": [
        *("data=digit_low_resolution", "data.image_size=64", "data.channels=3"),
        *("~data.crops", "~data.rotate", "~data.cache", "model.perceptual=classifier"),
    ],
    "facades": [
        *("data=digit_outlines", "data.image_size=256", "data.channels=3"),
        *("~data.cache", "~data.direction"),
    ],
    "horse2zebra": [
        *("data=digit_inversion", "data.image_size=256", "data.channels=3", "~data.cache"),
    ],
    "waves": ["data=tones", "data.sample_rate=22050", "data.length=8192", "model.segment=8192"],
}
LOOKED_AT = ("vanilla", "dcgan", "wgan_gp", "r3gan", "infogan", "cgan_projection")
COMPARED, LONGEST = 50, 20.0
"""Steps, with graphs and without; seconds after which fewer will do."""
SHORT = ["trainer.steps=6", "trainer.log_every=2", "trainer.sample_every=6", "data.batch_size=16"]
"""Enough for a step to be recorded and replayed."""
Found = str | None
"""What a check says when all is well; None where it has nothing to look at here."""


def options(group: str) -> list[str]:
    """The names in a config group."""
    return sorted(path.stem for path in (conf_folder() / group).glob("*.yaml"))


def train(arguments: Sequence[str]) -> Found:
    """A run of the command in this process.

    Raises:
        RuntimeError: it ended with another code than 0; says its message.
    """
    GlobalHydra.instance().clear()
    handlers = list(logging.getLogger().handlers)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            gan_train([*arguments])
    except SystemExit as left:
        if left.code:
            lines = said.getvalue().strip().splitlines() or [f"exit code {left.code}"]
            named = [line for line in lines if line.startswith("gan-train: ")]
            raise RuntimeError((named or lines[-1:])[0]) from left
    finally:
        for handler in set(logging.getLogger().handlers) - set(handlers):
            handler.close()
        logging.getLogger().handlers = handlers
    return ""


def a_trainer(overrides: Sequence[str]) -> Trainer:
    return open_trainer(*open_settings([*overrides, "data.batch_size=16"]))


def keys_of(model: str, device: torch.device) -> list[str]:
    data = bench.DATA.get(model) or FITTING.get(model, "").split()
    return [f"model={model}", *data, f"trainer.device={device}"]


def waits_for_nothing(model: str, device: torch.device, further: Sequence[str]) -> Found:
    """Between two reports the host never waits; torch raises where it does."""
    if device.type != "cuda":
        return None
    trainer = a_trainer([*keys_of(model, device), *further, "trainer.log_every=1000"])
    for _ in range(6):  # the first ones allocate and record
        trainer.play()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(5):
            trainer.play()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return ""


def resumes(model: str, device: torch.device, further: Sequence[str]) -> Found:
    """Six steps in one go are those of three and three."""
    trainers = [a_trainer([*keys_of(model, device), *further]) for _ in range(2)]
    for _ in range(3):
        trainers[0].play()
    trainers[1].load_state_dict(copy.deepcopy(trainers[0].state_dict()))
    for trainer in trainers:
        for _ in range(3):
            trainer.play()
    states = [dict(tensors(trainer.state_dict())) for trainer in trainers]
    other = [name for name, value in states[0].items() if not torch.equal(value, states[1][name])]
    if other:
        raise RuntimeError(f"{len(other)} of {len(states[0])} tensors differ, such as {other[0]}")
    return ""


def replays(model: str, device: torch.device, further: Sequence[str]) -> Found:
    """Steps that are replayed from CUDA graphs are those that are played."""
    if device.type != "cuda":
        return None
    keys = [*keys_of(model, device), *further]
    plain, recorded = (a_trainer([*keys, f"trainer.graphs={mode}"]) for mode in ("off", "auto"))
    if recorded.graphs is None:
        return "never recorded"
    for player in plain.players:  # a rate in the same precision
        player.keep_rates_on(device)
    seconds, begin, played = [0.0, 0.0], now(), 0
    for step in range(COMPARED):
        if step > COMPARED // 5 and now() - begin > LONGEST:
            break
        played += 1
        for number, trainer in enumerate((plain, recorded)):
            began = now()
            trainer.play()
            if step >= COMPARED // 5:
                seconds[number] += now() - began
    if recorded.graphs.refused is not None:  # no model that ships should be
        raise RuntimeError(f"not recorded: {recorded.graphs.refused}")
    faster = f"a step takes {seconds[1] / seconds[0]:.2f} of the time"
    said = f"{recorded.graphs.replays} of {played} replayed, {faster}"
    ours, theirs = (dict(tensors(trainer.state_dict())) for trainer in (recorded, plain))
    apart = {n: float((x.float() - theirs[n].float()).abs().max()) for n, x in ours.items()}
    # what is not a number is the furthest apart
    worst = max(apart, key=lambda n: apart[n] if apart[n] == apart[n] else math.inf)
    if not apart[worst] < 1e-3:
        raise RuntimeError(f"{said}; {worst} differs by {apart[worst]:.2g}")
    return f"{said}, " + (f"within {apart[worst]:.1g}" if apart[worst] else "bit for bit")


def tensors(tree: Any, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """All tensors in plain containers, by where they are."""
    if isinstance(tree, torch.Tensor):
        yield name, tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from tensors(value, f"{name}.{key}")


def draws_as_a_cpu_does(model: str, device: torch.device, further: Sequence[str]) -> Found:
    """The same weights and latents give the same images, within rounding."""
    prepare_device(device, "fp32")
    game = a_trainer([*keys_of(model, torch.device("cpu")), *further]).game
    drawings = []
    for place in (torch.device("cpu"), device):
        game.to(place)
        with evaluating(*game.averaged.values()):
            drawings.append(game.draw(game.complete(Request(8, seed=0))).made)
    worst = float((drawings[0] - drawings[1]).abs().max())
    if not worst < 1e-3:
        raise RuntimeError(f"pixels differ by {worst:.2g}")
    return f"within {worst:.1g}"


def passes_tests(device: torch.device, seconds: float) -> Found:
    """The tests that need a GPU."""
    if device.type != "cuda":
        return None
    files = [str(f) for f in Path("tests").rglob("*.py") if "mark.gpu" in f.read_text()]
    order = [sys.executable, "-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider", *files]
    done = subprocess.run(order, capture_output=True, text=True, check=False, timeout=seconds)
    if done.returncode:
        raise RuntimeError((done.stdout.strip().splitlines() or ["no output"])[-1])
    return done.stdout.strip().splitlines()[-1]


def recipe(name: str, folder: Path, device: torch.device, further: Sequence[str]) -> Found:
    """A published recipe at its own size, on data that is there."""
    said = OmegaConf.load(conf_folder() / "experiment" / f"{name}.yaml").defaults
    data = next(v for entry in said for k, v in entry.items() if k == "override /data")
    stand_in = STAND_INS.get(data, [])
    if data == "folder":
        for number in range(16):
            (folder / "images").mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (70, 80), (15 * number, 0, 0)).save(folder / f"images/{number}.png")
        stand_in = [f"data.root={folder / 'images'}"]
    if name == "vqgan_folder":  # its LPIPS would have to be fetched, and no labels teach another
        stand_in.append("model.perceptual_weight=0")
    place = [f"hydra.run.dir={folder / 'recipes' / name}", f"trainer.device={device}"]
    return train([f"experiment={name}", *stand_in, *SHORT, *place, *further])


def speed(cell: str, device: torch.device, rounds: int, further: Sequence[str]) -> Found:
    """The tool beside the textbook loop."""
    found = bench.measure(bench.overrides_of(cell, 64, str(device), further), rounds, device)
    ratio = f", {found['ratio']:.2f} of the textbook" if found["ratio"] else ""
    rate = 1e3 * 64 / (found["ms"] or 1)
    return f"{rate:.0f} images/s{ratio}, {found['share_of_limit']:.0%} of the limit"


def about(device: torch.device) -> Found:
    """What the machine is."""
    bf16 = "multiplies bf16" if multiplies_bf16(device) else "does not multiply bf16"
    named = torch.cuda.get_device_name(device) if device.type == "cuda" else "this processor"
    return f"torch {torch.__version__}, {named}, {bf16}"


def checks(
    given: argparse.Namespace, folder: Path, device: torch.device, ends: float
) -> Iterator[tuple[str, Callable[[], Found]]]:
    """All of them by name but speeds, what matters most first."""
    more = given.overrides
    looked_at = [model for model in LOOKED_AT if model in given.models]
    yield "machine", partial(about, device)
    if given.tests:
        yield "tests marked gpu", partial(passes_tests, device, max(ends - time.time(), 1.0))
    for model in looked_at:
        yield f"waits for nothing: {model}", partial(waits_for_nothing, model, device, more)
        yield f"resumes: {model}", partial(resumes, model, device, more)
        bf16 = [*more, "trainer.precision=bf16"]
        yield f"resumes in bf16: {model}", partial(resumes, model, device, bf16)
        yield f"draws as a CPU does: {model}", partial(draws_as_a_cpu_does, model, device, more)
    for model in given.models:
        yield f"replays: {model}", partial(replays, model, device, more)
    for model in given.models:
        place = f"hydra.run.dir={folder / model}"
        yield f"model: {model}", partial(train, [*keys_of(model, device), *SHORT, place, *more])
    for name in given.recipes:
        yield f"recipe: {name}", partial(recipe, name, folder, device, more)


def speeds(
    given: argparse.Namespace, device: torch.device
) -> Iterator[tuple[str, Callable[[], Found]]]:
    """How fast it is, by name."""
    for cell in given.speed:
        yield f"speed: {cell}", partial(speed, cell, device, given.rounds, given.overrides)


def judge(check: Callable[[], Found], ends: float) -> tuple[str, str, float]:
    """A verdict, what is to be said, and seconds; nothing begins after `ends`."""
    if time.time() > ends:
        return "NOT RUN", "no time left", 0.0
    began = now()
    try:
        found = check()
        verdict, said = "nothing to see" if found is None else "ok", found or ""
    except Exception as error:  # whatever goes wrong is the verdict
        verdict = "FAILED"
        said = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    gc.collect()
    torch.cuda.empty_cache()  # for those beside it
    return verdict, said, now() - began


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--models", nargs="*", default=options("model"))
    parser.add_argument("--recipes", nargs="*", default=options("experiment"))
    parser.add_argument("--speed", nargs="*", default=list(bench.CELLS), help="cells of bench.py")
    parser.add_argument("--rounds", type=int, default=20, help="steps of each speed")
    parser.add_argument("--no-tests", dest="tests", action="store_false")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--jobs", type=int, help="processes; half as many as cores, 4 at most")
    parser.add_argument("--json", type=Path, default=Path("outputs/gpu-check.json"))
    parser.add_argument("overrides", nargs="*", help="after --: keys of every run")
    given = parser.parse_args(arguments)
    device = open_device(given.device, "--device")
    compose_config([])  # a mistake in the installation is no finding
    ends = time.time() + 60 * given.minutes
    # more would exhaust a GPU's memory, where cuDNN takes other kernels than it took before
    jobs = given.jobs or min(max((os.cpu_count() or 2) // 2, 1), 4)
    verdicts = []

    def note(name: str, found: tuple[str, str, float]) -> None:
        verdict, said, took = found
        verdicts.append({"check": name, "verdict": verdict, "said": said, "seconds": took})
        print(f"{verdict:15} {took:6.1f} s  {name}  {said}".rstrip(), flush=True)

    with tempfile.TemporaryDirectory() as folder:
        asked = dict(checks(given, Path(folder), device, ends))
        if jobs == 1:
            for name, check in asked.items():
                note(name, judge(check, ends))
        else:
            fresh = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
            with ProcessPoolExecutor(jobs, fresh) as pool:
                for name, found in zip(
                    asked, pool.map(judge, asked.values(), [ends] * len(asked)), strict=True
                ):
                    note(name, found)
        for name, check in speeds(given, device):
            note(name, judge(check, ends))
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(
        json.dumps(bench.describe(given.device) | {"verdicts": verdicts}, indent=2)
    )
    counts = {v: sum(w["verdict"] == v for w in verdicts) for v in ("ok", "FAILED", "NOT RUN")}
    print(", ".join(f"{count} {name}" for name, count in counts.items()), f"-> {given.json}")
    sys.exit(1 if counts["FAILED"] + counts["NOT RUN"] else 0)


if __name__ == "__main__":
    main()
