import functools

import pytest
import torch
from torch import nn

from gan_cli.data.digits import Digits
from gan_cli.data.gaussians import Gaussians
from gan_cli.errors import UserError
from gan_cli.evaluation.evaluator import Examiner, make_fakes
from gan_cli.evaluation.reference import Reference
from gan_cli.metrics import classifier, measures
from gan_cli.metrics.figures import better, headline
from gan_cli.networks.roles import Generator

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def briefly(monkeypatch, tmp_path):
    """Classifiers of two steps, in a cache of their own: figures mean nothing."""
    monkeypatch.setattr(classifier, "train", functools.partial(classifier.train, steps=2))
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def inception(monkeypatch):
    """Stands in for Inception: the colours of a picture."""

    class Stub(nn.Module):
        def forward(self, pictures):
            features = pictures.float().mean((2, 3))
            return features, features

    monkeypatch.setattr("gan_cli.evaluation.evaluator.Inception", lambda _: Stub())


def digits(channels=1, limit=60):
    train, test = (Digits(16, channels, split, limit) for split in ("train", "test"))
    real, held_out = train.load(), test.load()
    return Reference(
        *(train, real.images, real.labels, "train", held_out.images, held_out.labels, "test")
    )


def ring():
    data, other = Gaussians(limit=300), Gaussians(limit=300, seed=1)
    points = other.load().images
    return Reference(data, data.load().images, data.load().labels, "0", points, None, "1")


def open_examiner(reference, **changes):
    return Examiner(reference, **{"seed": 0, "inception": "none", "device": CPU, **changes})


@pytest.mark.parametrize("reference", [digits(), ring()], ids=["pictures", "points"])
def test_the_same_fakes_have_the_same_figures_again(reference):
    examiner = open_examiner(reference)
    half = len(reference.held_out) // 2
    fakes, other = reference.held_out.roll(1, 3), reference.held_out[:half]
    first = examiner.examine(fakes, None)
    examiner.examine(other, None)
    assert examiner.examine(fakes, None) == first


def test_what_does_not_depend_on_the_fakes_is_done_once(monkeypatch):
    calls = []

    def counted(name):
        whole = getattr(measures, name)
        monkeypatch.setattr(measures, name, lambda x, *_: calls.append(len(x)) or whole(x))

    for name in ("fit_gaussian", "find_neighbourhoods"):
        counted(name)
    examiner = open_examiner(digits())
    assert calls == [60, 60, 60]  # the reference's two, and the held-out reals' neighbourhoods
    examiner.examine(digits().held_out[:40], None)
    assert calls == [60, 60, 60, 40]


def test_held_out_reals_in_the_fakes_place_have_the_held_out_figures():
    reference = digits()
    figures = open_examiner(reference).examine(reference.held_out, reference.held_out_labels)
    assert "label_accuracy" in {figure.name for figure in figures}
    for figure in figures:
        assert figure.value == figure.held_out, figure.name
        assert (figure.fakes, figure.held_out_reals) == (60, 60)


def test_points_of_the_mixture_have_the_held_out_figures():
    reference = ring()
    for figure in open_examiner(reference).examine(reference.held_out, None):
        assert figure.value == figure.held_out, figure.name


def test_every_figure_has_a_name_of_its_own_and_a_direction(inception):
    rgb = digits(channels=3, limit=20)
    pictures = open_examiner(rgb, inception="w.pth").examine(rgb.images, rgb.labels)
    points = open_examiner(ring()).examine(ring().images, None)
    for figures in (pictures, points):
        names = [figure.name for figure in figures]
        assert len(set(names)) == len(names)
        for name in names:
            assert better(name) in ("lower", "higher")
        assert headline(names) in names
    assert {"fid", "fd_classifier", "precision", "precision_classifier"} <= {
        figure.name for figure in pictures
    }


def test_it_leaves_torchs_generators_and_modes_alone(inception):
    rgb = digits(channels=3, limit=20)
    before = torch.get_rng_state()
    examiner = open_examiner(rgb, inception="w.pth")
    network = Noise().train()
    examiner.examine(make_fakes(network, 20, 0, None), None)
    assert torch.equal(torch.get_rng_state(), before)
    assert network.training
    assert torch.is_grad_enabled()


class Noise(Generator):
    """RGB pictures of its latents; in training mode they would depend on their batch."""

    def __init__(self):
        super().__init__()
        self.latent_dim, self.n_classes = 3, 0
        self.norm = nn.BatchNorm1d(3)

    def forward(self, z, y=None):
        return self.norm(z).tanh()[:, :, None, None].expand(-1, -1, 16, 16)


def test_fakes_follow_from_the_seed_alone():
    first, again, other = (make_fakes(Noise(), 1200, seed, None) for seed in (0, 0, 1))
    assert first.dtype == torch.uint8
    assert first.shape == (1200, 3, 16, 16)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(make_fakes(Noise(), 10, 0, None)[:4], first[:4])


def test_fakes_that_are_not_finite_are_refused():
    network = Noise()
    with torch.no_grad():
        network.norm.weight.fill_(float("nan"))
    with pytest.raises(UserError, match="NaN or Inf"):
        make_fakes(network, 10, 0, None)
