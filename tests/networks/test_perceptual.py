"""What a frozen network sees of two images, and what stands in for it."""

import logging

import pytest
import torch

from gan_cli.assembly.memory import Unfilled
from gan_cli.errors import UserError
from gan_cli.metrics import classifier
from gan_cli.networks import perceptual
from gan_cli.networks.perceptual import VGG19, Perceptual, by_classifier

CPU = torch.device("cpu")
NARROW = (2, 0, 3, 3)
"""Widths that stand in for VGG19's: two convolutions, halved between them."""


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(256, (8, 1, 16, 16), generator=draw, dtype=torch.uint8)
    return images, torch.arange(8) % 2


def nothing_to_fetch(*arguments: object, **options: object) -> None:
    raise OSError("no way there")


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """A cache of its own, and no network."""
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", nothing_to_fetch)
    monkeypatch.setattr(perceptual, "STEPS", 1)


def test_vgg19_up_to_conv5_4():
    with torch.device("meta"), Unfilled():
        network = VGG19()
        assert sum(p.numel() for p in network.parameters()) == 20_024_384
    assert sum(isinstance(layer, torch.nn.MaxPool2d) for layer in network.features) == 4
    assert isinstance(network.features[-1], torch.nn.Conv2d)  # no ReLU
    assert [*network.state_dict()][-1] == "features.34.bias"  # as torchvision numbers it


def test_weights_that_lie_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(perceptual, "VGG19_WIDTHS", NARROW)
    network = VGG19()
    more = {"classifier.0.weight": torch.zeros(2)}  # what is above conv5_4 is left out
    (tmp_path / "cache").mkdir()
    path = tmp_path / "cache" / "vgg19-dcbb9e9d.pth"
    torch.save(network.state_dict() | more, path)
    one = Perceptual("vgg19")
    one.open(digits, 0, CPU)
    x, y = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    assert float(one(x, y)) == pytest.approx(float((network(x) - network(y)).detach().abs().mean()))
    assert (float(one(x, x)), one.used) == (0.0, "vgg19")
    torch.save({"other": torch.zeros(1)}, path)
    with pytest.raises(UserError, match=r"vgg19-dcbb9e9d\.pth: not VGG19's weights; put https"):
        Perceptual("vgg19").open(digits, 0, CPU)


@pytest.mark.parametrize("kind", ["vgg19", "lpips", "classifier"])
def test_the_classifier_where_no_weights_can_be_had(kind, caplog, monkeypatch):
    import torch_fidelity.sample_similarity_lpips as lpips

    monkeypatch.setattr(lpips, "load_state_dict_from_url", nothing_to_fetch)
    one = Perceptual(kind)
    with caplog.at_level(logging.INFO):
        one.open(digits, 2, CPU)
    assert one.used == "classifier"
    said = caplog.text
    assert "the features of a classifier trained on this data" in said
    assert ("cannot be fetched (no way there)" in said) == (kind != "classifier")


def test_without_weights_and_labels_there_is_one_line():
    with pytest.raises(UserError) as error:
        Perceptual("vgg19").open(lambda: (digits()[0], None), 2, CPU)
    (line,) = error.value.problems
    assert line.startswith("model.perceptual=vgg19: vgg19-dcbb9e9d.pth cannot be fetched")
    assert line.endswith("set model.perceptual_weight=0 to do without")


@pytest.mark.parametrize("size", [8, 16, 24])
def test_distance_by_a_classifier(size):
    network = classifier._initialised(1, 2)
    distance = by_classifier(network)
    target = torch.rand(2, 1, size, size)
    made = torch.rand(2, 1, size, size, requires_grad=True)
    assert float(distance(target, target)) == 0.0
    distance(made, target).backward()
    assert made.grad is not None
    assert made.grad.abs().sum() > 0
    assert all(p.grad is None for p in network.parameters())


def test_before_it_is_opened_pixels_are_compared():
    one = Perceptual("vgg19")
    assert float(one(torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 0.5))) == 0.5
    assert one.used == "pixels"
