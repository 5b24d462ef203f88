"""What gan-export writes draws the same without gan-cli, says what it is, and is read back."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from torch import Tensor, nn

from gan_cli.errors import UserError
from gan_cli.exports import snippets
from gan_cli.exports.interface import Drawer, drawers_of
from gan_cli.inference.load import open_game
from gan_cli.networks import dcgan
from tests.conftest import Command, data_of, narrow
from tests.data.image_files import write_image
from tests.inference.test_class_names import train

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytest.importorskip("safetensors")

TINY = ["data.limit=8", "data.batch_size=4", "ema.decay=0.5"]
MODELS = ("dcgan_r1", "cgan_dcgan_r1", "pix2pix", "cyclegan", "infogan", "bigan")
WAYS = [("dcgan_r1", ""), ("cgan_dcgan_r1", ""), ("pix2pix", ""), ("cyclegan", "ab")]
WAYS += [("cyclegan", "ba")]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("exported")
    return {
        model: train(
            folder / model,
            *(f"model={model}", *data_of(model), *narrow(model), *TINY),
            *(["trainer.sample_every=2"] if model == "pix2pix" else []),
        )
        for model in MODELS
    }


def opened(run: Path, average: bool = True) -> Any:
    return open_game(run, average=average, trust=[], device=torch.device("cpu"))


def drawer(run: Path, direction: str) -> Drawer:
    loaded = opened(run)
    return drawers_of(loaded.game, loaded.class_names)[direction]


def inputs(one: Drawer, count: int) -> dict[str, Tensor]:
    source = torch.Generator().manual_seed(count)
    made: dict[str, Tensor] = {}
    for port in one.inputs:
        if port.dtype == "int64":
            made[port.name] = torch.arange(count) % 10
        else:
            made[port.name] = torch.randn(count, *port.shape, generator=source).clamp(-1, 1)
    return made


def way_of(direction: str) -> list[str]:
    return [f"direction={direction}"] if direction else []


@pytest.mark.parametrize(("model", "direction"), WAYS)
def test_onnx_draws_the_same(
    runs: dict[str, Path], gan_export: Command, model: str, direction: str
) -> None:
    run = runs[model]
    result = gan_export(f"checkpoint={run}", "out=g.onnx", *way_of(direction))
    assert result.code == 0, result.err
    assert len((result.out + result.err).splitlines()) == 1, result.out + result.err
    session = onnxruntime.InferenceSession("g.onnx")
    one = drawer(run, direction)
    for count in (1, 5):
        fed = inputs(one, count)
        (made,) = session.run(None, {name: x.numpy() for name, x in fed.items()})
        assert np.abs(made - one.network(*fed.values()).numpy()).max() < 1e-4
        assert made.shape == (count, *one.output.shape)

    # what it says of itself
    said = session.get_modelmeta().custom_metadata_map
    assert json.loads(said["output"]) == one.output.to_plain()
    assert [port["name"] for port in json.loads(said["inputs"])] == list(fed)
    assert said["step"] == "2"
    assert said["direction"] == direction
    assert str(Path(torch.__file__).parent).encode() not in Path("g.onnx").read_bytes()
    run_snippet("g.onnx.md")


@pytest.mark.parametrize("model", ["cgan_dcgan_r1", "infogan"])
def test_pt2_draws_the_same(runs: dict[str, Path], gan_export: Command, model: str) -> None:
    result = gan_export(f"checkpoint={runs[model]}", "out=g.pt2")
    assert result.code == 0, result.err
    extra = {"gan_cli.json": ""}
    draw = torch.export.load("g.pt2", extra_files=extra).module()
    one = drawer(runs[model], "")
    for count in (1, 5):
        fed = inputs(one, count)
        assert (draw(*fed.values()) - one.network(*fed.values())).abs().max() < 1e-4
    assert json.loads(extra["gan_cli.json"])["inputs"] == [p.to_plain() for p in one.inputs]
    assert str(Path(torch.__file__).parent).encode() not in Path("g.pt2").read_bytes()
    run_snippet("g.pt2.md")


def run_snippet(card: str) -> None:
    """The lines of Python on a card run."""
    (code,) = re.findall(r"```python\n(.*?)```", Path(card).read_text(), re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)
    assert len(found["made"]) in (1, 2, snippets.COUNT)
    if "pixels" in found:
        assert found["pixels"].max() > 0


@pytest.mark.parametrize("model", ["dcgan_r1", "cyclegan", "infogan", "bigan"])
def test_it_is_read_back(runs: dict[str, Path], gan_export: Command, model: str) -> None:
    """Every network that draws, as it was."""
    out = "g.safetensors" if model in ("cyclegan", "infogan") else "model/"
    result = gan_export(f"checkpoint={runs[model]}", f"out={out}")
    assert result.code == 0, result.err
    before, after = opened(runs[model]), opened(Path(out))
    assert before.game.ways.keys() == after.game.ways.keys()
    for way, one in drawers_of(before.game, before.class_names).items():
        fed = inputs(one, 3).values()
        assert torch.equal(one.network(*fed), after.game.ways[way](*fed))
    assert (after.class_names, after.step) == (list(before.class_names), 2)


def test_it_is_sampled_as_a_run(
    runs: dict[str, Path], gan_export: Command, gan_sample: Command
) -> None:
    write_image(Path("pictures/one.png"), mode="L")
    for model, more in (
        ("cgan_dcgan_r1", ["count=7", "label=[3,7]"]),
        ("cyclegan", ["input=pictures", "direction=ba"]),
        ("bigan", ["input=pictures"]),  # by an encoder that draws nothing by itself
    ):
        run = runs[model]
        assert gan_export(f"checkpoint={run}", f"out={model}/").code == 0
        for checkpoint, out in ((run, "run.png"), (model, "export.png")):
            result = gan_sample(f"checkpoint={checkpoint}", *more, f"out={out}")
            assert result.code == 0, result.err
        assert Path("run.png").read_bytes() == Path("export.png").read_bytes()


def test_the_folder_is_as_hubs_take_it(
    runs: dict[str, Path], gan_export: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs["cgan_dcgan_r1"]
    about = {"step": 2, "ema": True, "metrics": [{"name": "fid", "value": 12.5, "n": 100}]}
    (run / "evaluation.json").write_text(json.dumps(about))
    assert gan_export(f"checkpoint={run}", "out=model/", "license=cc-by-4.0").code == 0
    assert {p.name for p in Path("model").iterdir()} == {
        *("README.md", "config.json", "model.safetensors", "samples.png"),
    }
    card = Path("model/README.md").read_text()
    _, front, text = card.split("---\n", 2)
    said = yaml.safe_load(front)
    assert said["license"] == "cc-by-4.0"
    assert said["library_name"] == "gan-cli"
    assert said["pipeline_tag"] == "unconditional-image-generation"
    assert "| `fid` | 12.5 |  | 100 |" in text
    assert " model=cgan_dcgan_r1 " in text
    with Image.open("model/samples.png") as grid:
        assert grid.size[0] > grid.size[1] > 100  # a class a column
    monkeypatch.chdir("model")
    run_snippet("README.md")
    assert Path("grid.png").is_file()

    # figures of other weights are not this export's
    (run / "evaluation.json").write_text(json.dumps(about | {"step": 1}))
    assert gan_export(f"checkpoint={run}", "out=other/").code == 0
    assert "fid" not in Path("other/README.md").read_text()
    assert "license: unknown" in Path("other/README.md").read_text()
    (run / "evaluation.json").unlink()


def test_what_translates_shows_the_runs_own_sheet(
    runs: dict[str, Path], gan_export: Command
) -> None:
    assert gan_export(f"checkpoint={runs['pix2pix']}", "out=model/").code == 0
    with (
        Image.open("model/samples.png") as shown,
        Image.open(runs["pix2pix"] / "samples" / "step-00000002.png") as sheet,
    ):
        assert (np.asarray(shown) == np.asarray(sheet.convert("RGB"))).all()
    assert yaml.safe_load(Path("model/README.md").read_text().split("---\n")[1])[
        "pipeline_tag"
    ] == ("image-to-image")


def test_the_mean_of_weights_or_the_last(
    runs: dict[str, Path], gan_export: Command, gan_sample: Command
) -> None:
    run = runs["dcgan_r1"]
    for ema in (True, False):
        assert gan_export(f"checkpoint={run}", f"ema={ema}", f"out={ema}.safetensors").code == 0
        weights = opened(run, average=ema).game.generator.state_dict()
        read = opened(Path(f"{ema}.safetensors"), average=ema).game.generator.state_dict()
        assert all(torch.equal(weights[name], read[name]) for name in weights)
    result = gan_sample("checkpoint=True.safetensors", "ema=false")
    assert result.code == 2
    assert "holds the mean of weights alone" in result.err


def test_an_export_is_exported_again(runs: dict[str, Path], gan_export: Command) -> None:
    assert gan_export(f"checkpoint={runs['infogan']}", "out=model/").code == 0
    result = gan_export("checkpoint=model", "out=g.safetensors")
    assert result.code == 0, result.err


def test_paths_stay_at_home(tmp_path: Path, gan_export: Command) -> None:
    for number in range(8):
        name = ("cat", "dog")[number % 2]
        write_image(tmp_path / "secret" / "pictures" / name / f"{number}.png", seed=number)
    run = train(
        tmp_path / "run",
        *("model=cgan_dcgan", "data=folder", f"data.root={tmp_path / 'secret' / 'pictures'}"),
        *(*narrow("cgan_dcgan"), "data.image_size=8", "data.batch_size=4"),
    )
    assert gan_export(f"checkpoint={run}", "out=model/").code == 0
    config = json.loads(Path("model/config.json").read_text())["config"]
    assert config["data"]["root"] == "pictures"
    assert "Classes: 0 cat" in Path("model/README.md").read_text()
    for path in Path("model").iterdir():
        content = path.read_bytes().replace(f"data.root={tmp_path}".encode(), b"")
        assert str(tmp_path).encode() not in content, path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["out=g.onnxx"], "out=g.onnxx: end it in .onnx, .pt2, .safetensors or /"),
        (["out="], "out: name a file or a folder"),
        ([], "out"),
        (["out=there.onnx"], "there.onnx is there already; add overwrite=true"),
        (["out=noted.onnx"], "noted.onnx.md is there already; add overwrite=true"),
        (["out=full/"], "README.md is there already; add overwrite=true"),
        (["out=g.onnx", "direction=up"], "direction=up: this model goes one way"),
        (
            ["out=g.onnx", "license='do what you like'"],
            "do what you like': should be the short name",
        ),
        (["out=there.onnx/g.onnx"], "out=there.onnx/g.onnx: cannot be written"),
        (["out=g.onnx", "checkpoint=nowhere"], "nowhere: no such checkpoint"),
    ],
)
def test_a_mistake_costs_one_line(
    runs: dict[str, Path], gan_export: Command, arguments: list[str], said: str
) -> None:
    Path("there.onnx").touch()
    Path("noted.onnx.md").touch()
    Path("full").mkdir()
    Path("full/README.md").touch()
    result = gan_export(f"checkpoint={runs['dcgan_r1']}", *arguments)
    assert result.code == 2, result.out
    assert len(result.problems) == 1, result.err
    assert said in result.err
    assert {p.name for p in Path.cwd().iterdir()} == {"there.onnx", "noted.onnx.md", "full"}


def test_all_ways_go_into_one_file(runs: dict[str, Path], gan_export: Command) -> None:
    result = gan_export(f"checkpoint={runs['cyclegan']}", "out=g/", "direction=ba")
    assert result.code == 2
    assert "direction=ba: all ways go into one file; leave direction out" in result.err
    result = gan_export(f"checkpoint={runs['cyclegan']}", "out=g.onnx", "direction=up")
    assert "direction=up: should be ab or ba" in result.err


def test_a_strangers_words_are_no_markup(
    edited: Callable[[Callable[[dict], object]], Path], gan_export: Command
) -> None:
    def change(content: dict) -> None:
        content["overrides"] = ["a=```\n# big"]
        content["class_names"] = ["<b>", "![x](y)", "|", "\n# big"]
        content["config"]["trainer"]["device"] = "x\n```\n# big"
        content["config"]["name"] = "<script>`"
        content["metrics"] = {"metric/|<i>": 1.0}

    path = edited(change)
    assert gan_export(f"checkpoint={path}", "out=model/").code == 0
    card = Path("model/README.md").read_text()
    assert "\n# big" not in card
    assert card.count("```") == 2 * 4  # how to use it twice, what was typed, the config
    assert not re.search(r"(?<!\\)<(b|i|script)>", card.split("---\n", 2)[2].split("```yaml")[0])


def test_a_step_that_is_none(
    edited: Callable[[Callable[[dict], object]], Path], gan_export: Command
) -> None:
    path = edited(lambda content: content["state"].update(step="x"))
    result = gan_export(f"checkpoint={path}", "out=model/")
    assert result.code == 2
    assert "its step is damaged" in result.err


def test_overwriting(runs: dict[str, Path], gan_export: Command) -> None:
    Path("g.safetensors").touch()
    arguments = [f"checkpoint={runs['dcgan_r1']}", "out=g.safetensors", "overwrite=true"]
    assert gan_export(*arguments).code == 0
    assert Path("g.safetensors").stat().st_size > 1000


@pytest.mark.parametrize(
    ("out", "package"),
    [("g.onnx", "onnx"), ("g.onnx", "onnxscript"), ("g/", "safetensors")],
)
def test_a_missing_package(
    runs: dict[str, Path],
    gan_export: Command,
    monkeypatch: pytest.MonkeyPatch,
    out: str,
    package: str,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    result = gan_export(f"checkpoint={runs['dcgan_r1']}", f"out={out}")
    assert result.problems == [
        f"gan-export: out={out}: needs {package}; pip install 'gan-cli[export]'"
    ]


def test_a_network_that_nothing_traces(
    runs: dict[str, Path], gan_export: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = dcgan.Generator.forward

    def decide(self: dcgan.Generator, z: Tensor, y: Tensor | None = None) -> Tensor:
        x = forward(self, z, y)
        return x if float(x.sum()) > 0 else -x

    monkeypatch.setattr(dcgan.Generator, "forward", decide)
    result = gan_export(f"checkpoint={runs['dcgan_r1']}", "out=g.onnx")
    assert result.code == 2, result.out
    assert len(result.problems) == 1
    assert "this network cannot be made" in result.err


def test_a_network_of_another_kind(runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    game = opened(runs["dcgan_r1"]).game
    game.generator = nn.Identity()
    with pytest.raises(UserError, match="is no Generator, Translator or Vocoder"):
        drawers_of(game, [])
