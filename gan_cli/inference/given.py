"""What is fed to a game that translates: images or waves of files, or at hand."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from gan_cli.data.given_images import read_as_they_are, read_images
from gan_cli.data.images import (
    OtherChannelsError,
    UnreadableImageError,
    convert,
    to_pixels,
    to_square,
)
from gan_cli.errors import UserError
from gan_cli.games.base import Game
from gan_cli.inference.sounds import read_sounds


def input_field(game: Game, direction: str | None) -> str:
    """The field that a game which translates is fed."""
    trials = game.trials().values()
    return next(t for t in trials if t.inputs and direction in (None, t.direction)).inputs[0]


def read_inputs(path: Path, game: Game, direction: str | None) -> tuple[Tensor, list[str]]:
    """Images or waves of a file, folder or .zip as a game takes them, and the names of their files.

    Raises:
        UserError: they are not there or cannot be used; or a game takes any size, and theirs
            differ.
    """
    channels, size, _ = game.fields[input_field(game, direction)].shape
    if game.any_size:
        names, each = read_each(path, game, direction)
        found = list(each)
        if len({image.shape for image in found}) > 1:
            raise UserError(f"input={path}: of several sizes; give those of one at a time")
        return torch.cat(found), list(names)
    images, names = read_images(path.expanduser(), size, channels)
    return scaled(images), names


def read_each(
    path: Path, game: Game, direction: str | None
) -> tuple[Sequence[str], Iterator[Tensor]]:
    """For games that take any size: names of files, and images or waves in theirs, [1, ...] each.

    Raises:
        UserError: they are not there; later, that one cannot be used.
    """
    field = game.fields[input_field(game, direction)]
    if field.kind == "wave":
        return read_sounds(path, field.rate)
    channels = field.shape[0]
    names, images = read_as_they_are(path, channels)
    return names, (scaled(image[None]) for image in images)


def convert_inputs(
    given: Sequence[Image.Image] | Tensor, game: Game, direction: str | None
) -> Tensor:
    """Images or waves at hand as a game takes them, float32 in [-1, 1], [N, C, H, W].

    Args:
        given: Pillow's, of any size and the game's channels; or a tensor [N, C, H, W], uint8 or
            float in [-1, 1].
        game: one that translates.
        direction: which way.

    Raises:
        UserError: they are no images, have other channels, or are a tensor of another shape.
    """
    field = game.fields[input_field(game, direction)]
    channels, size, _ = shape = field.shape
    if field.kind == "wave" and not isinstance(given, Tensor):
        raise UserError("input: this model takes sound: the path of a .wav, or [N, 1, 1, T]")
    if not isinstance(given, Tensor):
        try:
            converted = [convert(image, channels, exact=True) for image in given]
            given = torch.stack(
                [to_pixels(x) if game.any_size else to_square(x, size) for x in converted]
            )
        except OtherChannelsError as error:
            raise UserError(f"input: cannot be used ({error}); {error.advice}") from error
        except (UnreadableImageError, ValueError, RuntimeError, AttributeError) as error:
            raise UserError(f"input: not images of Pillow's, or none ({error})") from error
    known = 3  # dimensions of a sample that have to be right
    if game.any_size:
        known = 2 if field.kind == "wave" else 1
    if given.ndim != 4 or tuple(given.shape[1 : 1 + known]) != shape[:known] or not given.numel():
        wanted = ", ".join(["N", *map(str, shape[:known]), *"HW"[known - 1 :]])
        raise UserError(f"input: a tensor {list(given.shape)}; this model takes [{wanted}]")
    return scaled(given)


def scaled(images: Tensor) -> Tensor:
    """Pixels from 0 to 255 as float32 in [-1, 1]; what is not uint8 is that already."""
    return images.float() / 127.5 - 1.0 if images.dtype == torch.uint8 else images.float()
