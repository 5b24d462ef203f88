"""Becoming one of several processes, as torchrun's environment says."""

import contextlib
import datetime
import os

import torch
from torch import distributed
from torch.distributed import PrefixStore, Store

from gan_cli.engine.joined import Joined
from gan_cli.errors import UserError

TIMEOUT = datetime.timedelta(days=1)
"""Of an exchange: others wait while rank 0 measures. A process that dies is noticed at once."""
WANTED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def join() -> tuple[Joined, Store, int]:
    """Meet the other processes: gloo between CPUs, nccl between GPUs where there are any.

    Returns:
        This rank; what torchrun keeps for its processes, which outlives them where they are
        started again; and how often that has happened.

    Raises:
        UserError: the environment is not whole, or nobody is where it says.
    """
    missing = [name for name in WANTED if not os.environ.get(name)]
    if missing:
        raise UserError(
            f"WORLD_SIZE={os.environ.get('WORLD_SIZE')} is set and {', '.join(missing)} not; "
            "start several processes with torchrun, or unset it"
        )
    restarts = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0))
    try:
        store, rank, size = next(distributed.rendezvous("env://", timeout=TIMEOUT))
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        distributed.init_process_group(
            backend,
            store=PrefixStore(f"gan_cli/{restarts}", store),
            rank=rank,
            world_size=size,
            timeout=TIMEOUT,
        )
    except (RuntimeError, ValueError) as error:
        raise UserError(
            f"the other processes cannot be met: {str(error).splitlines()[0]}"
        ) from error
    local = int(os.environ.get("LOCAL_RANK", 0))
    return Joined(rank, size, local, int(os.environ.get("LOCAL_WORLD_SIZE", 1))), store, restarts


def leave() -> None:
    """Part from the others; threads that still listen would abort the process at its exit."""
    with contextlib.suppress(RuntimeError, ValueError):
        distributed.destroy_process_group()
