"""Trained games, and what they draw."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from gan_cli.assembly.devices import open_device
from gan_cli.config.reader import check_plain
from gan_cli.errors import UserError
from gan_cli.inference.drawing import DrawSettings, draw_wanted, refuse_unfit
from gan_cli.inference.given import convert_inputs, read_inputs
from gan_cli.inference.load import Loaded, open_game
from gan_cli.library.common import StrPath, own_randomness
from gan_cli.viz import images


class LoadedGame:
    """A trained game that draws; see `load`.

    Attributes:
        game: the networks, a `torch.nn.Module` in evaluation mode.
        path: the file it was read from.
        step: how far it was trained.
        n_classes: how many classes it is told; 0 where it is told none.
        class_names: by number; may be empty.
        directions: the ways it translates, such as `ab`; none where there is but one.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self.game, self.path, self.step = loaded.game, loaded.path, loaded.step
        self.n_classes, self.class_names = loaded.game.n_classes, tuple(loaded.class_names)
        self.directions = tuple(way for way in loaded.game.ways if way)

    def __repr__(self) -> str:
        return f"<{type(self.game).__name__} of {self.path}, step {self.step}>"

    def sample(
        self,
        count: int = 64,
        *,
        seed: int = 0,
        label: int | str | Sequence[int | str] | None = None,
        code: int | Sequence[int] | None = None,
        continuous: Sequence[float] | None = None,
        input: StrPath | Image.Image | Sequence[Image.Image] | Tensor | None = None,
        direction: str | None = None,
        interpolate: int | None = None,
        truncation: float | None = None,
        standing: int | None = None,
        psi: float | None = None,
        crossover: int | None = None,
    ) -> Tensor:
        """Samples, float32 on the CPU, as `gan-sample` with the same options draws them.

        Args:
            count: N; with `input` as many as that has, with `interpolate` latents on the way.
            seed: the same seed draws the same samples.
            label: a class by number or name, or several taking turns; None: all in turn.
            code: a categorical code, or several taking turns (InfoGAN); None: all in turn.
            continuous: values of the continuous codes (InfoGAN); None: random.
            input: what to translate (pix2pix, CycleGAN) or to reconstruct (BiGAN, VAE/GAN): the
                path of an image, a folder or a .zip; images of Pillow's; either of any size, gray
                or RGB as the model's are; a tensor [N, C, H, W], uint8 or in [-1, 1].
            direction: which way (CycleGAN); None: the first of `directions`.
            interpolate: images from one latent to the next.
            truncation: latents beyond this many standard deviations are drawn again.
            standing: batches of 256 that BatchNorm's statistics are taken anew of; they stay.
            psi: how far styles lie from their mean (StyleGAN2), 1 for as far as they do.
            crossover: a grid: styles of rows, from this layer on those of columns (StyleGAN2).

        Returns:
            Images [N, C, H, W] in [-1, 1], points in the plane [N, 2, 1, 1], waves [N, 1, 1, T];
            see `to_pil`.

        Raises:
            UserError: a value that is none, or that this game has no use for.
        """
        wanted: DrawSettings = check_plain(
            {
                "count": count,
                "seed": seed,
                "label": _plain(label),
                "code": _plain(code),
                "continuous": _plain(continuous),
                "direction": direction,
                "interpolate": interpolate,
                "truncation": truncation,
                "standing": standing,
                "psi": psi,
                "crossover": crossover,
            },
            DrawSettings,
        )
        refuse_unfit(wanted, self.game, translates=input is not None)
        given = None
        if isinstance(input, str | os.PathLike):
            given, _ = read_inputs(Path(input), self.game, direction)
        elif input is not None:
            several = [input] if isinstance(input, Image.Image) else input
            given = convert_inputs(several, self.game, direction)
        return draw_wanted(self._loaded, wanted, given).made


def load(
    checkpoint: StrPath, *, ema: bool = True, device: str = "auto", trust: Sequence[str] = ()
) -> LoadedGame:
    """A trained game; the data it was trained on is not needed.

    Args:
        checkpoint: a run's folder (its newest good checkpoint), a .pt file, or what `export` wrote
            as a folder or as .safetensors.
        ema: draw with the running mean of weights, where the run kept one.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.
        trust: packages, besides this one, whose classes the checkpoint's config may name.

    Raises:
        UserError: there is no good checkpoint, or it is refused.
    """
    where = open_device(device, "device")
    with own_randomness():
        path = Path(checkpoint).expanduser()
        return LoadedGame(open_game(path, average=ema, trust=trust, device=where))


def to_pil(samples: Tensor) -> list[Image.Image]:
    """Images [N, C, H, W] in [-1, 1] as Pillow's, 8 bits, gray or RGB.

    Raises:
        UserError: they are no images.
    """
    return [images.to_pil(image) for image in images.to_bytes(_seen(samples)).cpu()]


def to_grid(samples: Tensor, columns: int | None = None) -> Image.Image:
    """Images [N, C, H, W] in [-1, 1] as one, small ones enlarged.

    Args:
        samples: what `LoadedGame.sample` gives.
        columns: images a row; None: as square as can be.

    Raises:
        UserError: they are no images.
    """
    return images.to_pil(images.grid(_seen(samples), columns))


def _seen(samples: Tensor) -> Tensor:
    if samples.ndim != 4 or samples.shape[1] not in (1, 3) or not samples.is_floating_point():
        shape = list(samples.shape)
        raise UserError(f"samples: {shape} are no images; those are floats [N, 1 or 3, H, W]")
    return samples


def _plain(value: Any) -> Any:
    """Tuples, ranges, arrays and tensors as lists and numbers."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
