"""Classes are called by their names wherever a person meets them."""

import logging
from pathlib import Path

import numpy as np
import pytest
from hydra.core.global_hydra import GlobalHydra
from torch import Tensor

from gan_cli.cli.train import main
from gan_cli.inference import formats
from gan_cli.sinks.checkpoint import load_newest
from tests.conftest import NARROW, Command
from tests.data.image_files import write_image


def train(folder: Path, *arguments: str) -> Path:
    """A run in this process, for fixtures that many tests share."""
    GlobalHydra.instance().clear()
    handlers = list(logging.getLogger().handlers)
    quick = ["trainer.steps=2", "trainer.sample_every=0", "trainer.health=false"]
    with pytest.raises(SystemExit) as left:
        main([f"hydra.run.dir={folder}", *quick, *arguments])
    for handler in set(logging.getLogger().handlers) - set(handlers):
        handler.close()
    logging.getLogger().handlers = handlers
    assert not left.value.code
    return folder


@pytest.fixture(scope="module")
def animals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on images of two classes."""
    folder = tmp_path_factory.mktemp("animals")
    for number in range(4):
        for name in ("cat", "dog"):
            write_image(folder / "images" / name / f"{number}.png", seed=number)
    return train(
        folder / "run",
        *("model=cgan_dcgan", "data=folder", f"data.root={folder / 'images'}", *NARROW),
        *("data.image_size=8", "data.batch_size=4"),
    )


def headings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written over the columns of the next grid."""
    seen: list[str] = []
    drawn = formats.images.sheet

    def sheet(
        panels: dict[str, Tensor], columns: int | None, names: list[str], span: int
    ) -> Tensor:
        seen.extend(names)
        return drawn(panels, columns, names, span)

    monkeypatch.setattr(formats.images, "sheet", sheet)
    return seen


def test_a_checkpoint_holds_them(animals: Path, trained: Path) -> None:
    assert load_newest(animals)[1]["class_names"] == ["cat", "dog"]
    assert load_newest(trained)[1]["class_names"] == list("0123456789")


def test_a_class_is_ordered_by_name(animals: Path, gan_sample: Command) -> None:
    for label, expected in (
        ("cat", [0, 0, 0]),
        ("dog", [1, 1, 1]),
        ("1", [1, 1, 1]),
        ("[dog,cat]", [1, 0, 1]),
        ("[dog,0]", [1, 0, 1]),
    ):
        result = gan_sample(f"checkpoint={animals}", f"label={label}", "count=3", "out=a.npz")
        assert result.code == 0, result.err
        with np.load("a.npz") as arrays:
            assert arrays["labels"].tolist() == expected


def test_files_are_called_by_class(animals: Path, trained: Path, gan_sample: Command) -> None:
    assert gan_sample(f"checkpoint={animals}", "count=3", "out=each/").code == 0
    assert sorted(path.name for path in Path("each").iterdir()) == [
        *("00000-cat.png", "00001-dog.png", "00002-cat.png"),
    ]
    assert gan_sample(f"checkpoint={trained}", "label=3", "count=1", "out=digits/").code == 0
    assert [path.name for path in Path("digits").iterdir()] == ["00000-3.png"]


def test_columns_are_called_by_class(
    animals: Path, trained: Path, gan_sample: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = headings(monkeypatch)
    assert gan_sample(f"checkpoint={animals}", "out=all.png").code == 0
    assert seen == ["cat", "dog"]
    seen.clear()
    assert gan_sample(f"checkpoint={trained}", "label=[7,2]", "out=two.png").code == 0
    assert seen == ["7", "2"]
    seen.clear()
    assert gan_sample(f"checkpoint={trained}", "label=[7,2,7]", "out=uneven.png").code == 0
    assert seen == ["7", "2"]


def test_an_unknown_name(animals: Path, trained: Path, gan_sample: Command) -> None:
    for run, label, said in (
        (animals, "cta", "label=cta: no such class; did you mean cat?"),
        (animals, "horse", "label=horse: no such class; there is cat, dog"),
        (animals, "2", "label=2: the model knows the classes 0 to 1"),
        (trained, "cat", "label=cat: no such class; there is 0, 1, 2"),
    ):
        result = gan_sample(f"checkpoint={run}", f"label={label}")
        assert result.code == 2
        assert len(result.problems) == 1, result.err
        assert said in result.err


def test_a_number_that_is_a_name(
    gan_sample: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Files and columns are called by names: so is what is ordered."""
    folder = tmp_path_factory.mktemp("numbers")
    for name in ("1", "2"):
        write_image(folder / "images" / name / "a.png")
        write_image(folder / "images" / name / "b.png")
    run = train(
        folder / "run",
        *("model=cgan", "data=folder", f"data.root={folder / 'images'}", "data.batch_size=4"),
        *("data.image_size=8", "model.generator.hidden=[8]", "model.discriminator.hidden=[8]"),
    )
    assert gan_sample(f"checkpoint={run}", "label=2", "count=1", "out=each/").code == 0
    assert [path.name for path in Path("each").iterdir()] == ["00000-2.png"]
