"""Going on from a checkpoint: what may differ, and what is said about it."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from gan_cli.config.checkpointed import relink
from gan_cli.config.reader import leaves
from gan_cli.engine.per_rank import count_of
from gan_cli.engine.trainer import Trainer
from gan_cli.errors import UserError
from gan_cli.paths import conf_folder
from gan_cli.sinks.checkpoint import load_newest
from gan_cli.sinks.saved import saved_in

log = logging.getLogger(__name__)

FREE = (
    "trainer.",
    "evaluation.",
    "name",
    "resume",
    "trust",
    "data.root",
    "data.download",
    "data.workers",
    "data.memory_limit",
    "data.cache",
    "data.room",
)
"""Keys nobody needs to be told about."""
SHAPE = ("data.image_size", "data.channels", "data.n_classes")
"""Besides the model and every class named, keys that decide the shape of what was learnt."""
HABITS = (
    "model.n_critic",
    "model.generator_batch_multiple",
    "model.reuse_fakes",
    "model.unrolled_steps",
)
"""Keys of the model that can change under way."""
ABSENT = "nothing"


def write_config(target: Path, path: Path) -> dict[str, Any]:
    """Write the primary config of a run that goes on from `target`, and return the checkpoint.

    It goes on in its own folder and curves. An older checkpoint of a run, or one that lies
    elsewhere, begins a run of its own, so that nothing that came after it is lost.

    Raises:
        UserError: there is no good checkpoint.
    """
    checkpoint, saved = load_newest(target)
    config = relink(saved["config"], saved["links"])
    defaults = [
        "_self_",
        *({f"override hydra/{kind}_logging": "plain"} for kind in ("job", "hydra")),
    ]
    folder = "outputs/runs/${now:%Y-%m-%d}/${now:%H-%M-%S}-${name}"
    if checkpoint.parent.name == "checkpoints" and (
        target.is_dir() or checkpoint == saved_in(checkpoint.parent)[-1]
    ):
        folder = str(checkpoint.parent.parent.absolute())
    settings = {
        "job": {"name": "train"},
        "run": {"dir": folder},
        "output_subdir": None,
        "callbacks": {"start": {"_target_": "gan_cli.cli.start.NoteFolders"}},
        "searchpath": [f"file://{conf_folder()}"],
    }
    whole = OmegaConf.merge({"defaults": defaults}, config, {"hydra": settings})
    path.write_text(OmegaConf.to_yaml(whole), encoding="utf-8")
    return saved


def compare(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Say what a resumed run does differently.

    Raises:
        UserError: it is another model; all keys that differ are listed.
    """
    old, new = dict(leaves(before)), dict(leaves(now))
    fatal = {}
    for key in sorted(old.keys() | new.keys()):
        was, becomes = old.get(key, ABSENT), new.get(key, ABSENT)
        if was == becomes or key.startswith(FREE):
            continue
        if key.startswith("logger."):
            if ABSENT not in (was, becomes):
                said = "%s was %s and is %s from here on; give it to have it otherwise"
                log.info(said, key, was, becomes)
            continue
        fixed = ABSENT in (was, becomes) and not key.startswith(("optimizer.", *HABITS))
        if fixed or _decides_shape(key):
            fatal[key] = f"{key}: the checkpoint has {was}, this run asks for {becomes}"
        else:
            log.info("%s was %s and is %s from here on", key, was, becomes)
    if fatal:
        raise UserError("another model cannot go on from this checkpoint:", *fatal.values())


def _decides_shape(key: str) -> bool:
    return (
        key.endswith("_target_") or key in SHAPE or (key.startswith("model.") and key not in HABITS)
    )


def restore(trainer: Trainer, saved: Mapping[str, Any], fingerprint: str) -> None:
    """Put the trainer where the checkpoint was made.

    Raises:
        UserError: the state does not fit the networks the config describes.
    """
    if saved["fingerprint"] != fingerprint:
        log.warning(
            "the data has changed: the checkpoint was trained on %s, this is %s",
            *(saved["fingerprint"], fingerprint),
        )
    try:
        trainer.load_state_dict(saved["state"])
    except (RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise UserError(
            f"the checkpoint's state does not fit its own config: {str(error).splitlines()[0]}"
        ) from error
    before, now = count_of(saved["state"]), trainer.ranks.size
    if before != now:
        log.info(
            "the checkpoint is of %d process%s and %d go%s on: from here it is another run",
            *(before, "" if before == 1 else "es", now, "es" if now == 1 else ""),
        )
    trainer.last_report = saved["metrics"]
    trainer.seconds = saved["seconds"]
