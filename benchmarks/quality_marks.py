"""One run of a study of quality, measured at marks of its training time."""

import json
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from gan_cli.engine.trainer import Trainer
from gan_cli.evaluation.evaluator import Evaluator
from gan_cli.evaluation.reference import Reference
from gan_cli.files import write_whole
from gan_cli.games.base import Request
from gan_cli.metrics.brightness import dark_half, pixel_distance
from gan_cli.sinks.sink import Run, Sink
from gan_cli.viz.images import grid, save_png

SHOWN = 64
"""Fakes on the sheet that each mark leaves."""
RESULT = "quality.json"


class Job(NamedTuple):
    """One run, and when it is measured."""

    recipe: str
    seed: int
    overrides: tuple[str, ...]
    unit: str
    marks: tuple[float, ...]
    count: int

    @property
    def whole(self) -> list[str]:
        """All that makes a config of it; a later value of a key replaces an earlier one."""
        end = self.marks[-1]
        length = [f"trainer.steps={end:.0f}", "trainer.minutes=null"]
        if self.unit != "steps":
            length = [f"trainer.minutes={end:g}"]
        given = [*self.overrides, f"seed={self.seed}", "trainer.epochs=null", *length]
        return list({item.partition("=")[0]: item for item in given}.values())

    @property
    def identity(self) -> dict[str, Any]:
        """What measured marks have to agree with."""
        return {**self._asdict(), "overrides": self.whole, "marks": list(self.marks)}

    def reached(self, run: Run) -> int:
        """How many marks are behind a run."""
        now = run.step if self.unit == "steps" else run.seconds / 60
        return sum(mark <= now for mark in self.marks)


class Clock:
    """Adds up the time that a trainer's steps take, by the wall's clock and by the CPU's.

    Args:
        trainer: its steps are timed from now on.
        rules: whether the CPU's time is what the trainer is to count as training.
    """

    def __init__(self, trainer: Trainer, rules: bool) -> None:
        self.wall = self.cores = 0.0
        play = trainer.play

        def timed() -> Any:
            seconds, began, spent = trainer.seconds, time.monotonic(), time.process_time()
            batch = play()
            cores = time.process_time() - spent
            self.wall, self.cores = self.wall + time.monotonic() - began, self.cores + cores
            if rules:
                trainer.seconds = seconds + cores
            return batch

        trainer.play = timed  # type: ignore[method-assign]


class Measuring(Sink):
    """Measures a run at its marks and asks for a checkpoint of each.

    Args:
        job: says when.
        folder: the run's.
        record: gets what was seen, and is written to the folder.
        trainer: standing where it goes on from.
        real: what to measure against.
    """

    def __init__(
        self, job: Job, folder: Path, record: dict[str, Any], trainer: Trainer, real: Reference
    ) -> None:
        super().__init__(every=1)
        self.job, self.folder, self.record, self.real = job, folder, record, real
        self.evaluator = Evaluator(
            trainer.game,
            trainer.draw,
            real,
            count=job.count,
            seed=0,
            inception="auto",
            device=trainer.device,
        )
        self.request = trainer.game.complete(Request(SHOWN, seed=0))
        self.clock = Clock(trainer, rules=job.unit == "core-minutes")
        self.began = (trainer.step, trainer.images)

    def due(self, run: Run, last: bool) -> bool:
        """When a mark is behind that was not measured."""
        return self.job.reached(run) > len(self.record["marks"])

    def write(self, run: Run) -> None:
        """Measure, and note down what was seen and how fast it went since the last mark."""
        step, images = self.began
        metrics, held_out = measure(self.evaluator, self.real)
        found = {
            "step": run.step,
            "images": run.images,
            "seconds": run.seconds,
            "steps_per_second": (run.step - step) / self.clock.wall,
            "images_per_second": (run.images - images) / self.clock.wall,
            "cores": self.clock.cores / self.clock.wall,
            "load": os.getloadavg()[0],
            "metrics": metrics,
            "held_out": held_out,
        }
        for mark in self.job.marks[len(self.record["marks"]) : self.job.reached(run)]:
            self.record["marks"].append({"mark": mark, **found})
        save(self.record, self.folder)
        drawing = run.draw(self.request)
        if drawing.kind == "image":
            save_png(grid(drawing.made), self.folder / f"step-{run.step:08d}.png")
        self.clock.wall = self.clock.cores = 0.0
        self.began = (run.step, run.images)
        run.interrupts.saves_asked += 1


def measure(evaluator: Evaluator, real: Reference) -> tuple[dict[str, float], dict[str, float]]:
    """The metrics of fakes and of held-out reals, with those of images' brightness."""
    metrics, held_out = {}, {}
    for result in evaluator.evaluate():
        metrics |= {value.name: value.value for value in result.values}
        held_out |= {v.name: v.held_out for v in result.values if v.held_out is not None}
        if real.dataset.fields[result.field].kind == "image":
            trained, others = real.real.fields[result.field], real.held_out.fields[result.field]
            for images, into in ((result.made, metrics), (others, held_out)):
                into["dark_half"] = dark_half(images)
                into["pixel_distance"] = pixel_distance(images, trained)
    return metrics, held_out


def save(record: dict[str, Any], folder: Path) -> None:
    """Write down what is known of a run."""
    write_whole(folder / RESULT, (json.dumps(record, indent=2) + "\n").encode())
