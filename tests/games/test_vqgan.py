"""An autoencoder through a codebook: its losses, its weight, what it draws."""

import pytest
import torch

from gan_cli.games.requests import Request
from gan_cli.tricks.examples import Progress
from tests.games.composed import assembled, random_batch

AT = Progress(0, 0.0, 0.0)


@pytest.fixture(scope="module")
def game():
    torch.manual_seed(0)
    return assembled("vqgan", "model.perceptual_weight=1", "model.generator.entries=7")


def test_the_adaptive_weight_balances_gradients_at_the_last_layer(game):
    x = random_batch(game.fields, 4)["image"]
    losses = game.losses("generator", {"image": x}, AT)
    assert set(losses.minimise) == {"l1", "perceptual", "codebook", "adversarial"}
    last = game.generator.last_layer
    rebuilding = losses.minimise["l1"] + losses.minimise["perceptual"]
    one, other = (
        torch.autograd.grad(loss, last, retain_graph=True)[0].norm()
        for loss in (rebuilding, losses.minimise["adversarial"])
    )
    assert float(other / one) == pytest.approx(0.8, rel=0.02)
    assert not losses.watch["health/adaptive_weight"].requires_grad


def test_the_codebook_s_two_terms(game):
    """Entries are drawn to encodings with weight 1, encodings to entries with beta = 1/4."""
    x = random_batch(game.fields, 4)["image"]
    term = game.losses("generator", {"image": x}, AT).minimise["codebook"]
    coded = game.generator.encode(x)
    gap = float((coded.encoding - coded.entry).square().mean().detach())
    assert float(term.detach()) == pytest.approx(1.25 * gap)


def test_ds_loss_is_halved_and_g_stays_out_of_it(game):
    """Cross-entropy at small logits is close to log 4."""
    game.zero_grad()
    losses = game.losses("discriminator", random_batch(game.fields, 4), AT)
    assert float(losses.minimise["adversarial"].detach()) == pytest.approx(0.69, abs=0.2)
    losses.minimise["adversarial"].backward()
    assert all(p.grad is None for p in game.generator.parameters())


def test_drawing_says_which_entries_were_used(game):
    x = random_batch(game.fields, 5)["image"]
    drawing = game.draw(Request(5, inputs={"image": x}))
    assert list(drawing.panels) == ["input", "reconstruction"]
    assert torch.equal(drawing.panels["input"], x)
    assert drawing.entries is not None
    assert drawing.entries.shape == (5, 8, 8)
    assert int(drawing.entries.max()) < 7
    (trial,) = game.trials().values()
    assert (trial.codebook, trial.paired, trial.inputs) == (7, True, ("image",))
