"""Checkpoints whose state, fields or sizes are not what their config says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_cli.networks import mlp
from tests.conftest import Command

Edited = Callable[[Callable[[dict], object]], Path]
MILLION = 10**6
TRILLION = 10**12


def refusal(command: Command, option: str, path: Path, *more: str) -> str:
    """The one line with which a command refuses a checkpoint."""
    result = command(f"{option}={path}", *more)
    assert result.code == 2, result.err + result.out
    assert len(result.problems) == 1, result.err
    assert len(result.problems[0]) < 700
    assert not Path("samples.png").exists()
    return result.problems[0]


SIZES = [
    ("model/generator/hidden", [TRILLION]),
    ("model/generator/hidden", [MILLION, MILLION]),
    ("model/generator/hidden", [2**62, 2**62]),
    ("model/generator/hidden", [2**63]),
    ("model/generator/hidden", [2_000] * 64),
    ("model/discriminator/hidden", [TRILLION]),
    ("model/latent_dim model/generator/latent_dim", TRILLION),
    ("model/generator/n_classes model/discriminator/n_classes data/n_classes", MILLION),
    ("model/generator/n_classes model/discriminator/n_classes data/n_classes", 2**40),
    ("model/generator/image_size model/discriminator/image_size data/image_size", MILLION),
    ("model/generator/image_size model/discriminator/image_size data/image_size", 2**40),
    ("model/generator/channels", TRILLION),
]
TRICKS = [
    {"_target_": "gan_cli.tricks.layers.MinibatchDiscrimination", "kernels": TRILLION},
    {"_target_": "gan_cli.tricks.layers.MinibatchDiscrimination", "kernel_dim": 2**62},
    {"_target_": "gan_cli.tricks.pools.ExperienceReplay", "size": TRILLION},
    {"_target_": "gan_cli.tricks.pools.ExperienceReplay", "size": 2**63},
    {"_target_": "gan_cli.tricks.terms.AuxiliaryClassifier", "n_classes": TRILLION},
]


@pytest.fixture
def nothing_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks may be laid out; whoever makes real ones has come too far."""
    build = mlp.Generator.__init__

    def on_meta_alone(self: mlp.Generator, *given: Any, **named: Any) -> None:
        assert torch.empty(0).is_meta
        build(self, *given, **named)

    on_meta_alone.__annotations__ = build.__annotations__
    on_meta_alone.__wrapped__ = build  # type: ignore[attr-defined]
    monkeypatch.setattr(mlp.Generator, "__init__", on_meta_alone)


def put(content: dict, key: str, value: Any) -> None:
    *path, last = key.split("/")
    node = content["config"]
    for name in path:
        node = node[name]
    node[last] = value


@pytest.mark.parametrize(("keys", "value"), SIZES, ids=str)
def test_a_size_that_the_file_does_not_hold(
    edited: Edited, gan_sample: Command, nothing_large: None, keys: str, value: Any
) -> None:
    def change(content: dict) -> None:
        for key in keys.split():
            put(content, key, value)

    line = refusal(gan_sample, "checkpoint", edited(change))
    assert any(
        said in line for said in ("refused", "too large", "cannot be built", "n_classes", "model.")
    )


@pytest.mark.parametrize("trick", TRICKS, ids=str)
@pytest.mark.parametrize("command", ["sample", "resume"])
def test_a_trick_that_the_file_does_not_hold(
    edited: Edited,
    gan_sample: Command,
    gan_train: Command,
    nothing_large: None,
    trick: dict,
    command: str,
) -> None:
    path = edited(lambda content: put(content, "tricks", {"t": trick}))
    if command == "sample":
        refusal(gan_sample, "checkpoint", path)
    else:
        refusal(gan_train, "resume", path, "trainer.steps=5")


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(fields={}),
        lambda content: content.update(fields={"image": 5}),
        lambda content: content["fields"]["image"].update(kind="sound"),
        lambda content: content["fields"]["image"].update(kind=["image"]),
        lambda content: content["fields"]["image"].update(kind="wave", shape=[1, 256]),
        lambda content: content["fields"]["image"].update(kind="point", shape=[2, 1, 1]),
        lambda content: content["fields"]["image"].update(shape=[1, 16]),
        lambda content: content["fields"]["image"].update(shape=[1, 16, -16]),
        lambda content: content["fields"]["image"].update(shape=[3, 16, 16]),
        lambda content: content["fields"]["image"].update(shape=[1, 2**40, 2**40]),
        lambda content: content["fields"]["image"].update(shape="big"),
        lambda content: content["fields"].pop("image"),
        lambda content: content.update(state={}),
        lambda content: content["state"].pop("game"),
        lambda content: content["state"].update(game=5),
        lambda content: content["state"].update(game={}),
        lambda content: content["state"]["game"].update(more=torch.zeros(3)),
        lambda content: content["state"]["game"].pop(next(iter(content["state"]["game"]))),
        lambda content: content["state"].update(average={}),
        lambda content: content["state"].update(average=[1, 2]),
    ],
)
def test_what_does_not_belong_together(
    edited: Edited, gan_sample: Command, change: Callable[[dict], object]
) -> None:
    refusal(gan_sample, "checkpoint", edited(change))


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.update(step="x"),
        lambda state: state.update(step=-1),
        lambda state: state.update(step=None),
        lambda state: state.update(attempt="x"),
        lambda state: state.update(position="x"),
        lambda state: state.update(position=-16),
        lambda state: state.pop("players"),
        lambda state: state.update(players={}),
        lambda state: state["players"].update(generator=5),
        lambda state: state["players"]["generator"].update(state={0: {"exp_avg": 1}}),
        lambda state: state["players"]["generator"].update(state={"x": {"step": 1}}),
        lambda state: state["players"]["generator"].update(state={99: {"step": 1}}),
        lambda state: state["players"]["generator"].update(state=[1]),
        lambda state: [
            one.update(exp_avg=torch.zeros(7, 7))
            for one in state["players"]["generator"]["state"].values()
        ],
        lambda state: state.pop("average"),
    ],
)
def test_a_state_that_nobody_could_go_on_from(
    edited: Edited, gan_train: Command, change: Callable[[dict], object]
) -> None:
    path = edited(lambda content: change(content["state"]))
    refusal(gan_train, "resume", path, "trainer.steps=5")
    assert not Path("outputs").exists()


def test_more_samples_than_memory_holds(trained: Path, gan_sample: Command) -> None:
    assert "count" in refusal(gan_sample, "checkpoint", trained, f"count={TRILLION}")
    line = refusal(gan_sample, "checkpoint", trained, "count=100000", f"interpolate={MILLION}")
    assert "interpolate" in line


def test_class_names_are_no_paths(edited: Edited, gan_sample: Command) -> None:
    names = ["../../outside", "a/b", "\0", "x" * 5_000, "", ".", "\n", "\x1b[2J", "7", "8"]
    path = edited(lambda content: content.update(class_names=names))
    assert gan_sample(f"checkpoint={path}", "count=20", "out=folder/").code == 0
    assert len(list(Path("folder").glob("*.png"))) == 20
    assert gan_sample(f"checkpoint={path}", "count=20", "out=grid.png").code == 0
    assert {p.name for p in Path.cwd().iterdir()} == {"folder", "grid.png", "stranger.pt"}
