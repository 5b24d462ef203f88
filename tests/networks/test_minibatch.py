import torch

from gan_cli.networks.minibatch import GroupStddev
from gan_cli.networks.untouched import judges_singly


def test_stddev_by_hand():
    """Batch (0, 2, 4, 8) in groups of two: 0 with 4 and 2 with 8, standard deviations 2 and 3."""
    found = GroupStddev(2)(torch.tensor([[0.0], [2.0], [4.0], [8.0]]))
    torch.testing.assert_close(found[:, 1], torch.tensor([2.0, 3.0, 2.0, 3.0]))


def test_stddev_is_the_mean_over_features():
    found = GroupStddev(3)(torch.tensor([[0.0, 0.0], [2.0, 6.0]]))  # 1 and 3
    torch.testing.assert_close(found, torch.tensor([[0.0, 0.0, 2.0], [2.0, 6.0, 2.0]]))


def test_stddev_of_a_collapsed_batch_has_a_slope():
    x = torch.ones(4, 3, requires_grad=True)
    (slope,) = torch.autograd.grad(GroupStddev(4)(x)[:, 3].sum(), x)
    assert torch.isfinite(slope).all()


def test_of_a_map_it_is_a_plane():
    """Pixels (0, 1) and (2, 5): 1 and 2 are their standard deviations."""
    x = torch.tensor([0.0, 1.0, 2.0, 5.0]).reshape(2, 1, 1, 2)
    found = GroupStddev(4)(x)
    assert found[:, :1].equal(x)
    torch.testing.assert_close(found[:, 1], torch.full((2, 1, 2), 1.5))


def test_it_sees_more_than_one_sample():
    assert not judges_singly(GroupStddev(4))
