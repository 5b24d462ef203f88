"""Images moved about by a few pixels, those of one sample alike."""

import pytest
import torch

from gan_cli.data.augmentation import augment, jittered
from gan_cli.data.batches import open_batches
from gan_cli.data.digits import Digits
from gan_cli.data.fields import Field
from gan_cli.data.low_resolution import LowResolution
from gan_cli.data.order import Draw
from gan_cli.errors import UserError

PAIR = {"source": Field("image", (1, 8, 8)), "target": Field("image", (1, 8, 8))}


def test_a_place_in_the_enlarged_image_is_cut_out():
    """A ramp from left to right, 8 pixels made 12: what is cut further right is brighter."""
    ramp = (torch.arange(8) * 20).to(torch.uint8).expand(2, 1, 8, 8)
    moved = jittered(ramp, 4, [[0, 0], [4, 4]])
    assert (moved.shape, moved.dtype) == ((2, 1, 8, 8), torch.uint8)
    assert torch.equal(moved[:, :, :1].expand(-1, -1, 8, -1), moved)
    assert int(moved[0, 0, 0, 0]) < 8
    assert int(moved[1, 0, 0, -1]) > 132
    assert int(moved[1, 0, 0, 0]) > int(moved[0, 0, 0, 0]) + 40


def test_what_belongs_together_is_moved_alike():
    image = torch.randint(256, (4, 1, 8, 8), dtype=torch.uint8)
    batch = {"source": image, "target": image.clone()}
    augment(batch, PAIR, [""], Draw(4, torch.device("cpu"), 0, flip=True, jitter=3))
    assert torch.equal(batch["source"], batch["target"])
    assert not torch.equal(batch["source"], image)


def test_without_flip_and_jitter_nothing_happens_and_nothing_is_drawn():
    image = torch.randint(256, (4, 1, 8, 8), dtype=torch.uint8)
    batch, state = {"source": image, "target": image}, torch.get_rng_state()
    augment(batch, PAIR, [""], Draw(4, torch.device("cpu"), 0))
    assert batch["source"] is image
    assert torch.equal(state, torch.get_rng_state())


def test_images_of_two_sizes_cannot_be_moved_alike():
    dataset = LowResolution(Digits(16, limit=8), 4)
    asked = {"batch_size": 4, "seed": 0, "memory_limit": 1.0, "workers": 0, "flip": False}
    with pytest.raises(UserError, match=r"data\.jitter=2: .* differ in size"):
        open_batches(dataset, device=torch.device("cpu"), jitter=2, **asked)
