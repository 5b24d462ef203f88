"""A small classifier trained on the real images, for where Inception has no say.

Its penultimate layer gives the features that `fd_classifier` and its like are computed on. Being
trained on the very data, it sees what matters there (a 4 that is nearly a 9), and it works on
images of any size and channel count without a download. Its metrics compare only between runs on
the same data, and are never called FID.
"""

import hashlib
import logging
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_cli import randomness
from gan_cli.files import replacing
from gan_cli.metrics.progress import track

log = logging.getLogger(__name__)

RECIPE = 1
"""Raised whenever the network or its training changes, so that no cached one is taken for it."""
STEPS, BATCH, LEARNING_RATE = 1500, 128, 3e-3
"""Minutes on a CPU, for 98.3% of the digits' and 99.2% of MNIST's test images right, as
benchmarks/classifier.py measures them; 97.7% of stacked MNIST's, three digits each."""
SMALLEST, LARGEST = 16, 32
"""Images are resized to a side within this, in pixels."""
WIDTH = 32


class Classifier(nn.Module):
    """Four 3x3 convolutions with BatchNorm, averaged over the image.

    Args:
        channels: C of the images.
        n_classes: K.

    Attributes:
        feature_dim: F = 128.
    """

    feature_dim = 4 * WIDTH

    def __init__(self, channels: int, n_classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _stage(channels, WIDTH, stride=2),
            _stage(WIDTH, 2 * WIDTH, stride=1),
            _stage(2 * WIDTH, 4 * WIDTH, stride=2),
            _stage(4 * WIDTH, 4 * WIDTH, stride=1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(self.feature_dim, n_classes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 [N, C, H, W] -> features [N, F] and logits [N, K]."""
        return self.classify(prepare(images))

    def classify(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same of what `prepare` returns."""
        features = self.body(x)
        return features, self.head(features)


class PlaneClassifier(nn.Module):
    """Classifies each of P planes, laid one on another as channels, by the same classifier.

    Args:
        classifier: of a single plane.
        planes: P.
    """

    def __init__(self, classifier: Classifier, planes: int) -> None:
        super().__init__()
        self.classifier, self.planes = classifier, planes

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 [N, P*C, H, W] -> features [N, P*F] and logits [N, K^P].

        The logits of a number of P digits to base K are the sum of its digits', so that its
        probability is the product of theirs.
        """
        features, logits = self.classifier(split_planes(images, self.planes))
        joint, *others = logits.view(len(images), self.planes, -1).unbind(1)  # [N, K] each
        for plane in others:
            joint = (joint[:, :, None] + plane[:, None, :]).flatten(1)
        return features.view(len(images), -1), joint


def split_planes(images: Tensor, planes: int) -> Tensor:
    """[N, P*C, H, W] -> [N*P, C, H, W], all planes of an image in a row; no copy."""
    channels = images.shape[1] // planes
    return images.reshape(-1, channels, *images.shape[2:])


def split_labels(labels: Tensor, n_classes: int, planes: int) -> Tensor:
    """Labels [N] to the class on each plane, [N*P]: the digits of a number to base `n_classes`."""
    weights = n_classes ** torch.arange(planes - 1, -1, -1)
    return (labels[:, None] // weights % n_classes).flatten()


def _stage(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


def prepare(images: Tensor) -> Tensor:
    """uint8 [N, C, H, W] -> float32 in [-1, 1], of a size the network is made for."""
    x = images.float() / 127.5 - 1
    side = min(max(x.shape[-1], SMALLEST), LARGEST)
    if side == x.shape[-1]:
        return x
    return F.interpolate(x, size=(side, side), mode="bilinear", antialias=True)


def open_classifier(
    images: Tensor,
    labels: Tensor,
    n_classes: int,
    folder: Path,
    device: torch.device,
    planes: int = 1,
) -> Classifier | PlaneClassifier:
    """The classifier of images, or of their planes: see `load_or_train`.

    Args:
        images: uint8 [N, P*C, H, W].
        labels: int64 [N], in 0..n_classes - 1.
        n_classes: K^P.
        folder: the cache.
        device: where the classifier is wanted.
        planes: P.
    """
    if planes == 1:
        return load_or_train(images, labels, n_classes, folder, device)
    each = round(n_classes ** (1 / planes))
    single, classes = split_planes(images, planes), split_labels(labels, each, planes)
    return PlaneClassifier(load_or_train(single, classes, each, folder, device), planes).eval()


def load_or_train(
    images: Tensor,
    labels: Tensor,
    n_classes: int,
    folder: Path,
    device: torch.device,
    steps: int | None = None,
) -> Classifier:
    """The classifier of these images: from `folder`, or trained now and kept there.

    Args:
        images: uint8 [N, C, H, W].
        labels: int64 [N], in 0..n_classes - 1.
        n_classes: K.
        folder: the cache; where it cannot be written, nothing is kept.
        device: where to train, and where the classifier lies that is returned.
        steps: of training; None: as many as metrics need.
    """
    path = folder / f"classifier-{_key(images, labels, n_classes, steps or STEPS)}.pt"
    network = _initialised(images.shape[1], n_classes).to(device)
    if path.is_file():
        try:
            network.load_state_dict(torch.load(path, map_location=device, weights_only=True))
            return network.eval()
        except Exception as error:  # a damaged file makes its reader fail in any way
            log.warning("%s cannot be used: %s", path, str(error).partition("\n")[0])
            network = _initialised(images.shape[1], n_classes).to(device)
    log.info("training a classifier on %d real images; it is kept in %s", len(images), folder)
    if steps is None:
        train(network, images, labels)
    else:
        train(network, images, labels, steps=steps)
    try:
        _keep(network, path)
    except OSError as error:
        log.warning("%s cannot be written, so it will be trained again: %s", path, error.strerror)
    return network


def _initialised(channels: int, n_classes: int) -> Classifier:
    """A new classifier, always with the same weights; no generator outside is touched."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(randomness.derive("classifier"))
        # channels last: an eighth faster on CPUs
        return Classifier(channels, n_classes).to(memory_format=torch.channels_last)


def train(network: Classifier, images: Tensor, labels: Tensor, steps: int = STEPS) -> None:
    """Fit `network` to uint8 images [N, C, H, W] and labels [N]; leaves it in eval mode.

    AdamW under a one-cycle schedule (Smith 2018, "A disciplined approach to neural network
    hyper-parameters"), on images turned by up to 9 degrees, scaled by up to a tenth and shifted
    by up to a twentieth of their side. What is drawn follows from the step alone.
    """
    device = next(network.parameters()).device
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    draw = randomness.generator("classifier's batches")
    network.train()
    with track(steps, "classifier", "step") as advance:
        for _ in range(steps):
            index = torch.randint(len(images), (BATCH,), generator=draw)
            x = _distorted(prepare(images[index].to(device)), draw)
            loss = F.cross_entropy(network.classify(x)[1], labels[index].to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            advance(1)
    network.eval()


def _distorted(x: Tensor, draw: torch.Generator) -> Tensor:
    """Images [N, C, H, W], each turned, scaled and shifted a little; borders are continued."""
    turn, scale = 0.15 * _uniform(len(x), draw), 1 + 0.1 * _uniform(len(x), draw)
    shift = 0.1 * _uniform(2 * len(x), draw).view(-1, 2, 1)
    cos, sin = scale * turn.cos(), scale * turn.sin()
    rows = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)  # [N, 2, 2]
    grid = F.affine_grid(torch.cat([rows, shift], 2).to(x.device), list(x.shape), False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def _uniform(count: int, draw: torch.Generator) -> Tensor:
    """Numbers between -1 and 1, [count]."""
    return 2 * torch.rand(count, generator=draw) - 1


def _key(images: Tensor, labels: Tensor, n_classes: int, steps: int) -> str:
    """16 hex digits that change with the data or the recipe."""
    about = (RECIPE, steps, BATCH, LEARNING_RATE, WIDTH, tuple(images.shape), n_classes)
    digest = hashlib.sha256(repr(about).encode())
    for tensor in (images, labels):
        digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()[:16]


def _keep(network: Classifier, path: Path) -> None:
    """Write the weights; a reader never sees half of them, whoever else writes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        torch.save(network.state_dict(), file)
