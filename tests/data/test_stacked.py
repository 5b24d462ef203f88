import numpy as np
import pytest
import torch

from gan_cli.data.stacked import StackedMNIST
from gan_cli.data.torchvision import MNIST
from gan_cli.errors import UserError
from tests.data.test_torchvision import LABELS, PIXELS, Web, mnist_files


def opened(root, **changes):
    dataset = StackedMNIST(str(root), download=False, **{"limit": 200, **changes})
    dataset.prepare()
    return dataset


def test_every_channel_is_a_digit_and_the_label_names_all_three(tmp_path):
    mnist_files(tmp_path)
    dataset = opened(tmp_path)
    data = dataset.load()
    assert len(dataset) == len(data["label"]) == 200
    assert data["image"].shape == (200, 3, 28, 28)
    assert data["image"].dtype == torch.uint8
    known = {digit.tobytes(): value for digit, value in zip(PIXELS, LABELS, strict=True)}
    for image, label in zip(data["image"].numpy(), data["label"].tolist(), strict=True):
        a, b, c = (int(known[np.ascontiguousarray(plane).tobytes()]) for plane in image)
        assert label == 100 * a + 10 * b + c


def test_digits_are_drawn_independently(tmp_path):
    mnist_files(tmp_path)
    labels = opened(tmp_path, limit=20_000).load()["label"]
    # every one of the thousand, about equally often
    assert labels.bincount(minlength=1000).min() > 0
    digits = torch.stack([labels // 100, labels // 10 % 10, labels % 10]).double()
    off_diagonal = digits.corrcoef() - torch.eye(3)
    assert off_diagonal.abs().max() < 5 / 20_000**0.5


def test_what_stands_together_follows_from_its_seed_and_split_alone(tmp_path):
    mnist_files(tmp_path)
    mnist_files(tmp_path, prefix="t10k")  # the same digits here, so that only the draw differs
    first = opened(tmp_path, seed=1).load()
    torch.manual_seed(5)
    assert torch.equal(first["image"], opened(tmp_path, seed=1).load()["image"])
    assert not torch.equal(first["label"], opened(tmp_path, seed=2).load()["label"])
    assert not torch.equal(first["label"], opened(tmp_path, seed=1, split="test").load()["label"])


def test_without_a_limit_there_are_as_many_as_in_the_literature():
    assert len(StackedMNIST()) == len(StackedMNIST(limit=None)) == 128_000


def test_resized(tmp_path):
    mnist_files(tmp_path)
    assert opened(tmp_path, image_size=32, limit=5).load()["image"].shape == (5, 3, 32, 32)


def test_its_files_and_errors_are_those_of_mnist(tmp_path, monkeypatch):
    Web(monkeypatch)
    messages = []
    for cls in (MNIST, StackedMNIST):
        size = {"image_size": 28, "channels": 1} if cls is MNIST else {}
        with pytest.raises(UserError) as error:
            cls(root=str(tmp_path), download=False, **size).prepare()
        messages.append(str(error.value))
    assert messages[0] == messages[1]


def test_the_real_mnist(shared):
    train, test = (opened(shared / "mnist", split=split, limit=500) for split in ("train", "test"))
    digits = MNIST(28, 1, root=str(shared / "mnist"), split="test")
    digits.prepare()
    known = {image.tobytes() for image in digits.load()["image"].numpy()}
    planes = {plane.tobytes() for plane in test.load()["image"].flatten(0, 1)[:, None].numpy()}
    assert planes <= known
    assert not torch.equal(train.load()["label"], test.load()["label"])


def test_digits_of_the_other_split_are_held_out():
    held_out = StackedMNIST(limit=5).held_out()
    assert (held_out.part, len(held_out)) == ("test", 128_000)
    assert StackedMNIST().class_names[42] == "042"
