import torch

from gan_cli.data.order import Draw, Order

CPU = torch.device("cpu")


def test_every_epoch_is_another_permutation():
    samples = Order(10, seed=0, device=CPU).take(0, 30).view(3, 10)
    assert [sorted(epoch) for epoch in samples.tolist()] == [list(range(10))] * 3
    assert len({tuple(epoch) for epoch in samples.tolist()}) == 3


def test_a_sample_depends_on_seed_and_position_only():
    whole = Order(10, seed=0, device=CPU).take(0, 40)
    order = Order(10, seed=0, device=CPU)
    for start, count in [(25, 9), (0, 7), (8, 4), (19, 1), (9, 22), (10, 10)]:
        assert torch.equal(order.take(start, count), whole[start : start + count])
    assert not torch.equal(Order(10, seed=1, device=CPU).take(0, 40), whole)


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    Order(10, seed=0, device=CPU).take(0, 40)
    assert torch.equal(torch.get_rng_state(), before)


def test_processes_share_one_order_without_overlap():
    draws = [Draw(4, CPU, seed=0, rank=rank, ranks=3) for rank in range(3)]
    assert [draw.start(24) for draw in draws] == [24, 28, 32]
    assert {draw.stride for draw in draws} == {12}
