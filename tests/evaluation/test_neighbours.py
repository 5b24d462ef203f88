import pytest
import torch
from PIL import Image

from gan_cli.errors import UserError
from gan_cli.evaluation import neighbours
from gan_cli.evaluation.neighbours import LINE, save_neighbours, side_by_side
from gan_cli.metrics.diversity import NearestNeighbours
from gan_cli.viz.images import CAPTION


def plain(shades, channels=1, size=16):
    """Images of one shade each, uint8 [N, C, H, W]."""
    return (
        torch.tensor(shades, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, channels, size, size)
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_a_white_line_stands_between_two_tables(channels):
    left, right = plain([10, 20], channels)[:, None], plain([30] * 4, channels).unflatten(0, (2, 2))
    sheet = side_by_side(left, right, ("fake", "real"))
    heads, sheet = sheet[:, :CAPTION], sheet[:, CAPTION:]
    side, gap = 48, 2  # images are enlarged; make_grid's padding
    first, line = side + 2 * gap, side + 2 * gap + LINE
    assert sheet.shape == (3, 2 * side + 3 * gap, line + 2 * side + 3 * gap)
    assert (sheet[:, :, first:line] == 255).all()
    assert sheet[:, gap, gap].tolist() == [10] * 3
    assert sheet[:, side + 2 * gap, gap].tolist() == [20] * 3
    assert sheet[:, -gap - 1, -gap - 1].tolist() == [30] * 3
    for part in (heads[:, :, :first], heads[:, :, line:]):
        assert (part < 128).any(), "each has its caption"


def test_each_fake_stands_beside_its_own(tmp_path, monkeypatch):
    captions = []
    row = neighbours.text_row
    monkeypatch.setattr(
        neighbours, "text_row", lambda texts, *size: captions.extend(texts) or row(texts, *size)
    )
    real, fakes = plain([100, 110, 120]), plain([1, 2, 3, 4])
    nearest = NearestNeighbours(torch.tensor([[2, 0], [1, 2]]), torch.tensor([[3, 1], [0, 2]]))
    first, second = save_neighbours(nearest, fakes, real, tmp_path, "a-", "_ab")
    assert (first.name, second.name) == ("a-neighbours_ab.png", "a-near_duplicates_ab.png")
    assert captions == ["fake", "nearest training images", "fake", "its twin"]

    def shades(path):
        with Image.open(path) as image:
            gray = image.convert("L")
            columns = [26, 52 + LINE + 26, 52 + LINE + 76]
            return [
                [gray.getpixel((x, y)) for x in columns if x < gray.width]
                for y in (CAPTION + 26, CAPTION + 76)
            ]

    assert shades(first) == [[1, 120, 100], [2, 110, 120]]
    assert shades(second) == [[4, 2], [1, 3]]


def test_a_folder_that_takes_nothing_is_named(tmp_path):
    none = torch.zeros(2, 2, dtype=torch.int64)
    with pytest.raises(UserError, match="cannot be written"):
        save_neighbours(NearestNeighbours(none, none), plain([1, 2]), plain([3]), tmp_path / "no")
