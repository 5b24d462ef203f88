"""The plain game: turns, larger batches for G, what it draws and shows."""

import pytest
import torch
from torch import Tensor, nn

from gan_cli.data.fields import Field
from gan_cli.errors import UserError
from gan_cli.games.losses import (
    Loss,
    NonSaturating,
    RelativisticAverage,
    RelativisticPairing,
)
from gan_cli.games.requests import Request
from gan_cli.games.two_player import TwoPlayer
from gan_cli.networks.roles import Generator
from gan_cli.tricks.terms import FeatureMatching
from tests.tricks.games import START, Tiny, image_fields, tiny_discriminator, tiny_generator


class Labelled(Generator):
    """2x2 images of z [N, 4] plus 100 times the label; remembers what it was asked."""

    latent_dim, n_classes = 4, 3

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))
        self.asked: list[tuple[Tensor, Tensor]] = []

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        assert y is not None
        self.asked.append((z, y))
        return self.gain * (z + 100 * y[:, None]).view(-1, 1, 2, 2)


class Witness(nn.Module):
    """D(x) = mean of x; remembers images and labels."""

    n_classes = 3

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[Tensor, Tensor | None]] = []

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.seen.append((x, y))
        return x.flatten(1).mean(1), x.flatten(1)


def game(loss: Loss | None = None, **options: int | bool) -> TwoPlayer:
    made = TwoPlayer(4, Labelled(), Witness(), loss or NonSaturating(), **options)  # type: ignore[arg-type]
    made.bind(image_fields(1, 2, 2))
    return made


BATCH = {"image": torch.rand(5, 1, 2, 2), "label": torch.tensor([0, 1, 2, 0, 1])}
LOSSES = [NonSaturating, RelativisticPairing, RelativisticAverage]


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("loss", LOSSES)
def test_g_makes_k_times_as_many_fakes_in_its_turn_alone(loss: type[Loss], k: int):
    made = game(loss(), generator_batch_multiple=k)
    witness = made.adversary("discriminator").network
    made.losses("discriminator", BATCH, START)
    assert [len(z) for z, _ in made.generator.asked] == [5]
    assert [len(x) for x, _ in witness.seen] == [5, 5]
    witness.seen.clear()
    value = made.losses("generator", BATCH, START).minimise["adversarial"]
    z, label = made.generator.asked[1]
    assert z.shape == (5 * k, 4)
    assert len(z.unique(dim=0)) == 5 * k  # each from a latent of its own
    assert label.tolist() == BATCH["label"].tolist() * k
    assert value.isfinite()
    for x, told in witness.seen:
        assert len(x) == 5 * k
        assert torch.equal(told, label)  # real and fake ones at a place are of one class
    assert len(witness.seen) == (2 if loss.generator_sees_real else 1)


def test_a_larger_batch_of_g_is_the_mean_of_its_parts():
    """Relativistic pairs: each real image meets k fakes of its class."""
    made = game(RelativisticPairing(), generator_batch_multiple=3)
    value = made.losses("generator", BATCH, START).minimise["adversarial"]
    z, label = made.generator.asked[0]
    fake = (z + 100 * label[:, None]).mean(1)
    real = BATCH["image"].flatten(1).mean(1).repeat(3)
    wanted = nn.functional.softplus(real - fake).mean()
    assert value.item() == pytest.approx(wanted.item())


def test_a_larger_batch_of_unlabelled_images():
    made = Tiny(FeatureMatching(), loss=RelativisticAverage(), generator_batch_multiple=2)
    assert all(value.isfinite() for value in made.play(2).values())


def test_fakes_of_ds_turn_come_without_a_graph():
    made = game()
    made.losses("discriminator", BATCH, START)
    real, fake = made.adversary("discriminator").network.seen
    assert not fake[0].requires_grad
    assert torch.equal(real[0], BATCH["image"])


def play_a_step(made: TwoPlayer, n_critic: int = 1) -> list[Tensor]:
    """Fakes that D was shown, turn by turn."""
    made.set_optimizers({"generator": torch.optim.SGD(made.generator.parameters())})
    witness = made.adversary("discriminator").network
    made.begin_step()
    for _ in range(n_critic):
        made.generator.requires_grad_(False)
        made.losses("discriminator", BATCH, START)
    made.generator.requires_grad_(True)
    made.losses("generator", BATCH, START).minimise["adversarial"].backward()
    return [x for x, _ in witness.seen if not torch.equal(x, BATCH["image"])]


@pytest.mark.parametrize("n_critic", [1, 3])
@pytest.mark.parametrize("loss", LOSSES)
def test_g_learns_from_the_fakes_that_d_was_shown_last(loss: type[Loss], n_critic: int):
    made = game(loss(), n_critic=n_critic, reuse_fakes=True)
    *before, last, own = play_a_step(made, n_critic)
    assert torch.equal(own, last)
    assert own.requires_grad
    assert not last.requires_grad
    assert len(made.generator.asked) == n_critic  # and not once more
    assert not any(torch.equal(own, x) for x in before)
    z, label = made.generator.asked[-1]
    again = game(loss())
    again.fakes = lambda *_: again.generator(z, label)  # type: ignore[method-assign]
    again.losses("generator", BATCH, START).minimise["adversarial"].backward()
    assert torch.equal(made.generator.gain.grad, again.generator.gain.grad)


def test_fresh_fakes_are_the_default():
    shown, own = play_a_step(game())
    assert not torch.equal(own, shown)


def test_reused_fakes_are_as_many_as_ds():
    with pytest.raises(ValueError, match="generator_batch_multiple=2"):
        game(generator_batch_multiple=2, reuse_fakes=True)


def test_players():
    made = game(n_critic=5)
    witness = made.adversary("discriminator").network
    assert {name: (spec.modules, spec.times) for name, spec in made.players.items()} == {
        "discriminator": ([witness], 5),
        "generator": ([made.generator], 1),
    }


def test_latent_dims_have_to_agree():
    with pytest.raises(ValueError, match=r"generator.latent_dim=3, but latent_dim=5; make them"):
        TwoPlayer(5, tiny_generator(), tiny_discriminator(), NonSaturating())


def test_the_same_request_draws_the_same():
    made = game()
    first, second = (made.draw(made.complete(Request(7, seed=3))) for _ in range(2))
    assert torch.equal(first.made, second.made)
    assert not torch.equal(first.made, made.draw(made.complete(Request(7, seed=4))).made)
    assert first.label.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert (first.output, first.kind) == ("fake", "image")


def test_what_is_asked_for_is_drawn():
    made = game()
    label = torch.tensor([2, 2, 0])
    drawing = made.draw(made.complete(Request(3, label=label, truncation=0.5)))
    assert torch.equal(drawing.label, label)
    z = drawing.made.flatten(1) - 100 * label[:, None]
    assert z.abs().max() <= 0.5 + 1e-4
    beside = made.draw(made.complete(Request(5, inputs={"image": BATCH["image"]})))
    assert list(beside.panels) == ["real", "fake"]
    assert torch.equal(beside.panels["real"], BATCH["image"])


def test_classes_that_there_are_not_are_refused():
    with pytest.raises(UserError, match="label=3: the model knows the classes 0 to 2"):
        game().complete(Request(2, label=torch.tensor([0, 3])))
    with pytest.raises(UserError, match="label: this model was trained without labels"):
        Tiny().game.complete(Request(2, label=torch.tensor([0, 1])))


def test_parts_of_a_request_give_back_the_whole():
    made = game()
    whole = made.complete(Request(7, seed=3, inputs={"image": torch.rand(7, 1, 2, 2)}))
    drawings = [made.draw(part) for part in whole.split(3)]
    assert [len(d.made) for d in drawings] == [3, 3, 1]
    for name, panel in made.draw(whole).panels.items():
        assert torch.equal(torch.cat([d.panels[name] for d in drawings]), panel)
    assert torch.equal(torch.cat([d.label for d in drawings]), whole.label)


@pytest.mark.parametrize(("size", "counts"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (9, [5])])
def test_every_part_has_its_rows(size: int, counts: list[int]):
    whole = Request(
        5,
        seed=3,
        label=torch.arange(5),
        latents=torch.rand(5, 2),
        code=torch.arange(5) + 5,
        continuous=torch.rand(5, 1),
        inputs={"image": torch.rand(5, 1, 2, 2)},
        direction="ab",
        truncation=0.5,
    )
    parts = [*whole.split(size)]
    assert [part.count for part in parts] == counts
    for name in ("label", "latents", "code", "continuous"):
        rows = [getattr(part, name) for part in parts]
        assert [len(r) for r in rows] == counts
        assert torch.equal(torch.cat(rows), getattr(whole, name))
    assert torch.equal(torch.cat([p.inputs["image"] for p in parts]), whole.inputs["image"])
    assert {(p.seed, p.direction, p.truncation) for p in parts} == {(3, "ab", 0.5)}


def look_up(count: int, label: Tensor | None) -> dict[str, Tensor]:
    return {"image": torch.rand(count, 1, 2, 2), "label": torch.zeros(count)}


def test_sheets_of_classes_have_a_column_for_each():
    made = game()
    sheets = made.sheets(look_up, 0)
    assert list(sheets) == ["samples", "real_and_fake", "interpolation"]
    samples = sheets["samples"]
    assert (samples.columns, [*samples.headings], samples.panels) == (3, [0, 1, 2], ("fake",))
    assert samples.request.label.view(-1, 3).unique(dim=0).tolist() == [[0, 1, 2]]
    assert sheets["real_and_fake"].request is samples.request  # drawn once
    drawing = made.draw(samples.request)
    assert {len(x) for x in drawing.panels.values()} == {63}
    way = sheets["interpolation"]
    assert way.columns == 10
    z = way.request.latents.view(8, 10, 4)
    torch.testing.assert_close(z[:-1, -1], z[1:, 0])  # a row goes on where the last one ended


def test_sheets_of_unlabelled_images_and_of_points():
    made = Tiny().game
    samples = made.sheets(look_up, 0)["samples"]
    assert (samples.columns, [*samples.headings], samples.request.count) == (None, [], 64)
    made.bind({"image": Field("point", (2, 1, 1))})
    sheets = made.sheets(look_up, 0)
    assert {name: sheet.request.count for name, sheet in sheets.items()} == {"samples": 2048}
    assert made.draw(made.complete(Request(3))).kind == "point"


def test_it_is_measured_against_real_images():
    (trial,) = game().trials().values()
    assert (trial.real, trial.inputs, trial.paired) == ("image", (), False)
