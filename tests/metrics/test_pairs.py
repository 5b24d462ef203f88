"""Against closed forms and a filter that is not ours."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from gan_cli.metrics import pairs
from gan_cli.metrics.pairs import compare_pairs, l1, l2, psnr, ssim


def images(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def flat(*values, size=16):
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 3, size, size)


def test_l1_and_psnr_in_closed_form():
    """A difference of 0.5 everywhere: 10 log10(4 / 0.25) = 12.0412 dB; of 2: 0 dB."""
    made, target = flat(0.25, -1.0), flat(-0.25, 1.0)
    assert l1(made, target).tolist() == [0.5, 2.0]
    assert psnr(made, target).tolist() == pytest.approx([12.041199826559248, 0.0])


def test_l2_is_of_values_from_0_to_1():
    """16 x 16 x 3 numbers, each 0.25 apart there: 0.25 sqrt(768)."""
    made, target = flat(0.25), flat(-0.25)
    assert l2(made, target).tolist() == pytest.approx([0.25 * 768**0.5])


def test_equal_images():
    x = images(2, 1, 16, 16)
    assert l1(x, x).tolist() == [0, 0]
    assert psnr(x, x).tolist() == [100, 100]
    assert ssim(x, x).tolist() == pytest.approx([1, 1])


def test_ssim_of_flat_images_in_closed_form():
    """Without variance only the means speak: (2ab + C1) / (a^2 + b^2 + C1), C1 = 0.02^2."""
    a, b, c1 = 0.5, 0.25, 0.02**2
    expected = (2 * a * b + c1) / (a * a + b * b + c1)
    assert ssim(flat(a), flat(b)).item() == pytest.approx(expected, rel=1e-6)


def test_ssim_of_an_inverted_image():
    """A chessboard of 1 and -1 has mean 0 and variance 1 everywhere: (C2 - 2) / (C2 + 2)."""
    x = (1.0 - 2.0 * (torch.arange(32)[:, None] + torch.arange(32)).remainder(2))[None, None]
    c2 = 0.06**2
    assert ssim(x, -x).item() == pytest.approx((c2 - 2) / (c2 + 2), abs=1e-3)


@pytest.mark.parametrize(("size", "width"), [((32, 24), 11), ((8, 9), 7), ((9, 9), 9)])
def test_ssim_as_scipys_filter_has_it(size, width):
    """Where the window lies wholly within the image; scikit-image filters and crops alike."""
    x = images(2, 3, *size)
    y = (x + 0.5 * images(2, 3, *size, seed=1)).clamp(-1, 1)
    edge = width // 2

    def smooth(maps: np.ndarray) -> np.ndarray:
        found = gaussian_filter(maps, 1.5, radius=edge)
        return found[edge : len(found) - edge, edge : found.shape[1] - edge]

    c1, c2 = 0.02**2, 0.06**2
    expected = []
    for a, b in zip(
        x.double().flatten(0, 1).numpy(), y.double().flatten(0, 1).numpy(), strict=True
    ):
        ma, mb = smooth(a), smooth(b)
        va, vb, cov = smooth(a * a) - ma**2, smooth(b * b) - mb**2, smooth(a * b) - ma * mb
        local = (2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
        expected.append(local.mean())
    assert ssim(x, y).tolist() == pytest.approx(np.reshape(expected, (2, 3)).mean(1), rel=1e-9)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_smallest_images_have_a_similarity(size):
    x = images(2, 1, size, size)
    assert ssim(x, x).tolist() == pytest.approx([1, 1])


def test_means_over_all_pairs(monkeypatch):
    monkeypatch.setattr(pairs, "CHUNK", 2)
    x, y = images(5, 1, 12, 12), images(5, 1, 12, 12, seed=1)
    found = compare_pairs(x, y)
    expected = {"l1": l1, "psnr": psnr, "ssim": ssim}
    assert found == pytest.approx({n: float(f(x, y).mean()) for n, f in expected.items()})


def test_luma_of_rgb_by_hand():
    """White is 235, black 16, red 16 + 65.481, of 255; a difference in blue alone counts little."""
    colors = torch.tensor([[1.0, 1, 1], [-1, -1, -1], [1, -1, -1]])[:, :, None, None]
    wanted = [235 / 127.5 - 1, 16 / 127.5 - 1, 81.481 / 127.5 - 1]
    assert pairs.luma(colors).flatten().tolist() == pytest.approx(wanted)
    x = torch.zeros(1, 3, 16, 16)
    y = x.clone()
    y[:, 2] = 0.5
    found = compare_pairs(x, y)
    assert found["psnr"] == pytest.approx(10 * np.log10(4 / (0.25 / 3)))
    assert found["psnr_y"] == pytest.approx(10 * np.log10(4 / (0.5 * 24.966 / 255) ** 2))
    assert "psnr_y" not in compare_pairs(x[:, :1], y[:, :1])


def test_what_has_no_partner_is_an_error():
    with pytest.raises(ValueError, match="no pairs"):
        compare_pairs(images(2, 1, 8, 8), images(2, 3, 8, 8))
