import functools

import pytest

from gan_cli.metrics import classifier


@pytest.fixture
def briefly(monkeypatch, tmp_path):
    """Classifiers of two steps, in a cache of their own: values mean nothing."""
    monkeypatch.setattr(classifier, "train", functools.partial(classifier.train, steps=2))
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
