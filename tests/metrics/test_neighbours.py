import torch

from gan_cli.metrics.neighbours import neighbour_accuracy


def test_the_nearest_known_sample_says_the_class():
    known, classes = torch.tensor([[0.0], [1.0], [5.0]]), torch.tensor([7, 3, 3])
    asked = torch.tensor([[0.1], [0.9], [9.0], [0.4]])
    assert neighbour_accuracy(asked, torch.tensor([7, 3, 3, 3]), known, classes) == 0.75
