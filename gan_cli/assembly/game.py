"""Checked settings to a game with every trick in its place."""

from collections.abc import Mapping

from gan_cli import randomness
from gan_cli.assembly.compatibility import Placed, conflicts, fitting
from gan_cli.config.components import Component
from gan_cli.config.schema import Settings
from gan_cli.config.signatures import raise_if_any
from gan_cli.data.fields import Fields
from gan_cli.engine.player import Hooks
from gan_cli.errors import UserError
from gan_cli.games.base import Game, PlayerSpec
from gan_cli.tricks.base import STAGES, Layer, NetworkTerm, Pool, StepHook, Trick, WeightTerm


def assemble_game(settings: Settings, fields: Fields) -> Game:
    """The game of a config, initialised as its seed says, with its tricks, on the CPU.

    Args:
        settings: a run's.
        fields: its data's.

    Raises:
        UserError: what constructors refuse and what cannot go together.
    """
    # networks and tricks, all refusals together
    problems: dict[str, str] = {}
    randomness.reseed(settings.seed, "networks")
    game = _build(settings.model, problems)
    built = {name: _build(entry.trick, problems) for name, entry in settings.tricks.items()}
    raise_if_any(problems)
    assert isinstance(game, Game)
    tricks = {name: trick for name, trick in built.items() if isinstance(trick, Trick)}

    # what each trick is for
    game.bind(fields)
    placed = [
        Placed(name, trick, fitting(game, trick, settings.tricks[name].on, name))
        for name, trick in tricks.items()
    ]
    raise_if_any(
        {f"{key}: {why}": f"{key}: {why}" for key, why in conflicts(settings, game, placed)}
    )

    # layers first, in an order of their own: the others meet the networks as they will be
    randomness.reseed(settings.seed, "tricks")
    layers = [p for p in placed if isinstance(p.trick, Layer)]
    for _, trick, places in sorted(layers, key=lambda p: STAGES.index(p.trick.stage)):
        assert isinstance(trick, Layer)
        for place in places:
            trick.apply_to(game.adversary(place).network)  # type: ignore[arg-type]
    for name, trick, places in placed:
        for place in places if not isinstance(trick, StepHook) else ():
            _put(game, name, settings.tricks[name].trick.build(), place)
    return game


def step_hooks(game: Game, settings: Settings) -> Mapping[str, Hooks]:
    """What acts around each player's optimizer step, and on which parameters, by player."""
    hooks: dict[str, list] = {player: [] for player in game.players}
    for name, entry in settings.tricks.items():
        if not issubclass(entry.trick.cls, StepHook):
            continue
        hook = entry.trick.build()
        for place in fitting(game, hook, entry.on, name):
            if hook.place == "player":
                hooks[place].append((hook, game.players[place].trained))
                continue
            network = game.adversary(place).network
            trainer = next(
                player for player, spec in game.players.items() if network in spec.modules
            )
            hooks[trainer].append((hook, PlayerSpec([network]).trained))
    return hooks


def _build(component: Component, problems: dict[str, str]) -> object:
    try:
        return component.build()
    except UserError as error:
        said = str(error)
        problems.setdefault(said.partition(": ")[2], said)  # said once for both networks
        return None


def _put(game: Game, name: str, trick: Trick, place: str) -> None:
    """A trick of its own for one adversary or player."""
    if isinstance(trick, WeightTerm | NetworkTerm):
        if isinstance(trick, WeightTerm):
            trick.attach(game.players[place].parameters)
        game.weight_terms[place][name] = trick  # type: ignore[operator]
        return
    if isinstance(trick, Pool):
        trick.attach(game.shape_seen_by(place))
    game.adversary(place).add(name, trick)
