"""How close images are to the ones they should be: of each made image the right answer is known.

All functions take images [N, C, H, W] in [-1, 1], whose values span 2, and give a number for each
pair, [N], in float64.
"""

import torch
from torch import Tensor
from torch.nn.functional import conv2d

RANGE = 2.0
BEST_PSNR = 100.0
"""Of equal images, in decibels, where the formula says infinity."""
WINDOW, SIGMA = 11, 1.5
"""Width of SSIM's window in pixels, and the standard deviation of its Gaussian."""
CHUNK = 500
"""Pairs that are compared at once."""


Y_WEIGHTS, Y_OFFSET = (65.481, 128.553, 24.966), 16.0
"""Luma of R, G, B in [0, 1], from 16 to 235 (ITU-R BT.601)."""


def compare_pairs(made: Tensor, target: Tensor) -> dict[str, float]:
    """All that is measured of pairs [N, C, H, W], each the mean over N.

    `l1`, `psnr` and `ssim`; of RGB also `psnr_y` and `ssim_y`, of the luma alone, as papers on
    super-resolution mostly have it. They leave out as many pixels at the border as the scale;
    nothing is left out here.

    Raises:
        ValueError: the shapes differ.
    """
    if made.shape != target.shape:
        raise ValueError(f"images {list(made.shape)} have no pairs in {list(target.shape)}")
    parts = list(zip(made.split(CHUNK), target.split(CHUNK), strict=True))
    measures = {"l1": l1, "psnr": psnr, "ssim": ssim}
    found = {n: torch.cat([f(x, y) for x, y in parts]).mean() for n, f in measures.items()}
    if made.shape[1] == 3:
        lumas = [(luma(x), luma(y)) for x, y in parts]
        for name in ("psnr", "ssim"):
            found[f"{name}_y"] = torch.cat([measures[name](x, y) for x, y in lumas]).mean()
    return {name: float(value) for name, value in found.items()}


def luma(images: Tensor) -> Tensor:
    """Y of RGB images [N, 3, H, W] in [-1, 1], on the same scale: [N, 1, H, W], float64."""
    rgb = (images.double() + 1) / 2
    weights = rgb.new_tensor(Y_WEIGHTS).view(1, 3, 1, 1)
    return (((weights * rgb).sum(1, keepdim=True) + Y_OFFSET) / 255) * 2 - 1


def l1(made: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference, [N] in [0, 2]."""
    return (made.double() - target.double()).abs().mean((1, 2, 3))


def l2(made: Tensor, target: Tensor) -> Tensor:
    """Euclidean distance of images whose values are taken to be in [0, 1], [N].

    Donahue et al. 2017 report it of reconstructions; it grows with the size of the images.
    """
    return (made.double() - target.double()).flatten(1).norm(dim=1) / RANGE


def psnr(made: Tensor, target: Tensor) -> Tensor:
    """Peak signal-to-noise ratio, 10 log10(2^2 / MSE), [N] in decibels, at most 100."""
    mse = (made.double() - target.double()).square().mean((1, 2, 3))
    return (10 * torch.log10(RANGE**2 / mse)).clamp(max=BEST_PSNR)


def ssim(made: Tensor, target: Tensor) -> Tensor:
    """Structural similarity, [N] in [-1, 1]: the mean over channels and places of

    (2 m_x m_y + C1)(2 c_xy + C2) / ((m_x^2 + m_y^2 + C1)(v_x + v_y + C2))

    with means m, variances v and the covariance c under a Gaussian window of 11x11 pixels, placed
    where it lies wholly within the image; C1 = (0.01 * 2)^2, C2 = (0.03 * 2)^2. Wang et al. 2004,
    "Image quality assessment", equation 13. In images smaller than the window it is as wide as the
    largest odd number of pixels that they have: compare such values only with their like.
    """
    size = min(WINDOW, *made.shape[2:])
    window = _gaussian(size - (size + 1) % 2).to(made.device)
    x, y = made.double().flatten(0, 1), target.double().flatten(0, 1)  # [N*C, H, W]
    mean_x, mean_y, xx, yy, xy = _filter(torch.stack([x, y, x * x, y * y, x * y], 1), window)
    var_x, var_y, covariance = xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y
    c1, c2 = (0.01 * RANGE) ** 2, (0.03 * RANGE) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (var_x + var_y + c2)
    return (luminance * structure).flatten(1).mean(1).unflatten(0, made.shape[:2]).mean(1)


def _gaussian(size: int) -> Tensor:
    """A Gaussian of `size` pixels that sums to one, float64 [size]."""
    places = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    weights = torch.exp(-(places**2) / (2 * SIGMA**2))
    return weights / weights.sum()


def _filter(maps: Tensor, window: Tensor) -> tuple[Tensor, ...]:
    """Maps [N, K, H, W] under the window in both directions: K of [N, H', W']."""
    flat = maps.flatten(0, 1)[:, None]  # [N*K, 1, H, W]
    flat = conv2d(conv2d(flat, window.view(1, 1, -1, 1)), window.view(1, 1, 1, -1))
    return flat[:, 0].unflatten(0, maps.shape[:2]).unbind(1)
