"""What gan-sample does: a request in, what a game draws out, in the form that was asked for."""

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from gan_cli.assembly.devices import open_device
from gan_cli.errors import UserError
from gan_cli.inference.drawing import DrawSettings, draw_wanted, read_inputs, refuse_unfit
from gan_cli.inference.formats import Shown, writer_of
from gan_cli.inference.load import Loaded, open_game
from gan_cli.inference.points import known_mixture
from gan_cli.sinks.gallery import modes_counted

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
        given, names = read_inputs(Path(settings.input), loaded.game, settings.direction)
    shown = draw_wanted(loaded, settings, given, names)
    if shown.kind == "point":
        shown = _beside_real(shown, loaded, settings.trust)
    out = Path(settings.out).expanduser()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write(shown, out)
    except OSError as error:
        raise UserError(f"out={settings.out}: cannot be written ({error.strerror})") from error
    log.info("%d samples from %s in %s", len(shown.made), loaded.path, out)
    return out


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
