import pytest
import torch
from PIL import Image

from gan_cli.data.digits import Digits
from gan_cli.data.folder import Folder
from gan_cli.data.gaussians import Gaussians
from gan_cli.data.outlines import Outlines
from gan_cli.data.restyled import Restyled
from gan_cli.errors import UserError
from gan_cli.evaluation.real_data import RealData
from gan_cli.evaluation.reference import take_reference


def reference_of(dataset, count=1000):
    dataset.prepare()
    return take_reference(RealData(dataset, memory_limit=1.0), count)


@pytest.mark.parametrize(("split", "other", "n"), [("train", "test", 300), ("test", "train", 12)])
def test_the_other_split_is_held_out(split, other, n):
    reference = reference_of(Digits(8, split=split), n)
    assert (reference.real.part, reference.held_out.part) == (split, other)
    assert len(reference.held_out.fields["image"]) == n
    assert len(reference.held_out.fields["label"]) == n
    assert not reference.trained_on_held_out


def test_points_of_another_seed_are_held_out():
    reference = reference_of(Gaussians(limit=50, seed=3), 200_000)
    assert (reference.held_out.part, reference.real.part) == ("seed 4", "seed 3")
    assert len(reference.held_out.fields["image"]) == 100_000


def test_images_keep_their_labels_in_random_order():
    fields = reference_of(Digits(8)).real.fields
    assert fields["label"][:20].tolist() != sorted(fields["label"][:20].tolist())
    assert not torch.equal(fields["label"], Digits(8).load()["label"])
    # the mean image of a class is that of its own images
    zeros = fields["image"][fields["label"] == 0].float().mean(0)
    assert zeros[0, 3:5, 3:5].mean() < 30 < zeros.mean()


def test_pairs_stay_pairs():
    reference = reference_of(Outlines(Digits(8)))
    for samples in (reference.real, reference.held_out):
        target = {image.numpy().tobytes(): i for i, image in enumerate(samples.fields["target"])}
        whole = Outlines(Digits(8, split=samples.part)).load()
        for source, image in zip(whole["source"][:50], whole["target"][:50], strict=True):
            place = target[image.numpy().tobytes()]
            assert torch.equal(samples.fields["source"][place], source)


def test_each_field_knows_its_own_labels():
    reference = reference_of(Restyled(Digits(8)))
    assert (reference.label_of("a"), reference.label_of("b")) == ("label_a", "label_b")
    assert reference_of(Outlines(Digits(8))).label_of("target") == "label"


def folder_of(images, root):
    for number in range(images):
        path = root / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), (number, 2 * number, 0)).save(path)
    return Folder(str(root), 8)


def test_of_data_in_one_piece_a_tenth_is_held_out(tmp_path):
    reference = reference_of(folder_of(100, tmp_path))
    real, held_out = reference.real, reference.held_out
    assert (real.part, held_out.part) == ("nine tenths", "one tenth")
    assert reference.trained_on_held_out
    for name in ("image", "label"):
        assert (len(real.fields[name]), len(held_out.fields[name])) == (90, 10)
    everything = torch.cat([real.fields["image"], held_out.fields["image"]]).flatten(1)
    assert len(everything.unique(dim=0)) == 100


def test_too_little_is_said_in_one_line(tmp_path):
    with pytest.raises(UserError, match="9 held out are too few") as error:
        reference_of(folder_of(98, tmp_path))
    assert len(error.value.problems) == 1
