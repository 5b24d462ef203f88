import itertools

import pytest
import torch

from gan_cli.metrics.codes import code_accuracy, codebook_use


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


def test_how_much_of_a_codebook_is_used():
    """Two of four entries, equally often: a share of a half, and as good as two."""
    entries = torch.tensor([[[0, 3], [3, 0]]])
    assert codebook_use(entries, 4) == {
        "codebook_share": 0.5,
        "codebook_perplexity": pytest.approx(2.0),
    }
    assert codebook_use(torch.zeros(3, dtype=torch.long), 4)["codebook_perplexity"] == 1.0
