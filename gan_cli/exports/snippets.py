"""Lines of code that use an exported network; tests run them."""

import json
from collections.abc import Mapping, Sequence

from gan_cli.exports.interface import Drawer
from gan_cli.games.requests import LatentPart

COUNT = 16
GIVEN = {"wave": "clips"}
"""What a folder of what is fed is called, where that is no pictures."""
NUMPY = {
    "normal": "rng.standard_normal((n, {size}))",
    "uniform": "rng.uniform(-1, 1, (n, {size}))",
    "one_hot": "np.eye({size})[np.arange(n) % {size}]",
}
TORCH = {
    "normal": "torch.randn(n, {size})",
    "uniform": "torch.rand(n, {size}) * 2 - 1",
    "one_hot": "torch.eye({size})[torch.arange(n) % {size}]",
}


def with_onnxruntime(drawer: Drawer, file: str) -> str:
    """NumPy in, NumPy out."""
    lines = ["import numpy as np", "import onnxruntime", ""]
    lines += [f"session = onnxruntime.InferenceSession({json.dumps(file)})"]
    if drawer.latents:
        joined = _joined(NUMPY, drawer.latents, "np.concatenate([{}], axis=1)")
        lines += ["rng = np.random.default_rng(0)", f"n = {COUNT}"]
        lines += [f"z = {joined}.astype(np.float32)"]
        lines += [f"label = np.arange(n) % {k}" for k in _classes(drawer)]
    else:
        zeros = f"np.zeros((1, {_shape(drawer)}), np.float32)"
        lines += [f"{drawer.inputs[0].name} = {zeros}  # yours, as said below"]
    fed = ", ".join(f'"{port.name}": {port.name}' for port in drawer.inputs)
    lines += [f"(made,) = session.run(None, {{{fed}}})"]
    if drawer.kind == "image":
        lines += ["pixels = ((made + 1) * 127.5).round().astype(np.uint8)  # [N, C, H, W]"]
    return "\n".join(lines)


def with_torch(drawer: Drawer, file: str) -> str:
    """Needs nothing but torch."""
    lines = ["import torch", "", f"draw = torch.export.load({json.dumps(file)}).module()"]
    if drawer.latents:
        joined = _joined(TORCH, drawer.latents, "torch.cat([{}], dim=1)")
        lines += [f"n = {COUNT}", f"z = {joined}"]
        lines += [f"label = torch.arange(n) % {k}" for k in _classes(drawer)]
    else:
        zeros = f"torch.zeros(1, {_shape(drawer)})"
        lines += [f"{drawer.inputs[0].name} = {zeros}  # yours, as said below"]
    lines += [f"made = draw({', '.join(port.name for port in drawer.inputs)})"]
    if drawer.kind == "image":
        lines += ["pixels = ((made + 1) * 127.5).round().byte()  # [N, C, H, W]"]
    return "\n".join(lines)


def with_gan_cli(drawers: Mapping[str, Drawer], checkpoint: str) -> str:
    """Python; what `gan-sample` does."""
    first = next(iter(drawers.values()))
    if first.latents:
        label = ", label=0" if _classes(first) else ""
        wanted = f"{COUNT}{label}"
    else:
        wanted = f'input="{GIVEN.get(first.kind, "pictures")}/"'
        wanted += f", direction={json.dumps(next(iter(drawers)))}" if len(drawers) > 1 else ""
    lines = ["import gan_cli", "", f"game = gan_cli.load({json.dumps(checkpoint)})"]
    shape = "[N, 1, 1, T]" if first.kind == "wave" else "[N, C, H, W]"
    lines += [f"made = game.sample({wanted})  # float32, {shape}"]
    if first.kind == "image":
        lines += ['gan_cli.to_grid(made).save("grid.png")']
    return "\n".join(lines)


def on_the_command_line(drawers: Mapping[str, Drawer], checkpoint: str) -> str:
    """`gan-sample`."""
    first = next(iter(drawers.values()))
    given = GIVEN.get(first.kind, "pictures")
    wanted = "count=64 out=grid.png" if first.latents else f"input={given}/ out=translated/"
    ways = [f" direction={way}" for way in drawers if way] or [""]
    return "\n".join(f"gan-sample checkpoint={checkpoint} {wanted}{way}" for way in ways)


def _joined(kinds: Mapping[str, str], parts: Sequence[LatentPart], several: str) -> str:
    made = [kinds[part.kind].format(size=part.size) for part in parts]
    return made[0] if len(made) == 1 else several.format(", ".join(made))


def _classes(drawer: Drawer) -> list[int]:
    """How many classes there are; nothing where it takes no label."""
    n_classes = getattr(drawer.network, "n_classes", 0)
    return [n_classes] if n_classes else []


def _shape(drawer: Drawer) -> str:
    return ", ".join(map(str, drawer.inputs[0].shape))
