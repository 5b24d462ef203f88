"""Styles: drawn, truncated, mixed; and the length of their paths."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gan_cli.errors import UserError
from gan_cli.games.losses import NonSaturating
from gan_cli.games.requests import Request
from gan_cli.games.stylegan2 import StyleGAN2
from gan_cli.networks.roles import StyleGenerator
from gan_cli.networks.stylegan2 import Discriminator, Generator
from gan_cli.tricks.terms import PathLength
from tests.conftest import Command, narrow
from tests.games.composed import settings_of
from tests.runs.resuming import SIX, check_resume
from tests.tricks.games import image_fields


def game(n_classes: int = 0) -> StyleGAN2:
    torch.manual_seed(0)
    generator = Generator(6, 8, 1, n_classes, style_dim=5, width=4)
    discriminator = Discriminator(8, 1, n_classes, width=4)
    made = StyleGAN2(6, generator, discriminator, NonSaturating())
    made.bind(image_fields(1, 8, 8))
    nn.init.normal_(generator.style_mean)
    return made.eval()


def test_psi_pulls_styles_to_their_mean():
    made = game()
    drawn = {
        psi: made.draw(made.complete(Request(4, seed=1, psi=psi))).made for psi in (None, 1.0, 0.0)
    }
    torch.testing.assert_close(drawn[1.0], drawn[None])
    mean = made.generator.style_mean.expand(1, made.generator.layer_count, -1)
    torch.testing.assert_close(drawn[0.0], made.generator.synthesize(mean).expand(4, -1, -1, -1))


def test_a_grid_of_mixed_styles():
    """Rows share early styles, columns late ones; past the last layer there is nothing to share."""
    made = game()
    seen: list[Tensor] = []
    synthesize = made.generator.synthesize

    def remember(styles: Tensor) -> Tensor:
        seen.append(styles)
        return synthesize(styles)

    made.generator.synthesize = remember  # type: ignore[method-assign]
    request = made.complete(Request(12, seed=1, crossover=2))
    made.draw(request)
    styles = seen[0].view(3, 4, made.generator.layer_count, 5)  # 12 images as square as can be
    torch.testing.assert_close(styles[:, :, :2], styles[:, :1, :2].expand(-1, 4, -1, -1))
    torch.testing.assert_close(styles[:, :, 2:], styles[:1, :, 2:].expand(3, -1, -1, -1))
    assert (styles[0, 0] - styles[1, 1]).abs().amax(1).min() > 0.01
    parts = [made.draw(part).made for part in request.split(5)]
    torch.testing.assert_close(torch.cat(parts), made.draw(request).made)


def test_a_row_of_mixed_styles_has_one_class():
    made = game(n_classes=3)
    request = made.complete(Request(9, seed=1, crossover=1))
    assert request.label.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("layer", [0, 4])
def test_layers_that_there_are_not(layer: int):
    with pytest.raises(UserError, match=f"crossover={layer}: this model takes 1 to 3"):
        game().complete(Request(4, crossover=layer))


def test_sheets_show_mixed_styles():
    made = game()
    sheets = made.sheets(lambda count, label: {"image": torch.zeros(count, 1, 8, 8)}, 0)
    assert "samples" in sheets
    sheet = sheets["style_mixing"]
    assert sheet.columns == 7
    assert made.draw(sheet.request).made.shape == (49, 1, 8, 8)


class Linear(StyleGenerator):
    """4 pixels, each 3 times the sum of 2 layers' styles."""

    latent_dim, n_classes, layer_count = 1, 0, 2

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(3.0))

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.synthesize(self.styles(z, y))

    def styles(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return (z * self.gain / self.gain)[:, None].expand(-1, 2, -1)

    def synthesize(self, styles: Tensor) -> Tensor:
        return (self.gain * styles.sum((1, 2)))[:, None, None, None].expand(-1, 1, 2, 2)


def test_the_length_of_paths_by_hand(monkeypatch: pytest.MonkeyPatch):
    """With noise of ones over 4 pixels, J^T y is 3 * 4 / sqrt(4) in both layers, its length 6."""
    monkeypatch.setattr(torch, "randn_like", torch.ones_like)
    term, network = PathLength(decay=0.5), Linear()
    batch = {"image": torch.zeros(8, 1, 2, 2)}
    value = term(network, batch)
    assert term.mean.item() == pytest.approx(3.0)  # half of the way from 0
    assert value.item() == pytest.approx(9.0)
    (slope,) = torch.autograd.grad(value, network.gain)
    assert slope.item() == pytest.approx(2 * 3.0 * 2.0)  # d length / d gain = 2
    assert term(network, batch).item() == pytest.approx(1.5**2)


def test_path_length_learns_through_the_real_generator():
    made = game()
    made.train()
    value = PathLength()(made.generator, {"image": torch.zeros(4, 1, 8, 8)})
    slopes = torch.autograd.grad(value, [*made.generator.parameters()], allow_unused=True)
    assert all(slope is None or slope.isfinite().all() for slope in slopes)
    assert slopes[0] is not None
    assert math.isfinite(value.item())


TINY = ["model=stylegan2", *narrow("stylegan2"), "tricks=[path_length,ada]", "data.image_size=8"]
PENDING = ["tricks.lazy_r1.every=5", "tricks.path_length.every=2", "tricks.ada.images=200"]


def test_it_resumes_between_two_lazy_terms(gan_train: Command, tmp_path: Path):
    """Cut off after 3 of 6 steps: R1 was due at 0 and is at 5, path length at 0, 2 and 4."""
    check_resume(gan_train, tmp_path, *TINY, *PENDING)


def test_it_draws_what_it_is_asked_for(gan_train: Command, gan_sample: Command, tmp_path: Path):
    run = gan_train(*SIX, *TINY, "trainer.steps=1", "trainer.sample_every=0").folder
    for number, wanted in enumerate(("psi=0.5", "crossover=1")):
        drawn = gan_sample(f"checkpoint={run}", "count=9", wanted, f"out={tmp_path}/{number}.png")
        assert drawn.code == 0, drawn.err
    refused = {
        "psi=2": "psi=2",
        "crossover=9": "crossover=9: this model takes 1 to 3",
        "crossover=1 interpolate=3": "crossover and interpolate: take one of them",
    }
    for wanted, said in refused.items():
        result = gan_sample(f"checkpoint={run}", *wanted.split())
        assert result.code == 2
        assert said in result.err


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("optimizer.lazy_apart=3", "optimizer.lazy_apart=3"),
        ("data.image_size=15", "image_size=15: an image is 4 to 7 pixels doubled"),
        ("data=gaussians data.image_size=1", "StyleGAN2 needs a field `image`"),
        (
            "tricks.ada.p={_target_:gan_cli.tricks.schedules.Ramp,start:0,end:1,images:9}",
            "tricks.ada: p follows a schedule or D's scores",
        ),
    ],
)
def test_what_cannot_be(gan_train: Command, wrong: str, said: str):
    result = gan_train(*SIX, *TINY, *wrong.split())
    assert result.code == 2
    assert said in result.err


def test_others_have_no_styles():
    settings = settings_of("vanilla")
    assert {"psi", "crossover"}.isdisjoint(settings.model.cls.takes)
