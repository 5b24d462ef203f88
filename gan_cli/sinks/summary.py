"""summary.json: how a run ended."""

import json
import platform
import resource
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import torch

from gan_cli.files import write_whole
from gan_cli.health.symptoms import Watch
from gan_cli.sinks.best import Best
from gan_cli.sinks.checkpoint import Checkpoints
from gan_cli.sinks.sink import FinalSink, Run


class Summary(FinalSink):
    """Written once, when the run closes, however it ended.

    Args:
        path: the file.
        checkpoints: knows the newest.
        best: knows the best, where one is kept.
        watch: knows what was warned of.
        parameters: how many parameters each network has.
        device: what the run computes on.
        images: real images seen before this part of the run.
    """

    def __init__(
        self,
        path: Path,
        checkpoints: Checkpoints,
        best: Best | None,
        watch: Watch,
        parameters: Mapping[str, int],
        device: torch.device,
        images: int,
    ) -> None:
        super().__init__()
        self.path, self.checkpoints, self.best, self.watch = path, checkpoints, best, watch
        self.parameters, self.device = dict(parameters), device
        self._began, self._images = time.monotonic(), images

    def write(self, run: Run) -> None:
        """Write the file."""
        seconds = max(time.monotonic() - self._began, 1e-9)
        newest = self.checkpoints.newest
        summary = {
            "step": run.step,
            "reason": run.outcome,
            "metrics": run.last_report,
            "returns": {run.returns: run.last_report.get(run.returns)} if run.returns else {},
            "images_per_second": round((run.images - self._images) / seconds, 1),
            "seconds": round(seconds, 1),
            "checkpoint": newest and str(newest.relative_to(self.path.parent)),
            "best": self._best(),
            "warnings": {symptom.name: step for symptom, step in self.watch.found.items()},
            "parameters": self.parameters,
            "device": device_name(self.device),
            "versions": versions(),
            "peak_memory_bytes": peak_memory(self.device),
        }
        write_whole(self.path, (json.dumps(summary, indent=2) + "\n").encode())

    def _best(self) -> dict[str, float | str] | None:
        if self.best is None or self.best.value is None:
            return None
        return {
            "step": self.best.step,
            self.best.scalar: self.best.value,
            "checkpoint": str(self.best.path.relative_to(self.path.parent)),
        }


def is_finished(path: Path, step: int) -> bool:
    """Whether a summary says that its run finished at `step`; a damaged one says nothing."""
    try:
        summary = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    if not isinstance(summary, dict):
        return False
    return (summary.get("reason"), summary.get("step")) == ("finished", step)


def versions() -> dict[str, str]:
    """What the run is made with."""
    packages = ("gan-cli", "torch", "torchvision")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def device_name(device: torch.device) -> str:
    """The device as a person knows it."""
    if device.type == "cuda":
        return f"{device}: {torch.cuda.get_device_name(device)}"
    return f"{device.type} with {torch.get_num_threads()} threads"


def peak_memory(device: torch.device) -> int:
    """Most bytes held at once: on the GPU where there is one, else by the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
