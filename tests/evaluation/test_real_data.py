import pytest
import torch

from gan_cli.data.digits import Digits
from gan_cli.data.gaussians import Gaussians
from gan_cli.data.restyled import Restyled
from gan_cli.errors import UserError
from gan_cli.evaluation.real_data import RealData
from gan_cli.evaluation.reference import take_reference


@pytest.fixture
def reads(monkeypatch):
    """The part of each reading of digits."""
    seen = []
    load = Digits.load
    monkeypatch.setattr(Digits, "load", lambda self: seen.append(self.part) or load(self))
    return seen


def prepared(dataset):
    dataset.prepare()
    return RealData(dataset, memory_limit=1.0)


@pytest.mark.parametrize("wrap", [lambda digits: digits, Restyled], ids=["plain", "wrapped"])
def test_each_part_is_read_once_whoever_asks(reads, wrap):
    data = prepared(wrap(Digits(8)))
    data.training  # noqa: B018
    data.take_held_out(10_000)
    take_reference(data, 50)
    take_reference(data, 100)
    assert sorted(reads) == ["test", "train"]


def test_nothing_is_read_before_it_is_asked_for(reads):
    prepared(Digits(8))
    assert reads == []


def test_a_limit_that_leaves_nothing_out_is_none():
    data = prepared(Gaussians(limit=100_000))
    assert data.everything.fields is data.training


def test_all_there_is_is_the_reference_whatever_the_limit():
    data = prepared(Digits(8, limit=20))
    assert len(data.training["image"]) == 20
    assert len(data.everything.fields["image"]) == len(data.everything.fields["label"]) == 1497
    assert data.everything.part == "train"
    assert len(data.held_out.fields["image"]) == 300


def test_fewer_held_out_samples_are_the_first_of_more():
    data = prepared(Digits(8))
    few, many = data.take_held_out(30), data.take_held_out(10_000)
    assert (few.part, len(many.fields["image"])) == ("test", 300)
    for name in ("image", "label"):
        assert torch.equal(few.fields[name], many.fields[name][:30])


def test_too_much_for_memory_is_said_in_one_line():
    dataset = Digits(8)
    with pytest.raises(UserError, match="memory_limit") as error:
        RealData(dataset, memory_limit=1e-5).training  # noqa: B018
    assert len(error.value.problems) == 1
