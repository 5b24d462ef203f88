"""The textbook loop plays the game that gan-train plays, and ratios are those of rounds."""

import json
import sys

import pytest
import torch

from benchmarks import common, speed, stylegan2, textbook
from gan_cli.networks.stylegan2_layers import ModulatedConv2d, SmoothDoubling, Smoothing
from tests.conftest import NARROW, data_of, narrow

SMALL = ["data.limit=32", "data.batch_size=8", "data.image_size=8", "trainer.device=cpu"]


def test_a_ratio_is_the_median_over_rounds():
    times = {"gan-train": [1.0, 2.0, 10.0], "textbook": [3.0, 4.0, 5.0]}
    assert speed.summarise(times) == {
        "gan-train_ms": 2000.0,
        "textbook_ms": 4000.0,
        "textbook_ratio": 2.0,  # of 3, 2 and 0.5
    }


def test_loops_take_turns():
    order = []
    clocks = {name: lambda name=name: order.append(name) or float(len(order)) for name in "ab"}
    times = speed.compare(clocks, 2)
    assert order == ["a", "b", "b", "a"]
    assert times == {"a": [1.0, 4.0], "b": [2.0, 3.0]}


@pytest.mark.parametrize("model", ["dcgan", "cgan_dcgan", "wgan", "wgan_gp"])
def test_the_textbook_loop_trains_the_same_game(monkeypatch, model):
    """Both networks learn, D as often as n_critic says, and both collect gradients throughout."""
    built = []
    build = textbook.build_game
    monkeypatch.setattr(textbook, "build_game", lambda *a: built.append(build(*a)) or built[-1])
    calls = {"generator": 0, "discriminator": 0}
    step = textbook.textbook_step([f"model={model}", *NARROW, *SMALL])
    (game,) = built
    networks = {
        "generator": game.generator,
        "discriminator": game.adversary("discriminator").network,
    }
    before = {name: [p.clone() for p in net.parameters()] for name, net in networks.items()}
    for name, network in networks.items():
        network.register_forward_hook(lambda *_, name=name: calls.update({name: calls[name] + 1}))
    step()
    turns = game.n_critic
    assert calls["generator"] == turns + 1
    assert calls["discriminator"] == turns * (3 if model == "wgan_gp" else 2) + 1
    for name, network in networks.items():
        assert all(p.requires_grad for p in network.parameters())
        assert any((p != q).any() for p, q in zip(network.parameters(), before[name], strict=True))
    if model == "wgan":
        limit = max(float(p.detach().abs().max()) for p in networks["discriminator"].parameters())
        assert limit == pytest.approx(0.01)


@pytest.mark.parametrize(("model", "judged"), [("pix2pix", 3), ("cyclegan", 3)])
def test_the_authors_loops_of_translations(monkeypatch, model: str, judged: int):
    """Every fake is made once, and each D sees it twice and a real image once."""
    built = []
    build = textbook.build_game
    monkeypatch.setattr(textbook, "build_game", lambda *a: built.append(build(*a)) or built[-1])
    step = textbook.textbook_step(
        [f"model={model}", *data_of(model), *narrow(model), "data.limit=16", "data.batch_size=2"]
    )
    (game,) = built
    judges = [adversary.network for adversary in game.adversaries.values()]
    drawing = list(game.averaged.values())
    calls = dict.fromkeys([*judges, *drawing], 0)
    for network in calls:
        network.register_forward_hook(lambda net, *_: calls.update({net: calls[net] + 1}))
    before = {name: p.clone() for name, p in game.named_parameters()}
    step()
    assert [calls[network] for network in judges] == [judged] * len(judges)
    assert {calls[network] for network in drawing} == {1 if model == "pix2pix" else 3}
    changed = [name for name, p in game.named_parameters() if not torch.equal(p, before[name])]
    assert len(changed) > 0.9 * len(before)


def test_the_penalty_of_a_linear_critic():
    """D(x) = 3 sum(x) on 4 numbers has the slope 3 * 2 everywhere."""

    class Critic(torch.nn.Module):
        def forward(self, x, label):
            return 3 * x.flatten(1).sum(1), None

    real, fake = torch.randn(5, 1, 2, 2), torch.randn(5, 1, 2, 2)
    assert float(textbook.penalty(Critic(), real, fake, None)) == pytest.approx(25.0, rel=1e-5)


def test_what_the_textbook_does_not_know_is_refused():
    with pytest.raises(SystemExit, match="instance_noise"):
        textbook.textbook_step(["tricks=[instance_noise]", *NARROW, *SMALL])
    with pytest.raises(SystemExit, match="InfoGAN"):
        textbook.textbook_step(["model=infogan", *SMALL])


def test_several_models_and_another_checkout(tmp_path, monkeypatch, capsys):
    other = tmp_path / "older" / "benchmarks"
    other.mkdir(parents=True)
    (other / "speed.py").write_text(
        "import time\n"
        "def our_step(overrides):\n    print(overrides)\n    return lambda: None\n"
        "def seconds(step):\n    step()\n    return 12.5\n"
    )
    file = tmp_path / "speed.json"
    order = (
        "--image-size 8 --channels 1 --batch-size 8 --rounds 1 --device cpu --models dcgan lsgan"
    )
    extra = [*NARROW, "data.limit=32"]
    speed.main([*order.split(), "--against", str(other.parent), "--json", str(file), *extra])
    written = json.loads(file.read_text())
    assert list(written["models"]) == ["dcgan", "lsgan"]
    for name, found in written["models"].items():
        assert f"model={name}" in found["overrides"]
        assert found["other_ms"] == 12500.0
        assert found["other_ratio"] == pytest.approx(12500.0 / found["gan-train_ms"])
    assert capsys.readouterr().out.count("medians of 1 rounds") == 2
    assert sys.modules["benchmarks.speed"] is speed  # the other one lives in its own process
    assert common.now() > 0


def test_the_operations_of_stylegan2s_authors_give_what_ours_give():
    torch.manual_seed(0)
    x, w = torch.randn(2, 3, 6, 6), torch.randn(2, 4)
    for module, inputs in (
        (Smoothing(2), (x,)),
        (Smoothing(1, stride=2), (x,)),
        (SmoothDoubling(), (x,)),
        (ModulatedConv2d(3, 5, 3, 4), (x, w)),
        (ModulatedConv2d(3, 5, 3, 4, double=True), (x, w)),
        (ModulatedConv2d(3, 1, 1, 4, demodulate=False), (x, w)),
    ):
        theirs = stylegan2.FORWARDS[type(module)](module, *inputs)
        torch.testing.assert_close(theirs, module(*inputs), atol=1e-5, rtol=1e-4)


def test_their_loop_trains_both_networks(monkeypatch):
    built = []
    build = textbook.build_game
    monkeypatch.setattr(textbook, "build_game", lambda *a: built.append(build(*a)) or built[-1])
    step = textbook.textbook_step(
        ["model=stylegan2", "tricks=[path_length]", *narrow("stylegan2"), *SMALL]
    )
    (game,) = built
    networks = [game.generator, game.adversary("discriminator").network]
    before = [[p.clone() for p in network.parameters()] for network in networks]
    step()
    for network, old in zip(networks, before, strict=True):
        assert any((p != q).any() for p, q in zip(network.parameters(), old, strict=True))


def test_the_loop_of_sound_trains_the_same_game(monkeypatch):
    """One wave for both turns; each discriminator hears real and made in both."""
    built = []
    build = textbook.build_game
    monkeypatch.setattr(textbook, "build_game", lambda *a: built.append(build(*a)) or built[-1])
    sound = [*data_of("hifigan_small"), *narrow("hifigan_small"), "data.limit=4"]
    step = textbook.textbook_step(["model=hifigan_small", *sound, "data.batch_size=2"])
    (game,) = built
    networks = [game.generator, *(game.adversary(name).network for name in game.adversaries)]
    before = [[p.clone() for p in network.parameters()] for network in networks]
    calls = [0] * len(networks)
    for number, network in enumerate(networks):
        network.register_forward_hook(
            lambda *_, number=number: calls.__setitem__(number, calls[number] + 1)
        )
    step()
    assert calls == [1, 4, 4]
    for network, old in zip(networks, before, strict=True):
        assert any((p != q).any() for p, q in zip(network.parameters(), old, strict=True))
