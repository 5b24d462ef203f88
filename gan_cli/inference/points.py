"""What is known of the data behind a game of 2-D points."""

from collections.abc import Mapping, Sequence
from typing import Any

from gan_cli.config.checkpointed import relink, trusted_in_checkpoint
from gan_cli.config.reader import read
from gan_cli.data.gaussians import Gaussians
from gan_cli.errors import UserError
from gan_cli.games.two_player import POINTS_SHOWN


def known_mixture(content: Mapping[str, Any], trust: Sequence[str]) -> Gaussians | None:
    """The mixture that a checkpoint's game was trained on, of as many points as a plot shows.

    Args:
        content: what `sinks.checkpoint.load` read.
        trust: packages, besides this one, whose classes its config may name.

    Returns:
        None where the data is something else, or says what cannot be obeyed.
    """
    try:
        config = relink(content["config"], content["links"])
        settings = read(config, trusted_in_checkpoint(trust), ("optimizer", "logger"))
        dataset = settings.data.dataset
        return dataset.build(limit=POINTS_SHOWN) if dataset.cls is Gaussians else None
    except UserError:  # a class of the person's own, which drawing has no need of
        return None
