"""A network that draws, as one file for other programs: ONNX, torch.export, safetensors."""

import contextlib
import copy
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gan_cli.errors import UserError
from gan_cli.exports.interface import Drawer
from gan_cli.inference.exported import KEY, require

MOST_PROTOBUF = 2**31 - 1
"""Bytes that an ONNX file can have in one piece."""

Encode = Callable[[Drawer, Mapping[str, Any], str], bytes]
"""A network, a description and the out= it is for, to the bytes of a file."""
NEEDED = {".onnx": ("onnx", "onnxscript"), ".pt2": (), ".safetensors": ("safetensors",)}
"""Optional packages by suffix."""


def require_packages(suffix: str, out: str) -> None:
    """Raise UserError where a package that writes such files is not installed."""
    for package in NEEDED[suffix]:
        require(package, f"out={out}")


def to_onnx(drawer: Drawer, about: Mapping[str, Any], out: str) -> bytes:
    """An ONNX model whose batch may be of any size, with `about` in its metadata.

    Raises:
        UserError: the network cannot be traced, has no ONNX, or is too large for one file.
    """
    from google.protobuf.message import EncodeError

    names = [port.name for port in drawer.inputs]
    with _quiet(), _refusing(out, "ONNX"):
        made = torch.onnx.export(
            _traced(drawer),
            dynamo=True,
            input_names=names,
            output_names=[drawer.output.name],
            verbose=False,
        )
        assert made is not None
        model = made.model_proto
    _forget_origin(model.graph)
    model.producer_name, model.producer_version = "gan-cli", str(about["versions"]["gan-cli"])
    model.doc_string = "; ".join(
        f"{port.name}: {port.meaning}" for port in (*drawer.inputs, drawer.output)
    )
    for key, value in about.items():
        model.metadata_props.add(key=key, value=value if type(value) is str else json.dumps(value))
    try:
        content = model.SerializeToString()
    except (EncodeError, ValueError):
        content = b""
    if not 0 < len(content) <= MOST_PROTOBUF:
        raise UserError(f"out={out}: larger than an ONNX file can be; take .pt2 or a folder")
    return content


def _forget_origin(graph: Any) -> None:
    """Take out where each node was traced: paths of this machine."""
    del graph.metadata_props[:]
    for part in (graph.node, graph.input, graph.output, graph.value_info, graph.initializer):
        for one in part:
            del one.metadata_props[:]


def to_pt2(drawer: Drawer, about: Mapping[str, Any], out: str) -> bytes:
    """A torch.export program whose batch may be of any size, with `about` as an extra file.

    Raises:
        UserError: the network cannot be traced.
    """
    file = io.BytesIO()
    with _quiet(), _refusing(out, "a torch.export program"):
        program = _traced(drawer)
        for node in program.graph.nodes:
            node.meta.pop("stack_trace", None)  # paths of this machine
        torch.export.save(program, file, extra_files={f"{KEY}.json": json.dumps(about)})
    return file.getvalue()


def _traced(drawer: Drawer) -> torch.export.ExportedProgram:
    batch = torch.export.Dim("batch")
    network = copy.deepcopy(drawer.network).cpu().to(memory_format=torch.contiguous_format)
    return torch.export.export(
        network, drawer.examples, dynamic_shapes=tuple({0: batch} for _ in drawer.inputs)
    )


@contextlib.contextmanager
def _refusing(out: str, what: str) -> Iterator[None]:
    """A network is anybody's code, and tracing it may fail in any way."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise UserError(
            f"out={out}: this network cannot be made {what} ({reason:.200}); out=FOLDER/ keeps its "
            "weights"
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Exporters talk a lot, and print whole graphs where they fail."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def to_safetensors(networks: Mapping[str, nn.Module], about: Mapping[str, Any]) -> bytes:
    """Weights by the networks' names, with `about` in the metadata; gan-sample reads them back."""
    from safetensors.torch import save

    tensors: dict[str, Tensor] = {}
    for name, network in networks.items():
        for key, tensor in network.state_dict().items():
            if isinstance(tensor, float):  # the extra state of a network that has such
                tensor = torch.tensor(tensor, dtype=torch.float64)
            tensors[f"{name}.{key}"] = tensor.detach().cpu().contiguous().clone()
    return save(tensors, {"format": "pt", KEY: json.dumps(about)})


def suffix_of(out: str) -> str:
    """`.onnx`, `.pt2`, `.safetensors`, or nothing for a folder.

    Raises:
        UserError: it ends in something else.
    """
    if not out:
        raise UserError("out: name a file or a folder")
    suffix = Path(out).suffix.lower()
    if not suffix or out.endswith("/") or Path(out).expanduser().is_dir():
        return ""
    if suffix not in NEEDED:
        raise UserError(f"out={out}: end it in .onnx, .pt2, .safetensors or / (a folder for a hub)")
    return suffix
