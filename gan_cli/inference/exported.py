"""What gan-export wrote, read back: weights in safetensors, everything else in JSON.

Both come from strangers. There is no pickle in them, they are bounded before they are read, and
what they say is checked as a checkpoint's config is.
"""

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from torch import Tensor

from gan_cli.errors import UserError
from gan_cli.sinks.content import complete

FORMAT = 1
WEIGHTS, DESCRIPTION = "model.safetensors", "config.json"
"""Files of an exported folder, as model hubs call them."""
KEY = "gan_cli"
"""Of the description in a file's metadata."""
MOST_BYTES = 4 << 20
"""Of a description, and of a safetensors file's table of contents."""
PARTS = ("config", "links", "fields", "class_names", "metrics", "versions")
"""Of a description, as in a checkpoint."""


def is_exported(path: Path) -> bool:
    """Whether a path looks like what gan-export wrote: a folder, or a `.safetensors` file."""
    if path.is_dir():
        return (path / WEIGHTS).is_file() and (path / DESCRIPTION).is_file()
    return path.suffix.lower() == ".safetensors"


def read_exported(path: Path) -> tuple[Path, dict[str, Any], dict[str, Tensor]]:
    """Read an exported folder or file.

    Returns:
        The file of weights; the description, complete as a checkpoint's content is, with `step`
        and `averaged`; tensors on the CPU by name, `generator.` and so on before it.

    Raises:
        UserError: it is not there, damaged, not what gan-export wrote, or from another version.
    """
    require("safetensors", f"checkpoint={path}")
    file = path / WEIGHTS if path.is_dir() else path
    try:
        metadata, tensors = _read_weights(file)
        text = _read_text(path / DESCRIPTION) if path.is_dir() else metadata.get(KEY, "")
        return file, _understood(text), tensors
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def require(package: str, what: str) -> None:
    """Raise UserError where an optional package that `what` needs is not installed."""
    if find_spec(package) is None:
        raise UserError(f"{what}: needs {package}; pip install 'gan-cli[export]'")


def _read_weights(file: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    from safetensors import safe_open

    if not file.is_file():
        raise UserError(f"{file}: no such file")
    with file.open("rb") as opened:
        _check_header(opened)
    try:
        with safe_open(file, framework="pt", device="cpu") as archive:
            tensors = {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118
            return dict(archive.metadata() or {}), tensors
    except OSError:
        raise
    except Exception as error:  # what is damaged makes it fail in any way
        raise ValueError(f"damaged or no safetensors file ({error!s:.100})") from error


def _check_header(file: IO[bytes]) -> None:
    """The table of contents is about as long as one of a known network."""
    length = int.from_bytes(file.read(8), "little")
    if length > MOST_BYTES:
        raise ValueError("damaged or no safetensors file (its header is too long)")


def _read_text(path: Path) -> str:
    with path.open("rb") as file:
        read = file.read(MOST_BYTES + 1)
    if len(read) > MOST_BYTES:
        raise ValueError(f"its {path.name} has more than {MOST_BYTES:,} bytes")
    return read.decode("utf-8")


def _understood(text: str) -> dict[str, Any]:
    """A description as a checkpoint's content, nothing of which is believed yet.

    Raises:
        ValueError: it is none.
    """
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("not what gan-export wrote, it is not described in JSON") from error
    if not isinstance(said, Mapping) or "format" not in said or "config" not in said:
        raise ValueError("not what gan-export wrote")
    if said["format"] != FORMAT:
        raise ValueError(
            f"written in format {said['format']!r:.20} and this version reads {FORMAT}; "
            "update gan-cli"
        )
    step = said.get("step")
    if type(step) is not int:
        raise ValueError("not what gan-export wrote, its step is no number")
    content = complete({key: said[key] for key in PARTS if key in said})
    return content | {"step": step, "averaged": said.get("averaged") is True}
