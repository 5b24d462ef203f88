import torch

from gan_cli.tricks.pools import ExperienceReplay
from tests.tricks.games import Tiny


def pool(size: int, share: float) -> ExperienceReplay:
    made = ExperienceReplay(size, share)
    made.attach((1, 1, 1))
    return made


def batch(*values: float) -> torch.Tensor:
    return torch.tensor(values).view(-1, 1, 1, 1)


def test_an_empty_store_gives_the_batch_back():
    x, y = batch(1, 2, 3, 4), torch.arange(4)
    old_x, old_y = pool(8, 0.5)(x, y)
    assert torch.equal(old_x, x)
    assert torch.equal(old_y, y)


def test_the_last_share_comes_from_the_past_with_its_labels():
    store = pool(8, 0.5)
    store(batch(1, 2, 3, 4), torch.tensor([1, 2, 3, 4]))
    old_x, old_y = store(batch(10, 20, 30, 40), torch.tensor([10, 20, 30, 40]))
    assert old_x.flatten()[:2].tolist() == [10, 20]
    assert set(old_x.flatten()[2:].tolist()) <= {1, 2, 3, 4}
    assert torch.equal(old_x.flatten().long(), old_y)


def test_the_store_fills_in_order_and_then_forgets():
    store = pool(6, 1.0)
    store(batch(1, 2, 3, 4), None)
    assert (store.filled, store.pictures.flatten().tolist()) == (4, [1, 2, 3, 4, 0, 0])
    store(batch(5, 6, 7, 8), None)
    assert (store.filled, store.pictures.flatten().tolist()) == (6, [1, 2, 3, 4, 5, 6])
    store(batch(9, 10), None)
    assert store.filled == 6
    assert {9.0, 10.0} < set(store.pictures.flatten().tolist())
    assert len(set(store.pictures.flatten().tolist()) & {1, 2, 3, 4, 5, 6}) == 4


def test_no_share_equals_absent_but_for_random_numbers():
    x = batch(1, 2, 3, 4)
    store = pool(8, 0.0)
    for _ in range(3):
        assert torch.equal(store(x, None)[0], x)


def test_only_fakes_of_ds_turn_are_replayed():
    store = ExperienceReplay(60, 0.5)
    store.attach((1, 2, 2))
    game = Tiny(pool=store)
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
