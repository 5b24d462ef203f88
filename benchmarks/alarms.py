"""How often the health warnings are right: on runs that fall ill and on runs that do not.

    python benchmarks/alarms.py --out docs/health.md

Trains each kind of run over several seeds through `gan-train`, measures it with `gan-evaluate`, and
writes the rates and the runs into the page. Runs lie in --runs, and one that is there is not made
again. Warnings are read off its metrics.jsonl, so that thresholds can be tried without training.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from gan_cli.cli import evaluate, train
from gan_cli.health.symptoms import (
    COLLAPSE,
    DROPPING,
    OVERFITTING,
    OVERPOWERING,
    SYMPTOMS,
    VANISHING,
    Symptom,
    Watch,
)
from gan_cli.sinks.jsonl import read_reports

START, END = "<!-- table: benchmarks/alarms.py -->", "<!-- end of table -->"

RING = (
    "data=gaussians data.batch_size=128 model=vanilla trainer.steps=2000 trainer.log_every=50 "
    "model.generator.hidden=[64,64] model.discriminator.hidden=[64,64] "
    "model.discriminator.dropout=0"
)
WIDTHS = "model.generator.width=24 model.discriminator.width=24"
CONVOLUTIONS = f"{WIDTHS} trainer.steps=800 trainer.log_every=40"
CRITIC = (
    f"{CONVOLUTIONS} model.n_critic=1 optimizer.lr=2e-3 optimizer.betas=[0,0.99] "
    "tricks.gradient_penalty.every=4"
)
"""Fast enough to be grown up by then."""
PERCEPTRONS = (
    "model.generator.hidden=[128,256] model.discriminator.hidden=[128,64] trainer.steps=2000 "
    "trainer.log_every=40"
)
MINIMAX = "loss=minimax optimizer.discriminator.lr=2e-3"
COLLAPSED = 1.0
"""Nats of `class_kl` or `reverse_kl` from which samples count as collapsed: of ten classes made
equally often, as if fewer than four were left."""


D_WINS = frozenset({OVERPOWERING})
G_STARVES = frozenset({OVERPOWERING, VANISHING})
BY_HEART = frozenset({OVERFITTING})


class Kind(NamedTuple):
    """Runs that differ in their seed alone.

    Attributes:
        overrides: what makes one.
        made: what it is made to suffer from. Collapse is measured instead, in every run.
    """

    overrides: str
    made: frozenset[Symptom] = frozenset()


KINDS = {
    "ring": Kind(RING),
    "ring, fast D": Kind(f"{RING} optimizer.discriminator.lr=2e-3"),
    "ring, fast G": Kind(f"{RING} optimizer.generator.lr=2e-3"),
    "ring, minimax": Kind(f"{RING} {MINIMAX}"),
    "ring, R1": Kind(f"{RING} tricks=[r1] optimizer.lr=1e-3"),
    "dcgan": Kind(f"model=dcgan {CONVOLUTIONS}"),
    "dcgan, fast G": Kind(f"model=dcgan {CONVOLUTIONS} optimizer.generator.lr=2e-3"),
    "dcgan, both fast": Kind(f"model=dcgan {CONVOLUTIONS} optimizer.lr=1e-2"),
    "dcgan, D hardly learns": Kind(f"model=dcgan {CONVOLUTIONS} optimizer.discriminator.lr=1e-6"),
    "dcgan, D far ahead": Kind(
        f"model=dcgan {CONVOLUTIONS} optimizer.discriminator.lr=2e-3 optimizer.generator.lr=1e-5",
        D_WINS,
    ),
    "dcgan, minimax": Kind(f"model=dcgan {CONVOLUTIONS} {MINIMAX}", G_STARVES),
    "dcgan, 40 images": Kind(f"model=dcgan {CONVOLUTIONS} data.limit=40", BY_HEART),
    "lsgan": Kind(f"model=lsgan {CONVOLUTIONS}"),
    "vanilla": Kind(f"model=vanilla {PERCEPTRONS}"),
    "cgan": Kind(f"model=cgan {PERCEPTRONS}"),
    "vanilla, fast G": Kind(f"model=vanilla {PERCEPTRONS} optimizer.generator.lr=1e-2"),
    "vanilla, minimax": Kind(
        f"model=vanilla {PERCEPTRONS} {MINIMAX} model.discriminator.dropout=0",
        G_STARVES,
    ),
    "vanilla, 40 images": Kind(
        f"model=vanilla {PERCEPTRONS} data.limit=40 model.discriminator.dropout=0",
        BY_HEART,
    ),
    "the default": Kind("trainer.steps=2000"),
    "dcgan_r1": Kind("model=dcgan_r1 trainer.steps=2000"),
    "wgan_gp": Kind(f"model=wgan_gp {CRITIC}"),
    "wgan_gp, 40 images": Kind(f"model=wgan_gp {CRITIC} data.limit=40", BY_HEART),
}


class Case(NamedTuple):
    """What came of a run."""

    kind: str
    seed: int
    ill: set[Symptom]
    said: set[Symptom]
    spread: float
    """Its `class_kl` or `reverse_kl`, in nats."""


def make(kind: str, seed: int, folder: Path) -> None:
    """Train and measure a run, where that was not done yet."""
    if (folder / "evaluation.json").is_file():
        return
    quiet = ["trainer.sample_every=0", "trainer.checkpoint_every=0", "trainer.device=cpu"]
    overrides = [*KINDS[kind].overrides.split(), *quiet, f"seed={seed}"]
    for command, arguments in (
        (train, [*overrides, f"hydra.run.dir={folder}"]),
        (evaluate, [f"checkpoint={folder}", "count=500", "ema=false", "device=cpu"]),
    ):
        try:
            command.main(arguments)
        except SystemExit as left:
            if left.code:
                sys.exit(f"{kind}, seed {seed}: exit code {left.code}")


def read(kind: str, seed: int, folder: Path) -> Case:
    """Hold what a run's warnings say against what it is."""
    watch = Watch()
    for report in read_reports(folder / "metrics.jsonl", step=10**9):
        watch.read(int(report["step"]), report)
    values = json.loads((folder / "evaluation.json").read_text())["metrics"]
    spreads = [v["value"] for v in values if v["name"] in ("class_kl", "reverse_kl")]
    ill = {COLLAPSE} if spreads[0] > COLLAPSED else set()
    # one illness, seen in two ways
    said = {COLLAPSE if symptom is DROPPING else symptom for symptom in watch.found}
    return Case(kind, seed, ill | KINDS[kind].made, said, spreads[0])


def rates(cases: Sequence[Case]) -> str:
    """Of each warning: how often it comes where it should not, and fails to where it should."""
    lines = [
        "| warning | false alarms | misses |",
        "|---|---|---|",
    ]
    for symptom in (COLLAPSE, VANISHING, OVERPOWERING, OVERFITTING):
        well = [case for case in cases if symptom not in case.ill]
        ill = [case for case in cases if symptom in case.ill]
        false = sum(symptom in case.said for case in well)
        missed = sum(symptom not in case.said for case in ill)
        lines.append(f"| {symptom.name} | {false} of {len(well)} | {missed} of {len(ill)} |")
    return "\n".join(lines)


def listing(cases: Sequence[Case]) -> str:
    """Run by run."""

    def names(symptoms: set[Symptom]) -> str:
        return ", ".join(s.name for s in SYMPTOMS if s in symptoms)

    lines = ["| run | seed | KL in nats | is | was told |", "|---|---|---|---|---|"]
    lines += [
        f"| {c.kind} | {c.seed} | {c.spread:.2f} | {names(c.ill)} | {names(c.said)} |"
        for c in cases
    ]
    return "\n".join(lines)


def write(page: Path, cases: Sequence[Case]) -> None:
    """Put what was found between the marks of the page; the rest of it stays."""
    block = f"{START}\n{rates(cases)}\n\n{listing(cases)}\n{END}"
    text = page.read_text(encoding="utf-8") if page.exists() else f"# Health\n\n{block}\n"
    page.write_text(
        re.sub(f"{START}.*{END}", lambda _: block, text, flags=re.DOTALL), encoding="utf-8"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("docs/health.md"), help="the page")
    parser.add_argument("--runs", type=Path, default=Path("outputs/alarms"), help="where runs lie")
    parser.add_argument("--seeds", type=int, nargs="+", default=[4], help="a run of each kind")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    given = parser.parse_args(arguments)
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)  # networks this small only wait for each other's threads
    cases = []
    for seed in given.seeds:
        for kind in given.kinds:
            folder = given.runs.absolute() / f"{kind}-{seed}".replace(", ", "-").replace(" ", "_")
            make(kind, seed, folder)
            cases.append(read(kind, seed, folder))
            write(given.out, cases)


if __name__ == "__main__":
    main()
