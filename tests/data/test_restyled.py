import pytest
import torch

from gan_cli.data.digits import Digits
from gan_cli.data.restyled import Restyled
from gan_cli.errors import UserError


def opened(limit=101, **options):
    dataset = Restyled(Digits(8, limit=limit), **options)
    dataset.prepare()
    return dataset


def rows(images):
    return {image.numpy().tobytes() for image in images}


def test_sides_are_disjoint_and_together_everything():
    dataset = opened(thicken=0)
    data = dataset.load()
    assert dataset.sizes == {"a": 51, "b": 50} == {side: len(data[side]) for side in "ab"}
    a, b = rows(data["a"]), rows(255 - data["b"])
    assert not a & b
    assert a | b == rows(Digits(8, limit=101).load()["image"])


def test_each_side_keeps_its_labels_and_has_every_class():
    dataset, plain = opened(), Digits(8, limit=101).load()
    data = dataset.load()
    known = {x.numpy().tobytes(): int(y) for x, y in zip(plain["image"], plain["label"])}  # noqa: B905
    assert [known[x.numpy().tobytes()] for x in data["a"]] == data["label_a"].tolist()
    assert data["label_a"].unique().tolist() == data["label_b"].unique().tolist() == [*range(10)]
    counts = (data["label_a"].bincount() + data["label_b"].bincount()).tolist()
    assert counts == plain["label"].bincount().tolist()
    assert list(dataset.fields) == list(data) == ["a", "b", "label_a", "label_b"]
    assert [field.group for field in dataset.fields.values()] == ["a", "b", "a", "b"]


def test_bright_parts_grow_and_then_turn_dark():
    dot = torch.zeros(1, 1, 5, 5, dtype=torch.uint8)
    dot[..., 2, 2] = 200
    grown = torch.zeros(1, 1, 5, 5, dtype=torch.uint8)
    grown[..., 1:4, 1:4] = 200
    assert torch.equal(Restyled(Digits(), 1, False)._restyle(dot), grown)
    assert torch.equal(Restyled(Digits(), 1, True)._restyle(dot), 255 - grown)
    assert torch.equal(Restyled(Digits(), 0, True)._restyle(dot), 255 - dot)
    with pytest.raises(ValueError, match="thicken=0 and invert=false"):
        Restyled(Digits(), 0, False)


def test_halves_are_always_the_same():
    first = opened().load()
    torch.manual_seed(5)
    again = opened().load()
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_one_image_has_no_two_sides():
    with pytest.raises(UserError, match="side 'b' is empty"):
        opened(limit=1)


def test_the_other_split_is_held_out():
    held_out = opened().held_out()
    assert (held_out.part, held_out.sizes) == ("test", {"a": 150, "b": 150})
