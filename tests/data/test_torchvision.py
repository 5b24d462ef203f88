import gzip
import hashlib
import pickle
import tarfile
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torchvision import datasets
from torchvision.datasets import utils

from gan_cli.data.torchvision import CIFAR10, MNIST, FashionMNIST
from gan_cli.errors import UserError

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
LABELS = np.arange(20, dtype=np.uint8) % 10


def idx(array):
    """The array in MNIST's file format."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def mnist_files(root, name="MNIST", prefix="train"):
    raw = root / name / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    (raw / f"{prefix}-images-idx3-ubyte").write_bytes(idx(PIXELS))
    (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(LABELS))
    return raw


def md5(data):
    return hashlib.md5(data).hexdigest()


class Web:
    """Stands in for the network: what it holds, and what was asked of it."""

    def __init__(self, monkeypatch):
        self.files, self.asked, self.damaged = {}, [], 0
        monkeypatch.setattr(utils, "_get_redirect_url", lambda url, max_hops: url)
        monkeypatch.setattr(utils, "_urlretrieve", self.retrieve)

    def retrieve(self, url, path):
        name = url.rpartition("/")[2]
        self.asked.append(name)
        if name not in self.files:
            raise URLError("Name or service not known")
        self.damaged -= 1
        with open(path, "wb") as file:
            file.write(b"half of it" if self.damaged >= 0 else self.files[name])


@pytest.fixture
def web(monkeypatch):
    return Web(monkeypatch)


@pytest.fixture
def mnist_online(web, monkeypatch):
    """MNIST's training files, small ones, to be downloaded."""
    for name, array in [("images-idx3", PIXELS), ("labels-idx1", LABELS)]:
        web.files[f"train-{name}-ubyte.gz"] = gzip.compress(idx(array))
    resources = [(name, md5(data)) for name, data in web.files.items()]
    monkeypatch.setattr(datasets.MNIST, "resources", resources)
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["https://example.org/"])
    return web


@pytest.fixture
def cifar_files(tmp_path, monkeypatch):
    """CIFAR-10's training files with two images each, in torchvision's layout."""
    root = tmp_path / "cifar"
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    sums = []
    for i in range(1, 6):
        rows = np.full((2, 3072), i, dtype=np.uint8)
        rows[:, :1024] += 100  # the red plane comes first
        data = pickle.dumps({"data": rows, "labels": [i, 9]})
        (folder / f"data_batch_{i}").write_bytes(data)
        sums.append([f"data_batch_{i}", md5(data)])
    meta = pickle.dumps({"label_names": [str(i) for i in range(10)]})
    (folder / "batches.meta").write_bytes(meta)
    monkeypatch.setattr(datasets.CIFAR10, "train_list", sums)
    monkeypatch.setattr(datasets.CIFAR10, "meta", {**datasets.CIFAR10.meta, "md5": md5(meta)})
    return root


def refusal(dataset):
    """The message of the UserError, checked to be one line."""
    with pytest.raises(UserError) as error:
        dataset.prepare()
    assert len(error.value.problems) == 1
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(("cls", "name"), [(MNIST, "MNIST"), (FashionMNIST, "FashionMNIST")])
@pytest.mark.parametrize(("split", "prefix"), [("train", "train"), ("test", "t10k")])
def test_one_splits_files_suffice_and_nothing_is_written(cls, name, split, prefix, tmp_path, web):
    mnist_files(tmp_path, name, prefix)
    before = sorted(tmp_path.rglob("*"))
    dataset = cls(28, 1, root=str(tmp_path), split=split)
    dataset.prepare()
    data = dataset.load()
    assert np.array_equal(data["image"][:, 0], PIXELS)
    assert data["label"].tolist() == LABELS.tolist()
    assert data["label"].dtype == torch.int64
    assert len(dataset) == 20
    assert web.asked == []
    assert sorted(tmp_path.rglob("*")) == before


def test_resized_recoloured_and_limited(tmp_path):
    mnist_files(tmp_path)
    dataset = MNIST(32, 3, root=str(tmp_path), limit=7)
    dataset.prepare()
    data = dataset.load()
    assert (len(dataset), data["image"].shape) == (7, (7, 3, 32, 32))
    assert data["label"].tolist() == list(range(7))


def test_cifar10(cifar_files, web):
    dataset = CIFAR10(32, 3, root=str(cifar_files), download=False)
    dataset.prepare()
    data = dataset.load()
    assert data["image"].shape == (10, 3, 32, 32)
    assert data["label"].tolist() == [1, 9, 2, 9, 3, 9, 4, 9, 5, 9]
    assert data["image"][-1].flatten(1).unique(dim=1).tolist() == [[105], [5], [5]]
    gray = CIFAR10(32, 1, root=str(cifar_files))
    gray.prepare()
    assert gray.load()["image"].shape == (10, 1, 32, 32)


def test_without_downloading_the_message_says_what_goes_where(tmp_path, web):
    message = refusal(MNIST(28, 1, root=str(tmp_path), download=False))
    assert f"data.root={tmp_path}" in message
    assert "train-images-idx3-ubyte, train-labels-idx1-ubyte missing" in message
    assert "t10k" not in message
    assert str(tmp_path / "MNIST" / "raw") in message
    assert "data.download=true" in message
    message = refusal(CIFAR10(32, 3, root=str(tmp_path), download=False))
    assert "data_batch_1" in message
    assert str(tmp_path / "cifar-10-batches-py") in message
    assert web.asked == []


@pytest.mark.parametrize("cls", [MNIST, FashionMNIST, CIFAR10])
def test_without_a_network_the_message_says_what_goes_where(cls, tmp_path, web):
    message = refusal(cls(32, 3, root=str(tmp_path / "new")))
    assert "Name or service not known" in message
    assert f"data.root={tmp_path / 'new'}" in message
    assert "put the unpacked files into" in message


@pytest.mark.parametrize(
    ("cls", "names"),
    [(MNIST, "0 1 2"), (FashionMNIST, "T-shirt/top Trouser"), (CIFAR10, "airplane automobile")],
)
def test_classes_have_names(cls, names):
    dataset = cls(28, 3)
    assert len(dataset.class_names) == dataset.n_classes == 10
    assert " ".join(dataset.class_names).startswith(names)


def test_the_other_split_is_held_out(tmp_path):
    mnist_files(tmp_path)
    mnist_files(tmp_path, prefix="t10k")
    dataset = MNIST(28, 1, root=str(tmp_path), limit=3)
    dataset.prepare()
    held_out, whole = dataset.held_out(), dataset.whole()
    held_out.prepare(), whole.prepare()
    assert [(x.part, len(x)) for x in (dataset, held_out, whole)] == [
        ("train", 3),
        ("test", 20),
        ("train", 20),
    ]


def test_an_unwritable_root_is_named(tmp_path, web):
    (tmp_path / "file").write_text("")
    assert "data.root=" in refusal(MNIST(28, 1, root=str(tmp_path / "file" / "data")))


def test_downloaded_once(tmp_path, mnist_online):
    for _ in range(2):
        dataset = MNIST(28, 1, root=str(tmp_path))
        dataset.prepare()
        assert len(dataset) == 20
    assert sorted(mnist_online.asked) == sorted(mnist_online.files)


def test_a_wrong_checksum_is_downloaded_once_more(tmp_path, mnist_online):
    mnist_online.damaged = 1
    dataset = MNIST(28, 1, root=str(tmp_path))
    dataset.prepare()
    assert np.array_equal(dataset.load()["image"][:, 0], PIXELS)


def test_a_checksum_wrong_twice_is_an_error_and_nothing_damaged_stays(tmp_path, mnist_online):
    mnist_online.damaged = 1000
    message = refusal(MNIST(28, 1, root=str(tmp_path)))
    assert "the download failed" in message
    assert mnist_online.asked.count("train-images-idx3-ubyte.gz") == 2
    assert list(tmp_path.rglob("*.gz")) == []


def test_files_that_someone_else_has_compressed_are_used_and_stay(tmp_path, mnist_online):
    """As in Debian's package of Fashion-MNIST, whose archives have other checksums."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, data in mnist_online.files.items():
        (raw / name).write_bytes(gzip.compress(gzip.decompress(data), compresslevel=1, mtime=7))
    packed = {path: path.read_bytes() for path in raw.iterdir()}
    for download in (False, True):
        dataset = MNIST(28, 1, root=str(tmp_path), download=download)
        dataset.prepare()
        assert np.array_equal(dataset.load()["image"][:, 0], PIXELS)
    assert mnist_online.asked == []
    assert {path: path.read_bytes() for path in packed} == packed


@pytest.mark.parametrize("size", [-20, 0, 5])
def test_archives_that_are_cut_off_are_downloaded_anew(tmp_path, mnist_online, size):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    name = "train-images-idx3-ubyte"
    (raw / f"{name}.gz").write_bytes(mnist_online.files[f"{name}.gz"][:size])
    assert f"{name}, " in refusal(MNIST(28, 1, root=str(tmp_path), download=False))
    MNIST(28, 1, root=str(tmp_path)).prepare()
    assert f"{name}.gz" in mnist_online.asked


def test_a_damaged_cifar10_is_replaced_by_a_download(cifar_files, tmp_path, web, monkeypatch):
    archive = tmp_path / "cifar.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(cifar_files / "cifar-10-batches-py", "cifar-10-batches-py")
    web.files["cifar-10-python.tar.gz"] = archive.read_bytes()
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", md5(archive.read_bytes()))
    (cifar_files / "cifar-10-batches-py" / "data_batch_3").write_bytes(b"half")
    assert "data_batch_3 missing or damaged" in refusal(
        CIFAR10(32, 3, root=str(cifar_files), download=False)
    )
    web.damaged = 1
    dataset = CIFAR10(32, 3, root=str(cifar_files))
    dataset.prepare()
    assert len(dataset) == 10
    assert web.asked == ["cifar-10-python.tar.gz"] * 2


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", idx(PIXELS)[:999]])
def test_unpacked_files_that_are_damaged_are_named(tmp_path, data):
    raw = mnist_files(tmp_path)
    (raw / "train-images-idx3-ubyte").write_bytes(data)
    message = refusal(MNIST(28, 1, root=str(tmp_path)))
    assert message.startswith(f"{raw}: its files cannot be read")


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match="channels=2"):
        MNIST(28, 2)


def test_the_real_mnist(shared):
    dataset = MNIST(28, 1, root=str(shared / "mnist"), split="test")
    dataset.prepare()
    data = dataset.load()
    assert data["image"].shape == (10_000, 1, 28, 28)
    assert data["label"][:5].tolist() == [7, 2, 1, 0, 4]
