"""An encoder beside G: what D is shown, what all minimise, and what is drawn."""

import math

import pytest
import torch
from torch import Tensor, nn

from gan_cli.data.fields import Field
from gan_cli.errors import UserError
from gan_cli.games.bigan import BiGAN
from gan_cli.games.losses import Hinge, LeastSquares, NonSaturating, RelativisticPairing
from gan_cli.games.requests import Request
from gan_cli.networks.roles import Encoder, Generator
from tests.games.composed import assembled
from tests.tricks.games import START

BATCH = {"image": torch.rand(3, 1, 2, 2) * 2 - 1}


class Fill(Generator):
    """z [N, 4] laid out as an image, times one learned number."""

    latent_dim, n_classes = 4, 0

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.gain * z.view(-1, 1, 2, 2)


class Times(nn.Module):
    """Features times one learned number, and a log variance of 0 beside it where asked for."""

    def __init__(self, gaussian: bool) -> None:
        super().__init__()
        self.gaussian, self.gain = gaussian, nn.Parameter(torch.tensor(0.5))

    def forward(self, x: Tensor) -> Tensor:
        code = self.gain * x
        return torch.cat([code, torch.zeros_like(code)], 1) if self.gaussian else code


class Body(nn.Flatten):
    """Pixels, with a parameter to say where it is."""

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(()))


class Remembers(nn.Module):
    """A D that says `logit`, plus next to nothing of what it is shown, and remembers that."""

    n_classes = 0

    def __init__(self, logit: float = 0.0) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.tensor(logit))
        self.shown: list[tuple[Tensor, Tensor]] = []

    def forward(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        self.shown.append((x.detach(), z.detach()))
        return self.logit + 1e-9 * (x.flatten(1).sum(1) + z.sum(1)), x.flatten(1)


def game(loss=None, logit: float = 0.0, gaussian: bool = False) -> BiGAN:
    encoder = Encoder(Body(), Times(gaussian), 4, gaussian)
    made = BiGAN(4, Fill(), encoder, Remembers(logit), loss or NonSaturating(), "uniform")  # type: ignore[arg-type]
    made.bind({"image": Field("image", (1, 2, 2))})
    return made


def test_d_sees_each_image_with_its_own_z():
    made = game()
    made.losses("discriminator", BATCH, START)
    (real, code), (fake, z) = made.adversary("discriminator").network.shown
    assert torch.equal(real, BATCH["image"])
    assert torch.equal(code, 0.5 * real.flatten(1))
    assert torch.equal(fake.flatten(1), z)
    assert -1 <= z.min() < z.max() <= 1


@pytest.mark.parametrize(
    ("loss", "encoder"),
    [
        (NonSaturating(), math.log1p(math.exp(0.3))),  # -log(1 - s(0.3))
        (LeastSquares(), 0.3**2 / 2),  # as far from 0 as G's are from 1
        (Hinge(), 0.3),
    ],
)
def test_g_and_e_minimise_mirror_images(loss, encoder: float):
    losses = game(loss, 0.3).losses("generator", BATCH, START).minimise
    wanted = loss.generator(torch.tensor([0.3]), None).item()
    assert losses["adversarial"].item() == pytest.approx(wanted)
    assert losses["encoder"].item() == pytest.approx(encoder)


@pytest.mark.parametrize("loss", [NonSaturating(), RelativisticPairing()])
def test_gradients_reach_g_and_e_in_their_turn_alone(loss):
    made = game(loss)
    G, E = made.generator.gain, made.encoder.head.gain
    torch.stack([*made.losses("discriminator", BATCH, START).minimise.values()]).sum().backward()
    assert G.grad is None
    assert E.grad is None
    torch.stack([*made.losses("generator", BATCH, START).minimise.values()]).sum().backward()
    assert G.grad
    assert E.grad
    assert made.players["generator"].modules == [made.generator, made.encoder]


@pytest.mark.parametrize("gaussian", [False, True])
def test_given_images_it_reconstructs_else_it_samples(gaussian: bool):
    made = game(gaussian=gaussian)
    x = BATCH["image"]
    back = made.draw(made.complete(Request(3, inputs=BATCH)))
    assert list(back.panels) == ["input", "reconstruction"]
    assert torch.equal(back.made, 0.5 * x)  # by the mean, where E draws
    assert torch.equal(back.features, x.flatten(1))
    samples = made.draw(made.complete(Request(5, seed=1)))
    assert list(samples.panels) == ["fake"]
    assert samples.made.shape == (5, 1, 2, 2)
    assert samples.made.abs().max() <= 1
    cut = made.draw(made.complete(Request(5, seed=1, truncation=0.1)))
    assert cut.made.abs().max() <= 0.1


def test_an_encoder_that_draws():
    torch.manual_seed(0)
    encoder = game(gaussian=True).encoder
    z = encoder.sample(torch.zeros(2000, 1, 2, 2))
    assert z.shape == (2000, 4)
    assert z.std().item() == pytest.approx(1, abs=0.05)


def test_what_it_shows_and_is_measured_by():
    made = game()
    sheets = made.sheets(lambda count, label: {"image": torch.zeros(count, 1, 2, 2)}, 0)
    assert list(sheets) == ["samples", "real_and_fake", "interpolation", "reconstructions"]
    assert made.draw(sheets["reconstructions"].request).output == "reconstruction"
    samples, back = made.trials().values()
    assert (samples.inputs, back.inputs, back.paired, back.encodes) == ((), ("image",), True, True)
    assert not made.translates


def test_lengths_of_z_agree():
    with pytest.raises(ValueError, match=r"encoder.latent_dim=3, but latent_dim=4; make them"):
        BiGAN(4, Fill(), Encoder(Body(), Times(False), 3), Remembers(), NonSaturating())  # type: ignore[arg-type]


def test_past_fakes_would_come_without_their_z():
    with pytest.raises(UserError, match=r"^tricks.experience_replay: .* apart from the z"):
        assembled("bigan", "tricks=[experience_replay]")
