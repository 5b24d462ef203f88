"""Recording what a device is asked to do, as a CUDA graph."""

import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy
import torch

T = TypeVar("T")


class Recorder:
    """Makes CUDA graphs on one device, all in one pool of memory."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._stream = torch.cuda.Stream(device)
        self.begin_anew()

    def begin_anew(self) -> None:
        """The graphs so far are gone; a pool that none holds any more cannot be used again."""
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

    def frozen(self) -> tuple[Any, ...]:
        """The states of random numbers that would be the same in each replay."""
        numpy_state = numpy.random.get_state(legacy=False)
        torch_state = torch.default_generator.get_state().tolist()
        return torch_state, random.getstate(), repr(numpy_state)

    def record(self, work: Callable[[], T]) -> tuple[T, Callable[[], None]]:
        """What `work` gives, tensors that hold nothing before the first replay; and the replay.

        Raises:
            RuntimeError: it does what cannot be recorded.
        """
        graph, before = torch.cuda.CUDAGraph(), torch.cuda.current_stream(self.device)
        try:
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
                given = work()
        except RuntimeError:
            torch.cuda.set_stream(before)  # a capture that fails can leave its own
            # the generator would wait for the end of the recording for ever
            generator = torch.cuda.default_generators[self.device.index]
            generator.graphsafe_set_state(generator.clone_state())
            raise
        return given, graph.replay
