"""Processes that decode batches ahead of time, and what becomes of them.

A signal to the whole process group (SLURM, Docker, `timeout`, Ctrl-C) reaches them too. They ignore
it, so that the run can save first; it ends them with SIGKILL, which even a stopped process obeys.
"""

import contextlib
import os
import signal
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from multiprocessing import active_children, connection
from multiprocessing.util import Finalize
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data._utils import signal_handling

from gan_cli.data.dataset import StreamableDataset
from gan_cli.errors import RunFailed, UserError

Rows = Mapping[str, list[int]]
"""Which samples of each group make a batch."""

_IGNORED = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
    if hasattr(signal, name)
]


PER_CPU = 4
"""More processes than this for each CPU only wait for each other."""


def require_sensible(workers: int) -> None:
    """Raise UserError where this machine has no use for so many `workers`."""
    cpus = os.cpu_count() or 1
    if workers > PER_CPU * cpus:
        raise UserError(
            f"data.workers={workers}: too many for the {cpus} CPUs of this machine; "
            f"set data.workers={PER_CPU * cpus} or lower"
        )


def decode_rows(dataset: StreamableDataset, rows: Rows) -> dict[str, Tensor]:
    """The fields of a batch that are no labels, [N, *shape] each.

    Raises:
        UserError: a file cannot be decoded; names it.
    """
    batch: dict[str, Tensor] = {}
    for group, indices in rows.items():
        samples = [dataset.open(group, i) for i in indices]
        batch |= {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}
    return batch


class DecodedBatches:
    """An iterator over decoded batches. Its processes end with it, or with this one.

    Args:
        dataset: prepared.
        rows: of each batch in turn, without end.
        workers: how many processes, at least one.

    Raises:
        RunFailed: they cannot be started.
    """

    def __init__(self, dataset: StreamableDataset, rows: Iterable[Rows], workers: int) -> None:
        self._workers = workers
        with warnings.catch_warnings(), _signals_held_back():
            warnings.filterwarnings("ignore", "This DataLoader will create")  # has its own bound
            loader = DataLoader(
                _Decoder(dataset),
                batch_size=None,  # what the sampler yields is a whole batch
                sampler=rows,  # iterated over once, no length is asked
                num_workers=workers,
                worker_init_fn=_ignore_signals,
                generator=torch.Generator(),  # or it would draw from the global one
            )
            others = set(active_children())
            try:
                self._iterator: Any = iter(loader)
            except (OSError, RuntimeError) as error:
                for started in set(active_children()) - others:
                    started.kill()
                _forget_half_made(error)
                raise RunFailed(
                    f"data.workers={workers}: so many processes cannot be started "
                    f"({str(error).splitlines()[0]}); lower it"
                ) from error
            # multiprocessing's own way at exit would wait for processes that ignore its SIGTERM
            self.close = Finalize(self, _kill, (self._iterator,), exitpriority=100)
            """End the processes at once, whatever they are doing."""

    def __next__(self) -> dict[str, Tensor]:
        """The next batch.

        Raises:
            UserError: a file cannot be decoded; names it.
            RunFailed: a process has died.
        """
        try:
            decoded = next(self._iterator)
        except (RuntimeError, EOFError, OSError) as error:
            if not (str(error).startswith("DataLoader worker") or self._one_dies()):
                raise
            raise RunFailed(
                f"a process that decodes images has died{self._cause()}, mostly for want of "
                f"memory; lower data.workers={self._workers} or data.batch_size"
            ) from error
        if isinstance(decoded, UserError):
            raise UserError(*decoded.args)  # a new one: frames that hold what they raise leak
        return decoded

    def _one_dies(self) -> bool:
        """Whether a process is dead, or will be in a moment.

        One that is killed closes its sockets first: the batch it was handing over breaks off while
        the kernel still counts it among the living.
        """
        sentinels = [worker.sentinel for worker in self._iterator._workers]
        return bool(connection.wait(sentinels, timeout=5))

    def _cause(self) -> str:
        codes = [worker.exitcode for worker in self._iterator._workers]
        signals = [signal.Signals(-code).name for code in codes if code is not None and code < 0]
        return f" ({signals[0]})" if signals else ""


class _Decoder(TorchDataset[dict[str, Tensor] | UserError]):
    """Runs in the workers. What they raise would come wrapped in a traceback: hand it back."""

    def __init__(self, dataset: StreamableDataset) -> None:
        self._dataset = dataset

    def __getitem__(self, rows: Rows) -> dict[str, Tensor] | UserError:
        try:
            return decode_rows(self._dataset, rows)
        except UserError as error:
            return error


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """Start processes that no signal meets before they ignore it, and take back torch's handler.

    That handler of SIGCHLD would raise at whatever line the run is when a worker dies. Without it
    torch notices when it waits for the worker's batch.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGCHLD"):
        yield  # where torch sets no handler either
        return
    handler = signal.getsignal(signal.SIGCHLD)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _IGNORED)
    try:
        yield
    finally:
        if handler is not None:  # None: not set from Python, and then neither by torch
            signal.signal(signal.SIGCHLD, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _forget_half_made(error: BaseException) -> None:
    """Spare torch's iterator, which `error` left half made, an end that would fail loudly."""
    trace = error.__traceback__
    while trace is not None:
        made = trace.tb_frame.f_locals.get("self")
        if hasattr(made, "_shutdown"):
            made._shutdown = True  # type: ignore[union-attr]
        trace = trace.tb_next


def _ignore_signals(worker: int) -> None:
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)


def _kill(iterator: Any) -> None:
    """End the workers of torch's iterator.

    Its own way first waits for them; one that is stopped, or was killed while it held a lock, it
    would wait for in vain.
    """
    for worker in iterator._workers:
        worker.kill()
    for worker in iterator._workers:
        worker.join(5)
    for queue in (*iterator._index_queues, iterator._worker_result_queue):
        queue.cancel_join_thread()
        queue.close()
    signal_handling._remove_worker_pids(id(iterator))
    iterator._worker_pids_set, iterator._shutdown = False, True
