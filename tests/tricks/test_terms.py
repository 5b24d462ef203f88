import math

import pytest
import torch
from torch import nn

from gan_cli.networks import mlp
from gan_cli.tricks.penalties import R1
from gan_cli.tricks.terms import (
    AuxiliaryClassifier,
    Drift,
    FeatureMatching,
    HistoricalAveraging,
    OrthogonalRegularization,
    PullAway,
)
from tests.tricks.games import Tiny, batch_of, tiny_discriminator


def test_feature_matching_by_hand():
    """Means (2, 1) and (0, 0): (4 + 1) / 2."""
    real = torch.tensor([[1.0, 0.0], [3.0, 2.0]]).view(2, 2, 1, 1)
    fake = torch.tensor([[-1.0, 5.0], [1.0, -5.0]]).view(2, 2, 1, 1)
    batch = batch_of(lambda x, y: (x.flatten(1).sum(1), x.flatten(1)), real, fake)
    assert FeatureMatching().forward(batch, "generator").item() == pytest.approx(2.5)


def test_feature_matching_pulls_fakes_to_the_mean_of_reals():
    fake = torch.zeros(2, 1, 1, 1, requires_grad=True)
    batch = batch_of(lambda x, y: (x.flatten(), x.flatten(1)), torch.full((2, 1, 1, 1), 3.0), fake)
    (slope,) = torch.autograd.grad(FeatureMatching().forward(batch, "generator"), fake)
    assert slope.flatten().tolist() == [-3.0, -3.0]  # d/df_i of (3 - mean f)^2, two of them


def test_orthogonal_regularization_by_hand():
    """Rows (1, 2) and (3, 4) meet in 11, twice; a bias has no rows."""
    weight = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    term = OrthogonalRegularization()
    assert term.forward([weight, torch.ones(5)]).item() == pytest.approx(2 * 11**2)
    assert term.forward([torch.diag(torch.tensor([2.0, 3.0]))]).item() == 0.0


def test_pull_away_by_hand():
    """Three codes at angles of 60, 30 and 90 degrees: (cos^2 60 + cos^2 30 + 0) / 3."""
    codes = torch.tensor([[2.0, 0.0], [0.5, 3**0.5 / 2], [0.0, 5.0]]).view(3, 2, 1, 1)
    batch = batch_of(lambda x, y: (x.flatten(1).sum(1), x.flatten(1)), codes, codes)
    assert PullAway()(batch, "generator").item() == pytest.approx(2 * (0.25 + 0.75) / 6)
    alone = batch_of(lambda x, y: (x.flatten(1).sum(1), x.flatten(1)), codes[:1], codes[:1])
    assert PullAway()(alone, "generator").item() == pytest.approx(0, abs=1e-6)


def test_drift_by_hand():
    """Logits 1 and 3 of reals: (1 + 9) / 2; those of fakes do not count."""
    real, fake = (torch.tensor(v).view(2, 1, 1, 1) for v in ([1.0, 3.0], [7.0, 8.0]))
    batch = batch_of(lambda x, y: (x.flatten(), x.flatten(1)), real, fake)
    assert Drift().forward(batch, "discriminator").item() == pytest.approx(5.0)


def test_historical_averaging_by_hand():
    """theta = 1, 3, 5: the past means are 1 (itself), 1, 2; the distances 0, 2^2, 3^2."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.ones_(network.weight)
    term = HistoricalAveraging()
    term.attach([network.weight])
    found = []
    for theta in (1.0, 3.0, 5.0):
        nn.init.constant_(network.weight, theta)
        value = term([network.weight])
        network.zero_grad()
        value.backward()
        found.append((value.item(), network.weight.grad.item()))
    assert found == [(0.0, 0.0), (4.0, 4.0), (9.0, 6.0)]  # slopes 2 (theta - mean)
    assert term.mean.item() == pytest.approx(3.0)


def test_historical_averaging_remembers_each_player_for_itself():
    game = Tiny(HistoricalAveraging(weight=0.1))
    game.play(3)
    of = game.game.weight_terms
    sizes = {
        player: sum(p.numel() for p in network.parameters())
        for player, network in game.networks.items()
    }
    assert {player: len(terms["term0"].mean) for player, terms in of.items()} == sizes
    one_sided = Tiny(HistoricalAveraging(weight=0.1), on=["generator"])
    assert set(one_sided.play(1)) == {
        "discriminator/adversarial",
        "generator/adversarial",
        "generator/term0",
    }


def test_historical_averaging_resumes_bit_for_bit():
    whole, first, second = (Tiny(HistoricalAveraging(weight=1.0)) for _ in range(3))
    whole.play(5)
    first.play(3)
    second.game.load_state_dict(first.game.state_dict())
    for player, optimizer in second.optimizers.items():
        optimizer.load_state_dict(first.optimizers[player].state_dict())
    second.play(2, start=3)
    assert whole.equals(second)
    for a, b in zip(whole.game.buffers(), second.game.buffers(), strict=True):
        assert torch.equal(a, b)


def auxiliary():
    network = tiny_discriminator()
    term = AuxiliaryClassifier(n_classes=4)
    term.apply_to(network)
    nn.init.zeros_(network.classifier.weight)
    nn.init.zeros_(network.classifier.bias)
    return network, term


def test_auxiliary_classifier_where_nothing_is_known():
    """Cross-entropy log 4 of four classes; D's turn has it for real and fake."""
    x, y = torch.rand(3, 1, 2, 2), torch.tensor([0, 3, 1])
    for role, batches in (("discriminator", 2), ("generator", 1)):
        network, term = auxiliary()
        value = term(batch_of(network, x, x, y), role)
        assert value.item() == pytest.approx(batches * math.log(4))


def test_auxiliary_classifier_is_learnt_by_d():
    network, term = auxiliary()
    assert {"classifier.weight", "classifier.bias"} <= set(dict(network.named_parameters()))
    optimizer = torch.optim.Adam(network.parameters(), 0.05)
    y = torch.arange(4)
    x = nn.functional.one_hot(y).float().view(4, 1, 2, 2)
    for _ in range(100):
        optimizer.zero_grad()
        loss = term(batch_of(network, x, x, y), "discriminator")
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_auxiliary_classifier_tells_g_its_class():
    """G's turn asks about fakes alone."""
    network, term = auxiliary()
    nn.init.normal_(network.classifier.weight)
    real, fake = torch.rand(2, 3, 1, 2, 2)
    real.requires_grad_(), fake.requires_grad_()
    value = term(batch_of(network, real, fake, torch.tensor([0, 1, 2])), "generator")
    slopes = torch.autograd.grad(value, [real, fake], materialize_grads=True)
    assert slopes[0].abs().max() == 0
    assert slopes[1].abs().max() > 0


@pytest.mark.parametrize("kind", [FeatureMatching, HistoricalAveraging])
def test_weight_zero_equals_absent(kind):
    plain, without, with_ = Tiny(), Tiny(kind(weight=0.0)), Tiny(kind(weight=1.0))
    for game in (plain, without, with_):
        game.play(3)
    assert plain.equals(without)
    assert not plain.equals(with_)


def test_terms_are_called_by_name():
    assert set(Tiny(FeatureMatching(), R1()).play(1)) == {
        "discriminator/adversarial",
        "discriminator/term1",
        "generator/adversarial",
        "generator/term0",
    }


def test_auxiliary_classifier_reads_the_features_of_a_real_network():
    network = mlp.Discriminator(4, 1, hidden=[6, 5], dropout=0.0)
    AuxiliaryClassifier(n_classes=3).apply_to(network)
    assert network.classifier.weight.shape == (3, 5)


@pytest.mark.parametrize("rows", [8, 64])
def test_products_of_nearly_orthogonal_rows_stay_in_float32(rows: int):
    """In bf16 a squared cosine of 1e-3 is lost."""
    torch.manual_seed(0)
    w = torch.linalg.qr(torch.randn(rows, rows)).Q + 1e-3 * torch.randn(rows, rows)
    batch = batch_of(lambda x, y: (x.flatten(1).sum(1), x.flatten(1)), w[:, None], w[:, None])
    for term, given in ((OrthogonalRegularization(), ([w],)), (PullAway(), (batch, "generator"))):
        exact = term(*given)
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(term(*given), exact)
        assert exact > 0
