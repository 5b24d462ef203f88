"""What gan-export does: the networks that draw out of a checkpoint, in a form others read."""

import dataclasses
import json
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Annotated, Any

import pydantic
import torch

from gan_cli.comparison.records import read_evaluation
from gan_cli.data.images import UnreadableImageError, read_image
from gan_cli.errors import UserError
from gan_cli.exports import formats, snippets
from gan_cli.exports.card import Card
from gan_cli.exports.interface import Drawer, drawers_of
from gan_cli.files import write_whole
from gan_cli.games.base import Game
from gan_cli.inference.drawing import DrawSettings, draw_wanted
from gan_cli.inference.exported import DESCRIPTION, FORMAT, WEIGHTS
from gan_cli.inference.formats import writer_of
from gan_cli.inference.load import Loaded, open_game, run_of
from gan_cli.sinks.summary import versions
from gan_cli.viz.images import from_pil, save_png

log = logging.getLogger(__name__)

SHOWN, MOST_COLUMNS = 64, 16
"""Samples on a card, and classes that get a column there."""
METRIC = "metric/"
MOST_FIGURES = 100


def _a_license(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,63}", text):
        raise ValueError("the short name of a license, such as mit or cc-by-4.0")
    return text


@dataclasses.dataclass(frozen=True)
class ExportSettings:
    """The keys of conf/export.yaml."""

    checkpoint: str
    out: str
    direction: str | None
    license: Annotated[str, pydantic.AfterValidator(_a_license)] | None
    ema: bool
    overwrite: bool
    trust: list[str]


def write_export(settings: ExportSettings) -> Path:
    """Write what `settings` say, and a model card beside it; returns where.

    Raises:
        UserError: a checkpoint or an `out` that cannot be used, a network that cannot be exported,
            a package that is missing.
    """
    suffix = formats.suffix_of(settings.out)
    formats.require_packages(suffix or ".safetensors", settings.out)
    out = Path(settings.out).expanduser()
    files = _Files.of(out, suffix)
    if not settings.overwrite:
        files.refuse_present(settings.out)
    loaded = open_game(
        Path(settings.checkpoint).expanduser(),
        average=settings.ema,
        trust=settings.trust,
        device=torch.device("cpu"),
    )
    if type(loaded.step) is not int:
        raise UserError(f"{loaded.path}: its step is damaged; take another checkpoint")
    drawers = drawers_of(loaded.game, loaded.class_names)
    chosen = _choose(drawers, settings.direction, suffix)
    description, figures = describe(loaded, settings.license), _figures(loaded)
    try:
        files.model.parent.mkdir(parents=True, exist_ok=True)
        write_whole(files.model, _encode(settings.out, suffix, loaded.game, chosen, description))
        if not suffix:
            text = json.dumps(description | {"networks": _interfaces(chosen)}, indent=2)
            write_whole(out / DESCRIPTION, f"{text}\n".encode())
        pictured = _save_picture(loaded, files.picture)
        card = Card(
            description,
            type(loaded.game).__name__,
            chosen,
            files.picture.name if pictured else None,
            _usage(files.model.name, suffix, chosen),
            figures,
            loaded.content["overrides"],
        )
        write_whole(files.card, card.to_markdown().encode())
    except OSError as error:
        raise UserError(f"out={settings.out}: cannot be written ({error.strerror})") from error
    log.info("%s in %s; %s says what it is", ", ".join(_names(chosen)), out, files.card)
    return out


@dataclasses.dataclass(frozen=True)
class _Files:
    """Where an export goes."""

    model: Path
    card: Path
    picture: Path
    others: Sequence[Path] = ()

    @classmethod
    def of(cls, out: Path, suffix: str) -> "_Files":
        if suffix:
            card, picture = (out.with_name(out.name + end) for end in (".md", ".png"))
            return cls(out, card, picture)
        return cls(out / WEIGHTS, out / "README.md", out / "samples.png", [out / DESCRIPTION])

    def refuse_present(self, out: str) -> None:
        """Raise UserError where one of them is there: a card may have been written on since."""
        for path in (self.model, self.card, self.picture, *self.others):
            if path.exists():
                raise UserError(f"out={out}: {path} is there already; add overwrite=true")


def describe(loaded: Loaded, license_name: str | None) -> dict[str, Any]:
    """What an export says of itself, plain: all that gan-sample needs to read it back."""
    content = loaded.content
    return {
        "library_name": "gan-cli",
        "format": FORMAT,
        "name": loaded.settings.name,
        "license": license_name,
        "step": loaded.step,
        "averaged": loaded.averaged,
        "class_names": list(loaded.class_names),
        "fields": content["fields"],
        "config": _without_paths(content["config"]),
        "links": content["links"],
        "versions": versions(),
    }


def _without_paths(tree: Any) -> Any:
    """A config with the last part alone of each absolute path, which are nobody else's business."""
    if isinstance(tree, Mapping):
        return {key: _without_paths(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_without_paths(value) for value in tree]
    is_path = isinstance(tree, str) and (PurePath(tree).is_absolute() or tree.startswith("~"))
    return PurePath(tree).name if is_path else tree


def _choose(
    drawers: Mapping[str, Drawer], direction: str | None, suffix: str
) -> Mapping[str, Drawer]:
    """The networks that go into a file: all of them, or one where it can hold only one.

    Raises:
        UserError: there is no such direction, or no choice.
    """
    if direction is not None and direction not in drawers:
        ways = " or ".join(way for way in drawers if way)
        does = f"should be {ways}" if ways else "this model goes one way; leave direction out"
        raise UserError(f"direction={direction}: {does}")
    if suffix in (".onnx", ".pt2"):
        way = next(iter(drawers)) if direction is None else direction
        return {way: drawers[way]}
    if direction is not None:
        raise UserError(f"direction={direction}: all ways go into one file; leave direction out")
    return drawers


def _encode(
    out: str,
    suffix: str,
    game: Game,
    chosen: Mapping[str, Drawer],
    description: Mapping[str, Any],
) -> bytes:
    if suffix in (".onnx", ".pt2"):
        ((direction, drawer),) = chosen.items()
        keys = ("name", "license", "step", "averaged", "class_names", "versions")
        said = {key: description[key] for key in keys}
        about = said | {"direction": direction} | drawer.to_plain()
        return (formats.to_onnx if suffix == ".onnx" else formats.to_pt2)(drawer, about, out)
    return formats.to_safetensors(game.averaged, {**description, "networks": _interfaces(chosen)})


def _interfaces(chosen: Mapping[str, Drawer]) -> dict[str, Any]:
    return {drawer.attribute: drawer.to_plain() for drawer in chosen.values()}


def _names(chosen: Mapping[str, Drawer]) -> list[str]:
    return [drawer.attribute for drawer in chosen.values()]


def _usage(file: str, suffix: str, chosen: Mapping[str, Drawer]) -> list[tuple[str, str]]:
    if suffix in (".onnx", ".pt2"):
        (drawer,) = chosen.values()
        write = snippets.with_onnxruntime if suffix == ".onnx" else snippets.with_torch
        return [("python", write(drawer, file))]
    place = file if suffix else "."
    install = "pip install 'gan-cli[export]'\n"
    return [
        ("sh", install + snippets.on_the_command_line(chosen, place)),
        ("python", snippets.with_gan_cli(chosen, place)),
    ]


def _figures(loaded: Loaded) -> list[Mapping[str, Any]]:
    """What was measured of these very weights: by gan-evaluate, else in training."""
    found = read_evaluation(run_of(loaded.path))
    if found.get("step") == loaded.step and found.get("ema") == loaded.averaged:
        return list(found.get("metrics", []))[:MOST_FIGURES]
    return [
        {"name": name.removeprefix(METRIC), "value": value}
        for name, value in loaded.content["metrics"].items()
        if name.startswith(METRIC)
    ]


def _save_picture(loaded: Loaded, path: Path) -> bool:
    """Samples as `gan-sample` draws them, or, of what translates, the run's sheet of this step."""
    if loaded.game.translates:
        sheet = run_of(loaded.path) / "samples" / f"step-{loaded.step:08d}.png"
        try:
            save_png(from_pil(read_image(str(sheet), channels=3)), path)
        except UnreadableImageError:
            return False
        return True
    shown = draw_wanted(loaded, _wanted(SHOWN))
    kinds = len(set(shown.kinds or ()))
    if 1 < kinds <= MOST_COLUMNS:  # as many of each
        shown = draw_wanted(loaded, _wanted(SHOWN // kinds * kinds))
    writer_of(str(path))(shown, path)
    return True


def _wanted(count: int) -> DrawSettings:
    return DrawSettings(count=count, seed=0)
