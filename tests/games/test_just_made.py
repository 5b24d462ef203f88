"""What one player makes and another is shown: of this step, of the same part, whatever happened."""

import copy

import pytest
import torch

from gan_cli.engine.trainer import Trainer
from gan_cli.errors import NonFinite
from gan_cli.games.just_made import JustMade, MadeOnce
from gan_cli.tricks.examples import Progress
from tests.conftest import data_of, narrow
from tests.engine.test_gpu_rules import open_trainer
from tests.settings import settings_of

AT = Progress(0, 0.0, 0.0)


def of(model: str, *overrides: str) -> Trainer:
    given = ["data.limit=16", "data.batch_size=4", *data_of(model), *narrow(model), *overrides]
    trainer = open_trainer(settings_of(f"model={model}", *given))
    trainer._finite.deferred = False
    return trainer


def test_g_is_asked_once_a_step_and_learns_from_what_it_made_in_ds_turn() -> None:
    weight, asked = torch.ones(2, requires_grad=True), []

    def make(x: torch.Tensor) -> tuple[torch.Tensor]:
        asked.append(x)
        return (weight * x,)

    made, x = MadeOnce(make), torch.tensor([2.0, 3.0])
    made.meet(torch.optim.SGD([weight], lr=1.0))
    weight.requires_grad_(False)  # at rest, as in D's turn
    (first,) = made.put(x)
    assert not weight.requires_grad
    weight.requires_grad_(True)
    (second,) = made.take(x)
    assert second is first
    second.sum().backward()
    assert torch.equal(weight.grad, x)  # type: ignore[arg-type]
    assert len(asked) == 1
    made.take(x)  # once, and then anew
    assert len(asked) == 2
    made.put(x)
    made.forget()
    assert made.take(x)[0] is not first
    made.put(x)
    made.take(x.clone())  # of other samples
    assert len(asked) == 6


def test_no_graph_is_made_in_vain_where_turns_are_played_in_parts() -> None:
    trainer = of("dcgan", "trainer.accumulate=2")
    grads, make = [], trainer.game._reused._make  # type: ignore[union-attr]

    def spy(*given: torch.Tensor | None) -> tuple[torch.Tensor, ...]:
        made = make(*given)
        grads.append(made[-1].requires_grad)
        return made

    trainer.game._reused._make = spy  # type: ignore[union-attr]
    trainer.play()
    trainer.play()
    assert grads == [True, True, True, True, False, False, True, True]


def test_parts_are_handed_on_in_order_and_to_each_phase() -> None:
    made = JustMade()
    for value in (1.0, 2.0):
        made.put({"x": torch.tensor(value, requires_grad=True)}, AT)
    for phase in ("main", "lazy"):
        for value in (1.0, 2.0):
            found = made.take(AT._replace(phase=phase))["x"]  # type: ignore[arg-type]
            assert (found.item(), found.requires_grad) == (value, False)
    made.put({"x": torch.tensor(3.0)}, AT._replace(phase="lazy"))
    assert [x["x"].item() for x in made._parts] == [3.0]
    made.forget()
    with pytest.raises(IndexError):
        made.take(AT)


@pytest.mark.parametrize(
    "model", ["cyclegan", "srgan model.adversarial_start=0 model.perceptual_weight=0"]
)
@pytest.mark.parametrize("parts", [1, 2])
def test_lazy_terms_with_turns_of_their_own_are_shown_it_too(model: str, parts: int) -> None:
    name, *more = model.split()
    lazy = ["+optimizer.lazy_apart=true", "tricks=[drift]", "tricks.drift.every=2"]
    trainer = of(name, *more, *lazy, f"trainer.accumulate={parts}")
    for _ in range(3):
        trainer.play()
    assert trainer.step == 3


@pytest.mark.parametrize("model", ["cyclegan", "pix2pix", "srgan model.perceptual_weight=0"])
def test_what_a_step_that_failed_has_made_is_not_shown_in_the_next(model: str) -> None:
    name, *more = model.split()
    trainer, other = of(name, *more), of(name, *more)
    saved = copy.deepcopy(trainer.state_dict())
    with torch.no_grad():
        for p in next(iter(trainer.game.averaged.values())).parameters():
            p.fill_(float("nan"))
    with pytest.raises(NonFinite):
        trainer.play()
    trainer.load_state_dict(saved)
    trainer.play()
    other.play()
    weights = [[*t.game.parameters(), *t.game.buffers()] for t in (trainer, other)]
    assert all(torch.equal(*pair) for pair in zip(*weights, strict=True))


@pytest.mark.parametrize("model", ["dcgan", "cgan_dcgan_r1", "pix2pix"])
def test_a_turn_of_d_that_is_skipped_leaves_gs_turn_playable(model: str) -> None:
    """BatchNorm's means are put back then, and a graph through them is no good any more."""
    trainer = of(model, "trainer.on_nan=skip")
    trainer.play()
    adversary = trainer.game.adversary("discriminator")
    losses, adversary.discriminator_losses = (
        adversary.discriminator_losses,
        lambda seen: {name: value * float("nan") for name, value in losses(seen).items()},
    )
    before = copy.deepcopy(trainer.game.state_dict())
    trainer.play()
    moved = {k for k, v in trainer.game.state_dict().items() if not torch.equal(v, before[k])}
    assert any(key.startswith("generator.") for key in moved)
    assert not any(key.startswith("adversaries.") and "weight" in key for key in moved)


def test_lazy_terms_of_d_leave_what_g_learns_from() -> None:
    trainer = of("dcgan_r1", "+optimizer.lazy_apart=true", "tricks.lazy_r1.every=2")
    asked: list[torch.Tensor] = []
    trainer.game.generator.register_forward_hook(lambda _, inputs, __: asked.append(inputs[0]))
    for lazy in (1, 0):
        asked.clear()
        trainer.play()
        assert len(asked) == 1 + lazy


def test_a_copied_game_reuses_its_own_fakes() -> None:
    game = copy.deepcopy(of("dcgan").game)
    with torch.no_grad():
        for weight in game.generator.parameters():
            weight.zero_()
    (made,) = game._reused.put(torch.zeros(2), torch.randn(2, game.latent_dim), None)
    assert not made.any()
