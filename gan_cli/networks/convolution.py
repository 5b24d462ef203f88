"""Convolutions whose weight gets its gradient as a matrix product, where that is faster.

That is on a CPU with AVX2, where oneDNN takes 1.1 times as long (256 channels) to 3 times as long
(1024 channels), and many times as long for maps of few pixels. With AVX-512 whole steps of DCGAN
were measured at the rate of a square product, so torch's own are kept there.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDE = 256
"""Length of a weight, channels of the smaller map, from which on a product is faster."""
DEEP = 64
"""Numbers that go into one of that map from which on it is; images of 3 channels have fewer."""
ROOM = 1 << 19
"""Numbers of patches that are laid out at once: 2 MiB, which caches hold."""
PATCHES = 128
"""How many there are at the least: each product reads and writes the whole gradient."""


class Geometry(NamedTuple):
    """Of a square kernel; of a transposed convolution as of the one that it transposes."""

    size: int
    stride: int
    padding: int
    """Zeros on each side."""
    output_padding: int = 0


class Convolution(nn.Conv2d):
    """An `nn.Conv2d` with a square kernel, without dilation, groups and modes of padding.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, bias: see `nn.Conv2d`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
        self.geometry = Geometry(kernel_size, stride, padding)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return convolve(input, weight, bias, self.geometry)


class TransposedConvolution(nn.ConvTranspose2d):
    """An `nn.ConvTranspose2d` with a square kernel, without dilation and groups.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, output_padding, bias: see
            `nn.ConvTranspose2d`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        output_padding: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__(
            *(in_channels, out_channels, kernel_size, stride, padding, output_padding), bias=bias
        )
        self.geometry = Geometry(kernel_size, stride, padding, output_padding)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """[N, C, H, W] -> [N, F, h, w]."""
        if output_size is not None:
            return super().forward(input, output_size)
        return convolve_transposed(input, self.weight, self.bias, self.geometry)


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    """`F.conv2d` of x [N, C, H, W] with a weight [F, C, size, size]: [N, F, h, w]."""
    size, stride, padding, _ = geometry
    lengths = [(length + 2 * padding - size) // stride + 1 for length in x.shape[2:]]
    if not _pays(x, weight) or min(lengths) < 1:
        return F.conv2d(x, weight, bias, stride, padding)
    return _convolve(x, weight, bias, (len(x), len(weight), *lengths), geometry, False)


def convolve_transposed(
    x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry
) -> Tensor:
    """`F.conv_transpose2d` of x [N, C, h, w] with a weight [C, F, size, size]: [N, F, H, W]."""
    size, stride, padding, more = geometry
    lengths = [(length - 1) * stride - 2 * padding + size + more for length in x.shape[2:]]
    if not _pays(x, weight) or min(lengths) < 1:
        return F.conv_transpose2d(x, weight, bias, stride, padding, more)
    return _convolve(x, weight, bias, (len(x), weight.shape[1], *lengths), geometry, True)


def weight_gradient(large: Tensor, small: Tensor, geometry: Geometry) -> Tensor:
    """The gradient of a convolution's weight: products of its output's and its input's patches.

    Args:
        large: a convolution's input, or the gradient at a transposed one's output, [N, C, H, W].
        small: the gradient at a convolution's output, or a transposed one's input, [N, F, h, w].
        geometry: of the kernel.

    Returns:
        [F, C, size, size], in channels-last layout.
    """
    size, stride, padding, _ = geometry
    (count, channels), (rows, height, width) = large.shape[:2], small.shape[1:]
    values = small.permute(0, 2, 3, 1).reshape(-1, rows)  # [N h w, F]
    found = large.new_empty(rows, size * size * channels)
    places = height * width
    at_once = max(1, ROOM // (places * found.shape[1]), PATCHES // places)  # samples
    room = large.new_empty(min(at_once, count), height, width, size, size, channels)
    for start in range(0, count, at_once):
        padded = F.pad(large[start : start + at_once], 4 * [padding]).permute(0, 2, 3, 1)
        patches = padded.unfold(1, size, stride).unfold(2, size, stride)  # [n, h, w, C, size, size]
        laid_out = room[: len(patches)].copy_(patches.permute(0, 1, 2, 4, 5, 3))
        laid_out = laid_out.flatten(0, 2).flatten(1)  # [n h w, size^2 C]
        seen = values[start * places :][: len(laid_out)]
        found = torch.addmm(found, seen.t(), laid_out, beta=min(start, 1), out=found)
    return found.view(rows, size, size, channels).permute(0, 3, 1, 2)


def _pays(x: Tensor, weight: Tensor) -> bool:
    """Whether this weight is to have a gradient, and a product is faster."""
    return (
        not torch.compiler.is_compiling()  # first: exporting begins so, with x of any length
        and len(weight) >= WIDE
        and weight.shape[-1] > 1
        and weight.numel() >= DEEP * len(weight)
        and weight.requires_grad
        and torch.is_grad_enabled()
        and x.dim() == 4
        and len(x) > 0
        and x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and torch.backends.cpu.get_cpu_capability() == "AVX2"
    )


def _convolve(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    shape: Sequence[int],
    geometry: Geometry,
    transposed: bool,
) -> Tensor:
    """A convolution whose weight and bias have their gradients from a node of their own.

    So those are left out where only the input's gradient is asked for, as penalties do.
    """
    learning = _OfWeight.apply((x,), weight, bias, shape, geometry, transposed)
    y: Tensor = _OfInput.apply(x, weight, bias, learning, geometry, transposed)
    return y


class _OfWeight(torch.autograd.Function):
    """Zeros in the shape of a convolution's output, whose gradient becomes that of its weights.

    The input comes in a tuple, lest this node lie on a way to it.
    """

    @staticmethod
    def forward(
        x: tuple[Tensor], weight: Tensor, bias: Tensor | None, shape: Sequence[int], *how: Any
    ) -> Tensor:
        return weight.new_zeros(()).expand(shape)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        (x,), weight, _, _, *ctx.how = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (dy,), (x, weight), (geometry, transposed) = gradients, ctx.saved_tensors, ctx.how
        if torch.is_grad_enabled():  # it may be differentiated anew
            dw = _backward(dy, x, weight, geometry, transposed, (False, True, False))[1]
        else:
            large, small = (dy, x) if transposed else (x, dy)
            dw = weight_gradient(large, small, geometry)
        db = dy.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None
        return None, dw, db, None, None, None


class _OfInput(torch.autograd.Function):
    """A convolution; the gradients of weight and bias are left to `_OfWeight`."""

    @staticmethod
    def forward(
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        learning: Tensor,
        geometry: Geometry,
        transposed: bool,
    ) -> Tensor:
        _, stride, padding, more = geometry
        if transposed:
            return F.conv_transpose2d(x, weight, bias, stride, padding, more)
        return F.conv2d(x, weight, bias, stride, padding)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, _, _, *ctx.how = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (dy,), (x, weight), (geometry, transposed) = gradients, ctx.saved_tensors, ctx.how
        dx = None
        if ctx.needs_input_grad[0]:
            dx = _backward(dy, x, weight, geometry, transposed, (True, False, False))[0]
        return dx, None, None, dy, None, None


def _backward(
    dy: Tensor,
    x: Tensor,
    weight: Tensor,
    geometry: Geometry,
    transposed: bool,
    wanted: tuple[bool, bool, bool],
) -> tuple[Tensor, Tensor, Tensor]:
    """torch's own gradients of input, weight and bias, where wanted."""
    _, stride, padding, more = geometry
    given = (dy, x, weight, None, (stride, stride), (padding, padding), (1, 1), transposed)
    found: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.convolution_backward(
        *given, (more, more), 1, wanted
    )
    return found
