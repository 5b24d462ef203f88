import math

import pytest
import torch

from gan_cli.data.gaussians import Gaussians
from gan_cli.metrics.modes import gaussian_coverage, histogram, kl_to_uniform


@pytest.mark.parametrize(("layout", "modes"), [("ring", 8), ("grid", 25)])
def test_the_mixture_itself_reaches_everything(layout, modes):
    mixture = Gaussians(layout=layout, limit=20_000, n_classes=modes)
    points = mixture.load()["image"].flatten(1)
    found = gaussian_coverage(points, mixture.centres, mixture.std)
    assert found.modes_hit == modes
    assert found.high_quality == pytest.approx(1 - math.exp(-4.5), abs=0.003)
    assert found.reverse_kl == pytest.approx(0, abs=0.002)
    assert 0.96 < found.mode_overlap < found.high_quality


def test_a_collapsed_generator_hits_one_mode():
    mixture = Gaussians()
    found = gaussian_coverage(mixture.centres[3:4].repeat(50, 1), mixture.centres, mixture.std)
    assert found == (1, 1.0, pytest.approx(math.log(8)), pytest.approx(1 / 8))


def test_three_standard_deviations_is_the_border():
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0]])
    points = torch.tensor([[2.999, 0.0], [10.0, 3.001]])
    assert gaussian_coverage(points, centres, std=1.0) == (1, 0.5, pytest.approx(0), 0.5)


def test_points_nowhere_hit_nothing():
    mixture = Gaussians()
    found = gaussian_coverage(torch.zeros(10, 2), mixture.centres, mixture.std)
    assert found[:2] == (0, 0.0)


def test_overlap_wants_all_modes_evenly_and_nothing_beside_them():
    centres = torch.eye(4)
    counts = torch.tensor([4, 2, 1, 1])  # of ten; two more are nowhere
    points = torch.cat([centres.repeat_interleave(counts, 0), torch.full((2, 4), 9.0)])
    overlap = gaussian_coverage(points, centres, std=0.01).mode_overlap
    assert overlap == pytest.approx(0.25 + 0.2 + 0.1 + 0.1)


def test_kl_of_a_histogram():
    assert kl_to_uniform(torch.tensor([5, 5, 5])) == 0
    assert kl_to_uniform(torch.tensor([0, 9, 0])) == pytest.approx(math.log(3))
    # half the classes, evenly: log 2
    assert kl_to_uniform(torch.tensor([4, 0, 4, 0])) == pytest.approx(math.log(2))


def test_histogram_counts_absent_classes_too():
    assert histogram(torch.tensor([2, 0, 2]), 4).tolist() == [1, 0, 2, 0]
