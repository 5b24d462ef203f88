"""How far apart two images are by what a frozen classifier sees in them.

By VGG19 or LPIPS where their weights can be had, and by the tool's own classifier, trained on the
very data, where not. None of these networks is a module of a game: what is frozen is no state.
"""

import logging
import pickle
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, l1_loss

from gan_cli.errors import UserError
from gan_cli.metrics.classifier import SMALLEST, Classifier, load_or_train
from gan_cli.paths import cache_folder

log = logging.getLogger(__name__)

Kind = Literal["vgg19", "lpips", "classifier"]

VGG19_URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
VGG19_SHA256 = "dcbb9e9d"
"""How the file's digest begins; its publisher put that into its name."""
VGG19_WIDTHS = (64, 64, 0, 128, 128, 0, *[256] * 4, 0, *[512] * 4, 0, *[512] * 4)
"""Of its convolutions up to conv5_4 (Simonyan & Zisserman 2015, table 1, E); 0: halved by max."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's colors in [0, 1], by which what VGG sees is scaled."""

STEPS = 300
"""Of the classifier's training: features that tell classes apart come long before its best."""

Distance = Callable[[Tensor, Tensor], Tensor]
"""Images [N, C, H, W] in [-1, 1] and those they should be to a scalar, differentiable."""


class Perceptual:
    """A distance by a frozen network's features.

    Until it is opened pixels stand in for features, so that a dry run meets its shapes.

    Args:
        kind: `vgg19`: L1 between the maps of conv5_4 before ReLU (ESRGAN, Wang et al. 2018, section
            3.3); `lpips`: Zhang et al. 2018, by VGG16; `classifier`: see `by_classifier`. The first
            two see gray images as RGB, and become the third where their weights cannot be had.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.used: str = "pixels"
        self._distance: Distance = l1_loss

    def __call__(self, made: Tensor, target: Tensor) -> Tensor:
        """The distance of images [N, C, H, W] in [-1, 1], a scalar."""
        with torch.autocast(made.device.type, enabled=False):
            return self._distance(made.float(), target.float())

    def open(
        self,
        images: Callable[[], tuple[Tensor, Tensor | None]],
        n_classes: int,
        device: torch.device,
    ) -> None:
        """Fetch the network's weights, or train the classifier; says which it is.

        Args:
            images: gives uint8 [N, C, H, W] to train the classifier on, and their classes [N].
            n_classes: how many classes there are.
            device: where images will be.

        Raises:
            UserError: weights cannot be had and there are no classes to train a classifier by.
        """
        self.used = self.kind
        why = ""
        if self.kind != "classifier":
            try:
                self._distance = {"vgg19": open_vgg19, "lpips": open_lpips}[self.kind](device)
                log.info("perceptual loss: %s", self.kind)
                return
            except UserError as error:
                why = f"{error}; "
        shown, labels = images() if n_classes > 1 else (torch.empty(0), None)
        if labels is None:
            raise UserError(
                f"model.perceptual={self.kind}: {why}and a classifier in its place needs labels, "
                "which this data has not; set model.perceptual_weight=0 to do without"
            )
        classifier = load_or_train(shown, labels, n_classes, cache_folder(), device, STEPS)
        self._distance = by_classifier(classifier)
        self.used = "classifier"
        log.info("%sperceptual loss: the features of a classifier trained on this data", why)


class VGG19(nn.Module):
    """VGG19's convolutions, the last of them conv5_4 without its ReLU."""

    def __init__(self) -> None:
        super().__init__()
        features: list[nn.Module] = []
        before = 3
        for width in VGG19_WIDTHS:
            if width:
                features += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
                before = width
            else:
                features.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*features[:-1])
        for name, values in (("mean", MEAN), ("std", STD)):  # no weights: nothing fills them
            there = torch.tensor(values, device="cpu").view(1, 3, 1, 1)
            self.register_buffer(name, there, persistent=False)
        self.mean: Tensor
        self.std: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """[N, 1 or 3, H, W] in [-1, 1] -> [N, 512, H // 16, W // 16]."""
        return self.features(((x + 1) / 2 - self.mean) / self.std)


def open_vgg19(device: torch.device) -> Distance:
    """L1 between maps of conv5_4.

    Raises:
        UserError: the weights cannot be fetched or are none; says which file to put where.
    """
    path = _fetched(VGG19_URL, VGG19_SHA256)
    with torch.device("meta"):
        network = VGG19()
    try:
        weights: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        own = {name: weights[name] for name in network.state_dict()}
        network.load_state_dict(own, assign=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, TypeError, KeyError) as e:
        raise UserError(f"{path}: not VGG19's weights; put {VGG19_URL} there") from e
    network.to(device).eval().requires_grad_(False)

    def distance(made: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = network(target)
        return l1_loss(network(made), wanted)

    return distance


def open_lpips(device: torch.device) -> Distance:
    """LPIPS by VGG16, torch-fidelity's, the mean over images.

    Raises:
        UserError: its weights cannot be fetched.
    """
    from torch_fidelity.sample_similarity_lpips import SampleSimilarityLPIPS  # imports torchvision

    try:
        with torch.random.fork_rng(devices=[]):  # it is initialised before it is filled
            network = SampleSimilarityLPIPS("lpips").to(device)
    except (OSError, HTTPException, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"the weights of LPIPS cannot be fetched ({reason})") from error

    def distance(made: Tensor, target: Tensor) -> Tensor:
        x, y = ((127.5 * (x + 1)).expand(-1, 3, -1, -1) for x in (made, target))
        return network(x, y).mean()

    return distance


def by_classifier(classifier: Classifier) -> Distance:
    """The mean, over a classifier's four maps, of the L1 distance between what each place holds,
    scaled to a root mean square of 1 over channels.

    As LPIPS (Zhang et al. 2018, equation 1), with equal weights in place of learned ones, and with
    L1, whose gradient does not vanish near the target.
    """
    stages = list(classifier.eval().requires_grad_(False).body)[:4]

    def maps(x: Tensor) -> list[Tensor]:
        if (side := min(x.shape[2:])) < SMALLEST:
            x = interpolate(x, scale_factor=SMALLEST / side, mode="bilinear", antialias=True)
        found = []
        for stage in stages:
            x = stage(x)
            found.append(x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt())
        return found

    def distance(made: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = maps(target)
        pairs = zip(maps(made), wanted, strict=True)
        return torch.stack([(x - y).abs().mean() for x, y in pairs]).mean()

    return distance


def _fetched(url: str, sha256: str) -> Path:
    """A file among the user's caches, downloaded where it is not there."""
    path = cache_folder() / url.rpartition("/")[2]
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), hash_prefix=sha256)
    except (OSError, HTTPException, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{path.name} cannot be fetched ({reason}); put {url} at {path}") from error
    return path
