"""Sound: what many discriminators and a generator minimise, cut, draw, and are measured by."""

import json
import wave
from pathlib import Path

import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

import gan_cli
from gan_cli.data.fields import Field
from gan_cli.data.sound_files import read_sound, save_sound
from gan_cli.errors import UserError
from gan_cli.games.hifigan import HiFiGAN
from gan_cli.games.losses import LeastSquares
from gan_cli.games.requests import Request
from gan_cli.health.probe import HealthProbe
from gan_cli.inference.formats import Shown, writer_of
from gan_cli.inference.sounds import read_sounds
from gan_cli.metrics.mel import MelSpectrogram
from gan_cli.networks.roles import DiscriminatorGroup, Vocoder
from tests.conftest import Command, data_of, narrow
from tests.games.composed import played
from tests.inference.test_class_names import train
from tests.tricks.games import START

MEL = MelSpectrogram(8000, 64, 32, 8)


class Louder(Vocoder):
    """Repeats what it was last asked to copy, times a learned factor."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.mel, self.scale, self.kept = MEL, nn.Parameter(torch.tensor(scale)), torch.empty(0)
        self.mel.register_forward_hook(self._keep)

    def _keep(self, mel, given, made):
        self.kept = given[0]

    def forward(self, x):
        return self.scale * self.kept


class Listener(nn.Module):
    """D(x) = level, through one activation, whose map is the wave itself."""

    def __init__(self, level: float) -> None:
        super().__init__()
        self.level, self.active = nn.Parameter(torch.tensor(level)), nn.LeakyReLU(1.0)
        self.shown: list[torch.Tensor] = []

    def forward(self, x, y=None):
        self.shown.append(x)
        heard = self.active(x).flatten(1)
        return self.level + 0 * heard, heard


def game(scale: float = 0.5, levels: tuple[float, ...] = (0.25, 0.5), **options) -> HiFiGAN:
    judges = [DiscriminatorGroup({f"d{n}": Listener(v)}) for n, v in enumerate(levels)]
    made = HiFiGAN(Louder(scale), *judges, LeastSquares(), segment=128, **options)
    made.bind({"wave": Field("wave", (1, 1, 256), rate=8000)})
    return made


CLIPS = {"wave": torch.full((3, 1, 1, 256), 0.5)}


def test_d_by_hand():
    """Sum over both Ds of (D(x) - 1)^2 + D(G)^2 at D = 1/4 and 1/2."""
    losses = game().losses("discriminator", CLIPS, START)
    wanted = (0.75**2 + 0.25**2) + 2 * 0.5**2
    assert losses.minimise["adversarial"].item() == pytest.approx(wanted)
    assert set(losses.minimise) == {"adversarial"}
    assert losses.watch["score/real"].item() == pytest.approx(0.375)


def test_g_by_hand():
    """A copy at half the level: |x - G| = 1/4 in each map and 0 in each D's logits."""
    made = game()
    losses = made.losses("generator", CLIPS, START).minimise
    assert losses["adversarial"].item() == pytest.approx(0.75**2 + 0.5**2)
    assert losses["features"].item() == pytest.approx(2 * 2 * 0.25)
    apart = (
        made.mel(0.25 * torch.ones(1, 1, 1, 128)) - made.mel(CLIPS["wave"][:1, ..., :128])
    ).abs()
    assert losses["mel"].item() == pytest.approx(45 * apart.mean().item(), rel=1e-4)
    losses["features"].backward()
    assert made.generator.scale.grad.item() == pytest.approx(-2 * 2 * 0.5)


def test_pieces_are_cut_anywhere_and_by_each_clip_itself():
    made = game()
    clips = torch.arange(256.0).expand(64, 1, 1, 256)
    torch.manual_seed(0)
    starts = made.cut(clips)[..., 0].flatten()
    assert made.cut(clips).shape == (64, 1, 1, 128)
    assert starts.min() >= 0
    assert starts.max() <= 128
    assert len(starts.unique()) > 20
    whole = HiFiGAN(
        Louder(1.0),
        DiscriminatorGroup({"d": Listener(0.0)}),
        DiscriminatorGroup(),
        LeastSquares(),
        segment=256,
    )
    assert torch.equal(whole.cut(clips), clips)
    assert made.shape_seen_by("d0") == (1, 1, 128)
    middle = made.real_examples({"wave": clips})["d1"][0]
    assert middle[0, 0, 0, 0] == 64


def test_clips_of_any_length_are_drawn():
    made = game(scale=1.0)
    for length in (5, 100, 256, 300):
        clip = torch.rand(2, 1, 1, length)
        drawing = made.draw(made.complete(Request(2, inputs={"wave": clip})))
        assert list(drawing.panels) == ["original", "copy"]
        assert torch.equal(drawing.made, clip)
        assert (drawing.kind, drawing.rate) == ("wave", 8000)


@pytest.mark.parametrize(
    ("field", "segment", "said"),
    [
        (Field("wave", (1, 1, 256), rate=16000), 128, "the data has 16000 samples a second"),
        (Field("wave", (1, 1, 256), rate=8000), 100, "take a multiple of 32, 96 at least"),
        (Field("wave", (1, 1, 256), rate=8000), 64, "too short for mel.n_fft=64"),
        (Field("wave", (1, 1, 64), rate=8000), 128, "set data.length=128 or more"),
    ],
)
def test_data_that_does_not_fit(field: Field, segment: int, said: str):
    judges = DiscriminatorGroup({"d": Listener(0.0)}), DiscriminatorGroup()
    made = HiFiGAN(Louder(1.0), *judges, LeastSquares(), segment=segment)
    with pytest.raises(UserError, match=said):
        made.bind({"wave": field})
    with pytest.raises(ValueError, match="no discriminator"):
        HiFiGAN(Louder(1.0), DiscriminatorGroup(), DiscriminatorGroup(), LeastSquares())


SMALL = ["model=hifigan_small", *data_of("hifigan_small"), *narrow("hifigan_small")]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run that was measured, looked at and listened to."""
    return train(
        *(tmp_path_factory.mktemp("sound") / "run", *SMALL, "data.limit=32"),
        *("data.batch_size=4", "trainer.steps=2", "trainer.sample_every=2"),
        *("trainer.evaluate_every=2", "evaluation.count=10", "trainer.log_every=2"),
    )


def test_a_run_leaves_spectrograms_sound_and_a_figure(run: Path):
    with Image.open(run / "samples" / "step-00000002.png") as sheet:
        assert sheet.size == (2 * (256 + 4) + 16, 22 + 4 * (128 + 2) + 2)
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"audio": 0})
    events.Reload()
    tags = events.Tags()["audio"]
    assert len(tags) == 8
    clip = events.Audio("Samples/samples/0/copy")
    assert [e.step for e in clip] == [0, 2]
    assert [e.step for e in events.Audio("Samples/samples/0/original")] == [0]
    assert clip[0].sample_rate == 8000
    (line,) = (run / "metrics.jsonl").read_text().splitlines()
    report = json.loads(line)
    assert 0 < report["metric/mel_l1"] < 20
    assert {"loss/G/features", "loss/G/mel", "loss/D/adversarial"} <= report.keys()
    assert (run / "checkpoints" / "best.pt").exists()


def test_five_steps(gan_train: Command):
    """Golden numbers: they change with a formula, an initialisation or an order of draws."""
    result = gan_train(
        *(*SMALL, "data.limit=32", "data.batch_size=4", "trainer.device=cpu"),
        *("trainer.steps=5", "trainer.log_every=5", "trainer.sample_every=0"),
    )
    assert result.code == 0, result.err
    (line,) = (result.folder / "metrics.jsonl").read_text().splitlines()
    found = json.loads(line)
    terms = ("D/adversarial", "G/adversarial", "G/features", "G/mel")
    assert [found[f"loss/{term}"] for term in terms] == pytest.approx(GOLDEN, rel=2e-3)


GOLDEN = [1.758601, 1.717392, 0.479823, 104.413245]


def test_clips_are_copied(run: Path, gan_sample: Command):
    for name, length in (("a", 1000), ("b", 2500)):
        save_sound(torch.rand(length) - 0.5, 8000, Path(f"{name}.wav"))
    assert gan_sample(f"checkpoint={run}", "input=.", "out=copies/").code == 0
    for path, length in (("copies/a.wav", 1000), ("copies/b.wav", 2500)):
        with wave.open(path) as sound:
            assert (sound.getnframes(), sound.getframerate()) == (length, 8000)


def test_forms_of_sound(tmp_path: Path):
    waves = {"original": torch.rand(1, 1, 1, 300), "copy": torch.rand(1, 1, 1, 300) - 0.5}
    shown = Shown(waves, "copy", "wave", None, None, (), ("a.wav",), None, rate=8000)
    writer_of("x.png")(shown, tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as sheet:
        assert sheet.size == (2 * 256 + 16, 22 + 128)
    writer_of("x.wav")(shown, tmp_path / "x.wav")
    with (tmp_path / "x.wav").open("rb") as file:
        assert (read_sound(file, 8000) - waves["copy"].flatten()).abs().max() < 1e-4
    picture = Shown({"fake": torch.rand(1, 1, 4, 4)}, "fake", "image", None, None, (), (), None)
    with pytest.raises(UserError, match="these are no sound"):
        writer_of("x.wav")(picture, Path("x.wav"))


def test_what_cannot_be_copied(tmp_path: Path):
    save_sound(torch.zeros(1000), 44100, tmp_path / "fast.wav")
    save_sound(torch.zeros(0), 8000, tmp_path / "empty.wav")
    Image.new("RGB", (8, 8)).save(tmp_path / "picture.png")
    (tmp_path / "pictures").mkdir()
    for name, said in (
        ("fast.wav", "fast.wav: cannot be used .44100 Hz and should be 8000: ffmpeg"),
        ("empty.wav", "empty.wav: cannot be used .it is empty"),
        ("picture.png", "picture.png: cannot be used .no uncompressed .wav"),
        ("nowhere", "input=.*nowhere: not there"),
        ("pictures", "pictures: no sound in it; give a .wav"),
    ):
        with pytest.raises(UserError, match=said) as error:
            read_sounds(tmp_path / name, 8000)
        assert len(error.value.problems) == 1


def test_what_cannot_be_copied_is_one_line(run: Path, gan_sample: Command):
    save_sound(torch.zeros(1000), 8000, Path("good.wav"))
    for arguments, said in (
        ([], "input: this model (HiFiGAN) translates; name a .wav, a folder or a .zip of them"),
        (["input=good.wav", "out=x.gif"], "out=x.gif: outputs are as large as their inputs"),
    ):
        result = gan_sample(f"checkpoint={run}", *arguments)
        assert result.code == 2, arguments
        assert len(result.problems) == 1, result.err
        assert said in result.problems[0]


def test_it_is_measured_by_its_spectrograms(run: Path, gan_evaluate: Command):
    assert gan_evaluate(f"checkpoint={run}", "count=10").code == 0
    (figure,) = json.loads((run / "evaluation.json").read_text())["metrics"]
    assert (figure["name"], figure["extractor"], figure["n"]) == ("mel_l1", "mel bands", 10)


def test_what_moves_pixels_is_refused(gan_train: Command):
    result = gan_train(*SMALL, "tricks=[diffaugment]", "data.limit=32")
    assert (result.code, len(result.problems)) == (2, 1)
    assert "sound has none" in result.err


@pytest.mark.slow
def test_it_is_exported_and_read_back(run: Path, gan_export: Command):
    """The network takes any number of spectrograms, and an export copies sound as before."""
    assert gan_export(f"checkpoint={run}", "out=g.pt2").code == 0
    card = Path("g.pt2.md").read_text()
    assert "mel bands (Slaney's, of area one) from 0 to 4000 Hz" in card
    assert "mel = torch.zeros(1, 64, 32)" in card
    made = torch.export.load("g.pt2").module()(torch.zeros(3, 64, 32))
    assert made.shape == (3, 1, 1, 2048)
    assert gan_export(f"checkpoint={run}", "out=g/").code == 0
    clip = torch.rand(1, 1, 1, 3000) - 0.5
    copies = [gan_cli.load(path, device="cpu").sample(input=clip) for path in (run, "g")]
    assert copies[0].shape == clip.shape
    assert torch.equal(*copies)
    with pytest.raises(UserError, match=r"this model takes \[N, 1, 1, W\]"):
        gan_cli.load("g", device="cpu").sample(input=torch.rand(1, 1, 2, 3000))
    with pytest.raises(UserError, match="this model takes sound"):
        gan_cli.load("g", device="cpu").sample(input=Image.new("L", (8, 8)))


@pytest.mark.parametrize(
    "tricks",
    [
        "gradient_penalty,experience_replay",
        "r1,instance_noise,label_flipping,historical_averaging",
        "minibatch_discrimination,feature_matching,dropout,layer_noise,spectral_norm",
    ],
)
def test_tricks_stand_with_every_discriminator(tricks: str):
    small = ["tricks.experience_replay.size=4"] if "replay" in tricks else []
    trainer = played("hifigan_small", f"tricks=[{tricks}]", *small, steps=2)
    assert all(trainer.changed[player] for player in ("discriminator", "generator"))
    assert all(p.isfinite().all() for p in trainer.game.parameters())


def test_g_is_asked_once_a_step():
    """D's turn and its own share the pieces and their copy, and G's gradient is its own."""
    asked: list[int] = []
    trainer = played(
        "hifigan_small",
        change=lambda game: game.generator.register_forward_hook(lambda *a: asked.append(1)),
        steps=2,
    )
    assert len(asked) == 2
    assert trainer.reached["generator"] == trainer.changed["generator"]
    assert not any(name.startswith("generator") for name in trainer.reached["discriminator"])


def test_health_hears_loudness_and_pitch_and_no_phase():
    """A copy turned upside down sounds the same; G at half the level hardly differs less."""
    made = game(scale=-1.0)
    torch.manual_seed(0)
    clips = {"wave": torch.randn(4, 1, 1, 4096) * torch.rand(4, 1, 1, 1)}
    made.bind({"wave": Field("wave", (1, 1, 4096), rate=8000)})
    probe = HealthProbe(made, every=1, seed=0, held_out=None)
    found = probe.measure(START, clips, {})
    assert found["health/diversity"] == pytest.approx(1.0, abs=1e-3)
    made.generator.scale.data.fill_(0.5)
    assert probe.measure(START, clips, {})["health/diversity"] > 0.95
