import pytest
import torch

from gan_cli.games.losses import Targets
from gan_cli.tricks.targets import LabelFlipping, LabelSmoothing
from tests.tricks.games import Tiny

N = 20_000
REAL, FAKE = torch.ones(N), torch.zeros(N)


def targets(*tricks) -> Targets:
    torch.manual_seed(0)
    found = REAL, FAKE
    for trick in tricks:
        found = trick(*found)
    return Targets(*found)


def test_one_sided_smoothing():
    found = targets(LabelSmoothing(real=0.1))
    assert torch.allclose(found.real, torch.full((N,), 0.9))
    assert torch.equal(found.fake, FAKE)


def test_two_sided_smoothing():
    found = targets(LabelSmoothing(real=0.1, fake=0.2))
    assert torch.allclose(found.real, torch.full((N,), 0.9))
    assert torch.allclose(found.fake, torch.full((N,), 0.2))


def test_random_smoothing_fills_its_range():
    found = targets(LabelSmoothing(real=0.1, random=True))
    assert 0.9 <= found.real.min() < 0.901
    assert 0.999 < found.real.max() <= 1.0
    assert found.real.mean().item() == pytest.approx(0.95, abs=0.001)
    assert torch.equal(found.fake, FAKE)


def test_flipping_swaps_its_part():
    found = targets(LabelFlipping(p=0.1))
    assert set(found.real.tolist()) == set(found.fake.tolist()) == {0.0, 1.0}
    # the standard error is 0.002
    assert found.real.mean().item() == pytest.approx(0.9, abs=0.01)
    assert found.fake.mean().item() == pytest.approx(0.1, abs=0.01)


def test_targets_stay_probabilities_in_any_order():
    smooth, flip = LabelSmoothing(real=0.1, fake=0.05), LabelFlipping(p=0.2)
    for order in ((smooth, flip), (flip, smooth)):
        found = targets(*order)
        assert torch.cat(found).min() >= 0.05 - 1e-6
        assert torch.cat(found).max() <= 0.95 + 1e-6


@pytest.mark.parametrize("trick", [LabelSmoothing(real=0.0), LabelFlipping(p=0.0)])
def test_none_of_it_equals_absent(trick):
    plain, without = Tiny(), Tiny(trick)
    # both draw random numbers only where they need some
    assert torch.equal(torch.stack(targets(trick)), torch.stack([REAL, FAKE]))
    if isinstance(trick, LabelSmoothing):
        plain.play(3), without.play(3)
        assert plain.equals(without)
