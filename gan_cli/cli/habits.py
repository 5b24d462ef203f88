"""Keys and options typed as other tools call them, and what they are called here."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gan_cli.spelling import nearest

ELSEWHERE = {
    "optimizer.lr": ("learning_rate", "base_lr"),
    "optimizer.generator.lr": ("lr_g", "g_lr", "lrg"),
    "optimizer.discriminator.lr": ("lr_d", "d_lr", "lrd"),
    "optimizer.betas": ("beta1", "beta2", "adam_betas"),
    "trainer.steps": ("iterations", "iters", "n_iter", "max_steps", "max_iter", "total_steps"),
    "trainer.epochs": ("epoch", "n_epochs", "num_epochs", "max_epochs"),
    "trainer.precision": ("amp", "dtype"),
    "trainer.checkpoint_every": ("save_every", "save_interval", "ckpt_every"),
    "trainer.log_every": ("log_interval",),
    "trainer.sample_every": ("sample_interval",),
    "data.batch_size": ("batch", "bs", "batchsize", "batch_gpu"),
    "data.image_size": ("img_size", "imsize", "resolution", "size"),
    "data.workers": ("num_workers", "n_workers"),
    "data.root": ("data_dir", "dataroot", "data_root", "data_path"),
    "data.flip": ("mirror", "hflip"),
    "model.latent_dim": ("nz", "z_dim", "zdim", "latent", "latent_size", "noise_dim"),
    "model.n_critic": ("critic_iters", "d_steps"),
    "ema.decay": ("ema_decay", "ema_beta"),
    "hydra.run.dir": ("outdir", "output", "output_dir", "out", "save_dir", "run_dir", "logdir"),
    "resume": ("checkpoint", "ckpt", "load", "resume_from"),
    "data": ("dataset",),
    "model": ("arch", "gan"),
    "loss": ("criterion", "gan_mode", "loss_type"),
    "optimizer": ("optim", "opt"),
    "optimizer/schedule": ("scheduler", "lr_scheduler", "schedule"),
    "tricks": ("trick",),
}
"""What `gan-train` calls things, and what others do."""
HERE = {other: key for key, others in ELSEWHERE.items() for other in others}
GPU = ("gpu", "gpus", "cuda", "gpu_ids", "gpu_id", "n_gpus")
REFERENCE = re.compile(r"\$\{[\w.]+\}")
SIMILAR = 0.75
"""So like a key of its own section that this one is rather meant."""


def meant(key: str, value: str, config: Mapping[str, Any], groups: Iterable[str]) -> str:
    """How one would write this here, `optimizer.lr=1e-3`; empty where nothing is known.

    Args:
        key: as typed, which is no key; an option's dashes taken off.
        value: what it was given; empty where nothing.
        config: composed, references in place.
        groups: of config.
    """
    name = key.rpartition(".")[2].replace("-", "_").lower()
    known = [*leaves(config), "hydra.run.dir"]
    there = {*known, *groups, *config}
    plain = key.replace("-", "_").lower()
    if name in GPU and "trainer.device" in there:
        off = value.lower() in ("false", "-1", "none", "cpu") or (value == "0" and name != "gpu")
        return f"trainer.device={'cpu' if off else 'cuda'}"
    found: Sequence[str]
    if plain in there:
        found = [plain]
    elif HERE.get(name) in there or HERE.get(name, "").startswith("optimizer."):
        found = [HERE[name]] if set(config) >= {"trainer", "data"} else []
    else:
        found = [other for other in known if other.rpartition(".")[2] == name]
    return " or ".join(f"{other}={value or '...'}" for other in found)


def leaves(tree: Mapping[str, Any], above: str = "") -> list[str]:
    """Full keys of all that is a value of its own and no `${reference}`."""
    found = []
    for name, value in tree.items():
        if isinstance(value, Mapping):
            found += leaves(value, f"{above}{name}.")
        elif not REFERENCE.fullmatch(str(value)) and name != "_target_":
            found.append(f"{above}{name}")
    return found


def is_near(name: str, siblings: Iterable[str]) -> bool:
    """Whether a name is just another spelling of one beside it."""
    return "did you mean" in nearest(name, siblings, SIMILAR)
