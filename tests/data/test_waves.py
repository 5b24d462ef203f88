"""A person's own sound, and the sound that is made here."""

import io
import wave
from pathlib import Path

import numpy as np
import pytest
import torch

from gan_cli.data.sound_files import (
    UnreadableSoundError,
    encode_sound,
    length_of,
    read_sound,
    save_sound,
)
from gan_cli.data.tones import Tones
from gan_cli.data.waves import Waves
from gan_cli.errors import UserError
from tests.data.image_files import zipped

RATE = 8000


def ramp(count: int) -> torch.Tensor:
    return torch.linspace(-0.9, 0.9, count)


def write(path: Path, count: int, rate: int = RATE, channels: int = 1, width: int = 2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(bytes(count * channels * width))
    return path


def test_what_is_written_is_read_again():
    sound = ramp(1000)
    file = io.BytesIO(encode_sound(sound, RATE))
    assert length_of(file, RATE, len(file.getvalue())) == 1000
    file.seek(0)
    assert (read_sound(file, RATE) - sound).abs().max() <= 1 / 32767
    file.seek(0)
    assert torch.equal(read_sound(file, RATE, 10, 5), read_all(file)[10:15])


def read_all(file: io.BytesIO) -> torch.Tensor:
    file.seek(0)
    return read_sound(file, RATE)


@pytest.mark.parametrize("width", [2, 3, 4])
def test_widths(width: int):
    values = np.array([-(2 ** (8 * width - 1)), 0, 2 ** (8 * width - 2)], "<i4")
    pcm = b"".join(int(v).to_bytes(width, "little", signed=True) for v in values)
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, width, RATE, 0, "NONE", ""))
        sound.writeframes(pcm)
    assert read_all(file).tolist() == [-1.0, 0.0, 0.5]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"channels": 2}, "2 channels and should be one: ffmpeg"),
        ({"width": 1}, "8 bits a sample"),
        ({"rate": 44100}, "44100 Hz and should be 8000: ffmpeg -i IN.wav -ac 1 -ar 8000"),
        ({"count": 100}, "0.01 s, shorter than data.length=512"),
    ],
)
def test_sound_of_another_kind_is_named_with_what_to_do(tmp_path: Path, change, said: str):
    write(tmp_path / "good.wav", 600)
    bad = write(tmp_path / "odd.wav", **{"count": 600, **change})
    with pytest.raises(UserError, match=r"odd.wav: cannot be used") as error:
        Waves(str(tmp_path), RATE, 512).prepare()
    assert said in str(error.value)
    assert "data.on_corrupt=skip" in str(error.value)
    assert len(error.value.problems) == 1
    kept = Waves(str(tmp_path), RATE, 512, on_corrupt="skip")
    kept.prepare()
    assert kept.listing("")[0][0].startswith("good.wav:")
    (tmp_path / "good.wav").unlink()
    with pytest.raises(UserError, match="none of its 1 clips can be used"):
        Waves(str(tmp_path), RATE, 512, on_corrupt="skip").prepare()
    assert bad.exists()


@pytest.mark.parametrize("cut", [4, 30, 200])
def test_damage(tmp_path: Path, cut: int):
    whole = write(tmp_path / "clip.wav", 600).read_bytes()
    (tmp_path / "clip.wav").write_bytes(whole[:cut])
    with pytest.raises(UserError, match=r"clip.wav: cannot be used"):
        Waves(str(tmp_path), RATE, 512).prepare()


@pytest.mark.parametrize("content", [b"", b"RIFF", b"fLaC" + bytes(100), bytes(2000)])
def test_no_sound_at_all(content: bytes):
    with pytest.raises(UnreadableSoundError, match=r"no uncompressed .wav|damaged"):
        length_of(io.BytesIO(content), RATE, len(content))


def test_pieces_cover_a_clip_evenly(tmp_path: Path):
    save_sound(ramp(1300), RATE, tmp_path / "clip.wav")
    save_sound(ramp(512), RATE, tmp_path / "short.wav")
    found = Waves(str(tmp_path), RATE, 512)
    found.prepare()
    assert found.listing("") == [
        *(("clip.wav:0", 2644), ("clip.wav:394", 2644), ("clip.wav:788", 2644)),
        ("short.wav:0", 1068),
    ]
    loaded = found.load()["wave"]
    assert loaded.shape == (4, 1, 1, 512)
    assert str(found.fields["wave"]) == "wave 1x1x512 at 8000 Hz"
    assert torch.equal(loaded[1], found.open("", 1)["wave"])
    assert (loaded[2, 0, 0] - ramp(1300)[788:]).abs().max() < 1e-4


def test_a_zip_and_its_parts(tmp_path: Path):
    for part, number in (("train", 3), ("test", 2)):
        (tmp_path / "clips" / part).mkdir(parents=True)
        for n in range(number):
            save_sound(ramp(520 + n), RATE, tmp_path / "clips" / part / f"{n}.wav")
    archive = zipped(tmp_path / "clips", tmp_path / "clips.zip")
    found, other = Waves(str(archive), RATE, 512), Waves(str(tmp_path / "clips"), RATE, 512)
    found.prepare()
    other.prepare()
    assert found.sizes == {"": 6}
    assert torch.equal(found.load()["wave"], other.load()["wave"])
    held_out = found.held_out()
    assert held_out is not None
    held_out.prepare()
    assert (held_out.part, held_out.sizes) == ("test", {"": 4})
    limited = Waves(str(archive), RATE, 512, limit=1)
    limited.prepare()
    assert limited.sizes == {"": 2}


def test_no_sound_and_no_such_part(tmp_path: Path):
    (tmp_path / "note.txt").write_text("hello")
    with pytest.raises(UserError, match=r"no sound in it; give a folder or a .zip with .wav"):
        Waves(str(tmp_path)).prepare()
    write(tmp_path / "a.wav", 600)
    assert Waves(str(tmp_path), RATE, 512).held_out() is None
    with pytest.raises(UserError, match=r"no folder for data.split=test"):
        Waves(str(tmp_path), RATE, 512, split="test").prepare()


def test_tones_are_a_function_of_the_seed():
    one, same, another = (Tones(limit=3, seed=seed) for seed in (0, 0, 1))
    clips = one.load()["wave"]
    assert clips.shape == (3, 1, 1, 8192)
    assert torch.equal(clips, same.load()["wave"])
    assert not torch.equal(clips, another.load()["wave"])
    assert torch.equal(clips[:2], Tones(limit=2).load()["wave"])
    assert 0.3 < clips.abs().amax((1, 2, 3)).min() <= clips.abs().max() <= 0.9
    assert clips.flatten(1).std(1).min() > 0.01  # nothing is silent


def test_tones_that_are_held_out_are_others():
    train = Tones(limit=2)
    test = train.held_out()
    assert (len(test), test.part) == (100, "test")
    test.limit = 2
    assert not torch.equal(train.load()["wave"], test.load()["wave"])
    with pytest.raises(ValueError, match="set sample_rate=6020"):
        Tones(sample_rate=4000)
