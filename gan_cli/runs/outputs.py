"""Everything a run leaves in its folder."""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from gan_cli.assembly.build import Parts, count_parameters
from gan_cli.config.schema import leaves
from gan_cli.data.batches import Batches
from gan_cli.engine.trainer import Trainer
from gan_cli.games.losses import Minimax
from gan_cli.health.advice import Setting, advise
from gan_cli.health.symptoms import Symptom
from gan_cli.sinks.best import Best
from gan_cli.sinks.checkpoint import Checkpoints, load_newest
from gan_cli.sinks.curves import Curves
from gan_cli.sinks.gallery import gallery
from gan_cli.sinks.health import Health
from gan_cli.sinks.jsonl import JsonLines
from gan_cli.sinks.progress import progress
from gan_cli.sinks.summary import Summary
from gan_cli.sinks.tensorboard import TensorBoard
from gan_cli.tricks.base import Term


def attach_sinks(
    trainer: Trainer,
    about: Mapping[str, Any],
    checked: Mapping[str, Any],
    parts: Parts,
    batches: Batches,
    folder: Path,
    best: tuple[str, bool] | None,
    earlier: Sequence[Mapping[str, float]],
) -> None:
    """Give `trainer` the sinks of everything the run is to leave in its folder.

    Args:
        trainer: built, where it goes on from.
        about: what each checkpoint says of the run: config, overrides, versions, ...
        checked: the config as checked plain values.
        parts: of the run.
        batches: where real pictures are looked up.
        folder: the run's.
        best: the scalar the best checkpoint goes by, and whether less is better; None keeps none.
        earlier: reports of a run that is gone on with.
    """
    resolved = about["config"]
    yaml = OmegaConf.to_yaml(OmegaConf.create(resolved))
    (folder / "config.yaml").write_text(yaml, encoding="utf-8")
    settings = checked["trainer"]
    tensorboard = TensorBoard(
        folder / "tensorboard",
        trainer.step,
        yaml,
        hyperparameters(resolved, keys_of(about["overrides"])),
    )
    checkpoints = Checkpoints(
        settings["checkpoint_every"], folder / "checkpoints", settings["keep_last"], about
    )
    keeper = Best(*best, folder / "checkpoints", about) if best else None
    health = Health(advisor(about["overrides"], checked, parts), earlier)
    trainer.sinks = [
        JsonLines(folder / "metrics.jsonl", trainer.step),
        checkpoints,
        *([keeper] if keeper else []),
        progress(trainer.step, trainer.steps),
        *([health] if settings["health"] else []),
        Summary(
            folder / "summary.json",
            checkpoints,
            keeper,
            health.watch,
            {name: count_parameters(network) for name, network in parts.networks.items()},
            trainer.device,
            trainer.images,
        ),
        *gallery(
            settings["sample_every"],
            folder,
            (parts.generator, parts.discriminator),
            parts.loss,
            batches,
            checked["seed"],
            trainer.step,
            tensorboard,
        ),
        Curves(folder / "curves.png", folder / "metrics.jsonl", tensorboard),
        tensorboard,  # closed after those that show in it
    ]
    trainer.rollback = lambda: trainer.load_state_dict(load_newest(folder)[1]["state"])


def advisor(
    overrides: Sequence[str], checked: Mapping[str, Any], parts: Parts
) -> Callable[[Symptom], str]:
    """What usually helps this very run against a symptom, as one line."""
    setting = Setting(
        overrides,
        slopes=any(term.double_backward for term in parts.having(Term)),
        points=parts.dataset.image_size == 1,
        saturating=isinstance(parts.loss, Minimax),
        rate=checked["optimizer"]["discriminator"]["lr"],
    )
    return functools.partial(advise, setting=setting)


def keys_of(overrides: Sequence[str]) -> list[str]:
    """The keys that were given on the command line, each once."""
    return sorted({override.partition("=")[0].lstrip("+~") for override in overrides})


def hyperparameters(config: Any, chosen: Sequence[str]) -> dict[str, bool | str | float | int]:
    """What tells this run from others, flat, for TensorBoard's HParams page.

    All keys of a config would bury the two that a sweep varies: the page gets those that were given
    on the command line, and the usual suspects.
    """
    values = dict(leaves(config)) | {"tricks": ", ".join(config["tricks"])}
    wanted = ("name", "seed", "data.batch_size", "optimizer.lr", "tricks", *chosen)
    return {
        key: value if isinstance(value := values[key], bool | int | float | str) else str(value)
        for key in dict.fromkeys(wanted)
        if key in values and not key.startswith("trainer.")  # how long, not what
    }
