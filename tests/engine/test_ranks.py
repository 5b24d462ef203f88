"""Two processes that train one game: alike where they must be, each itself where it may be.

One pair of processes plays all scenes, and each test looks at what came of one.
"""

import contextlib
import copy
import dataclasses
import io
import json
import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, distributed
from torch.overrides import TorchFunctionMode

from gan_cli import randomness
from gan_cli.assembly.build import build_batches, build_game, build_players, build_trainer
from gan_cli.assembly.game import assemble_game
from gan_cli.assembly.parts import reading_batch, seen_at_once
from gan_cli.cli.process import Stopped
from gan_cli.cli.ranks import follow as follow_command
from gan_cli.cli.ranks import hear_from_others
from gan_cli.cli.train import run_on
from gan_cli.config.reader import read
from gan_cli.config.schema import Settings
from gan_cli.engine.distributed import ALONE, Ranks, share_of
from gan_cli.engine.joined import Joined
from gan_cli.engine.per_rank import count_of, for_rank, remembered
from gan_cli.engine.trainer import Trainer
from gan_cli.errors import NonFinite, RunFailed, UserError
from gan_cli.evaluation.drawing import CHUNK, draw_samples
from gan_cli.evaluation.sharing import SharedDrawing
from gan_cli.networks.synchronised import SynchronisedBatchNorm, synchronise
from gan_cli.networks.together import synchronise_now
from gan_cli.runs.following import follow
from gan_cli.sinks import curves
from gan_cli.sinks.checkpoint import load
from gan_cli.tricks.adaptive import AdaptiveView
from gan_cli.tricks.augmentation import ADA
from gan_cli.tricks.examples import Progress
from tests.conftest import Command, data_of, narrow, options
from tests.engine.quadratic import a_trainer
from tests.ranks import on_ranks
from tests.settings import settings_of
from tests.tricks.test_pairs import with_tricks

CPU = torch.device("cpu")
SMALL = ["data.batch_size=8", "data.limit=32", "trainer.steps=8", "trainer.log_every=1"]
MODELS, TRICKS = options("model"), options("tricks")
# one of each game and of each kind of memory; `test_twenty_steps` plays all
PLAYED = [
    *("vanilla", "cgan_dcgan_r1", "wgan_gp", "sngan", "infogan", "pix2pix", "cyclegan", "progan"),
    *("lapgan", "bigan", "vaegan", "began", "esrgan", "vqgan", "hifigan_small", "stylegan2"),
    *("cgan_r3gan", "biggan", "dcgan"),
]
TRIED = [
    *("ada", "experience_replay", "image_pool", "unrolled", "minibatch_stddev", "path_length"),
    *("spectral_norm", "lazy_r1", "historical_averaging", "feature_matching", "diffaugment"),
]
ADAPTING = ["ada", "diffusion"]
STEPS = 3
UNNORMALISED = [f"model.{network}.normalization=none" for network in ("generator", "discriminator")]
EQUAL = {
    "vanilla": ["model=vanilla", *narrow("vanilla"), "model.discriminator.dropout=0"],
    "dcgan": ["model=dcgan", *narrow("dcgan"), *UNNORMALISED, "tricks=[lazy_r1]"],
    "wgan_gp": ["model=wgan_gp", *narrow("wgan_gp"), *UNNORMALISED, "model.n_critic=2"],
    "cyclegan": ["model=cyclegan", *data_of("cyclegan"), *narrow("cyclegan"), "~tricks.image_pool"],
}
"""Runs whose losses are means over samples."""
SYNCHRONISED = ["model=dcgan", *narrow("dcgan")]
REMEMBERING = [
    *("model=dcgan", *narrow("dcgan"), "tricks=[experience_replay,spectral_norm]"),
    "tricks.experience_replay.size=20",
]


def of_trick(trick: str, models: Mapping[str, Settings]) -> Settings:
    """A run of a trick: with a DCGAN, or the first model that it fits."""
    plain = read(with_tricks(trick))
    others = (
        dataclasses.replace(settings, tricks={**settings.tricks, **plain.tricks})
        for settings in models.values()
    )
    for settings in (plain, *others):
        try:
            assemble_game(settings, settings.data.dataset.build().fields)
        except UserError:
            continue
        return settings
    raise AssertionError(f"{trick} fits no model")


def of_model(model: str) -> list[str]:
    """A run of a model."""
    return [f"model={model}", *data_of(model), *narrow(model)]


def opened(settings: Settings, ranks: Ranks = ALONE) -> Trainer:
    """A trainer, as `run_training` makes it."""
    dataset = settings.data.dataset.build()
    dataset.prepare()
    share = share_of(settings.data.batch_size, ranks, settings.trainer.accumulate)
    game = build_game(seen_at_once(settings, share), dataset.fields)
    if settings.trainer.sync_batchnorm:
        synchronise(game)
    players = build_players(settings, game)
    trainer = build_trainer(
        settings, game, players, build_batches(settings, dataset, CPU, None, ranks), CPU, ranks
    )
    if not ranks.leads:
        follow(trainer)
    return trainer


def weights(trainer: Trainer) -> dict[str, Tensor]:
    """All that is learnt, and its mean."""
    average = [] if trainer.average is None else trainer.average.named_parameters(prefix="average")
    named = [*trainer.game.named_parameters(), *average]
    return {name: p.detach().clone() for name, p in named}


def same_on_all(trainer: Trainer) -> bool:
    """Whether all ranks have the same weights, bit for bit."""
    found: list[Any] = [None] * trainer.ranks.size
    distributed.all_gather_object(found, weights(trainer))
    return all(torch.equal(found[0][name], other[name]) for other in found for name in found[0])


def state_of(trainer: Trainer) -> dict[str, Any]:
    """What rank 0 would save, on every rank."""
    ranks = trainer.ranks
    assert isinstance(ranks, Joined)
    if ranks.leads:
        state = copy.deepcopy(trainer.state_dict())
        ranks.call("state", state)
        return state
    return ranks.wait()[1]


class SharedNoise(TorchFunctionMode):
    """Every random number is drawn for all ranks, and each takes its part: as one process would."""

    def __init__(self, ranks: Ranks) -> None:
        super().__init__()
        self.ranks = ranks

    def __torch_function__(
        self, func: Callable, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """What `func` gives, or this rank's rows of more of it."""
        kwargs, size = dict(kwargs or {}), self.ranks.size
        if "generator" in kwargs or func not in (torch.rand, torch.randn, torch.rand_like):
            return func(*args, **kwargs)
        if func is torch.rand_like:
            func, args = torch.rand, args[0].shape
        rows, *rest = args
        return func(size * rows, *rest, **kwargs)[self.ranks.rank * rows :][:rows].contiguous()


def whole_or_shared(settings: Settings, ranks: Joined) -> tuple[dict, dict]:
    """Weights after a few steps of one process, and of two that draw the same noise."""
    alone = opened(settings)
    joined = opened(settings, ranks)
    assert not reading_batch(joined.game)
    for _ in range(STEPS):
        alone.play()
    reseed = randomness.reseed
    randomness.reseed = lambda seed, rank, *key: reseed(seed, 0, *key)
    with SharedNoise(ranks):
        for _ in range(STEPS):
            joined.play()
    randomness.reseed = reseed
    assert same_on_all(joined)
    return weights(alone), weights(joined)


def alike_after(settings: Settings, ranks: Joined, steps: int) -> dict[str, Any]:
    """Play, save, go on; and go on from what was saved."""
    trainer = opened(settings, ranks)
    for _ in range(steps):
        trainer.play()
    found: dict[str, Any] = {"same": same_on_all(trainer)}
    state = state_of(trainer)
    found["apart"] = sorted({*state["ranks"]["game"], *state["ranks"]["average"]})
    found["finite"] = all(w.isfinite().all() for w in weights(trainer).values())
    return found


def resumed(settings: Settings, ranks: Joined, steps: int = 2) -> bool:
    """Whether a run that goes on from what was saved is the one that was not interrupted."""
    whole = opened(settings, ranks)
    for _ in range(steps):
        whole.play()
    state = state_of(whole)
    part = opened(settings, ranks)
    part.load_state_dict(state)
    for trainer in (whole, part):
        for _ in range(steps):
            trainer.play()
    one, other = (remembered(trainer.game, trainer.average) for trainer in (whole, part))
    equal = [
        torch.equal(x, other[of][name]) if isinstance(x, Tensor) else x == other[of][name]
        for of, values in one.items()
        for name, x in values.items()
    ]
    mine, theirs = weights(whole), weights(part)
    return all(equal) and all(torch.equal(mine[name], theirs[name]) for name in mine)


def strengths(settings: Settings, ranks: Joined) -> list[float]:
    """A view's p after each step, where D is surer on rank 0 (r = 1) than on rank 1 (r = 0.5)."""
    trainer = opened(settings, ranks)
    (view,) = (module for module in trainer.game.modules() if isinstance(module, AdaptiveView))
    observe, seen = view.observe, torch.tensor([1.0, 1.0, 1.0, 1.0 if ranks.leads else -1.0])
    view.observe = lambda real: observe(seen)  # type: ignore[method-assign]
    found = []
    for _ in range(STEPS):
        trainer.play()
        found.append(view.p.item())
    return found


def drawn(settings: Settings, ranks: Joined) -> list[Any]:
    """What is drawn to be measured, by rank 0 alone and by both."""
    trainer = opened(settings, ranks)
    for _ in range(2):
        trainer.play()  # statistics of BatchNorm differ now
    if not ranks.leads:
        ranks.wait()
        return []
    trial = next(iter(trainer.game.trials().values()))
    how = trainer.game, trainer.draw, trial, {}, CHUNK + 200, 0
    found = [draw_samples(*how), draw_samples(*how, SharedDrawing(trainer))]
    ranks.call("over")
    return found


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


def command(ranks: Joined, folder: Path, *arguments: str) -> tuple[int, str]:
    """The whole of `gan-train` on all ranks: exit code, and what is said on stderr."""
    logging.getLogger().handlers = []
    placed = [] if arguments[0].startswith("resume=") else [f"hydra.run.dir={folder}"]
    curves.curves = lambda panels: torch.zeros(3, 2, 2, dtype=torch.uint8)  # half a second a run
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        if not ranks.leads:
            code = follow_command("gan-train", ranks)
        else:
            code = 1
            try:
                code = run_on([*placed, *arguments], ranks)
            except Stopped as stopped:
                code = stopped.code
            finally:
                ranks.dismiss(code)
    ranks.end_step()
    return code, said.getvalue()


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


def all_scenes(folder: Path) -> dict[str, Callable[[Joined], Any]]:
    """Everything that a pair of processes plays, by name; composed before there are two."""
    scenes: dict[str, Callable[[Joined], Any]] = {}

    def add(name: str, play: Callable[..., Any], *given: Any) -> None:
        scenes[name] = lambda ranks: play(*given[:1], ranks, *given[1:])

    models = {model: settings_of(*of_model(model), *SMALL) for model in PLAYED}
    for model, settings in models.items():
        add(f"model {model}", alike_after, settings, 2)
    for trick in TRIED:
        add(f"trick {trick}", alike_after, of_trick(trick, models), 2)
    for name, overrides in EQUAL.items():
        add(f"equal {name}", whole_or_shared, settings_of(*overrides, *SMALL, "optimizer=sgd"))
    synchronised = settings_of(
        *(*SYNCHRONISED, *SMALL, "trainer.sync_batchnorm=true", "optimizer=sgd")
    )
    add("synchronised", whole_or_shared, synchronised)
    add("resumed", resumed, settings_of(*REMEMBERING, *SMALL))
    for trick in ADAPTING:
        quick = [f"tricks=[{trick}]", f"tricks.{trick}.every=1", f"tricks.{trick}.images=100"]
        add(
            f"adapting {trick}",
            strengths,
            settings_of("model=dcgan", *narrow("dcgan"), *SMALL, *quick),
        )
    scenes["interrupted"] = interrupted
    for on_nan in ("stop", "skip", "rollback"):
        scenes[f"poisoned {on_nan}"] = lambda ranks, on_nan=on_nan: poisoned(ranks, on_nan)
    add("drawn", drawn, settings_of(*SYNCHRONISED, *SMALL))
    scenes["warned"] = warned
    scenes["by the clock"], scenes["unreadable"] = by_the_clock, unreadable
    for name, more in COMMANDS.items():
        scenes[f"command {name}"] = lambda ranks, name=name, more=more: command(
            ranks, folder / name, *VANILLA, *more
        )
    scenes["command longer"] = lambda ranks: command(
        ranks, folder / "none", f"resume={folder / 'run'}", "trainer.steps=6"
    )
    return scenes


def play_all(ranks: Joined, scenes: Mapping[str, Callable[[Joined], Any]]) -> dict[str, Any]:
    """Every scene, one after the other."""
    torch.set_num_threads(1)
    found = {}
    for name, play in scenes.items():
        ranks.settled, ranks.answers = None, {}
        try:
            found[name] = play(ranks)
        except BaseException as error:
            raise AssertionError(f"{name}: {type(error).__name__}: {error}") from error
    return found


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where commands leave their runs."""
    return tmp_path_factory.mktemp("ranks")


@pytest.fixture(scope="module")
def pair(stage: Path) -> list[dict[str, Any]]:
    """What came of each scene, on either rank."""
    scenes = all_scenes(stage)
    opened(read(with_tricks("spectral_norm")))  # torch imports much for it: once for both
    return on_ranks(lambda ranks: play_all(ranks, scenes))


@pytest.mark.parametrize("scene", [*(f"model {m}" for m in PLAYED), *(f"trick {t}" for t in TRIED)])
def test_weights_are_alike(pair: list[dict[str, Any]], scene: str) -> None:
    for rank in pair:
        assert rank[scene]["same"]
        assert rank[scene]["finite"]


def test_what_differs_is_saved(pair: list[dict[str, Any]]) -> None:
    apart = pair[0]["model dcgan"]["apart"]
    assert any("running_mean" in name for name in apart)
    assert not any(name.endswith("weight") for name in apart)
    assert any("pool" in name for name in pair[0]["trick experience_replay"]["apart"])
    assert pair[0]["resumed"]
    assert pair[1]["resumed"]


@pytest.mark.parametrize("trick", ADAPTING)
def test_strengths_follow_the_scores_of_all(pair: list[dict[str, Any]], trick: str) -> None:
    """r = 0.75 of both is above the target of 0.6, and 8 images of 100 are seen in a step."""
    found, other = (rank[f"adapting {trick}"] for rank in pair)
    assert found == other
    assert found == pytest.approx([0.08, 0.16, 0.24])


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


@pytest.mark.parametrize("scene", [*(f"equal {name}" for name in EQUAL), "synchronised"])
def test_two_shares_are_one_batch(pair: list[dict[str, Any]], scene: str) -> None:
    for rank in pair:
        alone, shared = rank[scene]
        for name, weight in alone.items():
            assert torch.allclose(weight, shared[name], rtol=1e-4, atol=5e-6), name


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
        assert "loss/G/pull and other is not finite in step 2" in found[1]
    else:
        assert found[1] == (on_nan == "rollback")


def test_what_one_cannot_read_ends_all(pair: list[dict[str, Any]]) -> None:
    assert pair[0]["unreadable"] == [1, 2, "rank 1: a worker died"]
    assert pair[1]["unreadable"] == [1, 2, "a worker died"]


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


def test_all_draw_what_is_measured(pair: list[dict[str, Any]]) -> None:
    alone, shared = pair[0]["drawn"]
    assert torch.equal(alone.made, shared.made)


def test_what_others_warn_of_is_said_once(pair: list[dict[str, Any]]) -> None:
    assert pair[0]["warned"] == ["a turn was skipped", "rank 1: the disk is full"]


def test_ranks_that_were_not_saved_begin_with_the_first() -> None:
    game = {"weight": 0.0, "mean": 1.0}
    state = {"game": game, "average": None, "ranks": {"count": 2, "game": {"mean": [1.0, 2.0]}}}
    means = [for_rank(state, rank)["game"]["mean"] for rank in range(4)]
    assert means == [1.0, 2.0, 1.0, 2.0]
    assert game["mean"] == 1.0


@pytest.mark.parametrize(
    ("batch_size", "size", "accumulate", "says"),
    [
        (100, 8, 1, "among 8 processes; set data.batch_size=96 or 104, or another multiple of 8"),
        (3, 8, 1, "among 8 processes; set data.batch_size=8,"),
        (10, 1, 4, "among trainer.accumulate=4; set data.batch_size=8 or 12,"),
        (16, 4, 8, "among 4 processes times trainer.accumulate=8; set data.batch_size=32,"),
    ],
)
def test_batches_that_cannot_be_parted(
    batch_size: int, size: int, accumulate: int, says: str
) -> None:
    with pytest.raises(UserError, match=f"^data.batch_size={batch_size}: cannot .* {says}"):
        share_of(batch_size, Joined(0, size), accumulate)


PARTED = {
    "vanilla": EQUAL["vanilla"],
    "cyclegan": EQUAL["cyclegan"],
}


@pytest.mark.parametrize("name", list(PARTED))
def test_parts_of_a_batch_add_up(name: str) -> None:
    """Latents come in the same order, and D sees what G has made of the same part."""
    found = []
    for accumulate in (1, 2):
        more = [*SMALL, "optimizer=sgd", f"trainer.accumulate={accumulate}"]
        trainer = opened(settings_of(*PARTED[name], *more))
        for _ in range(2):
            trainer.play()
        found.append(weights(trainer))
    whole, parted = found
    for key, weight in whole.items():
        assert torch.allclose(weight, parted[key], rtol=1e-4, atol=5e-6), key


def test_what_reads_a_batch_is_known() -> None:
    settings = settings_of("model=dcgan", *narrow("dcgan"), "loss=relativistic_average")
    game = build_game(settings, settings.data.dataset.build().fields)
    assert reading_batch(game) == ["BatchNorm", "RelativisticAverage"]
    synchronise(game)
    assert reading_batch(game) == ["RelativisticAverage"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["model", "trick"])
def test_twenty_steps(kind: str) -> None:
    """Every model and every trick, at length, and each goes on from what it saved."""
    runs = {m: settings_of(*of_model(m), *SMALL) for m in MODELS}
    if kind == "trick":
        runs = {trick: of_trick(trick, runs) for trick in TRICKS}

    def play(ranks: Joined) -> dict[str, Any]:
        found = {}
        for name, settings in runs.items():
            ranks.answers = {}
            found[name] = alike_after(settings, ranks, 20) | {"resumed": resumed(settings, ranks)}
        return found

    for rank in on_ranks(play):
        for name, found in rank.items():
            assert found["same"], name
            assert found["finite"], name
            assert found["resumed"], name
