"""Recording what a device is asked to do, as a CUDA graph."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


class Recorder:
    """Makes CUDA graphs on one device, all in one pool of memory."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    @contextmanager
    def apart(self) -> Iterator[None]:
        """On the stream that is recorded: autograd remembers where it has been."""
        current = torch.cuda.current_stream(self.device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            yield
        current.wait_stream(self._stream)

    @contextmanager
    def waits(self) -> Iterator[list[str]]:
        """Afterwards, the lines of code at which the host has waited for the device."""
        found: list[str] = []
        before = torch.cuda.get_sync_debug_mode()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                yield found
            finally:
                torch.cuda.set_sync_debug_mode(before)
        waited = (w for w in caught if "synchronizing CUDA operation" in str(w.message))
        found += [f"{Path(w.filename).name}:{w.lineno}" for w in waited]

    def frozen(self) -> Tensor:
        """The state of random numbers that would be the same in each replay."""
        return torch.default_generator.get_state()

    def record(self, work: Callable[[], T]) -> tuple[T, Callable[[], None]]:
        """What `work` gives, tensors that hold nothing before the first replay; and the replay.

        Raises:
            RuntimeError: it does what cannot be recorded.
        """
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
                given = work()
        except RuntimeError:
            # the generator would wait for the end of the recording for ever
            generator = torch.cuda.default_generators[self.device.index]
            generator.graphsafe_set_state(generator.clone_state())
            raise
        return given, graph.replay
