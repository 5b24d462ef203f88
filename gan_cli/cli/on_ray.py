"""Calls on a Ray cluster, or on a Ray of one's own that ends with them."""

import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

from gan_cli.cli.process import Stopped, listening
from gan_cli.cli.processes import Call
from gan_cli.errors import UserError

POLL = 0.5
"""Seconds between two looks at what has ended."""


def require_ray() -> Any:
    """Ray itself.

    Raises:
        UserError: it is not there.
    """
    try:
        import ray
    except ImportError as error:
        raise UserError("hydra/launcher=ray: needs Ray; pip install 'gan-cli[ray]'") from error
    return ray


def run_on_ray(
    calls: Sequence[Call],
    address: str | None,
    cpus: float,
    gpus: float | None,
    ended: Callable[[int, str], None],
) -> None:
    """Run all the calls, each in a fresh process, as many at once as the cluster has room for.

    SIGINT and SIGTERM cancel them: those that run save first.

    Args:
        calls: in the order in which they should begin.
        address: the cluster's; None: the one that RAY_ADDRESS names or that this machine is in,
            else one for the time being on this machine.
        cpus: cores a call takes.
        gpus: GPUs a call takes, and sees; None: 1 where there is any.
        ended: called as each has, with its index and why, where it died.

    Raises:
        UserError: there is no cluster, or none that could ever run a call.
        Stopped: by a signal, after all have ended.
    """
    ray = require_ray()
    stops: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGUSR1:
            stops.append(number)

    before = signal.getsignal(signal.SIGTERM)  # which Ray takes for itself
    try:
        ray.init(address, include_dashboard=False, log_to_driver=False, logging_level="error")
    except (ConnectionError, ValueError) as error:
        line = str(error).splitlines()[0]
        raise UserError(f"hydra.launcher.address={address}: no Ray there ({line})") from error
    try:
        there = ray.cluster_resources()
        if gpus is None:
            gpus = 1 if there.get("GPU") else 0
        for name, asked in (("CPU", cpus), ("GPU", gpus)):
            if asked > (has := there.get(name, 0)):
                key = f"hydra.launcher.{name.lower()}s={asked:g}"
                raise UserError(f"{key}: all of this Ray has {has:g}; lower it")
        task = ray.remote(num_cpus=cpus, num_gpus=gpus, max_calls=1, max_retries=0)(_do)
        with listening(note):
            waiting = {task.remote(call): index for index, call in enumerate(calls)}
            told = False
            while waiting:
                if stops and not told:
                    told = True
                    for reference in waiting:
                        ray.cancel(reference)
                done, _ = ray.wait(list(waiting), timeout=POLL)
                for reference in done:
                    ended(waiting.pop(reference), "" if stops else _why(ray, reference))
    finally:
        ray.shutdown()
        signal.signal(signal.SIGTERM, before)
    if stops:
        raise Stopped(signal.Signals(stops[0]).name)


def _do(call: Call) -> None:
    with suppress(Stopped, KeyboardInterrupt):
        call()


def _why(ray: Any, reference: Any) -> str:
    try:
        ray.get(reference)
    except Exception as error:  # whatever Ray has to say of a worker
        return " ".join(str(getattr(error, "cause", error)).split()) or type(error).__name__
    return ""
