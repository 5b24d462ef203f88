import itertools

import pytest
import torch

from gan_cli.metrics.codes import code_accuracy


def test_names_do_not_matter():
    classes = torch.arange(50) % 10
    assert code_accuracy((classes + 3) % 10, classes) == 1


def test_every_way_of_naming_codes_was_tried():
    draw = torch.Generator().manual_seed(0)
    codes, classes = (torch.randint(5, (40,), generator=draw) for _ in range(2))
    best = max(
        (torch.tensor(names)[codes] == classes).double().mean().item()
        for names in itertools.permutations(range(5))
    )
    assert code_accuracy(codes, classes) == pytest.approx(best)


def test_one_class_cannot_have_two_codes():
    """Both codes are of class 0: one of them is wrong, however it is named."""
    assert code_accuracy(torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 0, 0])) == 0.75


@pytest.mark.parametrize(("codes", "classes"), [([0, 1, 2], [0, 1, 1]), ([0, 1, 1], [0, 1, 2])])
def test_codes_and_classes_may_be_of_different_number(codes, classes):
    assert code_accuracy(torch.tensor(codes), torch.tensor(classes)) == pytest.approx(2 / 3)


def test_chance_is_little_above_one_in_k():
    draw = torch.Generator().manual_seed(0)
    codes, classes = (torch.randint(10, (20_000,), generator=draw) for _ in range(2))
    assert 0.1 < code_accuracy(codes, classes) < 0.12
