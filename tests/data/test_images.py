import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from gan_cli.data import images
from gan_cli.data.images import OtherChannelsError, UnreadableImageError, decode, read_image


def encode(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    file.seek(0)
    return file


@pytest.fixture
def rgb():
    return np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def test_an_image_of_the_right_size_comes_through_untouched(rgb):
    out = decode(encode(Image.fromarray(rgb)), 8, 3)
    assert out.dtype == torch.uint8
    assert np.array_equal(out.permute(1, 2, 0), rgb)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_becomes_what_is_asked(mode, channels):
    gray = np.full((8, 8), 255, dtype=np.uint8)
    image = (
        Image.fromarray(gray.astype(np.uint16) * 257)
        if mode == "I;16"
        else Image.fromarray(gray).convert(mode)
    )
    assert image.mode == mode
    out = decode(encode(image), 8, channels)
    assert out.shape == (channels, 8, 8)
    assert out.unique().tolist() == [255]


def test_cmyk_jpeg():
    image = Image.new("CMYK", (8, 8), (0, 0, 0, 0))
    assert decode(encode(image, "JPEG"), 8, 3).unique().tolist() == [255]


def test_16_bits_keep_their_scale():
    wide = np.array([[0, 257 * 100], [257 * 200, 65535]], dtype=np.uint16)
    out = decode(encode(Image.fromarray(wide)), 2, 1)
    assert out.tolist() == [[[0, 100], [200, 255]]]


def test_transparency_is_laid_on_white():
    half = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert decode(encode(half), 4, 3).unique().tolist() == [255]
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([9, 9, 9])
    assert decode(encode(palette, transparency=0), 4, 3).unique().tolist() == [255]


def test_the_middle_of_the_longer_side_is_kept():
    wide = np.zeros((10, 30, 3), dtype=np.uint8)
    wide[:, 10:20] = 200
    assert decode(encode(Image.fromarray(wide)), 10, 3).unique().tolist() == [200]
    tall = wide.transpose(1, 0, 2).copy()
    assert decode(encode(Image.fromarray(tall)), 5, 3).float().mean() > 190


def test_shrinking_is_antialiased():
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)  # averages to gray
    out = decode(encode(Image.fromarray(board)), 8, 1)
    assert out.float().sub(127.5).abs().max() < 10


def painted(mode, alpha=255):
    """A small image, its transparency everywhere the same."""
    if mode == "gray palette":
        return Image.new("L", (4, 4), 90).convert("P")
    if mode == "clear palette":
        return Image.new("RGBA", (4, 4), (200, 0, 0, 0)).quantize(4)
    if mode == "P":
        return Image.new("RGB", (4, 4), (200, 0, 0)).quantize(4)
    image = Image.new(mode, (4, 4))
    if "A" in image.getbands():
        image.putalpha(alpha)
    return image


@pytest.mark.parametrize(
    ("image", "fits", "says"),
    [
        *((painted(mode), 1, "1 channel, gray;") for mode in ("1", "L", "I;16", "gray palette")),
        (painted("LA"), 1, "1 channel, gray;"),
        *((painted(mode), 3, "3 channels, RGB;") for mode in ("RGB", "RGBA", "P")),
        (painted("LA", 127), None, "2 channels, gray and transparency;"),
        (painted("RGBA", 127), None, "4 channels, RGB and transparency;"),
        (painted("clear palette"), None, "4 channels, RGB and transparency;"),
    ],
)
def test_channels_can_be_asked_for_exactly(image, fits, says):
    for channels in (1, 3):
        file = encode(image)
        if channels == fits:
            assert read_image(file, channels, exact=True).size == (4, 4)
            continue
        said = f"^{says} the model takes {channels}"
        with pytest.raises(OtherChannelsError, match=said) as error:
            read_image(file, channels, exact=True)
        assert ("-flatten" in error.value.advice) == ("transparency" in says)
        assert ("Pillow" in error.value.advice) == (fits is not None and image.mode != "I;16")
        read_image(file, channels)  # as data for training is read


def test_four_colours_of_ink_are_rgb_once_decoded():
    file = encode(Image.new("CMYK", (8, 8)), "JPEG")
    assert read_image(file, 3, exact=True).mode == "RGB"
    with pytest.raises(OtherChannelsError, match=r"^3 channels, RGB; the model takes 1"):
        read_image(file, 1, exact=True)


def test_turned_as_exif_says():
    image = Image.new("L", (2, 2))
    image.putpixel((0, 0), 255)
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    assert decode(encode(image, exif=exif), 2, 1).tolist() == [[[0, 0], [0, 255]]]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
def test_a_truncated_file_is_unreadable(kind, rgb):
    big = Image.fromarray(rgb).resize((64, 64))
    whole = encode(big, kind).getvalue()
    with pytest.raises(UnreadableImageError):
        decode(io.BytesIO(whole[: len(whole) // 2]), 8, 3)


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_what_is_no_image_is_unreadable_for_a_reason_of_one_line(data):
    with pytest.raises(UnreadableImageError, match=r"^[^\n<>]+$"):
        decode(io.BytesIO(data), 8, 3)


def test_other_formats_are_not_even_tried():
    with pytest.raises(UnreadableImageError):
        decode(encode(Image.new("RGB", (4, 4)), "PCX"), 4, 3)


@pytest.mark.parametrize("limit", [30, 60])  # 64 pixels: an error of Pillow's, and a warning
def test_a_decompression_bomb_is_refused(limit, rgb, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(UnreadableImageError, match="decompression bomb"):
        decode(encode(Image.fromarray(rgb)), 8, 3)


def test_a_decompression_bomb_is_refused_where_warnings_are_only_shown():
    code = """if True:
        import io
        from PIL import Image
        from gan_cli.data.images import OtherChannelsError, UnreadableImageError, decode, read_image
        Image.new("L", (8, 8)).save(file := io.BytesIO(), "PNG")
        Image.MAX_IMAGE_PIXELS = 60
        try:
            decode(file, 8, 1)
        except UnreadableImageError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "decompression bomb" in done.stdout


def test_floating_point_pixels_are_refused():
    image = Image.fromarray(np.zeros((4, 4), dtype=np.float32))
    with pytest.raises(UnreadableImageError, match="floating-point"):
        decode(encode(image, "TIFF"), 4, 1)


def test_resizing_tensors_agrees_with_resizing_files(rgb):
    big = np.asarray(Image.fromarray(rgb).resize((40, 40), Image.Resampling.BICUBIC))
    from_file = decode(encode(Image.fromarray(big)), 16, 3)
    from_tensor = images.resize(torch.from_numpy(big.copy()).permute(2, 0, 1)[None], 16)[0]
    assert from_file.int().sub(from_tensor.int()).abs().max() <= 1


def test_overshoot_is_clamped():
    step = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    step[..., 4:] = 255
    assert images.resize(step, 32)[..., 18:].min() > 200  # no wrapping around to 0


def test_channels_of_tensors():
    rgb = torch.tensor([255, 0, 0], dtype=torch.uint8).view(1, 3, 1, 1)
    assert images.set_channels(rgb, 1).item() == 76  # 0.299 * 255
    gray = torch.tensor([[[[7]]]], dtype=torch.uint8)
    assert images.set_channels(gray, 3).flatten().tolist() == [7, 7, 7]
    assert images.set_channels(rgb, 3) is rgb
