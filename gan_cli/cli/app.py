"""What the commands share: Hydra inside, exit codes and one-line errors outside.

Nothing here imports torch: help, completion and a mistyped key answer at once.
"""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hydra
import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from gan_cli.cli.answers import answer
from gan_cli.cli.book import Book
from gan_cli.cli.closing import close
from gan_cli.cli.diagnosis import diagnose, unknown_in_hydra, wrong_beside
from gan_cli.cli.own_yaml import refuse_odd_yaml
from gan_cli.cli.process import BAD_INPUT, FAILED, Stopped, notes
from gan_cli.cli.start import new_start
from gan_cli.cli.sweep import Check, Plan, look_ahead
from gan_cli.cli.swept import SweepRefused, SweptJob
from gan_cli.config import by_device  # noqa: F401 for --cfg job --resolve
from gan_cli.errors import RunFailed, UserError, is_out_of_memory
from gan_cli.paths import conf_folder

log = logging.getLogger(__name__)

PATH_KEYS = (
    "resume",
    "checkpoint",
    "out",
    "inception",
    "evaluation.inception",
    "data.root",
    "hydra.run.dir",
    "hydra.sweep.dir",
)


SWITCHES = (
    *("-m", "--multirun", "-r", "--run", "--resolve", "-h", "--help", "-hh", "--hydra-help"),
    *("-sc", "--shell-completion", "--version"),
)
"""Options that take no value."""
HYDRAS = (HydraException, OmegaConfBaseException, ValueError, TypeError, AssertionError)
"""What Hydra raises where it cannot take a config; jobs keep their own errors to themselves."""


def launch(
    command: str,
    job: Callable[[DictConfig], Any],
    config_name: str,
    arguments: Sequence[str],
    config_folder: Path | None = None,
    check: Check | None = None,
) -> int:
    """Compose the config, run the job (or a sweep of jobs) and return the exit code.

    Args:
        command: the name to put before errors.
        job: one job; raises UserError, RunFailed or Stopped; notes added to them come last.
        config_name: the primary config.
        arguments: as typed after the command.
        config_folder: where the primary config is, if not among the tool's own.
        check: of one job's config; those of a sweep are all looked at before the first starts.

    Raises:
        Stopped, KeyboardInterrupt: by a signal, after all else was said.
    """
    failures: list[tuple[str, BaseException]] = []
    plan, swept = Plan(), None

    def guarded(config: DictConfig) -> Any:
        # Hydra would stop at the first failure, or show just one: note them and go on
        try:
            return job(config)
        except OSError as error:  # a disk is full, a file cannot be read; it says which
            where = "" if error.filename else f", in {HydraConfig.get().runtime.output_dir}"
            failures.append((_job_label(), RunFailed(f"{error}{where}")))
            return float("nan")
        except Exception as error:
            label = _job_label()
            if is_out_of_memory(error):
                error = RunFailed("out of memory")
            if not isinstance(error, UserError | RunFailed):
                log.exception("%s%s", label, "unexpected error")
            failures.append((label, error))
            return float("nan")

    folder = config_folder or conf_folder()
    sweeps = bool({"-m", "--multirun"} & set(arguments))
    options, overrides = split([quote_path(argument, sweeps) for argument in arguments])
    sweeps = sweeps or "hydra.mode=MULTIRUN" in overrides
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises, and we say it in one line
    sys.argv = [command, *options, *overrides]
    stopped: BaseException | None = None
    folders = [folder]
    start = new_start()
    try:
        if (own := own_folder(options)) is not None:
            refuse_odd_yaml(own)
            folders.append(own)
        if (lines := answer(command, config_name, folders, options, overrides)) is not None:
            print("\n".join(lines))
            return 0
        if unknown_in_hydra(overrides):
            raise HydraException("a key that Hydra would take and never read")
        if sweeps and check is not None:
            plan = look_ahead(config_name, folders, overrides, check)
            if plan.problems:
                raise UserError(*plan.problems, "no job was started")
            swept = SweptJob(job, tuple(plan.jobs))
        run = hydra.main(version_base="1.3", config_path=str(folder), config_name=config_name)
        run(swept or guarded)()
    except (Stopped, KeyboardInterrupt) as error:
        stopped = error
    except UserError as error:
        failures.append(("", error))
    except SweepRefused as error:
        failures.append(("", UserError(*error.args)))
    except Exception as error:
        if swept is not None and start.sweep is not None and Book(start.sweep).begun:
            # a launcher's own, or a sweeper's
            failures.append(("", RunFailed(f"the sweep has ended early: {_in_one_line(error)}")))
        elif problems := _problems(error, config_name, folders, overrides, sweeps, check):
            failures.append(("", UserError(*problems)))
        else:
            raise
    finally:
        start.end()
    if swept is not None and not any(isinstance(error, UserError) for _, error in failures):
        failures += close(start.sweep, plan.jobs, stopped)
    for label, failure in failures:
        complain(command, failure, label)
    for _, failure in failures:
        print("".join(f"{note}\n" for note in notes(failure)), end="", file=sys.stderr)
    if stopped is not None:
        raise stopped
    if not failures:
        return 0
    return BAD_INPUT if all(isinstance(e, UserError) for _, e in failures) else FAILED


def _problems(
    error: Exception,
    config_name: str,
    folders: list[Path],
    overrides: list[str],
    sweeps: bool,
    check: Check | None,
) -> list[str]:
    """What was wrong with what was typed, a line each; none where the error tells of a bug."""
    if isinstance(error, HYDRAS):
        problems = diagnose(error, config_name, folders, overrides, sweeps)
        if check is not None and not sweeps:
            problems += wrong_beside(problems, config_name, folders, overrides, check)
        return problems
    if isinstance(error, yaml.MarkedYAMLError):
        return [_yaml_problem(error)]
    if isinstance(error, RecursionError):
        where = folders[1] if folders[1:] else "your own YAML"
        return [f"{where}: a file includes itself; look at `defaults:`"]
    return [str(error)] if isinstance(error, OSError) else []


def complain(command: str, error: BaseException, label: str = "") -> None:
    """Say what was wrong, a line per problem.

    Args:
        command: the name to put first.
        error: what was raised.
        label: which job of a sweep it was.
    """
    for problem in error.problems if isinstance(error, UserError) else (str(error),):
        print(f"{command}: {label}{problem}", file=sys.stderr)


def _job_label() -> str:
    """Which job of a sweep this is; nothing for a single run."""
    config = HydraConfig.get()
    if config.mode != hydra.types.RunMode.MULTIRUN:
        return ""
    return f"job {config.job.num} ({config.job.override_dirname.replace('++', '')}): "


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Options with their values, and overrides: Hydra's parser takes these in one stretch only."""
    options: list[str] = []
    overrides: list[str] = []
    for before, argument in zip(["", *arguments], arguments, strict=False):
        is_value = before.startswith("-") and "=" not in before and before not in SWITCHES
        (options if is_value or argument.startswith("-") else overrides).append(argument)
    return options, overrides


def own_folder(options: Sequence[str]) -> Path | None:
    """The folder of one's own YAML that `--config-dir` names.

    Raises:
        UserError: it is not there.
    """
    for option, value in zip(options, [*options[1:], ""], strict=False):
        name, equals, inline = option.partition("=")
        if name in ("--config-dir", "-cd"):
            folder = Path(inline if equals else value).absolute()
            if not folder.is_dir():
                raise UserError(f"--config-dir {folder}: no such folder")
            return folder
    return None


def quote_path(argument: str, sweeps: bool = False) -> str:
    """Quote a path whose spaces, `=`, commas or letters Hydra's grammar would stumble over.

    Args:
        argument: as typed.
        sweeps: whether a comma may part the values of a sweep.
    """
    key, equals, value = argument.partition("=")
    if not equals or key.lstrip("+") not in PATH_KEYS:
        return argument
    try:
        understood = OverridesParser.create().parse_override(argument)
        plain = sweeps or not understood.is_sweep_override()
    except HydraException:
        plain = False
    if not plain:
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"{key}='{escaped}'"
    return argument


def _yaml_problem(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark
    where = f"{mark.name}:{mark.line + 1}" if mark else "YAML"
    return f"{where}: {error.problem}; fix this line"


def _in_one_line(error: Exception) -> str:
    return " ".join([f"{type(error).__name__}:", *str(error).split()])
