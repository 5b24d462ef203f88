"""How good the classifier is that `gan-evaluate` trains where Inception has no say.

    python benchmarks/classifier.py digits
    python benchmarks/classifier.py mnist --root data

Trains it anew, whatever the cache holds, on the training part, and prints the share of the test
part's images it gets right, and the seconds its training took.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from gan_cli.data.dataset import Dataset
from gan_cli.data.digits import Digits
from gan_cli.data.torchvision import MNIST
from gan_cli.metrics.classifier import load_or_train
from gan_cli.metrics.features import extract


class Result(NamedTuple):
    """What came of a training."""

    right: float
    images: int
    seconds: float


def measure(train: Dataset, test: Dataset, device: torch.device) -> Result:
    """Train on one part, judge by the other."""
    for part in (train, test):
        part.prepare()
    seen, unseen = train.load(), test.load()
    with tempfile.TemporaryDirectory() as empty:
        start = time.perf_counter()
        network = load_or_train(seen["image"], seen["label"], train.n_classes, Path(empty), device)
        seconds = time.perf_counter() - start
    found = extract(network, unseen["image"], device).classes
    right = float((found == unseen["label"]).double().mean())
    return Result(right, len(unseen["image"]), seconds)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", choices=["digits", "mnist"])
    parser.add_argument("--root", default="data", help="where MNIST is, or is downloaded to")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args(arguments)
    parts: list[Dataset]
    if given.data == "digits":
        parts = [Digits(split="train"), Digits(split="test")]
    else:
        parts = [MNIST(28, 1, given.root, "train"), MNIST(28, 1, given.root, "test")]
    right, images, seconds = measure(*parts, torch.device(given.device))
    print(
        f"{given.data}: {right:.2%} of {images} test images right, "
        f"{seconds:.0f} s with {torch.get_num_threads()} threads on {given.device}"
    )


if __name__ == "__main__":
    main()
