"""Which recipe makes the best images in a given time: metrics at marks of training time.

    python benchmarks/quality.py --recipes recipes.yaml --minutes 1 2 4 --seeds 0 1
    python benchmarks/quality.py --with data=mnist --recipe "plain:" "hinge: loss=hinge" \\
        --steps 500 1000 2000

A recipe is a name and overrides of `gan-train`; a YAML holds `name: overrides` each. Each is
trained at each seed towards the last mark, and measured at every mark as `gan-evaluate` would
measure it; that does not count as training. Minutes depend on what else the machine does;
`--core-minutes` are of the time that CPU cores spent on the training, and `--steps` of no clock.

OUT.json gets all values, OUT.md a table, OUT.png the metrics over time. Runs lie in --runs; called
again, the study leaves out the marks that were measured and goes on where it was cut off.
"""

import argparse
import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from benchmarks import common, quality_report
from benchmarks.quality_marks import RESULT, Job, Measuring, save
from gan_cli.errors import RunFailed, UserError
from gan_cli.evaluation.real_data import RealData
from gan_cli.evaluation.reference import take_reference
from gan_cli.runs.outputs import describe
from gan_cli.sinks.checkpoint import Checkpoints, load_newest, saved_in
from gan_cli.sinks.folder import run_folder

UNITS = ("minutes", "core-minutes", "steps")


@contextmanager
def named(job: Job) -> Iterator[None]:
    """Say of which recipe a mistake is."""
    try:
        yield
    except UserError as error:
        raise UserError(*(f"{job.recipe}: {line}" for line in error.problems)) from error


def do(job: Job, folder: Path) -> dict[str, Any]:
    """What came of a job: `marks`, and why it `failed` where it did; trains what is missing.

    Raises:
        SystemExit: a signal ended the training.
        UserError: a bad recipe.
    """
    file = folder / RESULT
    record = json.loads(file.read_text()) if file.is_file() else {}
    if record.get("job") != job.identity:
        if record:
            shutil.rmtree(folder)  # of other settings
        record = {"job": job.identity, "marks": [], "failed": None}
    if len(record["marks"]) < len(job.marks) and record["failed"] is None:
        with run_folder(folder):
            save(record, folder)  # whose checkpoints they are, should it be cut off early
            try:
                train(job, folder, record)
            except RunFailed as error:
                record["failed"] = str(error)
            save(record, folder)
    return record


def train(job: Job, folder: Path, record: dict[str, Any]) -> None:
    """Train from where the run stands to the last mark, and measure on the way.

    Raises:
        SystemExit: a signal ended it; all is saved.
        RunFailed: it could not go on.
    """
    settings, dataset, device = common.open_settings(job.whole)
    trainer = common.open_trainer(settings, dataset, device)
    saved = None
    if saved_in(folder / "checkpoints"):
        saved = load_newest(folder)[1]
        trainer.load_state_dict(saved["state"])
        trainer.seconds = saved["seconds"]
    real = take_reference(RealData(dataset, settings.data.memory_limit), job.count)
    about = describe(settings, dataset, trainer.batches, saved, job.whole, {})
    every, last = settings.trainer.checkpoint_every, settings.trainer.keep_last
    trainer.sinks = [  # a mark is measured before the checkpoint it asks for is written
        Measuring(job, folder, record, trainer, real),
        Checkpoints(every, folder / "checkpoints", last, about),
    ]
    marks = ", ".join(f"{mark:g}" for mark in job.marks[len(record["marks"]) :])
    print(f"{folder}: from step {trainer.step} on, measured after {marks} {job.unit}", flush=True)
    trainer.run()
    if trainer.outcome != "finished":
        sys.exit(f"{folder}: {trainer.outcome}; called again, the study goes on with this run")


def read_recipes(file: Path | None, given: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Overrides by recipe, those of a YAML first.

    Raises:
        UserError: the YAML is no mapping of names to overrides.
    """
    found = yaml.safe_load(file.read_text(encoding="utf-8")) if file else {}
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise UserError(f"{file}: should hold `name: overrides` each, overrides as one string")
    pairs = [*found.items(), *((name, more) for name, _, more in (r.partition(":") for r in given))]
    return {str(name): tuple(shlex.split(overrides)) for name, overrides in pairs}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recipes", type=Path, help="a YAML of `name: overrides`")
    parser.add_argument(
        "--recipe", nargs="+", action="extend", default=[], metavar="NAME:OVERRIDES"
    )
    parser.add_argument("--with", default="", dest="common", help="overrides for all recipes")
    length = parser.add_mutually_exclusive_group(required=True)
    for unit in UNITS:
        length.add_argument(f"--{unit}", type=float, nargs="+", help="when to measure")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--count", type=int, default=2000, help="fakes each time")
    parser.add_argument("--out", type=Path, default=Path("outputs/quality/quality"))
    parser.add_argument("--runs", type=Path, default=Path("outputs/quality"), help="where runs lie")
    given = vars(parser.parse_args(arguments))
    unit = next(unit for unit in UNITS if given[unit.replace("-", "_")])
    marks, records = tuple(sorted(given[unit.replace("-", "_")])), []
    try:
        recipes = read_recipes(given["recipes"], given["recipe"])
        every = shlex.split(given["common"])
        jobs = [  # seeds outermost: all recipes are equally far when cut off
            Job(name, seed, (*every, *overrides), unit, marks, given["count"])
            for seed in given["seeds"]
            for name, overrides in recipes.items()
        ]
        for job in jobs:  # a mistake in the last is found before the first is trained
            with named(job):
                common.read_settings(job.whole)
        for job in jobs:
            folder = re.sub(r"[^A-Za-z0-9.-]+", "_", f"{job.recipe}-{job.seed}")
            with named(job):
                records.append(do(job, given["runs"].absolute() / folder))
            quality_report.write(given["out"], records)
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
