"""Codes: what Q guesses, who learns it, and what is drawn of them."""

import math

import pytest
import torch
from torch import Tensor, nn

from gan_cli.data.fields import Field
from gan_cli.errors import UserError
from gan_cli.games.infogan import InfoGAN
from gan_cli.games.losses import NonSaturating
from gan_cli.games.requests import Request
from gan_cli.networks.roles import Generator
from tests.games.stubs import Undecided
from tests.tricks.games import START

IMAGE = Field("image", (1, 4, 4))
BATCH = {"image": torch.rand(6, 1, 4, 4)}


class Shows(Generator):
    """4x4 images whose first numbers are z itself; remembers z."""

    n_classes = 0

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.gain = nn.Parameter(torch.ones(()))
        self.shown: list[Tensor] = []

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        self.shown.append(z.detach())
        return self.gain * nn.functional.pad(z, (0, 16 - self.latent_dim)).view(-1, 1, 4, 4)


class Guess(nn.Module):
    """Q that says the same of every image."""

    def __init__(self, category: list[float], mean: list[float]) -> None:
        super().__init__()
        self.category = nn.Parameter(torch.tensor(category))
        self.mean = nn.Parameter(torch.tensor(mean))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        n = len(features)
        touch = 0.0 * features.sum(1, keepdim=True)
        return self.category.expand(n, -1) + touch, self.mean.expand(n, -1) + touch


def game(
    category: tuple[float, ...] = (0.0,) * 5,
    mean: tuple[float, ...] = (0.0, 0.0),
    noise: int = 4,
    **options: float,
) -> InfoGAN:
    dim = noise + len(category) + len(mean)
    head = Guess([*category], [*mean])
    made = InfoGAN(
        *(dim, len(category), len(mean), Shows(dim), Undecided(), head, NonSaturating()),  # type: ignore[arg-type]
        **options,
    )
    made.bind({"image": IMAGE})
    return made


@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_a_uniform_guess_costs_log_k(player: str):
    """And half the squared error of each continuous code, of which Q says nothing but 0."""
    torch.manual_seed(0)
    made = game(code_weight=1.0)
    losses = made.losses(player, BATCH, START).minimise
    assert set(losses) == {"adversarial", "category", "continuous"}
    assert losses["category"].item() == pytest.approx(math.log(5))
    codes = made.generator.shown[0][:, -2:]
    assert losses["continuous"].item() == pytest.approx((codes**2).sum(1).mean().item() / 2)
    wanted = math.log(4) if player == "discriminator" else math.log(2)
    assert losses["adversarial"].item() == pytest.approx(wanted)


def test_the_weight_of_the_codes():
    made = game(mean=(), code_weight=0.3)
    losses = made.losses("generator", BATCH, START).minimise
    assert losses["category"].item() == pytest.approx(0.3 * math.log(5))
    assert "continuous" not in losses


def test_the_code_guessed_is_the_code_that_g_was_told():
    """Q sure of code 2 pays (almost) nothing for twos and 20 for all others."""
    torch.manual_seed(0)
    made = game(category=(0.0, 0.0, 20.0, 0.0, 0.0))
    loss = made.losses("generator", {"image": torch.rand(200, 1, 4, 4)}, START).minimise["category"]
    told = made.generator.shown[0][:, 4:9].argmax(1)
    assert loss.item() == pytest.approx(20 * (told != 2).float().mean().item(), abs=1e-3)


def test_z_is_uniform_noise_a_category_and_uniform_codes():
    torch.manual_seed(0)
    made = game()
    made.losses("generator", {"image": torch.rand(3000, 1, 4, 4)}, START)
    (z,) = made.generator.shown
    noise, category, continuous = z.split([4, 5, 2], dim=1)
    for part in (noise, continuous):
        assert -1 <= part.min() < -0.99
        assert 0.99 < part.max() <= 1
        assert part.var().item() == pytest.approx(1 / 3, rel=0.05)
    assert set(category.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(category.sum(1), torch.ones(3000))
    assert (category.mean(0) - 0.2).abs().max() < 0.03


def test_q_learns_in_ds_turn_and_g_in_its_own():
    made = game()
    discriminator = made.adversary("discriminator").network
    specs = {name: (spec.modules, spec.times) for name, spec in made.players.items()}
    assert specs == {
        "discriminator": ([discriminator, made.code_head], 1),
        "generator": ([made.generator], 1),
    }
    torch.stack([*made.losses("discriminator", BATCH, START).minimise.values()]).sum().backward()
    assert made.generator.gain.grad is None
    assert made.code_head.category.grad.abs().max() > 0
    torch.stack([*made.losses("generator", BATCH, START).minimise.values()]).sum().backward()
    assert made.generator.gain.grad is not None


def test_noise_has_to_be_left():
    with pytest.raises(ValueError, match=r"latent_dim=7: 5 categories and 2 .*; take 8 or more"):
        game(noise=0)


def test_the_same_request_draws_the_same():
    made = game()
    first, second = (made.draw(made.complete(Request(7, seed=3))) for _ in range(2))
    assert torch.equal(first.made, second.made)
    other = made.draw(made.complete(Request(7, seed=4)))
    assert not torch.equal(first.made, other.made)
    assert first.code.tolist() == [0, 1, 2, 3, 4, 0, 1]
    assert first.label is None
    assert (list(first.panels), first.output, first.kind) == (["fake"], "fake", "image")


def test_codes_that_are_asked_for_are_drawn():
    made = game()
    code, continuous = torch.tensor([4, 4, 0]), torch.tensor([[0.5, -2.0]]).expand(3, -1)
    free = made.complete(Request(3, seed=1))
    request = made.complete(Request(3, seed=1, code=code, continuous=continuous))
    z = made.draw(request).made.flatten(1)[:, :11]
    assert torch.equal(z[:, 4:9].argmax(1), code)
    assert torch.equal(z[:, 9:], continuous)
    assert torch.equal(z[:, :4], free.latents[:, :4])  # the noise does not depend on the codes
    assert torch.equal(made.draw(request).code, code)


def test_codes_that_there_are_not_are_refused():
    made = game()
    with pytest.raises(UserError, match=r"code=5: the model knows the codes 0 to 4"):
        made.complete(Request(1, code=torch.tensor([5])))
    with pytest.raises(UserError, match=r"continuous: 3 codes, but the model has 2"):
        made.complete(Request(1, continuous=torch.zeros(1, 3)))


def test_parts_of_a_request_give_back_the_whole():
    made = game()
    whole = made.complete(Request(7, seed=3))
    parts = [made.draw(part) for part in whole.split(3)]
    assert [len(part.made) for part in parts] == [3, 3, 1]
    assert torch.equal(torch.cat([part.made for part in parts]), made.draw(whole).made)
    assert torch.equal(torch.cat([part.code for part in parts]), whole.code)


def test_sheets_show_one_code_a_row():
    made = game()
    sheets = made.sheets(lambda count, label: {}, 0)
    assert list(sheets) == ["samples", "continuous_0", "continuous_1"]
    z = {name: sheet.request.latents.view(5, 10, 11) for name, sheet in sheets.items()}
    for rows in z.values():  # a category a row
        assert torch.equal(rows[..., 4:9].argmax(-1), torch.arange(5)[:, None].expand(-1, 10))
    samples = z["samples"]
    assert torch.equal(samples[:, :, :4], samples[:1, :, :4].expand(5, -1, -1))
    assert len(samples[0, :, :4].unique(dim=0)) == 10  # other noise in every column
    assert not samples[..., 9:].any()
    for i in (0, 1):  # one code from -2 to 2, all else still
        swept = z[f"continuous_{i}"]
        assert len(swept[..., :4].flatten(0, 1).unique(dim=0)) == 1
        torch.testing.assert_close(swept[..., 9 + i], torch.linspace(-2, 2, 10).expand(5, -1))
        assert not swept[..., 10 - i].any()
    assert {sheet.columns for sheet in sheets.values()} == {10}
    assert made.draw(sheets["samples"].request).made.shape == (50, 1, 4, 4)


def test_it_is_measured_against_real_images():
    (trial,) = game().trials().values()
    assert (trial.real, trial.inputs, trial.cycle) == ("image", (), None)
