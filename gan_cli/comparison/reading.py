"""Files of a run that anybody may have written: whole, bounded, and plain values only."""

import json
import math
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan_cli import yaml_text
from gan_cli.errors import UserError

FIX = "fix it or leave out its run"
MAX_BYTES = 256 * 2**20
"""A longer file is none that a run has written."""
LARGEST = 2**63
"""A whole number beyond this is shown as infinite."""


def read_bytes(path: Path) -> bytes:
    """The whole file; nothing where there is none.

    Raises:
        UserError: it is a pipe or a device, too long, or cannot be read.
    """
    try:
        # opened without waiting for whoever may write to a pipe
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise UserError(f"{path}: is no file; {FIX}")
            if about.st_size > MAX_BYTES:
                raise UserError(f"{path}: has more than {MAX_BYTES:,} bytes; {FIX}")
            return file.read(about.st_size)  # not more: that much memory is taken at once
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {FIX}") from error


def read_text(path: Path) -> str:
    """The same as text.

    Raises:
        UserError: see `read_bytes`, or it is no text.
    """
    try:
        return read_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not text; {FIX}") from error


def read_yaml(path: Path) -> Any:
    """What a YAML file holds, as plain values; None where there is none.

    Raises:
        UserError: it is broken, or more than a config would be.
    """
    try:
        return plain(yaml_text.read(read_text(path)))
    except yaml_text.OddYAML as odd:
        where = f"{path}:{odd.line}" if odd.line else f"{path}"
        raise UserError(f"{where}: not YAML ({odd}); {FIX}") from odd


def read_json(path: Path) -> dict[str, Any]:
    """What a JSON file holds; nothing where there is none.

    Raises:
        UserError: it is broken, or no object.
    """
    text = read_text(path)
    if not text and not path.exists():
        return {}
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise UserError(f"{path}:{line}: not JSON; fix or delete this file") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: holds no keys and values; fix or delete this file")
    found: dict[str, Any] = plain(content)
    return found


def plain(value: Any) -> Any:
    """The same in lists and dictionaries of text, numbers that a float holds, booleans and None."""
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, int):
        return value if abs(value) < LARGEST else math.inf if value > 0 else -math.inf
    if isinstance(value, Mapping):
        return {_name(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(inner) for inner in value]
    return str(value)  # a date


def _name(key: Any) -> str:
    return key if isinstance(key, str) else str(plain(key))
