"""The measuring of the classifier runs: two steps of its training."""

import re

import pytest
import torch

from benchmarks import classifier as benchmark
from gan_cli.data.digits import Digits
from gan_cli.metrics import classifier
from tests.data.test_torchvision import mnist_files

CPU = torch.device("cpu")


@pytest.fixture
def trained(monkeypatch):
    """How many images each training had."""
    whole, counts = classifier.train, []

    def briefly(network, images, labels):
        counts.append(len(images))
        whole(network, images, labels, steps=2)

    monkeypatch.setattr(classifier, "train", briefly)
    return counts


def test_it_is_trained_anew_each_time(tmp_path, monkeypatch, capsys, trained):
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
    for prefix in ("train", "t10k"):
        mnist_files(tmp_path, prefix=prefix)
    for arguments in (["digits"], ["digits"], ["mnist", "--root", str(tmp_path)]):
        benchmark.main(arguments)
    assert trained == [1497, 1497, 20]
    assert not (tmp_path / "cache").exists()
    for line, (name, images) in zip(
        capsys.readouterr().out.splitlines(),
        [("digits", 300), ("digits", 300), ("mnist", 20)],
        strict=True,
    ):
        assert re.fullmatch(
            rf"{name}: \d+\.\d\d% of {images} test images right, "
            r"\d+ s with \d+ threads on cpu",
            line,
        )


class OneClass(torch.nn.Module):
    """Takes everything for a zero."""

    def forward(self, images):
        logits = torch.eye(10)[:1].expand(len(images), -1)
        return logits, logits


def test_it_is_judged_by_images_it_has_not_seen(monkeypatch):
    monkeypatch.setattr(benchmark, "load_or_train", lambda *_: OneClass())
    test = Digits(split="test")
    found = benchmark.measure(Digits(split="train"), test, CPU)
    assert found.images == 300
    assert found.right == pytest.approx(float((test.load()["label"] == 0).double().mean()))
