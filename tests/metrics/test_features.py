import pickle
from urllib.error import URLError

import pytest
import torch

from gan_cli.errors import UserError
from gan_cli.metrics import inception
from gan_cli.metrics.features import extract, extract_features
from gan_cli.metrics.inception import Inception, fetch_weights
from gan_cli.paths import cache_folder


def test_batches_are_put_together_in_order():
    pictures = torch.arange(7, dtype=torch.uint8).view(7, 1, 1, 1)

    def extractor(x):
        flat = x.flatten(1).float()
        return flat, torch.cat([flat, -flat], 1)

    found = extract(extractor, pictures, torch.device("cpu"), batch_size=3)
    assert found.features.flatten().tolist() == list(range(7))
    alone = extract_features(extractor, pictures, torch.device("cpu"), batch_size=3)
    assert torch.equal(alone, found.features)
    assert torch.allclose(found.probabilities.sum(1), torch.ones(7))
    assert found.classes[1:].tolist() == [0] * 6


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"GAN_CLI_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/gan-cli"),
        ({"HOME": "/home/x"}, "/home/x/.cache/gan-cli"),
    ],
)
def test_where_things_are_kept(monkeypatch, variables, expected):
    for name in ("GAN_CLI_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(cache_folder()) == expected


@pytest.fixture
def random_weights(tmp_path, monkeypatch):
    """A file as torch-fidelity's, of a network that has learnt nothing."""
    from torch_fidelity import feature_extractor_inceptionv3 as theirs

    with monkeypatch.context() as patch:
        patch.setattr(theirs, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(theirs.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        network = theirs.FeatureExtractorInceptionV3("any", ["2048"])
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    return tmp_path / "weights.pth"


def test_inception_reads_weights_and_returns_what_fid_and_is_are_made_of(random_weights):
    before = torch.get_rng_state()
    network = Inception(random_weights)
    assert torch.equal(torch.get_rng_state(), before)
    assert not network.network.training
    features, logits = network(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))
    assert (features.shape, logits.shape) == ((1, 2048), (1, 1008))


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('code from a file was run')",))


@pytest.mark.parametrize(
    "content", [b"", b"<html>", pickle.dumps(Bomb(), 2), pickle.dumps([1], 2)], ids=str
)
def test_a_file_that_is_not_inceptions_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "weights.pth").write_bytes(content)
    with pytest.raises(UserError, match=r"inception=.*not Inception's weights; take https:"):
        Inception(tmp_path / "weights.pth")


def test_weights_that_are_not_there(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        Inception(tmp_path / "weights.pth")


def test_another_networks_weights(tmp_path):
    torch.save({"weight": torch.zeros(2)}, tmp_path / "weights.pth")
    with pytest.raises(UserError, match="not Inception's weights"):
        Inception(tmp_path / "weights.pth")


def test_without_a_network_the_weights_are_asked_for_in_one_line(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise URLError("no route to host")

    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(UserError, match="cannot be fetched") as error:
        fetch_weights()
    assert "no route to host" in str(error.value)
    assert "inception=PATH" in str(error.value)
    assert len(error.value.problems) == 1


def test_weights_are_fetched_once_and_checked(tmp_path, monkeypatch):
    asked = []

    def fetch(url, path, hash_prefix):
        asked.append((url, hash_prefix))
        open(path, "w").close()

    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    assert fetch_weights() == fetch_weights()
    assert asked == [(inception.URL, "6726825d")]


def test_the_address_is_torch_fidelitys():
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    assert inception.URL == URL_INCEPTION_V3
