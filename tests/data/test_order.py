import torch

from gan_cli.data.order import Order

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


def test_the_order_written_down():  # runs of other versions are compared by it
    assert Order(10, seed=0, device=CPU).take(0, 12).tolist() == [
        2,
        6,
        4,
        8,
        9,
        0,
        7,
        3,
        1,
        5,
        2,
        5,
    ]


def test_groups_have_orders_of_their_own():
    orders = [Order(10, 0, CPU, group).take(0, 40).tolist() for group in ("", "a", "b")]
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    Order(10, seed=0, device=CPU).take(0, 40)
    assert torch.equal(torch.get_rng_state(), before)
