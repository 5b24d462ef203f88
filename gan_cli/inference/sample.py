"""What gan-sample does: a request in, what a game draws out, in the form that was asked for."""

import contextlib
import dataclasses
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from torch import Tensor

from gan_cli.assembly.devices import open_device
from gan_cli.errors import UserError
from gan_cli.inference.drawing import DrawSettings, draw_wanted, refuse_unfit
from gan_cli.inference.formats import Shown, as_png, writer_of
from gan_cli.inference.given import input_field, read_each, read_inputs
from gan_cli.inference.load import Loaded, open_game
from gan_cli.inference.points import known_mixture
from gan_cli.sinks.gallery import modes_counted
from gan_cli.viz.images import save_png, to_bytes

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleSettings(DrawSettings):
    """The keys of conf/sample.yaml."""

    checkpoint: str
    out: str
    input: str | None
    ema: bool
    device: str
    trust: list[str]


def write_samples(settings: SampleSettings) -> Path:
    """Draw as `settings` say and write it; returns where.

    Raises:
        UserError: a checkpoint that cannot be used, something the model does not do.
    """
    write = writer_of(settings.out)
    out = Path(settings.out).expanduser()
    device = open_device(settings.device, "device")
    loaded = open_game(
        Path(settings.checkpoint).expanduser(),
        average=settings.ema,
        trust=settings.trust,
        device=device,
    )
    refuse_unfit(settings, loaded.game, translates=settings.input is not None)
    given: Tensor | None = None
    names: list[str] = []
    if settings.input is not None:
        _refuse_overwriting(settings.input, settings.out)
        if loaded.game.any_size:
            count = write_each(settings, loaded, out)
            log.info("%d samples from %s in %s", count, loaded.path, out)
            return out
        given, names = read_inputs(Path(settings.input), loaded.game, settings.direction)
    shown = draw_wanted(loaded, settings, given, names)
    if shown.kind == "point":
        shown = _beside_real(shown, loaded, settings.trust)
    with _writing(settings.out):
        out.parent.mkdir(parents=True, exist_ok=True)
        write(shown, out)
    log.info("%d samples from %s in %s", len(shown.made), loaded.path, out)
    return out


def write_each(settings: SampleSettings, loaded: Loaded, out: Path) -> int:
    """Draw from inputs of any size, and write each output as a file of its own.

    Returns:
        How many there were.

    Raises:
        UserError: an input cannot be used, or several are to go into one file.
    """
    assert settings.input is not None
    source = Path(settings.input).expanduser()
    if not source.exists():
        raise UserError(f"input={settings.input}: not there")
    kind = loaded.game.fields[input_field(loaded.game, settings.direction)].kind
    endings = [".wav", ".png"] if kind == "wave" else [".png"]  # a sound's picture is a spectrogram
    alone = out.suffix.lower() in endings and not out.is_dir()
    if (alone and not source.is_file()) or (not alone and out.suffix and not out.is_dir()):
        raise UserError(
            f"out={settings.out}: outputs are as large as their inputs make them, and each is a "
            f"file of its own; end it in {' or '.join(endings)} for one input, in / for several"
        )
    names, each = read_each(source, loaded.game, settings.direction)
    paths = [out] if alone else [out / n for n in (names if kind == "wave" else as_png(names))]
    for name, path, given in zip(names, paths, each, strict=True):
        shown = draw_wanted(loaded, settings, given, [name])
        with _writing(settings.out):
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == "wave":
                writer_of(str(path))(shown, path)
            else:
                save_png(to_bytes(shown.made)[0], path)
    return len(names)


@contextlib.contextmanager
def _writing(out: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"out={out}: cannot be written ({error.strerror})") from error


def _beside_real(shown: Shown, loaded: Loaded, trust: Sequence[str]) -> Shown:
    """Points with the data they are to be like, where that is known, and what is to say of them."""
    mixture = known_mixture(loaded.content, trust)
    said = [f"step {loaded.step:,}"]
    if mixture is None:
        return dataclasses.replace(shown, caption=said[0])
    remark = modes_counted(mixture)
    assert remark is not None
    caption = ", ".join([*said, remark(shown.made)])
    return dataclasses.replace(shown, real=mixture.load()["image"], caption=caption)


def _refuse_overwriting(given: str, wanted: str) -> None:
    """Keep what is translated: the output has the same names."""
    source, out = (Path(p).expanduser().resolve() for p in (given, wanted))
    if out == source or (source.is_file() and out == source.parent):
        raise UserError(f"out={wanted}: would overwrite the input; name another place")
