"""What gan-evaluate does: fakes and real pictures in, figures on the screen and in a file out."""

import dataclasses
import itertools
import json
import logging
import os
from pathlib import Path
from typing import Annotated

from annotated_types import Ge
from omegaconf import DictConfig

from gan_cli.assembly.build import open_device
from gan_cli.config.schema import check
from gan_cli.errors import UserError
from gan_cli.evaluation.evaluator import Examiner, make_fakes
from gan_cli.evaluation.neighbours import save_likeness
from gan_cli.evaluation.reference import Choice, open_reference
from gan_cli.games import latents as sampling
from gan_cli.inference.load import load_generator
from gan_cli.metrics.figures import table
from gan_cli.ranges import Natural
from gan_cli.sinks.checkpoint import load_newest

log = logging.getLogger(__name__)


@dataclasses.dataclass
class Evaluation:
    """The keys of conf/evaluate.yaml."""

    checkpoint: str
    count: Annotated[int, Ge(10)]  # neighbourhoods take 5 others
    seed: Natural
    ema: bool
    out: str | None
    inception: str
    device: str
    trust: list[str]
    data: Choice


def evaluate(config: DictConfig) -> Path:
    """Measure as `config` says, print it and write it; returns where.

    Raises:
        UserError: a bad key, a checkpoint or data that cannot be used, nothing to measure by.
    """
    checked = check(config, wanted=Evaluation)
    order = Evaluation(**{**checked, "data": Choice(**checked["data"])})
    device = open_device(order.device, "device")
    found, content = load_newest(Path(order.checkpoint).expanduser())
    out = Path(order.out).expanduser() if order.out else _run_folder(found) / "evaluation.json"
    _require_writable(out)
    generator = load_generator(content, average=order.ema, trust=order.trust).to(device)
    reference = open_reference(content, order.data, order.trust, order.count)
    y = sampling.spread_labels(order.count, generator.n_classes)
    fakes = make_fakes(generator, order.count, order.seed, y)
    about = {
        "checkpoint": str(found),
        "step": content["state"].get("step"),
        "ema": order.ema and content["state"].get("average") is not None,
        "seed": order.seed,
        "count": order.count,
    }
    log.info(
        "%s, step %s: %d fakes%s against %d real pictures (%s); held out: %d (%s)",
        *(found, about["step"], order.count, " from the mean of weights" if about["ema"] else ""),
        *(len(reference.images), reference.split),
        *(len(reference.held_out), reference.held_out_split),
    )
    examiner = Examiner(reference, seed=order.seed, inception=order.inception, device=device)
    figures, likeness = examiner.inspect(fakes, y)
    for extractor, group in itertools.groupby(figures, lambda figure: figure.extractor):
        log.info("%s\n%s", extractor, table(list(group)))
    whole = {**about, "figures": [dataclasses.asdict(figure) for figure in figures]}
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise _unwritable(out, error.strerror) from error
    log.info("written to %s", out)
    if likeness is not None:
        prefix = f"{out.stem}-" if order.out else ""
        for path in save_likeness(likeness, fakes, reference.images, out.parent, prefix):
            log.info("look at %s", path)
    return out


def _require_writable(out: Path) -> None:
    """Complain now rather than after minutes of measuring; nothing is made yet.

    Raises:
        UserError: `out` is a folder, or nothing can be written there.
    """
    if out.is_dir():
        raise UserError(f"out={out}: a folder; name a file, such as {out / 'evaluation.json'}")
    there = next(path for path in (out, *out.parents) if os.path.lexists(path))
    if there != out and not there.is_dir():
        raise _unwritable(out, f"{there} is no folder")
    if not os.access(there, os.W_OK):
        raise _unwritable(out, f"{there} is write-protected")


def _unwritable(out: Path, why: str | None) -> UserError:
    return UserError(f"out={out}: cannot be written ({why}); give another file")


def _run_folder(checkpoint: Path) -> Path:
    """The folder of the run a checkpoint belongs to, else that in which it lies."""
    folder = checkpoint.parent
    return folder.parent if folder.name == "checkpoints" else folder
