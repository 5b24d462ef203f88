import pytest
import torch

from gan_cli.data.digits import Digits
from gan_cli.data.gaussians import Gaussians
from gan_cli.data.outlines import Outlines, outline


def square(channels=1):
    image = torch.zeros(1, channels, 16, 16, dtype=torch.uint8)
    image[..., 4:12, 4:12] = 200
    return image


def test_the_outline_of_a_square_is_its_border():
    lines = outline(square())[0, 0]
    bright = lines > 100
    expected = torch.zeros(16, 16, dtype=torch.bool)
    expected[3:13, 3:13] = True
    expected[5:11, 5:11] = False  # a line lies on the edge: half outside, half inside
    assert (bright & ~expected).sum() == 0
    assert lines[6:10, 6:10].max() == 0
    assert lines[:2].max() == lines[:, :2].max() == 0
    for edge in (lines[3:5, 6:10], lines[11:13, 6:10]):
        assert edge.sum(0).min() > 100  # unbroken
    assert torch.equal(lines, lines.flip(0))
    assert torch.equal(lines, lines.T)


def test_dark_images_have_outlines_too_and_flat_ones_none():
    assert torch.equal(outline(square() // 10), outline(square()))
    assert outline(torch.full((1, 1, 8, 8), 77, dtype=torch.uint8)).max() == 0


def test_all_channels_show_the_same():
    lines = outline(square(3))
    assert lines.shape == (1, 3, 16, 16)
    assert torch.equal(lines[:, 0], lines[:, 2])


def test_pairs_keep_their_label_and_split():
    dataset = Outlines(Digits(32, 3, limit=50))
    dataset.prepare()
    data, plain = dataset.load(), Digits(32, 3, limit=50).load()
    assert list(data) == list(dataset.fields) == ["source", "target", "label"]
    assert torch.equal(data["target"], plain["image"])
    assert torch.equal(data["label"], plain["label"])
    assert data["source"].shape == data["target"].shape == (50, 3, 32, 32)
    assert torch.equal(data["source"], outline(plain["image"]))
    assert data["source"].dtype == torch.uint8
    assert (len(dataset), dataset.sizes, dataset.part) == (50, {"": 50}, "train")
    assert (dataset.n_classes, dataset.class_names[3]) == (10, "3")
    held_out, whole = dataset.held_out(), dataset.whole()
    assert (len(held_out), held_out.part, len(whole), len(dataset)) == (300, "test", 1497, 50)


def test_points_have_no_outlines():
    with pytest.raises(ValueError, match="Gaussians has no field `image` of images"):
        Outlines(Gaussians())
