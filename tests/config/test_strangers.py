"""What a stranger's checkpoint may ask for: nothing but what its user would have typed.

Each file is a real checkpoint whose config was changed, digest and all.
"""

import copy
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from gan_cli.config.checkpointed import relink
from gan_cli.config.components import TRUSTED, Component
from gan_cli.config.reader import read
from gan_cli.data.digits import Digits
from gan_cli.errors import UserError
from gan_cli.networks import mlp
from gan_cli.sinks.checkpoint import load
from tests.conftest import Command

Edited = Callable[[Callable[[dict], object]], Path]
NOTES = {"_target_": "gan_cli.sinks.jsonl.JsonLines", "path": "notes", "step": 0}
BOARD = {"_target_": "gan_cli.sinks.tensorboard.TensorBoard", "folder": "notes", "step": 0}
HINGE = {"_target_": "gan_cli.games.losses.Hinge"}
R1 = {"_target_": "gan_cli.tricks.penalties.R1", "weight": 1.0}


def put(content: dict, key: str, value: Any) -> None:
    """Set a key of a checkpoint's config; numbers are places in lists."""
    node: Any = content["config"]
    *path, last = key.split("/")
    for name in path:
        node = node[int(name)] if isinstance(node, list) else node.setdefault(name, {})
    if isinstance(node, list):
        node[int(last)] = value
    else:
        node[last] = value


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def refusal(command: Command, option: str, path: Path, *more: str) -> str:
    """The one line with which a command refuses a checkpoint; it leaves everything as it was."""
    before = tree(Path.cwd())
    result = command(f"{option}={path}", *more)
    assert result.code == 2, result.err + result.out
    assert len(result.problems) == 1, result.err
    assert len(result.problems[0]) < 700
    assert tree(Path.cwd()) == before
    return result.problems[0]


def obeyed(content: dict, *overrides: str) -> Mapping[str, Any]:
    """The config of a checkpoint as far as it is obeyed, under overrides."""
    config = OmegaConf.merge(
        relink(content["config"], content["links"]), OmegaConf.from_dotlist(list(overrides))
    )
    assert isinstance(config, DictConfig)
    return read(config, TRUSTED).plain


def refused(content: dict) -> list[str]:
    """The lines with which a checkpoint's config is refused."""
    with pytest.raises(UserError) as error:
        obeyed(content)
    lines = list(error.value.problems)
    assert all(len(line) < 700 and line.isprintable() for line in lines)
    return lines


@pytest.fixture
def content(trained: Path) -> dict:
    """Of a good checkpoint."""
    return load(trained)


PLACES = [
    "model/generator/latent_dim",  # Annotated
    "model/generator/hidden",  # Annotated list
    "model/generator/hidden/0",
    "model/generator/activation",  # Literal
    "model/generator",  # another component
    "model/discriminator",
    "model/loss",
    "model",
    "loss",  # X | None
    "seed",
    "name",
    "resume",  # str | None
    "optimizer",
    "optimizer/lr",
    "optimizer/betas",
    "optimizer/betas/0",
    "optimizer/schedule",
    "optimizer/_target_",
    "data/_target_",
    "ema/_target_",
    "optimizer/generator",
    "optimizer/generator/lr",
    "tricks/t",  # a value of a dictionary
    "tricks/t/weight",
    "tricks",
    "ema",
    "ema/decay",
    "data",
    "data/limit",
    "data/split",
    "data/batch_size",
    "trainer",
    "trainer/steps",
    "trainer/device",
    "evaluation/count",
]


@pytest.mark.parametrize("place", PLACES)
def test_a_class_of_ours_where_it_has_no_place(content: dict, place: str) -> None:
    content["links"] = {}
    content["config"]["tricks"] = {"t": copy.deepcopy(R1)}
    put(content, place, NOTES)
    section = place.split("/")[0]
    assert all(section in line for line in refused(content))


@pytest.mark.parametrize("place", ["model/generator/latent_dim", "optimizer/lr", "data/limit"])
def test_a_file_that_such_a_class_would_cut_stays_as_it_is(
    edited: Edited, gan_sample: Command, gan_train: Command, place: str
) -> None:
    path = edited(lambda content: put(content, place, NOTES))
    Path("notes").write_text("mine\n")
    for command, option in ((gan_sample, "checkpoint"), (gan_train, "resume")):
        assert f"{place.replace('/', '.')}._target_" in refusal(command, option, path)


TARGETS = [
    "os.system",
    "posix.system",
    "subprocess.Popen",
    "torch.load",
    "torch.hub.load",
    "torch.nn.Linear",
    "builtins.eval",
    "builtins.dict",
    "gan_cli.files.os.system",
    "gan_cli.files.os._Environ",
    "gan_cli.files.Path",
    "gan_cli.sinks.checkpoint.torch.load",
    "gan_cli.sinks.checkpoint.Checkpoints",
    "gan_cli.sinks.tensorboard.TensorBoard",
    "gan_cli.sinks.jsonl.JsonLines",
    "gan_cli.engine.trainer.Trainer",
    "gan_cli.data.digits.Digits",
    "gan_cli.runs.train.run_training",
    "gan_cli.__main__.main",
    "gan_cli.__main__.Loss",
    "gan_cli.cli.train.main",
    "gan_cli.games.losses.Loss",  # says nothing of how
    "gan_cli.games.losses",
    "gan_cli.games.losses.",
    "gan_cli..losses.Hinge",
    ".gan_cli.games.losses.Hinge",
    "gan_cli",
    "gan_client.Hinge",
    "torch.optim.Adam",
    "torch.optim.Adam.step",
    "torch.optimizer.Adam",
    "",
    " ",
    "...",
    "gan_cli.games.losses.\0",
    "gan_cli.\0.Hinge",
    "gan_cli.games.losses.Hinge\n",
    "gan_cli.\x1b[2J\n.Hinge",
    "gan_cli." + "x" * 100_000,
    "gan_cli" + ".a" * 20_000,
    None,
    5,
    True,
    [],
    ["gan_cli.games.losses.Hinge"],
    {"_target_": "gan_cli.games.losses.Hinge"},
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: repr(target)[:60])
def test_a_loss_that_is_none(content: dict, target: Any) -> None:
    content["config"]["loss"] = None
    content["links"] = {}
    arguments = {"path": "notes", "command": "touch notes", "folder": "notes", "step": 0}
    put(content, "model/loss", {"_target_": target, **arguments})
    (line,) = refused(content)
    assert line.startswith("model.loss")
    assert list(Path.cwd().iterdir()) == []


def test_a_refusal_names_a_class_and_how_to_trust_its_package(
    edited: Edited, gan_train: Command
) -> None:
    path = edited(lambda content: put(content, "optimizer/_target_", "their_package.Optimizer"))
    line = refusal(gan_train, "resume", path)
    assert "optimizer._target_: their_package.Optimizer is refused" in line
    assert "'trust=[their_package]'" in line


@pytest.mark.parametrize(
    "bad",
    [
        ("tricks", {"last": {**R1, "weight": NOTES}}),
        ("tricks", {"last": {"_target_": "os.system"}}),
        ("optimizer/lr", -1.0),
        ("trainer/no_such", 1),
    ],
)
def test_nothing_is_made_before_everything_is_checked(
    edited: Edited,
    gan_sample: Command,
    gan_train: Command,
    monkeypatch: pytest.MonkeyPatch,
    bad: tuple[str, Any],
) -> None:
    path = edited(lambda content: put(content, *bad))
    made: list[object] = []
    build = Component.build
    monkeypatch.setattr(Component, "build", lambda self, **g: made.append(self) or build(self, **g))
    for cls in (mlp.Generator, mlp.Discriminator, Digits):
        monkeypatch.setattr(cls, "__init__", lambda self, *a, **k: made.append(self))
    refusal(gan_sample, "checkpoint", path)
    refusal(gan_train, "resume", path)
    assert made == []


NAMES = [
    "../../outside",
    "a/b",
    "/tmp/outside",
    "..",
    ".",
    ".hidden",
    "a\0b",
    "a\nb",
    "a\\b",
    "x" * 10_000,
    "",
    " ",
    "\x1b[2J",
    "${oc.env:HOME}",
    "${hydra:runtime.cwd}",
    5,
    None,
    [],
    {},
]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name)[:30])
def test_a_name_is_no_path(content: dict, name: Any) -> None:
    content["config"]["name"] = name
    assert "name" in refused(content)[0]


@pytest.mark.parametrize("name", NAMES[:4])
def test_no_folder_is_made_of_a_name_that_is_none(
    edited: Edited, gan_train: Command, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Hydra makes the run's folder before anything looks at the config."""
    path = edited(lambda content: content["config"].update(name=name))
    made: list[str] = []
    mkdir = os.mkdir

    def noting(path: str, *more: Any) -> None:
        made.append(str(path))
        mkdir(path, *more)

    monkeypatch.setattr(os, "mkdir", noting)
    assert "name" in refusal(gan_train, "resume", path, "trainer.steps=5")
    assert not [folder for folder in made if "outside" in folder or "outputs" in folder]


@pytest.mark.parametrize(
    "name",
    [*NAMES[:13], "a.b", "items", "adversarial", "forward"],
    ids=lambda name: repr(name)[:30],
)
def test_the_name_of_a_trick(content: dict, name: str) -> None:
    """It becomes part of curves' and weights' names."""
    content["config"]["tricks"] = {name: R1}
    (line,) = refused(content)
    assert line.startswith("tricks")


MNIST = {
    "_target_": "gan_cli.data.torchvision.MNIST",
    "image_size": 16,
    "channels": 1,
    "root": "elsewhere",
}
OUTLINES = {"_target_": "gan_cli.data.outlines.Outlines"}


@pytest.mark.parametrize("value", [True, 1, 1.0, "true", "yes", "on", "1", "absent"])
@pytest.mark.parametrize("links", [{}, {"data.images.download": "data.download"}])
def test_a_download_is_the_user_s_to_order(
    content: dict, value: Any, links: Mapping[str, str]
) -> None:
    own = {
        k: content["config"]["data"][k] for k in ("batch_size", "memory_limit", "workers", "flip")
    }
    download = {} if value == "absent" else {"download": value}

    # a dataset, and one within another
    content["config"]["data"] = {**MNIST, **own, **download, "n_classes": 10}
    content["links"] = {"model.loss": "loss"}
    assert obeyed(content)["data"]["download"] is False
    assert obeyed(content, "data.download=true")["data"]["download"] is True
    nested = {**OUTLINES, **own, "n_classes": 10, "images": {**MNIST, **download}}
    shared = {"download": value} if links and download else {}
    content["config"]["data"] = {**nested, **shared}
    content["links"] = {"model.loss": "loss", **links}
    if links and not download:
        return
    assert obeyed(content)["data"]["images"]["download"] is False
    told = obeyed(content, f"data.{'' if links else 'images.'}download=true")
    assert told["data"]["images"]["download"] is True


@pytest.mark.parametrize(
    ("links", "keys"),
    [
        ({"data.download": "data.flip"}, ("data/flip", "data/download")),
        ({"data.download": "trainer.health"}, ("trainer/health", "data/download")),
        ({"data.workers": "seed"}, ("seed", "data/workers")),
        ({"data.workers": "data.batch_size"}, ("data/batch_size", "data/workers")),
    ],
)
def test_links_of_a_stranger_order_nothing(
    content: dict, links: Mapping[str, str], keys: tuple[str, str]
) -> None:
    content["config"]["data"] |= MNIST
    del content["config"]["data"]["limit"]
    del content["config"]["data"]["split"]
    value = True if "download" in keys[1] else 10**6
    for key in keys:
        put(content, key, value)
    content["links"] = {"model.loss": "loss", **links}
    found = obeyed(content)["data"]
    assert found["download"] is False
    assert found["workers"] <= (os.cpu_count() or 1)
    overrides = {
        "data.flip": "true",
        "trainer.health": "true",
        "seed": "99",
        "data.batch_size": "99",
    }
    found = obeyed(content, *(f"{k}={v}" for k, v in overrides.items()))["data"]
    assert found["download"] is False
    assert found["workers"] <= (os.cpu_count() or 1)


@pytest.mark.parametrize("workers", [10**6, 1e6, "1000000"])
def test_workers_are_no_more_than_cores(content: dict, workers: Any) -> None:
    content["config"]["data"]["workers"] = workers
    assert obeyed(content)["data"]["workers"] <= (os.cpu_count() or 1)
    assert obeyed(content, "data.workers=77")["data"]["workers"] == 77


@pytest.mark.parametrize("inception", ["weights.pt", "/etc/passwd", "auto"])
def test_files_to_load_are_the_user_s_to_name(content: dict, inception: str) -> None:
    content["config"]["evaluation"]["inception"] = inception
    assert obeyed(content)["evaluation"]["inception"] == "auto"
    told = obeyed(content, "evaluation.inception=mine.pt")
    assert told["evaluation"]["inception"] == "mine.pt"
    content["config"]["evaluation"]["inception"] = "none"
    assert obeyed(content)["evaluation"]["inception"] == "none"


def test_what_it_trusts_is_not_trusted(edited: Edited, gan_train: Command) -> None:
    def change(content: dict) -> None:
        content["config"]["trust"] = ["os", "builtins"]
        content["links"] = {**content["links"], "trust": "model.generator.hidden"}
        put(content, "optimizer/_target_", "os.system")

    assert "is refused" in refusal(gan_train, "resume", edited(change), "trainer.steps=5")


SHAPES = [
    5,
    "x",
    [],
    [1],
    {"a": {"b": {}}},
    {"": 1},
    {"a.b": 1},
    {1: 2},
    {1: {2: 3}},
    2**63,
    "\ud800",
]
SECTIONS = ["data", "model", "optimizer", "trainer", "evaluation", "ema"]


@pytest.mark.parametrize("value", SHAPES, ids=ascii)
@pytest.mark.parametrize("key", [*SECTIONS, "data/workers", "trainer/steps"])
def test_sections_and_values_of_any_shape(content: dict, key: str, value: Any) -> None:
    put(content, key, value)
    if key in SECTIONS or value not in (5, 2**63):
        refused(content)


@pytest.mark.parametrize("value", ["\ud800", "a\0b", "\x85", "!!python/none", "{a: b}", "1e5", "~"])
def test_text_that_yaml_could_take_for_something_else(
    edited: Edited, gan_train: Command, value: str
) -> None:
    """It comes through as it is, here as a device that is none."""
    path = edited(lambda content: put(content, "trainer/device", value))
    assert "trainer.device" in refusal(gan_train, "resume", path)


@pytest.mark.parametrize(
    "links",
    [
        {"seed": "seed"},
        {"seed": "data.seed", "data.seed": "seed"},
        {"model": "model"},
        {"model.generator": "model"},
        {"": ""},
        {"a..b": "..", "[": "]", "data[": "seed", "seed": "${seed}"},
        {"hydra.run.dir": "name", "defaults": "name"},
        {"name": "data._target_"},
    ],
)
def test_links_of_any_shape(content: dict, links: dict) -> None:
    """They link again what is equal, and nothing else comes of them."""
    before = obeyed(content)
    content["links"].update(links)
    assert obeyed(content) == before


def test_links_in_a_circle(content: dict) -> None:
    content["links"]["data.n_classes"] = "model.generator.n_classes"  # and back
    assert refused(content) == [
        "the checkpoint's config is refused: Recursive interpolation detected"
    ]


def test_two_thousand_keys_are_refused_without_two_thousand_lines(content: dict) -> None:
    content["config"]["trainer"].update({f"k{i}": i for i in range(2_000)})
    lines = refused(content)
    assert len(lines) < 30
    assert lines[-1] == "and 1980 more"


@pytest.mark.parametrize(
    "place", ["model/generator/hidden", "optimizer/betas", "data/limit", "name", "tricks"]
)
def test_lists_in_lists(content: dict, place: str) -> None:
    nested: Any = 1
    for _ in range(60):
        nested = [nested]
    put(content, place, nested)
    refused(content)


def test_checkpoints_of_ours_are_not_refused(edited: Edited, gan_sample: Command) -> None:
    assert gan_sample(f"checkpoint={edited(lambda content: None)}").code == 0


def test_gan_evaluate_refuses_likewise(edited: Edited, gan_evaluate: Command) -> None:
    path = edited(lambda content: put(content, "model/generator/latent_dim", NOTES))
    assert "nothing with a _target_" in refusal(gan_evaluate, "checkpoint", path, "count=20")
