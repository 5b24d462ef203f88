"""First by the pixels, then against D: what both minimise, who plays, what is drawn."""

import math

import pytest
import torch
from torch import nn

from gan_cli.assembly.dry_run import try_game
from gan_cli.data.fields import Field
from gan_cli.errors import UserError
from gan_cli.games.losses import NonSaturating, RelativisticAverage
from gan_cli.games.requests import Request
from gan_cli.games.super_resolution import SuperResolution
from gan_cli.networks.superres import Upscaler, enlarge
from gan_cli.tricks.examples import Progress
from tests.games.composed import assembled, played
from tests.games.stubs import Undecided

BATCH = {"source": torch.full((3, 1, 2, 2), 0.5), "target": torch.full((3, 1, 4, 4), 1.0)}
FIELDS = {"source": Field("image", (1, 2, 2)), "target": Field("image", (1, 4, 4))}
FIRST, SECOND = Progress(9, 0.0, 0.0), Progress(10, 0.0, 0.0)


class Repeat(Upscaler):
    """Every pixel `scale` times, times a number."""

    def __init__(self, factor: float = 0.5) -> None:
        super().__init__(1, 2)
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, x):
        return self.factor * x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def game(loss=None, **options: float) -> SuperResolution:
    made = SuperResolution(
        Repeat(),
        Undecided(),
        loss or NonSaturating(),
        **({"adversarial_start": 10, "l1_weight": 0.1, "adversarial_weight": 0.2} | options),
    )
    made.bind(FIELDS)
    return made


def test_d_rests_before_its_start():
    made = game()
    assert [made.turns("discriminator", at) for at in (FIRST, SECOND)] == [0, 1]
    assert [made.turns("generator", at) for at in (FIRST, SECOND)] == [1, 1]


def test_at_first_only_pixels_count():
    """0.5 * 0.5 is 0.75 from 1."""
    losses = game().losses("generator", BATCH, FIRST)
    assert {k: v.item() for k, v in losses.minimise.items()} == {"l1": pytest.approx(0.75)}


@pytest.mark.parametrize(
    ("loss", "adversarial"), [(NonSaturating, math.log(2)), (RelativisticAverage, math.log(2))]
)
def test_then_everything_counts(loss, adversarial: float):
    """D at 1/2 costs log 2, also as the mean of two terms; features are pixels here."""
    losses = game(loss()).losses("generator", BATCH, SECOND).minimise
    assert {k: v.item() for k, v in losses.items()} == {
        "adversarial": pytest.approx(0.2 * adversarial),
        "l1": pytest.approx(0.1 * 0.75),
        "perceptual": pytest.approx(0.75),
    }


@pytest.mark.parametrize(
    ("loss", "wanted"), [(NonSaturating, math.log(4)), (RelativisticAverage, math.log(2))]
)
def test_d_sees_what_g_has_just_made(loss, wanted: float):
    made = game(loss())
    made.losses("generator", BATCH, FIRST)
    losses = made.losses("discriminator", BATCH, SECOND)
    assert float(losses.minimise["adversarial"].detach()) == pytest.approx(wanted)
    shown = made.adversary("discriminator").network.shown
    assert torch.equal(shown[-1].detach(), torch.full((3, 1, 4, 4), 0.25))


def test_a_network_that_makes_another_size_is_refused():
    made = game()
    with pytest.raises(UserError, match=r"model\.generator\.scale=2: makes 4 pixels of 2"):
        made.bind(FIELDS | {"target": Field("image", (1, 8, 8))})


def test_drawing_shows_bicubic_beside_the_output():
    made = game()
    drawing = made.draw(Request(3, inputs=BATCH))
    assert list(drawing.panels) == ["input", "bicubic", "output", "target"]
    assert torch.equal(drawing.panels["bicubic"], enlarge(BATCH["source"], 2))
    assert torch.equal(drawing.made, torch.full((3, 1, 4, 4), 0.25))
    (trial,) = made.trials().values()
    assert (trial.real, trial.inputs, trial.paired, trial.baseline) == (
        *("target", ("source",)),
        *(True, "bicubic"),
    )


@pytest.mark.parametrize("model", ["esrgan", "vqgan"])
def test_only_g_learns_before_the_start(model: str):
    trainer = played(model, "model.adversarial_start=2", steps=2)
    assert set(trainer.changed) == {"generator"}
    trainer.play()
    assert set(trainer.changed) == {"generator", "discriminator"}


@pytest.mark.parametrize("model", ["srgan", "vqgan"])
def test_a_dry_run_tries_both_stages(model: str):
    made = assembled(model, "model.adversarial_start=5")
    names = try_game(made, 4, 10, torch.device("cpu"))
    assert {"loss/G/adversarial", "loss/D/adversarial"} <= set(names)
    assert len(names) == len(set(names))
    assert names.count("grad_norm/G") == 1
