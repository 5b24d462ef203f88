"""Copies of training samples and of each other; against scikit-learn's neighbours."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from gan_cli.metrics import diversity
from gan_cli.metrics.diversity import (
    Neighbours,
    Training,
    authenticity,
    closest_pairs,
    duplicates,
    find_nearest,
    find_nearest_others,
)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=[(1000, 10_000), (7, 30)], ids=["one block", "many blocks"])
def _blocks(request, monkeypatch):
    rows, columns = request.param
    monkeypatch.setattr(diversity, "ROWS", rows)
    monkeypatch.setattr(diversity, "COLUMNS", columns)


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize("k", [1, 5])
def test_neighbours_as_scikit_learn_finds_them(k):
    x, among = normal(40, 8), normal(100, 8, seed=1)
    distances, indices = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(among).kneighbors(x)
    found = find_nearest(x, among, k)
    assert found.indices.tolist() == indices.tolist()
    assert np.allclose(found.distances, distances, rtol=1e-6)
    # of one set, without the sample itself
    distances, indices = NearestNeighbors(n_neighbors=k).fit(among).kneighbors()
    own = torch.tensor([99, 0, 30, 29])
    found = find_nearest(among[own], among, k, own=own)
    assert found.indices.tolist() == indices[own].tolist()
    assert np.allclose(found.distances, distances[own], rtol=1e-6)


def test_copies_are_at_distance_zero_however_far_from_the_origin():
    among = normal(50, 8) + 1000  # |a|^2 + |b|^2 - 2 a.b would lose six digits
    assert torch.equal(find_nearest(among[:9], among).distances, torch.zeros(9, 1).double())
    pairs = find_nearest_others(torch.cat([among, among]))
    assert pairs.distances.max() == 0
    assert ((pairs.indices[:, 0] - torch.arange(100)).abs() == 50).all()


def test_there_are_no_more_neighbours_than_samples():
    x = normal(3, 2)
    assert find_nearest(x, x, 5).indices.shape == (3, 3)
    assert find_nearest(x, x, 5, own=torch.arange(3)).indices.shape == (3, 2)


def test_authenticity_as_scikit_learns_neighbours_have_it():
    real, fake = normal(300, 4), normal(200, 4, seed=1) * 0.8
    tree = NearestNeighbors(n_neighbors=1).fit(real)
    gaps = tree.kneighbors()[0][:, 0]
    distances, indices = tree.kneighbors(fake)
    expected = (distances[:, 0] > gaps[indices[:, 0]]).mean()
    training = Training(real)
    assert authenticity(training, fake) == expected
    assert authenticity(training, fake) == expected  # with what it keeps
    assert 0.3 < expected < 0.9


def test_memorised_samples_are_not_authentic():
    real = normal(300, 4)
    training = Training(real)
    assert authenticity(training, real[:100]) == 0
    assert authenticity(training, real[:100] + 1e-3) < 0.05
    assert authenticity(training, real + 100) == 1
    half = torch.cat([real[:50], normal(50, 4, seed=1) + 100])
    assert authenticity(training, half) == 0.5


def test_duplicates_as_scikit_learns_neighbours_have_them():
    real, fake = normal(2000, 3), normal(800, 3, seed=1) * 0.5
    near_real, near_fake = (
        NearestNeighbors(n_neighbors=1).fit(x).kneighbors()[0][:, 0] for x in (real[:800], fake)
    )
    expected = (near_fake <= np.quantile(near_real, 0.01)).mean()
    assert duplicates(Training(real), find_nearest_others(fake)) == expected
    assert 0.01 < expected < 0.3


def test_one_in_a_hundred_of_real_samples_is_a_duplicate_whatever_their_number():
    training = Training(normal(4000, 3))
    for count in (500, 4000):
        held_out = normal(count, 3, seed=count)
        assert duplicates(training, find_nearest_others(held_out)) == pytest.approx(0.01, abs=0.012)
    # as many reals as fakes: against all 4000, which lie nearer, 500 held out had none
    assert training.closeness(500) > 1.5 * training.closeness(4000)


def test_a_collapsed_generator_makes_nothing_but_duplicates():
    training = Training(normal(500, 3))
    same = normal(1, 3, seed=1).repeat(200, 1)
    assert duplicates(training, find_nearest_others(same)) == 1
    assert duplicates(training, find_nearest_others(same + 1e-4 * normal(200, 3))) == 1
    half = torch.cat([same[:100], normal(100, 3, seed=2) * 5])
    assert duplicates(training, find_nearest_others(half)) == pytest.approx(0.5, abs=0.02)


def test_the_closest_pairs_come_first_and_once():
    points = torch.tensor([[0.0], [10.0], [10.1], [20.0], [20.3], [20.5]])
    pairs = closest_pairs(find_nearest_others(points), 10).tolist()
    assert [set(pair) for pair in pairs] == [{1, 2}, {4, 5}, {3, 4}, {0, 1}]
    assert len(closest_pairs(find_nearest_others(points), 2)) == 2


def test_there_are_pairs_where_all_are_the_same():
    star = Neighbours(torch.zeros(6, 1), torch.tensor([[1], [0], [0], [0], [0], [0]]))
    assert closest_pairs(star, 3).tolist() == [[0, 1], [2, 0], [3, 0]]
