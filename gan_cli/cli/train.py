"""gan-train: train a GAN, or go on with one."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from gan_cli.cli.process import BAD_INPUT, Stoppable, Stopped, attend, listening, pass_to
from gan_cli.cli.ranks import hand_out, run_together, several
from gan_cli.errors import UserError

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from gan_cli.engine.distributed import Ranks

COMMAND = "gan-train"
AUTO = "auto"
RESUMED = "resumed"
"""The name of the primary config of a run that goes on."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit code."""
    attend(COMMAND, run, arguments)


def run(arguments: list[str]) -> int:
    """Take the arguments, start or go on, and return the exit code."""
    if several():
        return run_together(COMMAND, run_on, arguments)
    return run_on(arguments)


def run_on(arguments: list[str], ranks: "Ranks | None" = None) -> int:
    """The same, as one process or as the first of several."""
    from gan_cli.cli.answers import asks
    from gan_cli.cli.app import complain, launch
    from gan_cli.cli.overrides import reach_unlisted, value_given

    asked = asks(arguments)
    if ranks is not None and {"-m", "--multirun"} & set(arguments):
        complain(COMMAND, UserError("several processes train one run; leave out -m"))
        return BAD_INPUT
    arguments = [a if asked else reach_unlisted(a) for a in arguments]
    target = None if asked else value_given(arguments, "resume")
    try:
        if target == AUTO:
            target = standing(arguments)
        if target not in (None, "", "null"):
            return go_on(Path(str(target)).expanduser(), arguments, ranks)
    except UserError as error:
        complain(COMMAND, error)
        return BAD_INPUT
    given = [a for a in arguments if not _is_resume(a)]
    job = functools.partial(run_job, ranks=ranks)
    sweeps = bool({"-m", "--multirun"} & set(arguments))
    return launch(COMMAND, job, "train", given, check=job_checker() if sweeps else check_job)


def _is_resume(argument: str) -> bool:
    return argument.lstrip("+").startswith("resume=")


def standing(arguments: Sequence[str]) -> str | None:
    """The folder to go on in, for `resume=auto`; None where no run stands there yet.

    Raises:
        UserError: the folder would be another one each time.
    """
    from gan_cli.cli.overrides import value_given

    folder = value_given(arguments, "hydra.run.dir")
    if folder is None or "${" in folder:
        raise UserError(
            "resume=auto: goes on in hydra.run.dir; give hydra.run.dir=FOLDER, the same each time"
        )
    if {"-m", "--multirun"} & set(arguments):
        raise UserError("resume=auto: starts or goes on with one run; leave out -m")
    if not (Path(folder) / "checkpoints").is_dir():
        return None
    from gan_cli.sinks.saved import saved_in

    return folder if saved_in(Path(folder) / "checkpoints") else None


def check_job(config: "DictConfig") -> None:
    """Raise UserError where a job cannot be run, as far as that shows before anything is read."""
    from gan_cli.cli.choices import settle_experiment
    from gan_cli.runs.ahead import check_config  # torch is imported late

    settle_experiment(config, quiet=True)
    check_config(config)


def job_checker() -> "Callable[[DictConfig], None]":
    """A check of a sweep's jobs: of each as above, and that its data has enough for a batch."""
    known: dict[str, Mapping[str, int]] = {}

    def check(config: "DictConfig") -> None:
        from gan_cli.runs.ahead import check_batch

        check_job(config)
        check_batch(config, known)

    return check


def run_job(
    config: "DictConfig", saved: Mapping[str, Any] | None = None, ranks: "Ranks | None" = None
) -> float | None:
    """One job; returns the scalar that `trainer.returns` names.

    A job of a sweep goes on where its folder holds a run, which is then one that was cut off.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from gan_cli.cli.choices import chosen_groups, settle_experiment
    from gan_cli.cli.overrides import as_typed, swept_keys, typed
    from gan_cli.cli.start import SWEEP_FILE, RunStart, advise_resuming

    hydra = HydraConfig.get()
    folder = Path(hydra.runtime.output_dir)
    of_sweep = hydra.mode == RunMode.MULTIRUN
    if of_sweep:
        from gan_cli.cli.swept import standing_checkpoint

        saved = standing_checkpoint(folder)
    overrides = [as_typed(o) for o in typed(hydra) if not _is_resume(o)]
    if saved is None or of_sweep:  # a sweep's job that goes on is composed anew
        settle_experiment(config, quiet=saved is not None)
    start = RunStart(folder, config, overrides, resumed=saved is not None)
    with ExitStack() as stack:

        def begin(interrupts: Stoppable) -> None:
            start.begin()
            stack.enter_context(listening(pass_to(interrupts)))

        try:
            from gan_cli.engine.distributed import ALONE  # torch is imported late
            from gan_cli.runs.train import run_training

            ranks = ranks or ALONE
            swept = swept_keys(folder.parent / SWEEP_FILE)
            about: dict[str, Any] = {"overrides": overrides, "swept": swept}
            about["choices"] = chosen_groups(saved)
            hand_out(ranks, config, folder, saved, about)
            with ranks.until_ready():
                trainer = run_training(
                    *(config, folder, saved),
                    **{"on_begin": begin, "ranks": ranks, "as_typed": of_sweep, **about},
                )
            if trainer.interrupts.stop is not None:
                raise Stopped(trainer.interrupts.stop.name)
        except BaseException as error:
            if start.begun:
                advise_resuming(error, COMMAND, folder)
            raise
        finally:
            if not start.begun:
                start.take_back()
    return trainer.last_report.get(trainer.returns)


def go_on(target: Path, arguments: Sequence[str], ranks: "Ranks | None" = None) -> int:
    """Train on from a checkpoint: its config is the primary config, overrides go on top.

    Raises:
        UserError: there is no good checkpoint, or it cannot be resumed like this.
    """
    if {"-m", "--multirun"} & set(arguments):
        raise UserError("resume= goes on with one run; leave out -m")
    from gan_cli.cli.app import launch, own_folder, split

    options, overrides = split([a for a in arguments if not _is_resume(a)])
    with resuming(target, overrides, own_folder(options)) as (saved, overrides, folder):
        return launch(
            *(COMMAND, lambda config: run_job(config, saved, ranks), RESUMED),
            *([*options, *overrides], folder),
        )


@contextmanager
def resuming(
    target: Path, overrides: Sequence[str], own: Path | None
) -> Iterator[tuple[Mapping[str, Any], list[str], Path]]:
    """The checkpoint to go on from, what is left of the overrides, and where its config lies.

    Raises:
        UserError: there is no good checkpoint, or it cannot be resumed like this.
    """
    import tempfile

    from gan_cli.cli.overrides import for_resumed
    from gan_cli.runs import resume

    with tempfile.TemporaryDirectory() as folder:
        saved = resume.write_config(target, Path(folder) / f"{RESUMED}.yaml")
        yield saved, list(for_resumed(overrides, saved, own)), Path(folder)


def train_in_process(
    overrides: Sequence[str], resume: Path | None, own: Path | None, run_folder: Path | None
) -> Path:
    """Train, or go on, without a command line; returns the run's folder.

    Args:
        overrides: as typed after the command.
        resume: a run's folder or a checkpoint to go on from.
        own: a further folder with YAML.
        run_folder: the run's; by default what `hydra.run.dir` says.

    Raises:
        UserError: bad config or bad input.
        RunFailed: the run could not go on.
        Stopped: by a signal, after saving.
    """
    from hydra.core.hydra_config import HydraConfig

    from gan_cli.cli.embedded import composed
    from gan_cli.cli.overrides import parse, reach_unlisted
    from gan_cli.cli.start import new_start

    parsed = {override: parse(override) for override in overrides}
    if several := [text for text, found in parsed.items() if found and found.is_sweep_override()]:
        raise UserError(*(f"{text}: several values; train once for each" for text in several))
    with ExitStack() as stack:
        given = [reach_unlisted(override) for override in overrides]
        name, folder, saved = "train", None, None
        if resume is not None:
            saved, given, folder = stack.enter_context(resuming(resume, given, own))
            name = RESUMED
        config = stack.enter_context(composed(name, given, folder, own, run_folder))
        where = Path(HydraConfig.get().runtime.output_dir)
        new_start().note(where)
        run_job(config, saved)
        return where
