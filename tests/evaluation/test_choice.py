import pytest

from gan_cli.config.components import Component
from gan_cli.config.schema import DataSettings
from gan_cli.data.digits import Digits
from gan_cli.data.outlines import Outlines
from gan_cli.data.torchvision import MNIST
from gan_cli.errors import UserError
from gan_cli.evaluation.choice import DataChoice, open_data, with_argument

DIGITS = Component(Digits, {"image_size": 8, "limit": 50}, "data")


def settings_of(component, memory_limit=1.0):
    return DataSettings(
        dataset=component,
        n_classes=10,
        batch_size=8,
        memory_limit=memory_limit,
        workers=0,
        flip=False,
    )


def choice(root=None, limit=None, download=None):
    return DataChoice(root=root, limit=limit, download=download)


@pytest.mark.parametrize(
    "component", [DIGITS, Component(Outlines, {"images": DIGITS}, "data")], ids=["plain", "wrapped"]
)
def test_all_samples_are_opened_unless_a_limit_is_given(component):
    for limit, size in ((None, 1497), (30, 30)):
        data = open_data(settings_of(component), choice(limit=limit))
        assert len(data.dataset) == len(data.everything.fields["label"]) == size


def test_a_key_the_data_does_not_have_is_refused():
    for given in ({"root": "elsewhere"}, {"download": True}):
        with pytest.raises(UserError, match="this run's data has no such key"):
            open_data(settings_of(DIGITS), choice(**given))


@pytest.mark.parametrize("said", [{"download": True}, {}], ids=["said", "by default"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_only_the_user_can_order_a_download(tmp_path, monkeypatch, said, wrapped):
    """The checkpoint's word is not enough, nor is what its class does by default."""
    fetched = []
    monkeypatch.setattr(MNIST, "_fetch", lambda self: fetched.append(self._root))
    root = tmp_path / "data"
    component = Component(MNIST, {"image_size": 8, "channels": 1, "root": str(root), **said}, "x")
    if wrapped:
        component = Component(Outlines, {"images": component}, "data")
    with pytest.raises(UserError, match=r"set data\.download=true"):
        open_data(settings_of(component), choice())
    assert not fetched
    assert not root.exists()
    with pytest.raises(UserError):  # the stub brings no files
        open_data(settings_of(component), choice(download=True))
    assert fetched == [str(root)]


def test_too_much_for_memory_says_how_much_would_fit():
    with pytest.raises(UserError, match=r"data\.limit=\d+") as error:
        open_data(settings_of(DIGITS, memory_limit=5e-5), choice())
    fitting = int(str(error.value).rpartition("=")[2])
    data = open_data(settings_of(DIGITS, memory_limit=5e-5), choice(limit=fitting))
    assert len(data.training["image"]) == fitting
    with pytest.raises(UserError):
        open_data(settings_of(DIGITS, memory_limit=5e-5), choice(limit=2 * fitting))


def test_a_component_is_changed_in_a_copy():
    wrapped = Component(Outlines, {"images": DIGITS}, "data")
    changed = with_argument(wrapped, "limit", 5)
    assert changed.arguments["images"].arguments["limit"] == 5
    assert wrapped.arguments["images"].arguments["limit"] == 50
    assert with_argument(wrapped, "root", "x") is None
