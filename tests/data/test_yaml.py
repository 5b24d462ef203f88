"""Every data YAML, through the command, on small files in the layout it expects."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NARROW, Command, options
from tests.data.picture_files import write_picture
from tests.data.test_torchvision import cifar_files, mnist_files  # noqa: F401


@pytest.mark.parametrize("name", options("data"))
def test_two_steps(
    gan_train: Command,
    tmp_path: Path,
    cifar_files: Path,  # noqa: F811
    name: str,
) -> None:
    more: list[Any] = ["data.batch_size=8"]
    if name in ("mnist", "stacked_mnist"):
        mnist_files(tmp_path / "root")
        more += [f"data.root={tmp_path / 'root'}"]
    elif name == "fashion_mnist":
        mnist_files(tmp_path / "root", "FashionMNIST")
        more += [f"data.root={tmp_path / 'root'}"]
    elif name == "cifar10":
        more += [f"data.root={cifar_files}"]
    elif name == "folder":
        for number in range(8):
            write_picture(tmp_path / "root" / f"{number}.png", seed=number)
        more += [f"data.root={tmp_path / 'root'}", "data.image_size=8"]
    points = name.startswith("gaussians")
    model = ["model=vanilla"] if points else NARROW
    result = gan_train("debug=fast", f"data={name}", *model, *more)
    assert result.code == 0, result.err
