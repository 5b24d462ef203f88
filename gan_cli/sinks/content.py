"""What a checkpoint may hold, and the digest that tells whether it is still what was written.

Tensors, None, booleans, numbers, strings, and lists, tuples and dictionaries of them with strings
or integers as keys. torch.load does not notice a flipped bit: the digest does, taken from the
values themselves, so that it can stand in the file beside them.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from gan_cli.errors import RunFailed

CHUNK = 1 << 24
"""Bytes of a tensor that are copied at a time where they do not lie side by side."""
MAX_DEPTH = 64
MAX_COST = 450_000
"""Opcodes that all values together may take, fewer than `archive.py` lets pass."""
MAX_PLAIN_COST = 100_000
"""The same for the config, or another part that is no state."""
PARTS: dict[str, tuple[type, tuple[type, ...]]] = {
    "config": (dict, ()),
    "state": (dict, ()),
    "metrics": (dict, (int, float)),
    "overrides": (list, (str,)),
    "links": (dict, (str,)),
    "fingerprint": (str, ()),
    "fields": (dict, ()),
    "class_names": (list, (str,)),
    "versions": (dict, (str,)),
    "choices": (dict, (str, list)),
    "seconds": (float, ()),
}
"""What readers of a checkpoint rely on: the type of each part, and of the values in it."""
DTYPES = {
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
    torch.complex128,
}


def plain(value: Any, where: str = "") -> Any:
    """A copy of `value` in plain containers; tensors are detached and keep their memory.

    Raises:
        RunFailed: something in it cannot be saved.
    """
    match value:
        case None | bool():
            return value
        case int() if -(2**63) <= value < 2**64:
            return int(value)
        case float():
            return float(value)
        case str():
            return str(value)
        case Tensor():
            return _plain_tensor(value, where)
        case Mapping():
            for key in value:
                if type(key) not in (str, int):
                    raise RunFailed(f"{where}: the key {key!r} cannot be saved, only str and int")
            return {key: plain(item, f"{where}.{key}".lstrip(".")) for key, item in value.items()}
        case list() | tuple():
            items = [plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
            return items if isinstance(value, list) else tuple(items)
    raise RunFailed(
        f"{where}: this {type(value).__name__} cannot be saved, only tensors, numbers, str, None "
        "and lists, tuples and dictionaries of them"
    )


def _plain_tensor(value: Tensor, where: str) -> Tensor:
    if value.layout is not torch.strided or value.dtype not in DTYPES:
        raise RunFailed(f"{where}: a {value.layout} tensor of {value.dtype} cannot be saved")
    tensor = value.detach().as_subclass(Tensor)
    return tensor if _fits(tensor) else tensor.contiguous()


def _fits(tensor: Tensor) -> bool:
    """Whether its numbers have memory of their own, as those of an expanded tensor do not."""
    return tensor.nbytes <= tensor.untyped_storage().nbytes()


def digest(content: Mapping[str, Any], most_bytes: float = float("inf")) -> str:
    """The sha256, in hex, of all types, keys, values and tensors, in their order.

    Args:
        content: as `plain` gives it.
        most_bytes: of tensors that are to be read; a few that share memory count once.

    Raises:
        ValueError: it is not plain, nested too deeply, or larger than a checkpoint can be.
    """
    walk = _Walk(most_bytes)
    walk.visit(content, 0)
    return walk.sha.hexdigest()


def complete(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with every one of `PARTS`, empty where it was missing.

    Raises:
        ValueError: one is of another type, or one besides `state` has tensors or is too large.
    """
    whole: dict[str, Any] = {key: kind() for key, (kind, _) in PARTS.items()}
    whole |= content
    for key, part in whole.items():
        found = type(part)
        kind, of = PARTS.get(key, (found, ()))
        if found is not kind:
            raise ValueError(f"its {key} is a {found.__name__}, not a {kind.__name__}")
        keys, values = (part.keys(), part.values()) if kind is dict else ((), part)
        if not all(type(name) is str for name in keys):
            raise ValueError(f"its {key} has keys that are not str")
        if of and not all(type(item) in of for item in values):
            raise ValueError(f"its {key} holds something else than {of[-1].__name__}")
        if key != "state":
            _Walk(most_bytes=-1, most_cost=MAX_PLAIN_COST).visit(part, 0)
    return whole


class _Walk:
    """One pass over a content, with an eye on what it costs.

    A value that is mentioned twice is visited twice: ten lines of a pickle can hold 10^9 of them.
    """

    def __init__(self, most_bytes: float, most_cost: int = MAX_COST) -> None:
        self.sha = hashlib.sha256()
        self.bytes_left, self.cost_left = most_bytes, most_cost
        self.seen: dict[tuple[Any, ...], bytes] = {}

    def pay(self, cost: int) -> None:
        """Count opcodes, about as many as a pickle has for it."""
        self.cost_left -= cost
        if self.cost_left < 0:
            raise ValueError("it holds more values than a checkpoint may")

    def feed(self, kind: bytes, *parts: bytes) -> None:
        """Every part with its length, so that no two contents look the same."""
        self.sha.update(kind)
        for part in parts:
            self.sha.update(struct.pack("<Q", len(part)))
            self.sha.update(part)

    def visit(self, value: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
        kind = type(value)
        self.pay(4 if kind in (list, tuple, dict) else 1)
        if value is None:
            self.feed(b"n")
        elif kind is bool or kind is int:
            self.feed(b"b" if kind is bool else b"i", str(int(value)).encode())
        elif kind is float:
            self.feed(b"f", struct.pack("<d", value))
        elif kind is str:
            self.pay(1 + len(value) // 100)
            self.feed(b"s", value.encode("utf-8", "surrogatepass"))
        elif kind is Tensor:
            self.feed(b"x", *self.tensor(value))
        elif kind is list or kind is tuple:
            self.feed(b"l" if kind is list else b"t", str(len(value)).encode())
            self.visit_all(value, depth)
        elif kind is dict:
            self.feed(b"d", str(len(value)).encode())
            for key, item in value.items():
                if type(key) not in (str, int):
                    raise ValueError("its keys are neither str nor int")
                self.visit_all((key, item), depth)
        else:
            raise ValueError(f"it holds a {kind.__name__}")

    def visit_all(self, values: Iterable[Any], depth: int) -> None:
        for value in values:
            self.visit(value, depth + 1)

    def tensor(self, value: Tensor) -> Iterator[bytes]:
        self.pay(30 + 2 * value.dim())
        if value.requires_grad or value.dtype not in DTYPES or not _fits(value):
            raise ValueError("it holds a tensor without numbers of its own")
        place = (value.data_ptr(), value.dtype, value.shape, value.stride(), value.is_conj())
        if place not in self.seen:
            self.bytes_left -= value.nbytes
            if self.bytes_left < 0:
                raise ValueError("its tensors are larger than the file")
            self.seen[place] = hash_tensor(value)
        yield str(value.dtype).encode()
        yield str(tuple(value.shape)).encode()
        yield self.seen[place]


def hash_tensor(tensor: Tensor) -> bytes:
    """The sha256 of a tensor's numbers in the order of their indices, however they lie."""
    sha = hashlib.sha256()
    for part in _parts(tensor.resolve_conj().resolve_neg()):
        if part.numel():
            sha.update(part.cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return sha.digest()


def _parts(tensor: Tensor) -> Iterator[Tensor]:
    """A tensor in slices, each either as it lies in the CPU's memory or small enough to copy."""
    as_it_is = tensor.is_contiguous() and tensor.device.type == "cpu"
    if as_it_is or tensor.nbytes <= CHUNK:
        yield tensor
    elif len(tensor) == 1:
        yield from _parts(tensor[0])
    else:
        for part in tensor.split(max(1, len(tensor) * CHUNK // tensor.nbytes)):
            yield from _parts(part)


def not_finite(value: Any, where: str) -> Iterator[tuple[str, Tensor]]:
    """Name and truth value of every tensor of real or complex numbers: is any not finite?

    Nothing is read off the device here.
    """
    if isinstance(value, Tensor):
        if value.is_floating_point() or value.is_complex():
            yield where, ~torch.isfinite(value.detach()).all()
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from not_finite(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from not_finite(item, f"{where}[{i}]")
