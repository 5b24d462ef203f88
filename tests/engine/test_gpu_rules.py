"""What can be known of a GPU without one.

Between two reports nothing waits for the device. On a CPU nothing shows that it would, so what
would wait on a GPU is counted: `.item()`, `.tolist()`, `bool(tensor)`, `tensor.cpu()`, an index by
a mask and the like.

Every turn runs on a CUDA device that is not there: under `FakeTensorMode` tensors have a device and
a shape and no values, so a tensor that was left on the CPU comes out, and so does whatever asks for
a value. Nothing can be differentiated there; gradients are made up.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from gan_cli.assembly.build import build_batches, build_game, build_players, build_trainer, place
from gan_cli.assembly.game import assemble_game
from gan_cli.config.schema import Settings
from gan_cli.data.fields import Batch, Field
from gan_cli.engine.trainer import Trainer
from gan_cli.games.base import Game
from gan_cli.randomness import reseed
from gan_cli.tricks.examples import Progress
from tests.conftest import data_of, narrow, options
from tests.runs.resuming import NEEDS
from tests.settings import settings_of

CPU = torch.device("cpu")
aten = torch.ops.aten
WAITS = {
    aten._local_scalar_dense.default,
    aten.nonzero.default,
    aten.masked_select.default,
    aten.equal.default,
    aten.unique_consecutive.default,
    aten._unique2.default,
}
FETCHES = {Tensor.tolist, Tensor.numpy, Tensor.cpu, Tensor.__array__}  # no operations on a CPU


class Fetching(TorchDispatchMode):
    """Notes operations whose result has another shape or is another number for other values."""

    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self.found = found

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        masks = [i for i in args[1] if i is not None] if func is aten.index.Tensor else []
        if func in WAITS or any(i.dtype in (torch.bool, torch.uint8) for i in masks):
            self.found.append(str(func))
        return func(*args, **(kwargs or {}))


class Calling(TorchFunctionMode):
    """Notes methods that copy to where Python is."""

    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self.found = found

    def __torch_function__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in FETCHES:
            self.found.append(func.__name__)
        return func(*args, **(kwargs or {}))


@contextmanager
def fetching() -> Iterator[list[str]]:
    found: list[str] = []
    with Fetching(found), Calling(found):
        yield found


def open_trainer(settings: Settings) -> Trainer:
    """As a run on a GPU would have it, but on the CPU."""
    dataset = settings.data.dataset.build()
    dataset.prepare()
    game = place(build_game(settings, dataset.fields), CPU)
    players = build_players(settings, game)
    trainer = build_trainer(settings, game, players, build_batches(settings, dataset, CPU), CPU)
    trainer._finite.deferred = True
    return trainer


def check_waits(settings: Settings) -> None:
    trainer = open_trainer(settings)
    assert all(player.fused for player in trainer.players)
    trainer.play()  # what is allocated once may wait
    with fetching() as found:
        for _ in range(2):
            trainer.play()
    assert found == []
    with fetching() as found:
        trainer._make_report({}, last=True)
    assert found == ["aten._local_scalar_dense.default", "tolist"]  # the check, and all means


def check_devices(settings: Settings) -> None:
    dataset = settings.data.dataset.build()
    dataset.prepare()
    fields = dataset.fields
    with FakeTensorMode(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.autograd, "grad", made_up_gradients)
        with torch.device("cuda"):
            game = assemble_game(settings, fields)
            batch = {name: made_up(field) for name, field in fields.items()}
        build_players(settings, game)
        turn_all(game, batch)


def made_up(field: Field) -> Tensor:
    is_label = field.kind == "label"
    return torch.zeros(4, dtype=torch.long) if is_label else torch.rand(4, *field.shape)


def made_up_gradients(outputs: Any, inputs: Any, **options: Any) -> list[Tensor]:
    return [torch.empty_like(x) for x in ([inputs] if isinstance(inputs, Tensor) else inputs)]


def turn_all(game: Game, batch: Batch) -> None:
    for player in game.players:
        losses = game.turn(player, batch, Progress(0, 0.0, 0.0))
        for name, value in {**losses.minimise, **losses.watch}.items():
            assert value.device.type == "cuda", name
            assert value.shape == (), name


def check(*overrides: str) -> None:
    settings = settings_of(
        *("data.limit=64", "data.batch_size=8", "trainer.log_every=1000", *overrides)
    )
    check_waits(settings)
    check_devices(settings)


@pytest.mark.parametrize("model", options("model"))
def test_models(model: str) -> None:
    optimizer = (
        [] if model not in ("wgan", "vaegan") else ["optimizer=adam"]
    )  # RMSprop has no fused kernel
    check(f"model={model}", *data_of(model), *narrow(model), *optimizer)


@pytest.mark.parametrize("loss", options("loss"))
def test_losses(loss: str) -> None:
    check("model=vanilla", *narrow("vanilla"), f"loss={loss}")


@pytest.mark.parametrize("trick", options("tricks"))
def test_tricks(trick: str) -> None:
    needs = NEEDS.get(trick, [])
    model = next((n.removeprefix("model=") for n in needs if n.startswith("model=")), "dcgan")
    check(f"model={model}", *narrow(model), f"tricks=[{trick}]", *needs)


@pytest.mark.parametrize(
    "more", [["data.flip=true"], ["trainer.precision=bf16"], ["optimizer/schedule=cosine"]]
)
def test_the_rest(more: list[str]) -> None:
    check("model=dcgan", *narrow("dcgan"), *more)


@pytest.mark.parametrize(
    "fetch",
    [
        lambda x: x.sum().item(),
        lambda x: x.tolist(),
        lambda x: bool((x > 0).all()),
        lambda x: x[x > 0],
        lambda x: float(x[0]),
        lambda x: torch.nonzero(x),
    ],
)
def test_the_counter_counts(fetch: Any) -> None:
    x: Tensor = torch.randn(3)
    with fetching() as found:
        x + x
        reseed(1, 2, 3)
        assert found == []
        fetch(x)
    assert found


def test_a_number_left_on_the_cpu_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    left = "gan_cli.games.two_player.TwoPlayer._fakes_of"
    monkeypatch.setattr(left, lambda *a: torch.rand(4, 1, 16, 16))
    with pytest.raises(RuntimeError, match="device"):
        check_devices(settings_of("model=vanilla", *narrow("vanilla")))
