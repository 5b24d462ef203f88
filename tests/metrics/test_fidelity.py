"""Every measure against a closed form and against an implementation that is not ours."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from sklearn.metrics.pairwise import euclidean_distances, polynomial_kernel
from sklearn.neighbors import NearestNeighbors

from gan_cli.metrics import fidelity
from gan_cli.metrics.fidelity import (
    KernelReference,
    find_neighbourhoods,
    fit_gaussian,
    frechet_distance,
    inception_score,
    neighbourhood_overlap,
)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def overlap(real, fake, k=5):
    return neighbourhood_overlap(
        find_neighbourhoods(real, [k]), find_neighbourhoods(fake, [k]), k, k
    )


def kernel_distance(real, fake, seed=0, **subsets):
    return KernelReference(real, seed, **subsets).distance(fake)


def whitened(n, dim, seed=0):
    """Samples whose mean is exactly zero and whose covariance is exactly the identity."""
    x = normal(n, dim, seed=seed)
    x -= x.mean(0)
    return x @ torch.linalg.inv(torch.linalg.cholesky(x.T.cov())).T


def test_frechet_distance_of_gaussians_in_closed_form():
    # diagonal covariances: |m_r - m_g|^2 + sum (s_r - s_g)^2
    std_r, std_g = torch.tensor([1.0, 2.0, 0.5]), torch.tensor([3.0, 2.0, 0.0])
    shift = torch.tensor([0.0, -4.0, 1.0])
    real, fake = whitened(500, 3) * std_r, whitened(700, 3, seed=1) * std_g + shift
    assert frechet_distance(real, fake) == pytest.approx(17 + 4 + 0 + 0.25, rel=1e-9)


def test_frechet_distance_of_correlated_features_as_scipy_and_torch_fidelity_have_it():
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    real, fake = normal(200, 8) @ normal(8, 8, seed=1), normal(150, 8, seed=2) + 0.3
    root = scipy.linalg.sqrtm(np.cov(real.T) @ np.cov(fake.T))
    by_hand = (real.mean(0) - fake.mean(0)).square().sum() + np.trace(
        np.cov(real.T) + np.cov(fake.T) - 2 * np.real(root)
    )
    theirs = fid_statistics_to_metric(
        fid_features_to_statistics(real), fid_features_to_statistics(fake), verbose=False
    )["frechet_inception_distance"]
    assert frechet_distance(real, fake) == pytest.approx(float(by_hand), rel=1e-9)
    assert frechet_distance(real, fake) == pytest.approx(theirs, rel=1e-9)


def test_frechet_distance_is_zero_to_itself_even_where_the_covariance_is_singular():
    features = normal(40, 64) * 10  # fewer samples than features
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-8)
    assert frechet_distance(features.float(), features.float()) == pytest.approx(0, abs=1e-8)


def test_a_gaussian_fitted_once_serves_for_features():
    real, fake = normal(2300, 3).float(), normal(90, 3, seed=1)
    fitted = fit_gaussian(real)
    assert torch.allclose(fitted.root @ fitted.root.T, real.double().T.cov())
    assert frechet_distance(fitted, fake) == frechet_distance(real, fake)


def test_kernel_distance_as_sklearns_polynomial_kernel_has_it():
    real, fake = normal(60, 5), normal(60, 5, seed=1) * 1.5
    kernel = {"degree": 3, "gamma": 1 / 5, "coef0": 1}
    xx, yy, xy = (
        polynomial_kernel(a, b, **kernel) for a, b in ((real, real), (fake, fake), (real, fake))
    )
    apart = ~np.eye(60, dtype=bool)
    expected = xx[apart].mean() + yy[apart].mean() - 2 * xy.mean()
    assert kernel_distance(real, fake, subsets=1) == pytest.approx(expected, rel=1e-9)


def test_kernel_distance_of_all_samples_as_torch_fidelity_has_it():
    from torch_fidelity.metric_kid import kid_features_to_metric

    real, fake = normal(120, 6), normal(120, 6, seed=1) + 0.5
    theirs = kid_features_to_metric(real, fake, kid_subsets=1, kid_subset_size=120, verbose=False)
    assert kernel_distance(real, fake, subsets=1) == pytest.approx(
        theirs["kernel_inception_distance_mean"], rel=1e-9
    )


def test_kernel_distance_of_subsets_agrees_with_torch_fidelity():
    from torch_fidelity.metric_kid import kid_features_to_metric

    real, fake = normal(400, 6), normal(500, 6, seed=1) + 0.5
    theirs = kid_features_to_metric(
        real, fake, kid_subsets=200, kid_subset_size=100, verbose=False
    )["kernel_inception_distance_mean"]
    ours = kernel_distance(real, fake, subsets=200, subset_size=100)
    assert ours == pytest.approx(theirs, rel=0.05)  # other subsets


def test_kernel_distance_is_unbiased():
    # E[k(x, y)] for independent x, y ~ N(0, I): only even powers of x.y / F survive, so that
    # 1 + 3 E[(x.y)^2] / F^2 = 1 + 3 / F, and the distance of x ~ N(0, I) to y = 0 is 3 / F.
    dim, pairs = 4, 400
    same = torch.tensor(
        [
            kernel_distance(normal(20, dim, seed=2 * i), normal(20, dim, seed=2 * i + 1), subsets=1)
            for i in range(pairs)
        ]
    )
    assert same.min() < 0 < same.max()
    assert abs(same.mean()) < 4 * same.std() / math.sqrt(pairs)
    to_zero = torch.tensor(
        [
            kernel_distance(normal(20, dim, seed=i), torch.zeros(20, dim), subsets=1)
            for i in range(pairs)
        ]
    )
    assert abs(to_zero.mean() - 3 / dim) < 4 * to_zero.std() / math.sqrt(pairs)


def test_kernel_distance_is_a_function_of_its_seed():
    real, fake = normal(50, 3), normal(50, 3, seed=1)
    state = torch.get_rng_state()
    first, again, other = (
        kernel_distance(real, fake, seed, subsets=3, subset_size=20) for seed in (0, 0, 1)
    )
    assert first == again != other
    assert torch.equal(torch.get_rng_state(), state)


def test_inception_score_of_a_perfect_and_of_a_constant_predictor():
    assert inception_score(torch.eye(10).repeat(20, 1)) == pytest.approx(10)
    assert inception_score(torch.eye(10)[:1].repeat(200, 1)) == pytest.approx(1)
    assert inception_score(torch.full((200, 10), 0.1)) == pytest.approx(1)


def test_inception_score_as_torch_fidelity_has_it():
    from torch_fidelity.metric_isc import isc_features_to_metric

    logits = normal(203, 7) * 3
    theirs = isc_features_to_metric(logits, splits=10, shuffle=False)["inception_score_mean"]
    # they cut 203 samples at i * 203 // 10, we give the first parts one more
    assert inception_score(logits[:200].softmax(1)) == pytest.approx(
        isc_features_to_metric(logits[:200], shuffle=False)["inception_score_mean"], rel=1e-12
    )
    assert inception_score(logits.softmax(1)) == pytest.approx(theirs, rel=0.02)


def test_neighbourhoods_of_identical_and_of_disjoint_sets():
    features = normal(300, 4)
    precision, recall, _, coverage = overlap(features, features.clone())
    assert (precision, recall, coverage) == (1, 1, 1)
    assert overlap(features, features + 100) == (0, 0, 0, 0)


def test_neighbourhoods_tell_lost_modes_from_bad_samples():
    real = torch.cat([normal(300, 4), normal(300, 4, seed=1) + 20])
    one_mode = overlap(real, normal(600, 4, seed=2))
    assert one_mode.precision > 0.9
    assert one_mode.recall < 0.55
    assert one_mode.coverage < 0.55
    half_bad = torch.cat([normal(300, 4, seed=2), normal(300, 4, seed=3) + 100])
    assert overlap(normal(600, 4), half_bad).precision == pytest.approx(0.5, abs=0.05)


def test_density_of_one_distribution_is_about_one():
    assert overlap(normal(3000, 3), normal(3000, 3, seed=1)).density == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("k", [1, 5])
def test_neighbourhoods_as_numpy_finds_them(k):
    real, fake = normal(1100, 3).float(), (normal(900, 3, seed=1) * 0.7 + 0.4).float()
    real_radii, fake_radii = (
        np.sort(euclidean_distances(x.double()), axis=1)[:, k] for x in (real, fake)
    )
    distances = euclidean_distances(real.double(), fake.double())  # [N, M]
    inside = distances < real_radii[:, None]
    expected = (
        (distances <= real_radii[:, None]).any(0).mean(),
        (distances <= fake_radii).any(1).mean(),
        inside.sum(0).mean() / k,
        inside.any(1).mean(),
    )
    assert overlap(real, fake, k) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("k", [3, 5])
def test_precision_and_recall_as_torch_fidelity_has_them(k):
    from torch_fidelity.metric_prc import prc_features_to_metric

    real, fake = normal(1100, 4), normal(1300, 4, seed=1) * 0.8 + 0.2
    theirs = prc_features_to_metric(fake, real, prc_neighborhood=k, verbose=False)
    ours = overlap(real, fake, k)
    assert 0.1 < ours.recall < ours.precision < 1
    assert ours.precision == pytest.approx(theirs["precision"], abs=1e-6)  # theirs are float32
    assert ours.recall == pytest.approx(theirs["recall"], abs=1e-6)


def test_neighbourhoods_as_scikit_learn_finds_them():
    features = normal(2300, 5)  # more rows than are taken at once
    distances, _ = NearestNeighbors(n_neighbors=5).fit(features).kneighbors()
    assert np.allclose(find_neighbourhoods(features).radii[5], distances[:, -1], rtol=1e-9)


def test_precision_and_recall_reach_the_third_neighbour_density_and_coverage_the_fifth():
    real, fake = normal(300, 3), normal(400, 3, seed=1) * 0.7 + 0.4
    found = neighbourhood_overlap(find_neighbourhoods(real), find_neighbourhoods(fake))
    third, fifth = overlap(real, fake, 3), overlap(real, fake, 5)
    assert third[:2] != fifth[:2]
    assert third[2:] != fifth[2:]
    assert found == (*third[:2], *fifth[2:])


def test_the_edge_of_a_neighbourhood_counts_for_precision_and_recall_alone():
    """Reals at 0, 1, ... 4, with k = 1 each of radius 1: a fake at 5 lies on the last one's edge.

    Fakes at 5 and 7 have radius 2: the real at 3 lies on an edge, the one at 4 within.
    """
    real = torch.arange(5.0)[:, None]
    fake = torch.tensor([[5.0], [7.0]])
    found = overlap(real, fake, k=1)
    assert found == (0.5, 0.4, 0, 0)


def test_what_concerns_the_reals_alone_is_computed_once(monkeypatch):
    real, fake = normal(50, 3), normal(40, 3, seed=1)
    kept = KernelReference(real, subsets=3, subset_size=20)
    first = kept.distance(fake)
    compared = []
    kernel = fidelity._kernel
    monkeypatch.setattr(fidelity, "_kernel", lambda x, y: compared.append(0) or kernel(x, y))
    assert kept.distance(fake) == first
    assert len(compared) == 3 * 2  # among the fakes, and between fakes and reals
    fewer = kept.distance(fake[:10])  # of subsets that are smaller, so the reals' are too
    assert fewer == kernel_distance(real, fake[:10], subsets=3, subset_size=20)


def test_too_few_samples_have_no_neighbourhoods():
    with pytest.raises(ValueError, match="more than 5"):
        overlap(normal(5, 2), normal(50, 2))
