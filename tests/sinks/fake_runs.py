"""Runs as sinks see them, without any training; and processes that are killed while they save."""

import io
import os
import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch

from gan_cli.engine.interrupts import Interrupts

OPERATIONS = ("open", "mkdir", "fsync", "replace", "rename", "unlink")


def a_run(step: int, report: dict[str, float] | None = None, weight: float = 1.0) -> Any:
    """A run at `step` with one weight."""
    state = {"step": step, "game": {"weight": torch.full((3, 5), weight)}}
    return SimpleNamespace(
        step=step,
        report=report,
        last_report=report or {},
        seconds=0.0,
        skips=False,
        interrupts=Interrupts(),
        state_dict=lambda: state,
    )


def is_killed(number: int, work: Callable[[], Any]) -> bool:
    """Whether `work` in a process of its own was killed at its `number`-th file operation."""
    child = os.fork()
    if child == 0:
        try:
            _kill_at(number)
            work()
            os._exit(0)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code != 0


def _kill_at(number: int) -> None:
    """Count every operation that changes a file, and die halfway through the `number`-th."""
    left = number

    def count() -> bool:
        nonlocal left
        left -= 1
        return left == 0

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def counted(operation: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            if count():
                die()
            return operation(*arguments, **options)

        return run

    class Raw(io.FileIO):
        def write(self, data: Any) -> int:
            if count():
                super().write(bytes(data)[: len(data) // 2])
                die()
            return super().write(data)

    opened = io.open

    def open_counted(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if "b" not in mode or not set(mode) & set("wax+"):
            return opened(file, mode, *arguments, **options)
        if count():
            die()
        return io.BufferedWriter(Raw(file, mode.replace("b", "")))

    for name in OPERATIONS:
        setattr(os, name, counted(getattr(os, name)))
    io.open = open_counted  # type: ignore[assignment]
