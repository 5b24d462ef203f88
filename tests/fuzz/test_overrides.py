"""Any value for any key, any choice of any group: a run that begins, or a line that says why."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from gan_cli.config.reader import leaves
from gan_cli.errors import UserError
from gan_cli.paths import conf_folder
from tests.conftest import Command, data_of, narrow, options
from tests.fuzz.changes import BEYOND, NUMBERS, THINGS, WORDS, as_typed
from tests.fuzz.conftest import CALM, few, survives

pytestmark = CALM

TOP = {"name": "x", "seed": 0, "ema.decay": 0.9, "ema.warm_up": True, "ema": None, "trust": []}
UNLISTED = ["hydra.verbose", "hydra.job.name", "resume", "nope", "model.nope", "optimizer.nope.lr"]
CLASSES = [
    *("gan_cli.networks.dcgan.Generator", "gan_cli.networks.mlp.Generator", "torch.nn.Linear"),
    *(
        "gan_cli.games.two_player.TwoPlayer",
        "gan_cli.games.base.Game",
        "gan_cli.data.digits.Digits",
    ),
    *("torch.optim.LBFGS", "torch.optim.Optimizer", "torch.optim.Rprop", "torch.optim.Muon"),
    *("pathlib.Path", "builtins.dict", "subprocess.Popen", "gan_cli.tricks.penalties.R1", "nope.X"),
]
SMALL = 64
"""Larger whole numbers are left to keys that say so themselves: networks are really made."""


@cache
def listed(group: str, option: str) -> dict[str, Any]:
    """The keys of a YAML file and what it says of each."""
    path = conf_folder() / group / f"{option}.yaml"
    content = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    content.pop("defaults", None)
    prefix = "" if "@package _global_" in path.read_text() else group.replace("/", ".")
    prefix = prefix and f"{prefix}."
    return {f"{prefix}{key}": value for key, value in leaves(content)}


@cache
def shipped() -> dict[str, tuple[str, Any]]:
    """What stands anywhere in the YAML, with the last part of its key, each once."""
    groups = ("model", "loss", "optimizer", "data", "tricks", "trainer", "evaluation")
    files = [listed(group, option) for group in groups for option in options(group)]
    found = [(key.rpartition(".")[2], value) for file in files for key, value in file.items()]
    small = [(k, v) for k, v in found if not isinstance(v, int | float) or abs(v) <= SMALL]
    return {repr(pair): pair for pair in small}


def said_of(last: str) -> list[Any]:
    """The values of keys that end so."""
    return [value for key, value in shipped().values() if key == last]


any_value = st.one_of(
    st.sampled_from([value for _, value in shipped().values()] + CLASSES),
    st.sampled_from([n for n in NUMBERS if n != 10**4] + BEYOND),
    st.sampled_from(WORDS + THINGS),
)
noise = st.text(alphabet="ab1=.,[]{}$()'\"\\ :@+~#é\n", max_size=12)


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A model, perhaps other groups, and a few keys: those that there are, and others."""
    model = draw(st.sampled_from(options("model")))
    chosen = {"model": model, "trainer": "default", "evaluation": "default"}
    line = [f"model={model}", *data_of(model), *narrow(model)]
    for group in ("loss", "optimizer", "data", "optimizer/schedule"):
        if draw(st.integers(0, 3)) == 0:
            chosen[group] = draw(st.sampled_from(options(group)))
            line.append(f"{group}={chosen[group]}")
    tricks = draw(st.lists(st.sampled_from(options("tricks")), max_size=2, unique=True))
    if chosen.get("data") in ("folder", "pairs", "unpaired"):
        line.append("data.root=nowhere")
    keys = {**TOP, **dict.fromkeys(UNLISTED)}
    for group, option in chosen.items():
        keys |= listed(group, option)
    for trick in tricks:
        keys |= listed("tricks", trick) | {f"tricks.{trick}.on": None}
    if tricks:
        line.append(f"tricks=[{','.join(tricks)}]")
    for _ in range(draw(st.sampled_from([1, 1, 2, 4]))):
        line.append(draw(_override(keys)))
    return line


def likely(key: str, value: Any) -> st.SearchStrategy[Any]:
    """Values such as one would try instead: of the same type, or given to the like elsewhere."""
    match value:
        case bool():
            return st.booleans()
        case int():
            return st.sampled_from([value, 1, 2, 3, 4, 7, 8, 16])
        case float():
            return st.sampled_from([value, 0.5, 1e-3, 1.0, 10.0, 0])
    return st.sampled_from([value, None, *said_of(key.rpartition(".")[2])])


@st.composite
def _override(draw: st.DrawFn, keys: Mapping[str, Any]) -> str:
    key = draw(st.sampled_from(sorted(keys)))
    parts = key.split(".")
    value = likely(key, keys[key])
    match draw(st.integers(0, 14)):
        case 10:  # a whole section
            key = ".".join(parts[: draw(st.integers(1, len(parts)))])
        case 11:
            return f"~{key}"
        case 12:
            key = f"+{key}.{draw(st.sampled_from(['x', 'on', '_target_', '_partial_', '0']))}"
        case 13:
            key = f"++{key}"
        case 14:
            return draw(noise)
        case 8 | 9 if parts[0] == "optimizer":  # of one player
            key = f"optimizer.{draw(st.sampled_from(['generator', 'discriminator']))}.{parts[-1]}"
    chosen = draw(st.one_of(value, value, any_value))
    return f"{key}={as_typed(chosen, quoted=draw(st.integers(0, 3)) < 3)}"


@pytest.fixture
def at_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs end where their config was checked and every player had its turn on made-up data."""

    def stop(folder: Path) -> Iterator[None]:
        raise UserError("enough")

    monkeypatch.setattr("gan_cli.runs.train.run_folder", stop)


@few(10)
@example(line=["+hydra.verbose.x=1"])
@given(line=command_lines())
def test_no_override_breaks_the_door(
    line: list[str], gan_train: Command, at_the_door: None, room: Callable[[], Path]
) -> None:
    here = room()
    survives(gan_train, "hydra.run.dir=run", *line)
    assert not any(here.iterdir())
