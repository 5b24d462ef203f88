"""gan-train started by torchrun: rank 0 reads the command line, and tells the others what to do."""

import logging
import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_cli.cli.process import BAD_INPUT, FAILED, Stopped
from gan_cli.errors import NonFinite, RunFailed, UserError

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from gan_cli.engine.distributed import Ranks
    from gan_cli.engine.joined import Joined

FOLDER = "gan_cli/folder"
"""Under which name torchrun keeps the run's folder for processes that are started again."""
JOB = "job"

log = logging.getLogger(__name__)


def several() -> bool:
    """Whether this is one of several processes that torchrun has started."""
    size = os.environ.get("WORLD_SIZE", "")
    return size.isdigit() and int(size) > 1


def run_together(
    command: str, body: Callable[[list[str], "Ranks"], int], arguments: list[str]
) -> int:
    """Take the arguments on rank 0, follow on the others; return the same exit code on all.

    Args:
        command: the name to put before errors.
        body: what a single process does with the arguments.
        arguments: as typed.
    """
    from gan_cli.cli.app import complain
    from gan_cli.engine.joining import join, leave

    try:
        ranks, store, restarts = join()
    except UserError as error:
        complain(command, error)
        return BAD_INPUT
    if not ranks.leads:
        try:
            return follow(command, ranks)
        finally:
            leave()
    ranks.keep = lambda folder: store.set(FOLDER, str(folder))
    if restarts and store.check([FOLDER]):
        arguments = going_on(arguments, store.get(FOLDER).decode())
    code = FAILED
    try:
        code = body(arguments, ranks)
    except Stopped as stopped:
        code = stopped.code
        raise
    finally:
        ranks.dismiss(code)
        leave()
    return code


def going_on(arguments: Sequence[str], folder: str) -> list[str]:
    """The arguments of a run that was started before, and died, so that it goes on."""
    others = [a for a in arguments if not a.lstrip("+").startswith(("resume=", "hydra.run.dir="))]
    if any((Path(folder) / "checkpoints").glob("step-*.pt")):
        return [*others, f"hydra.run.dir={folder}", "resume=auto"]
    return list(arguments)


def hand_out(
    ranks: "Ranks",
    config: "DictConfig",
    folder: Path,
    saved: Mapping[str, Any] | None,
    given: Mapping[str, Any],
) -> None:
    """Let the other processes begin the same run.

    Args:
        ranks: this process among them.
        config: as composed.
        folder: the run's.
        saved: the checkpoint that it goes on from.
        given: further arguments of `run_training`.
    """
    if ranks.size == 1:
        return
    from gan_cli.config.reader import self_contained

    ranks.keep(folder)  # type: ignore[attr-defined]
    hear_from_others(ranks)  # type: ignore[arg-type]
    job = {"folder": str(folder), "saved": saved, **given}
    ranks.call(JOB, self_contained(config), job)  # type: ignore[attr-defined]


def hear_from_others(ranks: "Joined") -> None:
    """Let what other ranks warn of be said once, where rank 0 has not said it."""
    said = _Said()
    logging.getLogger().addHandler(said)

    def hear(rank: int, text: str) -> None:
        if text not in said.texts:
            said.texts.add(text)
            log.warning("rank %d: %s", rank, text)

    ranks.hear = hear


class _Said(logging.Handler):
    """Notes what was warned of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.add(record.getMessage())


class _Whisper(logging.Handler):
    """Gives what is warned of to rank 0."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def follow(command: str, ranks: "Joined") -> int:
    """Do what rank 0 says until it is done, and return its exit code."""
    from gan_cli.cli.app import complain
    from gan_cli.engine.collectives import Dismissed

    logging.getLogger().addHandler(_Whisper(ranks.messages))
    warnings.simplefilter("ignore")  # rank 0 shows them
    label = f"rank {ranks.rank}: "
    try:
        while True:
            _, config, job = ranks.wait()
            try:
                train(ranks, config, job)
            except (UserError, RunFailed) as error:
                if error is not ranks.settled and not isinstance(error, NonFinite):
                    raise
    except Dismissed as dismissed:
        return dismissed.code
    except (UserError, RunFailed) as error:
        complain(command, error, label)
        return BAD_INPUT if isinstance(error, UserError) else FAILED
    except Exception:
        print(label, end="", file=sys.stderr)
        sys.excepthook(*sys.exc_info())
        return FAILED
    finally:
        for text in ranks.messages:
            print(f"{label}{text}", file=sys.stderr)


def train(ranks: "Joined", config: Mapping[str, Any], job: Mapping[str, Any]) -> None:
    """The run of rank 0 on another one."""
    from contextlib import ExitStack

    from omegaconf import OmegaConf

    from gan_cli.cli.process import Stoppable, listening, pass_to
    from gan_cli.runs.train import run_training

    with ExitStack() as stack, ranks.until_ready():

        def begin(interrupts: Stoppable) -> None:
            stack.enter_context(listening(pass_to(interrupts)))

        given = {**job, "folder": Path(job["folder"]), "on_begin": begin, "ranks": ranks}
        run_training(OmegaConf.create(dict(config)), **given)
