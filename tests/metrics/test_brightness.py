import pytest
import torch

from gan_cli.data.digits import Digits
from gan_cli.metrics import brightness
from gan_cli.metrics.brightness import dark_half, pixel_distance


def gray(*values):
    """Images of 2x2 pixels, one value each."""
    return torch.tensor(values, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 2, 2)


def test_the_dark_half_is_of_each_image():
    """Two black and two white pixels; then 10, 20, 30 and 40, of which 10 and 20 are the half."""
    black_and_white = torch.tensor([0, 255, 255, 0], dtype=torch.uint8).view(1, 1, 2, 2)
    shades = torch.tensor([40, 10, 30, 20], dtype=torch.uint8).view(1, 1, 2, 2)
    assert dark_half(black_and_white) == 0
    assert dark_half(torch.cat([black_and_white, shades])) == pytest.approx((0 + 15) / 2)
    assert dark_half(gray(0, 100)) == pytest.approx(50)


def test_the_pixel_distance_is_how_far_values_move():
    assert pixel_distance(gray(7, 7), gray(7)) == 0
    assert pixel_distance(gray(30), gray(0)) == pytest.approx(30)
    assert pixel_distance(gray(0), gray(30)) == pytest.approx(30)
    # half of all pixels move by 100, wherever they are
    assert pixel_distance(gray(0, 0), gray(100, 0)) == pytest.approx(50)
    assert pixel_distance(gray(0, 255), gray(255, 0)) == 0


def test_many_images_are_looked_at_in_parts(monkeypatch):
    images, real = torch.randint(0, 256, (2, 25, 3, 4, 4), dtype=torch.uint8)
    whole = dark_half(images), pixel_distance(images, real)
    assert whole[0] == pytest.approx(images.flatten(1).sort(1).values[:, :24].double().mean())
    monkeypatch.setattr(brightness, "PART", 7)
    assert (dark_half(images), pixel_distance(images, real)) == pytest.approx(whole)


def test_fog_is_seen():
    """Digits on 30 of 255 instead of black, strokes as they are."""
    real = Digits(split="train").load()["image"]
    fog = real.clamp_min(30)
    held_out = Digits(split="test").load()["image"]
    assert dark_half(fog) - dark_half(real) > 25
    assert pixel_distance(fog, real) > 5 * pixel_distance(held_out, real)
