"""gan-sample for games that translate images, and for games with codes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Command, data_of, narrow
from tests.data.image_files import write_image, zipped
from tests.inference.test_class_names import train

TINY = ["data.limit=32", "data.batch_size=4"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of each game that is not the plain one, and a plain one."""
    folder = tmp_path_factory.mktemp("games")
    steep = {"infogan": ["optimizer.lr=0.1"]}  # so that 8 bits show what two steps made of it
    return {
        model: train(
            folder / model,
            *(f"model={model}", *data_of(model), *narrow(model), *TINY, *steep.get(model, [])),
        )
        for model in ("pix2pix", "cyclegan", "infogan", "vanilla", "bigan")
    }


@pytest.fixture
def inputs() -> Path:
    """Three images of several sizes and formats, one in a folder of its own."""
    write_image(Path("inputs/one.png"), seed=1, size=(16, 16), mode="L")
    write_image(Path("inputs/two.jpg"), seed=2, size=(30, 20), mode="L")
    write_image(Path("inputs/more/one.png"), seed=3, size=(9, 40), mode="L")
    return Path("inputs")


def drawn(path: str) -> dict[str, Any]:
    with np.load(path) as arrays:
        return dict(arrays)


def files(folder: str) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in Path(folder).rglob("*") if p.is_file())


@pytest.mark.parametrize("model", ["pix2pix", "cyclegan"])
def test_a_file_a_folder_and_a_zip(
    runs: dict[str, Path], gan_sample: Command, inputs: Path, model: str
) -> None:
    """What comes out is called as what went in."""
    checkpoint = f"checkpoint={runs[model]}"
    archive = zipped(inputs, Path("inputs.zip"))
    for given, names in (
        (inputs / "two.jpg", ["two.png"]),
        (inputs, ["more/one.png", "one.png", "two.png"]),
        (archive, ["more/one.png", "one.png", "two.png"]),
    ):
        result = gan_sample(checkpoint, f"input={given}", f"out={given.name}-out/")
        assert result.code == 0, result.err
        assert files(f"{given.name}-out") == names
    with Image.open("inputs-out/two.png") as image:
        assert (image.size, image.mode) == ((16, 16), "L")
    for name in ("one.png", "more/one.png"):
        same = [Path(f"{source}-out", name).read_bytes() for source in ("inputs", "inputs.zip")]
        assert same[0] == same[1]
    assert Path("inputs-out/one.png").read_bytes() != Path("inputs-out/two.png").read_bytes()


def test_two_inputs_of_one_name(runs: dict[str, Path], gan_sample: Command) -> None:
    for name in ("a.png", "a.jpg", "b.jpg"):
        write_image(Path("inputs", name), mode="L")
    assert gan_sample(f"checkpoint={runs['pix2pix']}", "input=inputs", "out=out/").code == 0
    assert files("out") == ["a.jpg.png", "a.png.png", "b.png"]


def test_the_input_is_never_overwritten(
    runs: dict[str, Path], gan_sample: Command, inputs: Path
) -> None:
    before = (inputs / "one.png").read_bytes()
    for given, out in (
        ("inputs", "inputs/"),
        ("inputs/one.png", "inputs/one.png"),
        ("inputs/one.png", "inputs/"),
    ):
        result = gan_sample(f"checkpoint={runs['pix2pix']}", f"input={given}", f"out={out}")
        assert result.code == 2
        assert f"out={out}: would overwrite the input" in result.err
    assert (inputs / "one.png").read_bytes() == before


def test_a_grid_shows_input_beside_output(
    runs: dict[str, Path], gan_sample: Command, inputs: Path
) -> None:
    widths = {}
    for model in ("pix2pix", "cyclegan"):
        result = gan_sample(f"checkpoint={runs[model]}", f"input={inputs}", f"out={model}.png")
        assert result.code == 0, result.err
        with Image.open(f"{model}.png") as grid:
            widths[model] = grid.size[0]
            assert grid.size[1] > 3 * 16  # a row each
    # pix2pix: input, output; CycleGAN: a, there and back again
    assert 1.2 < widths["cyclegan"] / widths["pix2pix"] < 1.8


def test_both_directions(runs: dict[str, Path], gan_sample: Command, inputs: Path) -> None:
    found = {}
    for name, more in (("none", []), ("ab", ["direction=ab"]), ("ba", ["direction=ba"])):
        arguments = [f"checkpoint={runs['cyclegan']}", f"input={inputs}", f"out={name}.npz"]
        result = gan_sample(*arguments, *more)
        assert result.code == 0, result.err
        found[name] = drawn(f"{name}.npz")["images"]
    assert (found["none"] == found["ab"]).all()
    assert (found["ab"] != found["ba"]).any()
    assert found["ba"].shape == (3, 16, 16, 1)


def test_the_mean_of_weights_or_the_last(
    runs: dict[str, Path], gan_sample: Command, inputs: Path
) -> None:
    for ema in ("true", "false"):
        gan_sample(
            f"checkpoint={runs['cyclegan']}", f"input={inputs}", f"ema={ema}", f"out={ema}.npz"
        )
    assert (drawn("true.npz")["images"] != drawn("false.npz")["images"]).any()


@pytest.mark.parametrize(
    ("model", "arguments", "said"),
    [
        (
            "pix2pix",
            [],
            "input: this model (Pix2Pix) translates; name an image, a folder",
        ),
        ("cyclegan", ["direction=ba"], "input: this model (CycleGAN) translates"),
        ("pix2pix", ["input=nowhere"], "input=nowhere: not there"),
        ("pix2pix", ["input=empty"], "input=empty: no images in it"),
        ("pix2pix", ["input=broken.png"], "broken.png: cannot be used"),
        ("pix2pix", ["input=notes.txt"], "notes.txt: cannot be used"),
        (
            "pix2pix",
            ["input=mixed/red.png"],
            "mixed/red.png: cannot be used (3 channels, RGB; the model takes 1 channel, gray); "
            "convert it, by Pillow's `image.convert('L')` or ImageMagick's `magick IN -colorspace "
            "Gray OUT.png`",
        ),
        ("cyclegan", ["input=mixed"], "mixed/red.png: cannot be used (3 channels, RGB; the model"),
        ("bigan", ["input=mixed.zip"], "mixed.zip:red.png: cannot be used (3 channels, RGB"),
        ("cyclegan", ["input=ok.png", "direction=up"], "direction=up: should be ab or ba"),
        ("pix2pix", ["input=ok.png", "direction=ab"], "direction: this model (Pix2Pix) takes none"),
        ("pix2pix", ["input=ok.png", "label=3"], "label: this model (Pix2Pix) takes none"),
        ("pix2pix", ["input=ok.png", "code=3"], "code: this model (Pix2Pix) takes none"),
        ("pix2pix", ["input=ok.png", "interpolate=4"], "interpolate: this model (Pix2Pix) takes"),
        ("cyclegan", ["input=ok.png", "truncation=1"], "truncation: this model (CycleGAN) takes"),
        ("infogan", ["label=3"], "label: this model (InfoGAN) takes none"),
        ("infogan", ["input=ok.png"], "input: this model (InfoGAN) takes none"),
        ("infogan", ["truncation=1"], "truncation: this model (InfoGAN) takes none"),
        ("infogan", ["code=10"], "code=10: the model knows the codes 0 to 9"),
        ("infogan", ["code=-1"], "code=-1: should be"),
        ("infogan", ["code=[]"], "code=[]: name at least one"),
        ("infogan", ["continuous=[0.5]"], "continuous: 1 codes, but the model has 2"),
        ("infogan", ["continuous=[1,2,3]"], "continuous: 3 codes, but the model has 2"),
        ("infogan", ["continuous=0.5"], "continuous=0.5: should be"),
        ("bigan", ["label=3"], "label: this model (BiGAN) takes none"),
        ("bigan", ["input=nowhere"], "input=nowhere: not there"),
        ("bigan", ["input=ok.png", "interpolate=4"], "interpolate: nothing is drawn at random"),
        ("bigan", ["input=ok.png", "truncation=1"], "truncation: nothing is drawn at random"),
        ("vanilla", ["code=1"], "code: this model (TwoPlayer) takes none"),
        ("vanilla", ["continuous=[1]"], "continuous: this model (TwoPlayer) takes none"),
        ("vanilla", ["input=ok.png"], "input: this model (TwoPlayer) takes none"),
        ("vanilla", ["direction=ab"], "direction: this model (TwoPlayer) takes none"),
    ],
)
def test_a_mistake_costs_one_line(
    runs: dict[str, Path], gan_sample: Command, model: str, arguments: list[str], said: str
) -> None:
    Path("empty").mkdir()
    Path("broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    Path("notes.txt").write_text("no image")
    write_image(Path("ok.png"), mode="L")
    write_image(Path("mixed/gray.png"), mode="L")
    write_image(Path("mixed/red.png"))
    zipped(Path("mixed"), Path("mixed.zip"))
    result = gan_sample(f"checkpoint={runs[model]}", *arguments, "out=out.png")
    assert result.code == 2, result.out
    assert len(result.problems) == 1, result.err
    assert said in result.err
    assert not Path("out.png").exists()


def test_reconstructions_and_samples_of_one_model(
    runs: dict[str, Path], gan_sample: Command, inputs: Path
) -> None:
    """Without an input it draws from z; with one it shows what comes back of it."""
    run = f"checkpoint={runs['bigan']}"
    for name, more in (("back", [f"input={inputs}"]), ("drawn", ["count=5", "interpolate=2"])):
        result = gan_sample(run, f"out={name}.npz", *more)
        assert result.code == 0, result.err
    assert drawn("back.npz")["images"].shape == (3, 16, 16, 1)
    assert drawn("drawn.npz")["images"].shape == (8, 16, 16, 1)
    assert gan_sample(run, f"input={inputs}", "out=both.png").code == 0
    with Image.open("both.png") as grid:
        assert grid.size[1] > 3 * 16  # a row each


def test_codes(runs: dict[str, Path], gan_sample: Command) -> None:
    def sample(*arguments: str) -> dict[str, Any]:
        result = gan_sample(f"checkpoint={runs['infogan']}", "count=4", "out=c.npz", *arguments)
        assert result.code == 0, result.err
        return drawn("c.npz")

    every = sample()
    assert every["codes"].tolist() == [0, 1, 2, 3]
    three = sample("code=3")
    assert three["codes"].tolist() == [3] * 4
    assert sample("code=[1,2]")["codes"].tolist() == [1, 2, 1, 2]
    # the same noise: only where the code is the same, the image is
    differs = (three["images"] != every["images"]).reshape(4, -1).any(1)
    assert differs.tolist() == [True, True, True, False]

    one, other = sample("continuous=[0.5,-1]"), sample("continuous=[0.5,1]")
    assert (one["images"] != other["images"]).any()
    assert (sample("continuous=[0.5,-1]")["images"] == one["images"]).all()


def test_codes_name_files_and_columns(runs: dict[str, Path], gan_sample: Command) -> None:
    run = f"checkpoint={runs['infogan']}"
    assert gan_sample(run, "code=[7,1]", "count=3", "out=each/").code == 0
    assert files("each") == ["00000-code7.png", "00001-code1.png", "00002-code7.png"]
    assert gan_sample(run, "count=20", "out=all.png").code == 0
    with Image.open("all.png") as grid:
        assert grid.size[0] > 4 * grid.size[1]  # ten columns, two rows
