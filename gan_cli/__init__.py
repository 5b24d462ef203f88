"""gan-cli trains generative adversarial networks from YAML configs.

The commands are `gan-train` and its like; from Python, what they do is here:

    import gan_cli

    run = gan_cli.train(model="dcgan", data="digits", overrides=["trainer.steps=500"])
    game = gan_cli.load(run)
    gan_cli.to_grid(game.sample(64, seed=1)).save("grid.png")

What `__all__` names keeps its name and meaning. Mistakes raise `UserError`, one line each.
Importing this is quick: torch comes with the first name that needs it.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from gan_cli.errors import RunFailed, UserError

if TYPE_CHECKING:
    from gan_cli.library.commands import TrainedRun, evaluate, export, train
    from gan_cli.library.games import LoadedGame, load, to_grid, to_pil
    from gan_cli.metrics.values import MetricValue

__version__ = version("gan-cli")

__all__ = [
    "LoadedGame",
    "MetricValue",
    "RunFailed",
    "TrainedRun",
    "UserError",
    "__version__",
    "evaluate",
    "export",
    "load",
    "to_grid",
    "to_pil",
    "train",
]


_HOMES = {
    "library.commands": ("TrainedRun", "evaluate", "export", "train"),
    "library.games": ("LoadedGame", "load", "to_grid", "to_pil"),
    "metrics.values": ("MetricValue",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"gan_cli.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
