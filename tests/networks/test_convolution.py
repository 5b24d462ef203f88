"""Convolutions with a product for their weight's gradient, against torch's own."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_cli.networks import convolution
from gan_cli.networks.convolution import Convolution, TransposedConvolution

WIDE = convolution.WIDE
LAYERS = {
    "of stride 2": (Convolution, (8, WIDE, 4, 2, 1), 8),
    "of stride 1": (Convolution, (8, WIDE, 3, 1, 1), 5),
    "that leaves a rest": (Convolution, (8, WIDE + 4, 3, 2), 8),
    "transposed": (TransposedConvolution, (WIDE, 8, 4, 2, 1), 4),
    "transposed, padded": (TransposedConvolution, (WIDE, 3, 5, 2, 2, 1), 4),
}


@pytest.fixture(autouse=True)
def avx2(monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")


@pytest.fixture
def products(monkeypatch):
    """Counts the gradients that came as products."""
    counted = []

    def count(*given):
        counted.append(given)
        return weight_gradient(*given)

    weight_gradient = convolution.weight_gradient
    monkeypatch.setattr(convolution, "weight_gradient", count)
    return counted


def gradients(layer: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """The output, its gradients, and gradients of the gradients of input and weights."""
    wanted = [x, *layer.parameters()]
    y = layer(x)
    found = [y, *torch.autograd.grad(y.square().sum(), wanted)]
    (at_x,) = torch.autograd.grad(layer(x).tanh().sum(), x, create_graph=True)
    found += torch.autograd.grad(at_x.square().sum(), wanted)
    at_weights = torch.autograd.grad(
        layer(x).tanh().sum(), list(layer.parameters()), create_graph=True
    )
    found += torch.autograd.grad(sum(g.square().sum() for g in at_weights), wanted)
    return found


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_those_of_torch(name, bias, layout, products, monkeypatch):
    kind, sizes, side = LAYERS[name]
    layer = kind(*sizes, bias=bias).to(memory_format=layout)
    x = torch.randn(5, sizes[0], side, side).to(memory_format=layout).requires_grad_()
    monkeypatch.setattr(convolution, "ROOM", 2000)  # one sample at once, or two
    monkeypatch.setattr(convolution, "PATCHES", 1)
    found = gradients(layer, x)
    assert len(products) == 3  # one in each backward pass that nothing is to differentiate anew
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    expected = gradients(layer, x)
    assert len(products) == 3
    assert torch.equal(found[0], expected[0])  # a pass without a graph is this one too
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert (one - other).norm() <= 1e-5 * other.norm()


def test_no_product_is_of_few_patches(monkeypatch):
    """Each one reads and writes all of a gradient, however little there is room for."""
    monkeypatch.setattr(convolution, "ROOM", 1)
    monkeypatch.setattr(convolution, "PATCHES", 8)
    taken, addmm = [], torch.addmm

    def spy(found, values, patches, **how):
        taken.append(len(patches))
        return addmm(found, values, patches, **how)

    monkeypatch.setattr(torch, "addmm", spy)
    large, small = torch.randn(5, 3, 4, 4), torch.randn(5, 6, 2, 2)
    found = convolution.weight_gradient(large, small, convolution.Geometry(4, 2, 1))
    assert taken == [8, 8, 4]  # of four places a sample
    weight = torch.zeros(6, 3, 4, 4, requires_grad=True)
    (expected,) = torch.autograd.grad(
        nn.functional.conv2d(large, weight, None, 2, 1), weight, small
    )
    assert torch.allclose(found, expected, atol=1e-5)


def test_torch_layers_are_what_they_stand_for():
    torch.manual_seed(0)
    ours = Convolution(3, 4, 3, 2, 1, bias=False), TransposedConvolution(4, 3, 5, 2, 2, 1)
    torch.manual_seed(0)
    theirs = nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.ConvTranspose2d(4, 3, 5, 2, 2, 1)
    for mine, torchs in zip(ours, theirs, strict=True):
        assert torch.equal(mine.weight, torchs.weight)
        x = torch.randn(2, torchs.in_channels, 6, 6)
        assert torch.equal(mine(x), torchs(x))
    sized = TransposedConvolution(4, 3, 4, 2, 1)(torch.randn(1, 4, 5, 5), output_size=[11, 11])
    assert sized.shape == (1, 3, 11, 11)


def test_the_gradient_of_the_input_alone_costs_none_of_the_weight(monkeypatch):
    """As gradient penalties ask for it, with a graph and without."""
    asked = []
    torchs = convolution._backward

    def spy(*given):
        asked.append(given[-1])
        return torchs(*given)

    monkeypatch.setattr(convolution, "_backward", spy)
    monkeypatch.setattr(convolution, "weight_gradient", None)
    layer, x = Convolution(8, WIDE, 4, 2, 1), torch.randn(2, 8, 8, 8, requires_grad=True)
    for create_graph in (False, True):
        torch.autograd.grad(layer(x).sum(), x, create_graph=create_graph)
    assert asked == 2 * [(True, False, False)]


def test_the_gradient_of_the_weight_alone_costs_none_of_the_input(products, monkeypatch):
    monkeypatch.setattr(convolution, "_backward", None)
    layer, x = Convolution(8, WIDE, 4, 2, 1), torch.randn(2, 8, 8, 8)
    layer(x).sum().backward()
    assert len(products) == 1


@pytest.mark.parametrize(
    "why",
    [
        "frozen",
        "no_grad",
        "bf16",
        "autocast",
        "narrow",
        "float64",
        "unbatched",
        "empty",
        "shallow",
        "of_single_pixels",
    ],
)
def test_otherwise_it_is_torch_that_convolves(why, products):
    channels = 3 if why == "shallow" else 256
    size = {"shallow": 3, "of_single_pixels": 1}.get(why, 4)
    layer = Convolution(channels, WIDE // 2 if why == "narrow" else WIDE, size, 2, 1)
    x = torch.randn(0 if why == "empty" else 2, channels, 8, 8)
    x = (x[0] if why == "unbatched" else x).requires_grad_()
    layer.requires_grad_(why != "frozen")
    if why in ("bf16", "float64"):
        dtype = torch.bfloat16 if why == "bf16" else torch.float64
        layer, x = layer.to(dtype), x.detach().to(dtype).requires_grad_()
    with (
        torch.set_grad_enabled(why != "no_grad"),
        torch.autocast("cpu", torch.bfloat16, enabled=why == "autocast"),
    ):
        y = layer(x)
    if why != "no_grad":
        y.float().sum().backward()
        assert "_OfInput" not in type(y.grad_fn).__name__
    assert products == []


@pytest.mark.parametrize("layer", [Convolution, TransposedConvolution])
@pytest.mark.parametrize("strict", [True, False])
def test_it_is_exported_for_batches_of_any_length(layer, strict):
    network = layer(WIDE, WIDE, 4, 2, 1)
    x, batch = torch.randn(2, WIDE, 4, 4), torch.export.Dim("batch")
    exported = torch.export.export(network, (x,), dynamic_shapes=({0: batch},), strict=strict)
    other = torch.randn(5, WIDE, 4, 4)
    torch.testing.assert_close(exported.module()(other), network(other))


def test_a_kernel_larger_than_the_image_is_refused_in_torchs_words():
    with pytest.raises(RuntimeError, match="Kernel size can't be greater"):
        Convolution(8, WIDE, 5)(torch.randn(1, 8, 3, 3))


def test_spectral_norm_iterates_once_a_pass(products):
    layer = spectral_norm(TransposedConvolution(WIDE, 8, 4, 2, 1))
    vector = layer.parametrizations.weight[0]._u
    torch.manual_seed(1)
    other = spectral_norm(nn.ConvTranspose2d(WIDE, 8, 4, 2, 1))
    other.load_state_dict(layer.state_dict())
    x = torch.randn(2, WIDE, 4, 4)
    y = layer(x)
    y.square().sum().backward()
    other(x)
    torch.testing.assert_close(vector, other.parametrizations.weight[0]._u)
    assert layer.parametrizations.weight.original.grad.norm() > 0
    assert len(products) == 1
