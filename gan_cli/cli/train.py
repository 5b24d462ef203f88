"""gan-train: train a GAN, or go on with one."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from gan_cli.cli.process import BAD_INPUT, Stoppable, Stopped, attend, listening, pass_to
from gan_cli.errors import UserError

if TYPE_CHECKING:
    from omegaconf import DictConfig

COMMAND = "gan-train"
AUTO = "auto"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit code."""
    attend(COMMAND, run, arguments)


def run(arguments: list[str]) -> int:
    """Take the arguments, start or go on, and return the exit code."""
    from gan_cli.cli.app import complain, launch
    from gan_cli.cli.overrides import reach_unlisted, value_given

    arguments = [reach_unlisted(argument) for argument in arguments]
    target = value_given(arguments, "resume")
    try:
        if target == AUTO:
            target = standing(arguments)
        if target not in (None, "", "null"):
            return go_on(Path(str(target)).expanduser(), arguments)
    except UserError as error:
        complain(COMMAND, error)
        return BAD_INPUT
    given = [a for a in arguments if not _is_resume(a)]
    return launch(COMMAND, run_job, "train", given, check=check_job)


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
    from gan_cli.runs.train import check_config  # torch is imported late

    check_config(config)


def run_job(config: "DictConfig", saved: Mapping[str, Any] | None = None) -> float | None:
    """One job; returns the scalar that `trainer.returns` names."""
    from hydra.core.hydra_config import HydraConfig

    from gan_cli.cli.overrides import as_typed, typed
    from gan_cli.cli.start import RunStart

    hydra = HydraConfig.get()
    folder = Path(hydra.runtime.output_dir)
    given = typed(hydra)
    overrides = [as_typed(o) for o in given if not _is_resume(o)]
    start = RunStart(folder, config, overrides, resumed=saved is not None)
    with ExitStack() as stack:

        def begin(interrupts: Stoppable) -> None:
            start.begin()
            stack.enter_context(listening(pass_to(interrupts)))

        try:
            from gan_cli.runs.train import run_training  # torch is imported late

            groups = chosen_groups(saved)
            trainer = run_training(config, folder, saved, overrides, groups, begin)
            if trainer.interrupts.stop is not None:
                raise Stopped(trainer.interrupts.stop.name)
        except BaseException as error:
            if start.begun:
                advise_resuming(error, folder)
            raise
        finally:
            if not start.begun:
                start.take_back()
    return trainer.last_report.get(trainer.returns)


def chosen_groups(saved: Mapping[str, Any] | None) -> dict[str, Any]:
    """What was chosen of each config group when the run was first started."""
    if saved is not None:
        choices = saved.get("choices")
        return dict(choices) if isinstance(choices, Mapping) else {}
    from hydra.core.hydra_config import HydraConfig

    from gan_cli.cli.overrides import typed, typed_groups
    from gan_cli.paths import conf_folder

    hydra = HydraConfig.get()
    chosen = {k: v for k, v in hydra.runtime.choices.items() if not k.startswith("hydra/")}
    # Hydra leaves out groups of which several are chosen
    return chosen | typed_groups(typed(hydra), [conf_folder()])


def advise_resuming(error: BaseException, folder: Path) -> None:
    """Add to an error how the run can be resumed, where it can."""
    import shlex

    from gan_cli.sinks.saved import saved_in

    if saved_in(folder / "checkpoints"):
        here = Path.cwd()
        shown = folder.relative_to(here) if folder.is_relative_to(here) else folder
        error.add_note(f"resume with: {COMMAND} {shlex.quote(f'resume={shown}')}")


def go_on(target: Path, arguments: Sequence[str]) -> int:
    """Train on from a checkpoint: its config is the primary config, overrides go on top.

    Raises:
        UserError: there is no good checkpoint, or it cannot be resumed like this.
    """
    if {"-m", "--multirun"} & set(arguments):
        raise UserError("resume= goes on with one run; leave out -m")
    import tempfile

    from gan_cli.cli.app import launch, own_folder, split
    from gan_cli.cli.overrides import for_resumed
    from gan_cli.runs import resume

    options, overrides = split([a for a in arguments if not _is_resume(a)])
    with tempfile.TemporaryDirectory() as folder:
        saved = resume.write_config(target, Path(folder) / "resumed.yaml")
        overrides = list(for_resumed(overrides, saved, own_folder(options)))
        return launch(
            *(COMMAND, lambda config: run_job(config, saved), "resumed"),
            *([*options, *overrides], Path(folder)),
        )
