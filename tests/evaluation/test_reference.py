import pytest
import torch

from gan_cli.errors import UserError
from gan_cli.evaluation.reference import read_held_out, read_reference
from tests.data.picture_files import write_picture

DIGITS = {
    "_target_": "gan_cli.data.digits.Digits",
    "image_size": 8,
    "channels": 1,
    "n_classes": 10,
    "split": "train",
    "limit": None,
    "memory_limit": 1.0,
}
RING = {"_target_": "gan_cli.data.gaussians.Gaussians", "limit": 50, "seed": 3, "memory_limit": 1.0}


def test_the_other_split_is_held_out_whole_whatever_the_limit():
    held_out = read_held_out({**DIGITS, "limit": 20}, None)
    assert held_out.images.shape == (300, 1, 8, 8)
    assert len(held_out.labels) == 300
    assert held_out.split == "test"
    again = read_held_out(DIGITS, None)
    assert torch.equal(held_out.images, again.images)
    other = read_held_out({**DIGITS, "split": "test"}, None)
    assert (len(other.images), other.split) == (1497, "train")


def test_points_of_another_seed_are_held_out():
    held_out = read_held_out(RING, None)
    assert (len(held_out.images), held_out.split) == (100_000, "seed 4")


def test_the_reference_is_what_the_config_says_and_as_many_are_held_out_as_asked_for():
    reference = read_reference({**DIGITS, "limit": 20}, None, count=30)
    assert (len(reference.images), len(reference.labels), reference.split) == (20, 20, "train")
    assert len(reference.held_out) == len(reference.held_out_labels) == 30
    assert reference.held_out_split == "test"
    held_out = read_held_out(DIGITS, None)
    assert torch.equal(reference.held_out, held_out.images[:30])
    assert torch.equal(reference.held_out_labels, held_out.labels[:30])


def test_pictures_keep_their_labels_in_random_order():
    whole = read_reference(DIGITS, None, count=10)
    assert whole.labels[:20].tolist() != sorted(whole.labels[:20].tolist())
    # the mean picture of a class is that of its own pictures
    zeros = whole.images[whole.labels == 0].float().mean(0)
    assert zeros[0, 3:5, 3:5].mean() < 30 < zeros.mean()


def folder_of(pictures, root):
    for number in range(pictures):
        write_picture(root / "ab"[number % 2] / f"{number}.png", seed=number)
    return {
        "_target_": "gan_cli.data.folder.Folder",
        **{"root": str(root), "image_size": 8, "channels": 3, "n_classes": None},
        "memory_limit": 1.0,
    }


def test_of_data_in_one_piece_a_tenth_is_held_out(tmp_path):
    data = folder_of(100, tmp_path)
    assert read_held_out(data, None) is None
    reference = read_reference(data, None, count=1000)
    assert (len(reference.images), reference.split) == (90, "nine tenths")
    assert (len(reference.held_out), reference.held_out_split) == (10, "one tenth")
    assert (len(reference.labels), len(reference.held_out_labels)) == (90, 10)
    everything = torch.cat([reference.images, reference.held_out]).flatten(1)
    assert len(everything.unique(dim=0)) == 100


@pytest.mark.parametrize("change", [{"limit": 9}, {"memory_limit": 1e-5}])
def test_too_little_and_too_much_is_said_in_one_line(change):
    with pytest.raises(UserError, match="data") as error:
        read_reference({**DIGITS, **change}, None, count=10)
    assert len(error.value.problems) == 1
