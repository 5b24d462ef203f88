"""A turn whose loss or gradients are not finite teaches nobody anything."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from gan_cli.engine.finite import FiniteCheck
from gan_cli.engine.player import Player
from gan_cli.engine.schedules import Constant
from gan_cli.errors import NonFinite
from gan_cli.games.base import Losses
from tests.engine.quadratic import CPU, a_trainer

NAN, INF = float("nan"), float("inf")


def a_player(**options: object) -> Player:
    weight = nn.Parameter(torch.zeros(3))
    return Player("generator", [weight], torch.optim.Adam([weight], **options), Constant())


def passes(check: FiniteCheck, player: Player, total: float, norm: float, step: int = 0) -> bool:
    loss = torch.tensor(total, requires_grad=True)
    passed = check.passes(player, Losses({"it": loss}), loss, torch.tensor(norm), step)
    check.expect([player] if passed else [], step)
    return passed


@pytest.mark.parametrize(
    ("total", "norm", "good"),
    [
        (1.0, 2.0, True),
        (3e38, 3e38, True),
        (NAN, 2.0, False),
        (INF, 2.0, False),
        (1.0, NAN, False),
        (1.0, INF, False),
        (INF, -INF, False),
    ],
)
@pytest.mark.parametrize("deferred", [False, True])
def test_what_is_finite(total: float, norm: float, good: bool, deferred: bool) -> None:
    player = a_player(fused=True)
    check = FiniteCheck([player], "stop", CPU)
    check.deferred = deferred

    def ask() -> None:
        assert passes(check, player, total, norm)
        check.settle()

    if good:
        ask()
    else:
        with pytest.raises(NonFinite):
            ask()


def test_only_fused_optimizers_on_a_gpu_defer_and_never_where_turns_are_skipped() -> None:
    meta = torch.device("meta")
    assert not FiniteCheck([a_player(fused=True)], "stop", CPU).deferred
    assert not FiniteCheck([a_player(fused=True)], "stop", meta).deferred
    fused, plain = a_player(fused=True), a_player()

    class Cuda:
        """A device of that type that can be had everywhere."""

        type = "cuda"

    def deferred(players: Sequence[Player], on_nan: str) -> bool:
        zeros = torch.zeros
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch, "zeros", lambda *a, device: zeros(*a))
            return FiniteCheck(players, on_nan, Cuda()).deferred  # type: ignore[arg-type]

    assert deferred([fused, fused], "stop")
    assert deferred([fused], "rollback")
    assert not deferred([fused], "skip")
    assert not deferred([fused, plain], "stop")


def test_no_weight_learns_after_the_first_bad_turn_that_nobody_has_looked_at() -> None:
    player = a_player(fused=True)
    (weight,) = player.parameters
    check = FiniteCheck([player], "stop", CPU)
    check.deferred = True
    seen: list[Tensor] = []
    for step, norm in enumerate((1.0, NAN, 1.0)):
        weight.grad = torch.full((3,), norm)
        assert passes(check, player, 1.0, norm, step)
        player.update()
        seen.append(weight.detach().clone())
    assert seen[0].ne(0).all()
    assert torch.equal(seen[1], seen[0])
    assert torch.equal(seen[2], seen[0])
    with pytest.raises(NonFinite, match=r"loss/G or grad_norm/G is not finite in step 1"):
        check.settle()
    # begun anew, as after a rollback
    weight.grad = torch.ones(3)
    assert passes(check, player, 1.0, 1.0, 3)
    player.update()
    check.settle()
    assert weight.detach().ne(seen[2]).all()


@pytest.mark.parametrize("deferred", [False, True])
def test_a_run_ends_before_anything_of_it_is_saved(deferred: bool) -> None:
    trainer, game = a_trainer(fused=True, log_every=100, steps=100)
    trainer._finite.deferred = deferred
    game.poison = lambda player, step: player == "generator" and step == 2
    for _ in range(2):
        trainer.play()
    trainer.state_dict()

    def play_and_save() -> None:
        trainer.play()
        trainer.state_dict()

    with pytest.raises(NonFinite, match="step 2"):
        play_and_save()
    assert game.own["generator"].weight.isfinite().all()


def test_deferred_runs_are_those_that_wait() -> None:
    weights = []
    for deferred in (False, True):
        trainer, game = a_trainer(fused=True)
        trainer._finite.deferred = deferred
        trainer.run()
        weights.append(torch.cat([*game.own.parameters()]).detach())
    assert torch.equal(*weights)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu() -> None:
    device = torch.device("cuda", torch.cuda.device_count() - 1)
    weight = nn.Parameter(torch.zeros(3, device=device))
    player = Player("generator", [weight], torch.optim.Adam([weight], fused=True), Constant())
    check = FiniteCheck([player], "stop", device)
    assert check.deferred
    for norm in (1.0, NAN):
        loss = torch.ones((), device=device)
        check.passes(player, Losses({}), loss, torch.tensor(norm, device=device), 0)
        check.expect([player], 0)
    with pytest.raises(NonFinite):
        check.settle()
