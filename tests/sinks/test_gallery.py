"""The images a run leaves of its game, with games and runs that only pretend."""

import copy
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_cli.data.batches import MemoryBatches
from gan_cli.data.fields import Field
from gan_cli.data.order import Draw
from gan_cli.games.losses import LeastSquares, NonSaturating
from gan_cli.games.requests import Drawing, Request, Sheet
from gan_cli.games.two_player import TwoPlayer
from gan_cli.networks import mlp
from gan_cli.sinks.gallery import fixed_reals, open_gallery, surface_of
from gan_cli.sinks.samples import Samples, lay_out
from gan_cli.viz import images
from gan_cli.viz.plane import scatter

CPU = torch.device("cpu")


class Board:
    """What TensorBoard is shown."""

    def __init__(self) -> None:
        self.shown: dict[str, Tensor] = {}
        self.played: list[str] = []

    def show(self, tag: str, image: Tensor, step: int) -> None:
        self.shown[tag] = image

    def play(self, tag: str, gif: bytes, size: tuple[int, int], step: int) -> None:
        self.played.append(tag)


class ARun:
    """Draws brighter images step by step, beside dark real ones."""

    def __init__(self) -> None:
        self.step, self.asked = 0, []  # type: ignore[var-annotated]

    def draw(self, request: Request) -> Drawing:
        self.asked.append(request)
        fake = torch.full((request.count, 1, 64, 64), self.step / 10)
        return Drawing({"real": torch.full_like(fake, -1.0), "fake": fake}, "fake")


def samples(folder: Path, sheets: dict[str, Sheet], **options: Any) -> tuple[Samples, Board]:
    board: Any = Board()
    return Samples(1, folder, sheets, ["cat", "dog"], board, **options), board


def test_sheets_are_files_and_tags_and_one_request_is_drawn_once(tmp_path: Path) -> None:
    shared, own = Request(4), Request(4)
    sink, board = samples(
        tmp_path,
        {
            "samples": Sheet(shared, panels=("fake",)),
            "real_and_fake": Sheet(shared),
            "interpolation": Sheet(own, columns=4, panels=("fake",)),
        },
    )
    run: Any = ARun()
    for run.step in (1, 2):
        sink.offer(run, last=False)
    assert [id(request) for request in run.asked] == [id(shared), id(own)] * 2
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")} == {
        *("samples/step-00000001.png", "samples/step-00000002.png"),
        *("real_and_fake.png", "interpolation.png"),
    }
    assert board.shown.keys() == {"Samples", "Samples/real_and_fake", "Samples/interpolation"}
    grid = images.grid(torch.full((4, 1, 64, 64), 0.2), 2)
    assert torch.equal(board.shown["Samples"], grid)
    assert board.shown["Samples/real_and_fake"].shape[2] == 2 * grid.shape[2] + images.GAP
    with Image.open(tmp_path / "real_and_fake.png") as newest:
        assert torch.equal(images.from_pil(newest), board.shown["Samples/real_and_fake"])


def test_one_that_cannot_be_written_keeps_no_other_from_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "first.png").mkdir()
    (tmp_path / "samples").write_text("not a folder")
    request = Request(1)
    sink, board = samples(tmp_path, {name: Sheet(request) for name in ("first", "samples", "last")})
    run: Any = ARun()
    with caplog.at_level(logging.WARNING):
        sink.offer(run, last=False)
        sink.offer(run, last=False)
    assert (tmp_path / "last.png").is_file()
    (warning,) = caplog.messages
    assert warning.startswith("Samples cannot be written")
    assert "first.png" in warning
    assert str(tmp_path / "samples") in warning
    assert len(board.shown) == 3


def test_columns_are_headed_by_the_names_of_their_classes() -> None:
    drawing = Drawing({"fake": torch.zeros(3, 1, 64, 64)}, "fake")
    sheet = Sheet(Request(3), columns=3, headings=(1, 0, 7))
    expected = images.sheet(drawing.panels, 3, ["dog", "cat", "7"])
    assert torch.equal(lay_out(drawing, sheet, ["cat", "dog"]), expected)


def test_points_are_scattered_over_real_ones_and_what_d_makes_of_the_plane() -> None:
    real, fake = torch.zeros(3, 2, 1, 1), torch.full((3, 2, 1, 1), 0.5)
    drawing = Drawing({"real": real, "fake": fake}, "fake", kind="point")
    surface = torch.full((4, 4), 0.7)
    asked: list[Tensor] = []

    def surface_at(*points: Tensor) -> Tensor:
        asked.extend(points)
        return surface

    shown = lay_out(drawing, Sheet(Request(3)), surface=surface_at)
    assert torch.equal(shown, scatter(fake, real, surface))
    assert asked[0] is real
    assert asked[1] is fake
    assert torch.equal(lay_out(drawing, Sheet(Request(3))), scatter(fake, real))
    alone = lay_out(drawing, Sheet(Request(3), panels=("fake",)), surface=surface_at)
    assert torch.equal(alone, scatter(fake))


def test_points_are_known_by_their_kind_and_not_by_their_shape() -> None:
    tiny = Drawing({"fake": torch.zeros(4, 3, 1, 1)}, "fake")
    assert lay_out(tiny, Sheet(Request(4))).shape == (3, 2 * 50 + 2, 2 * 50 + 2)


class Normalised(mlp.Discriminator):
    """A D that remembers what it has seen."""

    def __init__(self, **options: Any) -> None:
        super().__init__(1, 2, hidden=[4], **options)
        body = nn.Sequential(nn.Flatten(), spectral_norm(nn.Linear(2, 4)), nn.BatchNorm1d(4))
        self.body = nn.Sequential(body, nn.Dropout(0.5))


def a_game(n_classes: int = 0, kind: Any = "point", size: int = 1, channels: int = 2) -> TwoPlayer:
    torch.manual_seed(0)
    D = mlp.Discriminator(size, channels, n_classes, hidden=[4])
    G = mlp.Generator(3, size, channels, n_classes, hidden=[4])
    game = TwoPlayer(3, G, D, NonSaturating())
    game.bind({"image": Field(kind, (channels, size, size))})
    return game


def cloud(count: int = 8) -> Tensor:
    return torch.randn(count, 2, 1, 1, generator=torch.Generator().manual_seed(0))


def test_looking_at_the_plane_leaves_no_trace() -> None:
    game = a_game()
    adversary = game.adversary("discriminator")
    adversary.network = Normalised().train()
    adversary.network.body[0][2].eval()  # type: ignore[index]
    modes = [module.training for module in game.modules()]
    before, randomness = copy.deepcopy(game.state_dict()), torch.get_rng_state()
    surface_at = surface_of(game)
    assert surface_at is not None
    assert surface_at(cloud(), cloud()) is not None
    assert torch.equal(torch.get_rng_state(), randomness)
    assert [module.training for module in game.modules()] == modes
    for name, value in game.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(p.grad is None for p in game.parameters())


class ByClass(nn.Module):
    """A D of two classes to which x is how much of the one, and y how much of the other."""

    n_classes = 2

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        return x.flatten(1).gather(1, label[:, None]).squeeze(1), x


def test_a_labelled_d_is_asked_about_every_class() -> None:
    game = a_game()
    game.adversary("discriminator").network = ByClass()
    surface_at = surface_of(game)
    assert surface_at is not None
    surface = surface_at(cloud(), cloud())
    assert surface is not None
    assert (surface > 0).float().mean() == pytest.approx(0.75, abs=0.01)


def test_the_surface_goes_by_the_threshold_of_the_loss() -> None:
    game = a_game()
    adversary = game.adversary("discriminator")
    adversary.loss = LeastSquares()
    for parameter in adversary.network.parameters():
        nn.init.zeros_(parameter)
    surface_at = surface_of(game)
    assert surface_at is not None
    surface = surface_at(cloud(), cloud())
    assert surface is not None
    assert float(surface[0, 0]) == pytest.approx(torch.tanh(torch.tensor(-1.0)).item())


def test_where_several_play_against_g_there_is_no_surface() -> None:
    game = a_game()
    game.adversaries["another"] = game.adversaries["discriminator"]
    assert surface_of(game) is None


def batches_of(labels: list[int] | None, size: int = 12) -> MemoryBatches:
    """Image i is all i."""
    data = {"image": torch.arange(size, dtype=torch.uint8).view(-1, 1, 1, 1)}
    fields = {"image": Field("image", (1, 1, 1))}
    if labels is not None:
        data["label"], fields["label"] = torch.tensor(labels), Field("label")
    return MemoryBatches(fields, data, Draw(2, CPU, 0))


def numbers(x: Tensor) -> list[int]:
    return ((x.flatten() + 1) * 127.5).round().long().tolist()


def test_real_images_are_of_the_classes_asked_for() -> None:
    batches = batches_of([0, 1, 2] * 4)
    label = torch.tensor([0, 1, 2] * 4)
    chosen, again, other = (fixed_reals(batches, seed)(12, label) for seed in (0, 0, 1))
    assert [i % 3 for i in numbers(chosen["image"])] == label.tolist()
    assert torch.equal(chosen["label"], label)
    assert sorted(numbers(chosen["image"])) == list(range(12)), "none twice while there are others"
    assert torch.equal(chosen["image"], again["image"])
    assert not torch.equal(chosen["image"], other["image"])


def test_a_class_without_images_stays_gray_and_a_small_one_repeats() -> None:
    look_up = fixed_reals(batches_of([0] * 11 + [1]), 0)
    chosen = look_up(4, torch.tensor([1, 2, 1, 0]))["image"].flatten()
    assert numbers(chosen[::2]) == [11, 11]
    assert chosen[1] == 0.0
    assert numbers(chosen[3:])[0] < 11


@pytest.mark.parametrize("label", [None, torch.zeros(20, dtype=torch.long)])
def test_without_labels_any_will_do(label: Tensor | None) -> None:
    chosen = numbers(fixed_reals(batches_of(None), 0)(20, label)["image"])
    assert sorted(chosen[:12]) == list(range(12))
    assert chosen[12:] == chosen[:8]


def test_groups_are_chosen_apart() -> None:
    sizes = {"a": 12, "b": 5}
    data = {n: torch.arange(size, dtype=torch.uint8).view(-1, 1, 1, 1) for n, size in sizes.items()}
    fields = {name: Field("image", (1, 1, 1), group=name) for name in "ab"}
    chosen = fixed_reals(MemoryBatches(fields, data, Draw(2, CPU, 0)), 0)(12, None)
    assert sorted(numbers(chosen["a"])) == list(range(12))
    assert set(numbers(chosen["b"])) == set(range(5))


@pytest.mark.parametrize("n_classes", [0, 3])
def test_a_plain_game(tmp_path: Path, n_classes: int) -> None:
    """Its real half stays while the fakes change, and its grids become a film."""
    game = a_game(n_classes, "image", size=64, channels=1)
    data = {"image": torch.randint(256, (12, 1, 64, 64), dtype=torch.uint8)}
    fields: dict[str, Field] = {"image": Field("image", (1, 64, 64))}
    if n_classes:
        data["label"], fields["label"] = torch.arange(12) % 3, Field("label")
    look_up = fixed_reals(MemoryBatches(fields, data, Draw(2, CPU, 0)), 0)
    board: Any = Board()
    sinks = open_gallery(1, tmp_path, game, look_up, ["a", "b", "c"], 0, 0, board)
    run: Any = SimpleNamespace(step=0, draw=game.draw)
    halves = []
    for run.step in (1, 2):
        for sink in sinks:
            sink.offer(run, last=False)
        shown = board.shown["Samples/real_and_fake"][:, images.CAPTION :]
        width = (shown.shape[2] - images.GAP) // 2
        halves.append((shown[..., :width], shown[..., -width:]))
        nn.init.normal_(next(game.generator.parameters()))
    (real, fake), (real_later, fake_later) = halves
    assert torch.equal(real, real_later)
    assert not torch.equal(fake, fake_later)
    for sink in sinks:
        sink.close(run)
    with Image.open(tmp_path / "training.gif") as film:
        assert getattr(film, "n_frames") == 2  # noqa: B009
    assert board.played == ["Samples/training"]
    assert (tmp_path / "interpolation.png").is_file()


def test_without_sample_times_nothing_is_left_and_nothing_looked_up(tmp_path: Path) -> None:
    def look_up(count: int, label: Tensor | None) -> Any:
        raise AssertionError

    board: Any = Board()
    assert open_gallery(0, tmp_path, a_game(), look_up, [], 0, 0, board) == ()
