"""Views whose strength follows D's scores."""

import pytest
import torch
from torch import Tensor

from gan_cli.games.losses import LeastSquares, Loss, RelativisticPairing
from gan_cli.tricks.adaptive import AdaptiveView
from gan_cli.tricks.examples import Progress
from tests.tricks.games import Tiny, batch_of


class Plain(AdaptiveView):
    """Changes nothing."""

    def forward(self, x: Tensor, progress: Progress) -> Tensor:
        return x


def after(view: AdaptiveView, *logits: list[float], first: int = 1) -> list[float]:
    """The strength after each of some steps whose real images get these logits."""
    found = []
    for step, seen in enumerate(logits, start=first):
        view.observe(torch.tensor(seen))
        view.on_step(Progress(step, 0.0, 0.0))
        found.append(view.p.item())
    return found


def test_it_rises_while_d_is_sure_and_falls_while_it_is_not():
    view = Plain(p=0.5, target=0.6, every=1, images=100)
    sure, at_target, unsure = [2.0] * 10, [1.0] * 8 + [-1.0] * 2, [1.0, -1.0] * 5
    found = after(view, sure, at_target, unsure, unsure)
    assert found == pytest.approx([0.6, 0.6, 0.5, 0.4])  # 10 images of 100 are a tenth


def test_it_stays_a_probability():
    assert after(Plain(p=0.95, every=1, images=10), [1.0] * 10) == [1.0]
    assert after(Plain(p=0.05, every=1, images=10), [-1.0] * 10) == [0.0]


def test_it_moves_every_few_steps_by_all_that_was_seen():
    found = after(Plain(every=4, images=80), *[[1.0, 1.0]] * 8)
    assert found == pytest.approx([0, 0, 0, 0.1, 0.1, 0.1, 0.1, 0.2])


def test_maps_of_logits_count_an_image_once():
    view = Plain(every=1, images=10)
    view.observe(torch.ones(2, 3, 3))
    assert (view.seen.item(), view.signs.item()) == (2.0, 2.0)


def test_what_is_not_a_number_has_no_sign():
    assert after(Plain(p=0.5, every=1, images=10), [float("nan")]) == pytest.approx([0.4])


def test_without_a_target_it_stays():
    assert after(Plain(p=0.3, target=None, every=1, images=1), [9.0]) == pytest.approx([0.3])


@pytest.mark.parametrize(
    ("loss", "sign"), [(None, 1.0), (LeastSquares(), 0.0), (RelativisticPairing(), -1.0)]
)
def test_signs_are_from_the_logit_of_a_d_that_cannot_tell(loss: Loss | None, sign: float):
    """0 of a cross-entropy, 1/2 of least squares, the fakes' where only differences count."""
    view = Plain()
    game = Tiny(view, loss=loss).game
    x = torch.zeros(1, 1, 1, 1)
    batch = batch_of(lambda x, y: (x[:, 0, 0, 0] + 0.5, x.flatten(1)), x, x + 1)
    game.observe("discriminator", batch)
    assert view.signs.item() == sign


def test_strength_is_remembered():
    whole, first, second = (Tiny(Plain(every=3, images=50, target=-1.0)) for _ in range(3))
    for game, steps in ((whole, 8), (first, 5)):  # between two moves
        for step in range(steps):
            game.play(1, start=step)
            game.game.on_step(Progress(step + 1, 0.0, 0.0))
    second.game.load_state_dict(first.game.state_dict())
    for player, optimizer in second.optimizers.items():
        optimizer.load_state_dict(first.optimizers[player].state_dict())
    for step in range(5, 8):
        second.play(1, start=step)
        second.game.on_step(Progress(step + 1, 0.0, 0.0))
    assert whole.equals(second)
    views = [game.game.adversary("discriminator").views[0] for game in (whole, second)]
    assert views[0].p > 0
    assert all(map(torch.equal, views[0].buffers(), views[1].buffers()))
