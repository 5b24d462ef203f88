import os
import time

import pytest
from filelock import FileLock

from gan_cli.data.torchvision import CIFAR10, MNIST
from tests.data.test_torchvision import cifar_files, mnist_files, mnist_online, refusal, web

__all__ = ["cifar_files", "mnist_online", "web"]  # fixtures


@pytest.mark.parametrize("cls", [MNIST, CIFAR10])
@pytest.mark.parametrize("root", ["", "new", "new/deep"])
def test_a_download_that_fails_leaves_nothing(cls, root, tmp_path, web):
    refusal(cls(32, 3, root=str(tmp_path / root)))
    assert web.asked
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_or_came_stays(tmp_path, mnist_online):
    (tmp_path / "root" / "MNIST").mkdir(parents=True)
    del mnist_online.files["train-labels-idx1-ubyte.gz"]
    refusal(MNIST(28, 1, root=str(tmp_path / "root")))
    raw = tmp_path / "root" / "MNIST" / "raw"
    names = ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"]
    assert sorted(path.name for path in raw.iterdir()) == names
    assert list((tmp_path / "root").iterdir()) == [tmp_path / "root" / "MNIST"]


def test_no_lock_stays_after_a_download(tmp_path, mnist_online):
    MNIST(28, 1, root=str(tmp_path)).prepare()
    assert [path.name for path in tmp_path.iterdir()] == ["MNIST"]


@pytest.mark.parametrize("root", ["datasets", "datasets/mnist/MNIST", "datasets/mnist/MNIST/raw"])
@pytest.mark.parametrize("download", [True, False])
def test_a_root_above_or_below_the_right_one_is_told_so(tmp_path, web, root, download):
    mnist_files(tmp_path / "datasets" / "mnist")
    before = sorted(tmp_path.rglob("*"))
    message = refusal(MNIST(28, 1, root=str(tmp_path / root), download=download))
    assert message.startswith(f"data.root={tmp_path / root}: MNIST does not lie there but in ")
    assert message.endswith(f"set data.root={tmp_path / 'datasets' / 'mnist'}")
    assert web.asked == []
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("root", ["", "cifar/cifar-10-batches-py"])
def test_so_is_one_of_cifar10(cifar_files, tmp_path, web, root):
    message = refusal(CIFAR10(32, 3, root=str(tmp_path / root)))
    assert message.endswith(f"set data.root={cifar_files}")
    assert web.asked == []


def test_the_second_of_two_runs_waits_and_then_need_not_download(tmp_path, mnist_online):
    """The first is another process, which holds the lock until it has everything."""
    read, write = os.pipe()
    first = os.fork()
    if first == 0:
        with FileLock(tmp_path / ".MNIST.lock"):
            os.write(write, b"locked")
            time.sleep(0.5)
            mnist_files(tmp_path)
        os._exit(0)
    os.read(read, 6)
    dataset = MNIST(28, 1, root=str(tmp_path))
    dataset.prepare()
    assert (len(dataset), mnist_online.asked) == (20, [])
    os.waitpid(first, 0)
