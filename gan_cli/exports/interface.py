"""What goes into a network that draws and what comes out, for those who use it without gan-cli."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gan_cli.data.fields import Field, Kind
from gan_cli.errors import UserError
from gan_cli.games.base import Game
from gan_cli.games.requests import LatentPart
from gan_cli.metrics.mel import MelSpectrogram
from gan_cli.networks.roles import Generator, Translator, Vocoder

PIXELS = "(x + 1) * 127.5, rounded, are pixels from 0 to 255"
SCALED = "pixels p from 0 to 255 become p / 127.5 - 1"
SQUARED = "the shorter side resized (bicubic, antialiased), the middle cut out"
COUNT = 2
"""Samples of an example; one alone would be taken for a constant."""


@dataclasses.dataclass(frozen=True)
class Port:
    """One tensor that goes in or comes out.

    Attributes:
        name: in the file.
        dtype: `float32` or `int64`.
        shape: of one sample; N of them lie side by side.
        meaning: in words.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    meaning: str

    def to_plain(self) -> dict[str, Any]:
        """As it is written down; the first dimension is a batch of any size."""
        return dataclasses.asdict(self) | {"shape": ["batch", *self.shape]}


@dataclasses.dataclass(frozen=True)
class Drawer:
    """A network that draws.

    Attributes:
        network: in evaluation mode.
        attribute: its name in the game, such as `generator`.
        inputs: in the order `network` takes them.
        output: what it returns.
        kind: of that.
        latents: what its z is made of, where it takes one.
    """

    network: nn.Module
    attribute: str
    inputs: Sequence[Port]
    output: Port
    kind: Kind
    latents: Sequence[LatentPart] = ()

    @property
    def examples(self) -> tuple[Tensor, ...]:
        """Inputs to try it on."""
        kinds = {"float32": torch.float32, "int64": torch.int64}
        return tuple(torch.zeros(COUNT, *p.shape, dtype=kinds[p.dtype]) for p in self.inputs)

    def to_plain(self) -> dict[str, Any]:
        """Inputs and output as they are written down."""
        inputs = [port.to_plain() for port in self.inputs]
        return {"inputs": inputs, "output": self.output.to_plain()}


def drawers_of(game: Game, class_names: Sequence[str]) -> Mapping[str, Drawer]:
    """The networks that draw, by direction; the empty name where there is but one way.

    Raises:
        UserError: one of them takes something that only its game knows.
    """
    attributes = {id(network): name for name, network in game.averaged.items()}
    found = {}
    for direction, network in game.ways.items():
        trial = next(t for t in game.trials().values() if t.direction in (direction, None))
        latents: Sequence[LatentPart] = ()
        if isinstance(network, Generator):
            latents = game.latents or [LatentPart("normal", network.latent_dim)]
            inputs = _latents_and_label(network, latents, class_names)
        elif isinstance(network, Translator):
            inputs = [_image("image", game.fields[trial.inputs[0]], f"{SQUARED}; {SCALED}")]
        elif isinstance(network, Vocoder):
            inputs = [_mel(network.mel, game.fields[trial.inputs[0]])]
        else:
            raise UserError(
                f"model: a {type(network).__name__} is no Generator, Translator or Vocoder "
                "(gan_cli/networks/roles.py), and nothing else can be exported"
            )
        output, kind = game.fields[trial.real], game.fields[trial.real].kind
        if kind == "image":
            port = _image("translation" if not latents else "image", output, PIXELS)
        else:
            says = {
                "point": "x and y of a point in the plane",
                "wave": f"sound in [-1, 1], {output.rate} samples a second",
            }.get(kind, f"a {output}")
            port = Port(kind, "float32", output.shape, says)
        found[direction] = Drawer(network, attributes[id(network)], inputs, port, kind, latents)
    return found


def _latents_and_label(
    network: Generator, latents: Sequence[LatentPart], class_names: Sequence[str]
) -> list[Port]:
    kinds = {"normal": "{} normal numbers", "one_hot": "a one-hot category of {}"}
    uniform = "{} numbers uniform in [-1, 1]"
    meaning = ", then ".join(kinds.get(part.kind, uniform).format(part.size) for part in latents)
    z = Port("z", "float32", (network.latent_dim,), meaning)
    if not network.n_classes:
        return [z]
    meaning = f"a class, 0 to {network.n_classes - 1}"
    if class_names and list(class_names) != [str(i) for i in range(len(class_names))]:
        meaning += ", see class_names"
    return [z, Port("label", "int64", (), meaning)]


def _mel(mel: MelSpectrogram, wave: Field) -> Port:
    high = mel.fmax or mel.sample_rate / 2
    meaning = (
        f"log(max(m, 1e-5)) of magnitudes m in {mel.n_mels} mel bands (Slaney's, of area one) from "
        f"{mel.fmin:g} to {high:g} Hz; Hann windows of {mel.n_fft} samples every {mel.hop}, at "
        f"{mel.sample_rate} samples a second, the wave mirrored by {(mel.n_fft - mel.hop) // 2} at "
        "its ends"
    )
    return Port("mel", "float32", (mel.n_mels, wave.shape[-1] // mel.hop), meaning)


def _image(name: str, field: Field, scale: str) -> Port:
    color = {1: "grayscale", 3: "RGB"}.get(field.shape[0], f"{field.shape[0]} channels")
    return Port(name, "float32", field.shape, f"{color} in [-1, 1], [C, H, W]; {scale}")
