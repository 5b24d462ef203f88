import functools
import pickle

import pytest
import torch

from gan_cli.data.digits import Digits
from gan_cli.metrics import classifier
from gan_cli.metrics.features import extract

CPU = torch.device("cpu")


@pytest.fixture
def briefly(monkeypatch):
    """Trainings of two steps."""
    monkeypatch.setattr(classifier, "train", functools.partial(classifier.train, steps=2))


def some(n=64, seed=0, size=16):
    draw = torch.Generator().manual_seed(seed)
    pictures = torch.randint(0, 256, (n, 1, size, size), dtype=torch.uint8, generator=draw)
    return pictures, torch.arange(n) % 10


def weights(network):
    return torch.cat([p.flatten() for p in network.state_dict().values()])


def test_it_learns_digits_by_writers_it_has_not_seen():
    train, test = Digits(split="train").load(), Digits(split="test").load()
    network = classifier._initialised(1, 10)
    classifier.train(network, train["image"], train["label"], steps=40)
    found = extract(network, test["image"], CPU)
    assert (found.classes == test["label"]).double().mean() > 0.85
    assert found.features.shape == (300, classifier.Classifier.feature_dim)


def test_planes_are_judged_each_by_itself():
    single = classifier._initialised(1, 10).eval()
    pictures = some(6, seed=3)[0].view(2, 3, 16, 16)
    features, logits = classifier.PlaneClassifier(single, 3)(pictures)
    assert (features.shape, logits.shape) == ((2, 3 * 128), (2, 1000))
    probabilities = logits.softmax(1)
    for number, picture in enumerate(pictures):
        found = [single(plane[None, None]) for plane in picture]
        expected = torch.cat([f for f, _ in found], 1)[0]
        assert torch.allclose(features[number], expected, atol=1e-6)
        a, b, c = (digits.softmax(1)[0] for _, digits in found)
        joint = torch.einsum("i,j,k->ijk", a, b, c).flatten()
        assert torch.allclose(probabilities[number], joint, atol=1e-6)
        assert joint.argmax() == 100 * a.argmax() + 10 * b.argmax() + c.argmax()


def test_the_label_of_a_stack_names_every_plane():
    labels = torch.tensor([407, 36, 999])
    assert classifier.split_labels(labels, 10, 3).tolist() == [4, 0, 7, 0, 3, 6, 9, 9, 9]
    assert classifier.split_labels(labels, 1000, 1).tolist() == labels.tolist()


@pytest.mark.usefixtures("briefly")
def test_one_classifier_of_single_planes_is_trained_for_a_stack(tmp_path):
    stacked, labels = some(48)[0].view(16, 3, 16, 16), torch.arange(16) * 60
    network = classifier.open_classifier(stacked, labels, 1000, tmp_path, CPU, planes=3)
    assert not network.training
    digits = classifier.split_labels(labels, 10, 3)
    single = classifier.load_or_train(stacked.view(48, 1, 16, 16), digits, 10, tmp_path, CPU)
    assert len(list(tmp_path.iterdir())) == 1
    assert torch.equal(weights(network), weights(single))


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (1, 28), (3, 32), (3, 97)])
def test_it_takes_pictures_of_any_size(channels, size):
    network = classifier.Classifier(channels, 4).eval()
    features, logits = network(torch.zeros(2, channels, size, size, dtype=torch.uint8))
    assert (features.shape, logits.shape) == ((2, 128), (2, 4))


@pytest.mark.usefixtures("briefly")
def test_its_training_is_its_own_affair(tmp_path):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = classifier.load_or_train(*some(), 10, tmp_path / "a", CPU)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    second = classifier.load_or_train(*some(), 10, tmp_path / "b", CPU)
    assert torch.equal(weights(first), weights(second))
    assert not first.training


@pytest.mark.usefixtures("briefly")
def test_it_is_kept_by_its_data(tmp_path, monkeypatch):
    first = classifier.load_or_train(*some(), 10, tmp_path, CPU)
    classifier.load_or_train(*some(seed=1), 10, tmp_path, CPU)
    pictures, labels = some()
    classifier.load_or_train(pictures, labels.flip(0), 10, tmp_path, CPU)
    names = {path.name for path in tmp_path.iterdir()}
    assert len(names) == 3
    assert all(name.endswith(".pt") for name in names)
    monkeypatch.setattr(classifier, "train", None)
    again = classifier.load_or_train(*some(), 10, tmp_path, CPU)
    assert torch.equal(weights(first), weights(again))
    assert not again.training


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('code from a cache was run')",))


@pytest.mark.usefixtures("briefly")
@pytest.mark.parametrize("content", [b"", b"<html>", pickle.dumps(Bomb(), 2), None], ids=str)
def test_a_damaged_or_hostile_cache_is_made_anew(tmp_path, caplog, content):
    first = classifier.load_or_train(*some(), 10, tmp_path, CPU)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:2000] if content is None else content)
    again = classifier.load_or_train(*some(), 10, tmp_path, CPU)
    assert "cannot be used" in caplog.text
    assert torch.equal(weights(first), weights(again))
    assert classifier.torch.load(kept, weights_only=True)


@pytest.mark.usefixtures("briefly")
def test_a_cache_that_cannot_be_written_costs_only_a_warning(tmp_path, caplog):
    (tmp_path / "file").touch()
    network = classifier.load_or_train(*some(), 10, tmp_path / "file" / "cache", CPU)
    assert not network.training
    assert "cannot be written" in caplog.text


def test_a_distortion_keeps_size_range_and_most_of_the_picture():
    pictures = classifier.prepare(Digits(limit=20).load()["image"])
    distorted = classifier._distorted(pictures, torch.Generator().manual_seed(0))
    assert distorted.shape == pictures.shape
    assert distorted.min() >= -1
    assert distorted.max() <= 1
    far = (distorted - pictures[torch.arange(20).roll(1)]).square().mean()
    assert 0 < (distorted - pictures).square().mean() < far
