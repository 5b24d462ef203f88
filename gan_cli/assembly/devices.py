"""The device a run computes on, and how exactly it does."""

import logging
import os
import warnings
from textwrap import shorten

import torch

from gan_cli.engine.distributed import Ranks
from gan_cli.errors import UserError

log = logging.getLogger(__name__)

LONGEST = 120
"""Characters of a reason; torch goes on for pages."""


def open_device(name: str, key: str = "trainer.device") -> torch.device:
    """The device that `key` names; `auto` takes an accelerator where there is one.

    Of several GPUs it is a certain one, also where none is named.

    Raises:
        UserError: it is not a device of this machine.
    """
    # cuBLAS is deterministic with it, and reads it once
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if name == "auto":
        there = torch.accelerator.current_accelerator(check_available=True)
        return _numbered(there or torch.device("cpu"))
    try:
        device = torch.device(name)
        torch.empty(0, device=device).tolist()  # fails on devices that hold no numbers
    except (RuntimeError, AssertionError, ImportError) as error:  # hpu: a module that is not there
        if name.startswith("gpu"):
            raise UserError(f"{key}={name}: no such device; write {key}=cuda{name[3:]}") from error
        reason = shorten(str(error), LONGEST, placeholder="...")
        raise UserError(f"{key}={name}: not available here ({reason}); take cpu or auto") from error
    return _numbered(device)


def _numbered(device: torch.device) -> torch.device:
    """`cuda:0` for `cuda`, as making a device the current one wants it."""
    if device.type != "cuda" or device.index is not None:
        return device
    return torch.device("cuda", torch.cuda.current_device())


def open_local_device(name: str, ranks: Ranks) -> torch.device:
    """The device of one of several processes: each of them on a machine has a GPU of its own.

    Raises:
        UserError: there are not so many, or it names one for all of them.
    """
    if ranks.size == 1:
        return open_device(name)
    there, here = torch.cuda.device_count(), ranks.local_size
    if name == "auto":
        name = "cuda" if there else "cpu"
    if name == "cuda":
        if here > max(there, 1):
            raise UserError(
                f"trainer.device=cuda: {here} processes on this machine and {there} GPUs; start "
                f"as many as there are, --nproc-per-node={there}"
            )
        name = f"cuda:{ranks.local}"
    elif name != "cpu" and (here > 1 or not name.startswith("cuda:")):
        raise UserError(
            f"trainer.device={name}: not for each of several processes; take cuda, cpu or auto"
        )
    return open_device(name)


def prepare_device(device: torch.device, precision: str) -> None:
    """Set this process up for training there.

    Kernels are deterministic where there are such, or a resumed run would drift from an unbroken
    one. `fp32` means it: no TF32, neither in matrix products nor in convolutions, where cuDNN takes
    it by default.
    """
    if device.type != "cuda":
        return
    torch.use_deterministic_algorithms(True, warn_only=True)
    # nobody reads what was not written
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    warnings.filterwarnings("ignore", ".* does not have a deterministic implementation")
    torch.cuda.set_device(device)  # streams and events are the current device's
    torch.backends.cudnn.deterministic = True
    tf32 = precision != "fp32"
    log.info("deterministic kernels%s", ", TF32 allowed" if tf32 else ", no TF32")
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
