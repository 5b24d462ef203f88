"""Which remedies keep a small GAN from losing modes, on Gaussians in the plane.

    python benchmarks/modes.py --out docs/modes
    python benchmarks/modes.py --out trial --remedies gan unrolled --seeds 2 --steps 500

Trains each remedy on each dataset over several seeds, one run after the other through the same
parts as `gan-train`. Writes OUT-ring.png, OUT-grid.png, every run's figures in OUT.json and the
table in OUT.md; the rest of a page that is there already stays. Runs lie in --runs. One that is
there with the same settings is not made again, so the study can be cut off and gone on with.
"""

import argparse
import itertools
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import torch
from matplotlib.figure import Figure
from torch import Tensor
from tqdm import tqdm

from benchmarks.common import compose_config
from gan_cli.data.gaussians import Gaussians
from gan_cli.games.requests import Request
from gan_cli.metrics.modes import gaussian_coverage
from gan_cli.runs import train as runs

DATASETS = {"ring": "gaussians", "grid": "gaussians_grid"}

# Two latent dimensions, and a G that learns faster than D: it runs from mode to mode. The weights'
# mean (EMA) is left out, for it would blur where G is.
SETTING = [
    "model=vanilla",
    "ema=null",
    "model.latent_dim=2",
    "model.reuse_fakes=false",
    "data.batch_size=128",
    "model.generator.hidden=[128,128,128]",
    "model.generator.activation=relu",
    "model.generator.output=linear",
    "model.discriminator.hidden=[128,128,128]",
    "model.discriminator.activation=relu",
    "model.discriminator.dropout=0",
    "optimizer.generator.lr=1e-3",
    "optimizer.discriminator.lr=3e-4",
    "optimizer/schedule=cosine",  # points gather at the modes while the rates fall
    "trainer.device=cpu",
    "trainer.sample_every=0",
    "trainer.checkpoint_every=0",
    "trainer.log_every=250",
    "trainer.health=false",
]
# The rates and memory that R1 with R2 and the Wasserstein loss are trained with: D as fast as G.
EVEN = "optimizer.betas=[0,0.9] optimizer.discriminator.lr=1e-3"

REMEDIES = {
    "gan": "",
    "gan_even_rates": EVEN,  # what r1_r2 is to be held against
    # a step of it takes five times as long
    "unrolled": "tricks=[unrolled] model.unrolled_steps=3 trainer.steps=8000",
    "wgan_gp": (  # weight as in the authors' toy
        f"{EVEN} loss=wasserstein tricks=[gradient_penalty] tricks.gradient_penalty.weight=0.1 "
        "model.n_critic=2"
    ),
    "r1_r2": f"{EVEN} tricks=[r1_r2] tricks.r1.weight=0.02 tricks.r2.weight=0.02",
    "r1": f"{EVEN} tricks=[r1] tricks.r1.weight=0.02",
    "minibatch_discrimination": (
        "tricks=[minibatch_discrimination] tricks.minibatch_discrimination.kernels=4"
    ),
}

SAMPLES = 2500
START, END = "<!-- table: benchmarks/modes.py -->", "<!-- end of table -->"


class Job(NamedTuple):
    """One run."""

    dataset: str
    remedy: str
    seed: int
    steps: int

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.dataset}-{self.remedy}-{self.seed}-{self.steps}"

    @property
    def overrides(self) -> list[str]:
        """What makes a config of it; a later value of a key replaces an earlier one."""
        given = [
            *(f"data={DATASETS[self.dataset]}", f"name={self.remedy}", f"seed={self.seed}"),
            *(*SETTING, f"trainer.steps={self.steps}", *REMEDIES[self.remedy].split()),
        ]
        return list({item.partition("=")[0]: item for item in given}.values())


def points_of(job: Job, folder: Path) -> Tensor:
    """What the trained G of a job makes, [SAMPLES, 2]; trains it where that was not done yet.

    Raises:
        SystemExit: a signal ended the training.
    """
    file = folder / "points.pt"
    if file.exists():
        saved = torch.load(file)
        if saved["overrides"] == job.overrides:
            return saved["points"]
    shutil.rmtree(folder, ignore_errors=True)  # cut off, or of other settings
    folder.mkdir(parents=True)
    trainer = runs.run_training(compose_config(job.overrides), folder)
    if trainer.outcome != "finished":
        sys.exit(f"{folder}: {trainer.outcome}; called again, the study goes on with this run")
    request = trainer.game.complete(Request(SAMPLES, job.seed))
    points = trainer.draw(request).made.flatten(1)  # [N, 2, 1, 1] -> [N, 2]
    torch.save({"overrides": job.overrides, "points": points}, file)
    return points


def gaussians(dataset: str) -> Gaussians:
    """The data whose modes are counted."""
    return Gaussians("ring") if dataset == "ring" else Gaussians("grid", n_classes=25)


def references(data: Gaussians) -> dict[str, Tensor]:
    """What the figures are to be held against, [SAMPLES, 2] each."""
    reach = data.centres.abs().max()
    source = torch.Generator().manual_seed(0)
    return {
        "real points": data.load()["image"][:SAMPLES].flatten(1),
        "uniform square": reach * (2 * torch.rand(SAMPLES, 2, generator=source) - 1),
    }


def table(found: Mapping[Job, Tensor]) -> str:
    """Remedies against datasets; means over seeds, and the range of modes hit."""
    lines = [
        "| data | remedy | seeds | modes hit (least-most) | share within 3 sigma | reverse KL |",
        "|---|---|---|---|---|---|",
    ]
    for dataset in dict.fromkeys(job.dataset for job in found):
        data = gaussians(dataset)
        groups = {name: [points] for name, points in references(data).items()}
        for job in found:
            if job.dataset == dataset:
                groups.setdefault(f"`{job.remedy}`", []).append(found[job])
        for name, group in groups.items():
            seeds = [gaussian_coverage(points, data.centres, data.std) for points in group]
            hit = [coverage.modes_hit for coverage in seeds]
            lines.append(
                f"| {dataset} of {len(data.centres)} | {name} | {len(seeds)} "
                f"| {mean(hit):.1f} ({min(hit)}-{max(hit)}) "
                f"| {mean(coverage.high_quality for coverage in seeds):.2f} "
                f"| {mean(coverage.reverse_kl for coverage in seeds):.2f} |"
            )
    return "\n".join(lines)


def figure(dataset: str, panels: Mapping[str, Tensor]) -> Figure:
    """What each remedy's G makes, over real points."""
    drawn = Figure(figsize=(2.4 * len(panels), 2.7), layout="constrained")
    real = gaussians(dataset).load()["image"][:2000].flatten(1)
    for axes, (remedy, points) in zip(
        drawn.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        axes.scatter(real[:, 0], real[:, 1], s=6, color="#b8b8b8", linewidths=0)
        axes.scatter(points[:, 0], points[:, 1], s=2, color="#d1495b", alpha=0.5, linewidths=0)
        axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), xticks=[], yticks=[], aspect="equal")
        axes.set_title(remedy.replace("_", " "), fontsize=9)
    return drawn


def figures(found: Mapping[Job, Tensor]) -> list[dict[str, object]]:
    """Every run: what it was and what its points came to."""
    listed = []
    for job, points in found.items():
        data = gaussians(job.dataset)
        coverage = gaussian_coverage(points, data.centres, data.std)
        listed.append(job._asdict() | {"overrides": job.overrides} | coverage._asdict())
    return listed


def write(out: Path, found: Mapping[Job, Tensor]) -> None:
    """The table into the page at OUT.md; figures of all runs, images of the first seed, beside."""
    out.parent.mkdir(parents=True, exist_ok=True)
    block = f"{START}\n{table(found)}\n{END}"
    page = out.with_suffix(".md")
    text = page.read_text(encoding="utf-8") if page.exists() else f"# Modes kept\n\n{block}\n"
    text = re.sub(f"{START}.*{END}", lambda _: block, text, flags=re.DOTALL)
    page.write_text(text, encoding="utf-8")
    listed = json.dumps({"samples": SAMPLES, "runs": figures(found)}, indent=2)
    out.with_suffix(".json").write_text(listed + "\n", encoding="utf-8")
    for dataset in {job.dataset for job in found}:
        panels = {
            job.remedy: points
            for job, points in found.items()
            if job.dataset == dataset and job.seed == 0
        }
        if panels:
            drawn = figure(dataset, panels)
            drawn.savefig(out.with_name(f"{out.name}-{dataset}.png"), dpi=110)


def study(jobs: Iterable[Job], folder: Path, out: Path) -> None:
    """Do all jobs and write what came of them, anew after each seed."""
    found: dict[Job, Tensor] = {}
    for _, same_seed in itertools.groupby(tqdm(list(jobs), unit="run"), lambda job: job.seed):
        found |= {job: points_of(job, folder / job.name) for job in same_seed}
        write(out, found)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("docs/modes"), help="page and images")
    parser.add_argument("--runs", type=Path, default=Path("outputs/modes"), help="where runs lie")
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0 to one less")
    parser.add_argument("--steps", type=int, default=10_000, help="updates of G")
    parser.add_argument("--remedies", nargs="+", choices=REMEDIES, default=list(REMEDIES))
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    given = parser.parse_args(arguments)
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)  # networks this small only wait for each other's threads
    jobs = (
        Job(dataset, remedy, seed, given.steps)
        for seed in range(given.seeds)  # outermost: all remedies are equally far when cut off
        for dataset in given.datasets
        for remedy in given.remedies
    )
    study(jobs, given.runs, given.out)


if __name__ == "__main__":
    main()
