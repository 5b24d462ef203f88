import pytest
import torch

from gan_cli.tricks.pools import ExperienceReplay
from tests.tricks.games import Tiny


def pool(size: int, p: float) -> ExperienceReplay:
    made = ExperienceReplay(size, p)
    made.attach((1, 1, 1))
    return made


def batch(*values: float) -> torch.Tensor:
    return torch.tensor(values).view(-1, 1, 1, 1)


def test_an_empty_store_gives_the_batch_back():
    x, y = batch(1, 2, 3, 4), torch.arange(4)
    old_x, old_y = pool(8, 0.5)(x, y)
    assert torch.equal(old_x, x)
    assert torch.equal(old_y, y)


def test_what_comes_from_the_past_has_its_label_and_the_rest_its_place():
    torch.manual_seed(0)
    store = pool(8, 0.5)
    store(batch(1, 2, 3, 4), torch.tensor([1, 2, 3, 4]))
    present = batch(*range(10, 40))
    x, y = store(present, torch.arange(10, 40))
    assert torch.equal(x.flatten().long(), y)
    old = x.flatten() < 10
    assert 0 < old.sum() < len(x)
    assert set(x[old].flatten().tolist()) <= {1, 2, 3, 4}
    assert torch.equal(x[~old], present[~old])


@pytest.mark.parametrize("p", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("size", [1, 20])
def test_each_fake_is_exchanged_with_probability_p(size: int, p: float):
    """Also one at a time, the paper's batch size: of 2000 fakes the standard error is 0.011."""
    torch.manual_seed(0)
    store = pool(50, p)
    store(batch(*[-1] * 50), None)
    exchanged = 0
    for i in range(2000 // size):
        present = batch(*range(i * size, (i + 1) * size))
        exchanged += int((store(present, None)[0] != present).sum())
    assert exchanged / 2000 == pytest.approx(p, abs=0.04)


def test_the_store_fills_in_order_and_then_forgets():
    store = pool(6, 1.0)
    store(batch(1, 2, 3, 4), None)
    assert (store.filled, store.images.flatten().tolist()) == (4, [1, 2, 3, 4, 0, 0])
    store(batch(5, 6, 7, 8), None)
    assert (store.filled, store.images.flatten().tolist()) == (6, [1, 2, 3, 4, 5, 6])
    store(batch(9, 10), None)
    assert store.filled == 6
    assert {9.0, 10.0} < set(store.images.flatten().tolist())
    assert len(set(store.images.flatten().tolist()) & {1, 2, 3, 4, 5, 6}) == 4


def test_probability_zero_equals_absent_but_for_random_numbers():
    x = batch(1, 2, 3, 4)
    store = pool(8, 0.0)
    for _ in range(3):
        assert torch.equal(store(x, None)[0], x)


def test_only_fakes_of_ds_turn_are_replayed():
    store = ExperienceReplay(60, 0.5)
    game = Tiny(store)
    game.play(3)
    assert store.filled == 18  # 6 fakes a step, from D's turns alone


def test_it_resumes_bit_for_bit():
    first, second = pool(6, 0.5), pool(6, 0.5)
    first(batch(1, 2, 3, 4), torch.arange(4))
    first(batch(5, 6, 7, 8), torch.arange(4))
    second.load_state_dict(first.state_dict())
    assert second.filled == 6
    for store in (first, second):
        torch.manual_seed(0)
        store.result = store(batch(9, 10, 11, 12), torch.arange(4))
    for a, b in zip(
        (*first.result, *first.buffers()), (*second.result, *second.buffers()), strict=True
    ):
        assert torch.equal(a, b)


@pytest.mark.parametrize("filled", [False, True])
def test_what_is_not_finite_is_not_stored(filled: bool):
    """One NaN in the store would come back in turn after turn."""
    store = pool(4, 1.0)
    if filled:
        store(batch(1, 2, 3, 4), torch.tensor([1, 2, 3, 4]))
    store(batch(5, float("nan"), float("inf"), 6), torch.tensor([5, 0, 0, 6]))
    assert store.images.isfinite().all()
    if filled:
        assert torch.equal(store.images.flatten().long(), store.labels)
