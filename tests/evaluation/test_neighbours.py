import pytest
import torch
from PIL import Image

from gan_cli.errors import UserError
from gan_cli.evaluation.neighbours import LINE, save_likeness, side_by_side
from gan_cli.metrics.diversity import Likeness


def plain(shades, channels=1, size=16):
    """Pictures of one shade each, uint8 [N, C, H, W]."""
    return (
        torch.tensor(shades, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, channels, size, size)
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_a_white_line_stands_between_two_tables(channels):
    left, right = plain([10, 20], channels)[:, None], plain([30] * 4, channels).unflatten(0, (2, 2))
    sheet = side_by_side(left, right)
    side, gap = 48, 2  # pictures are enlarged; make_grid's padding
    first, line = side + 2 * gap, side + 2 * gap + LINE
    assert sheet.shape == (3, 2 * side + 3 * gap, line + 2 * side + 3 * gap)
    assert (sheet[:, :, first:line] == 255).all()
    assert sheet[:, gap, gap].tolist() == [10] * 3
    assert sheet[:, side + 2 * gap, gap].tolist() == [20] * 3
    assert sheet[:, -gap - 1, -gap - 1].tolist() == [30] * 3


def test_each_fake_stands_beside_its_own(tmp_path):
    real, fakes = plain([100, 110, 120]), plain([1, 2, 3, 4])
    likeness = Likeness(torch.tensor([[2, 0], [1, 2]]), torch.tensor([[3, 1], [0, 2]]))
    neighbours, duplicates = save_likeness(likeness, fakes, real, tmp_path, "a-")
    assert (neighbours.name, duplicates.name) == ("a-neighbours.png", "a-duplicates.png")

    def shades(path):
        with Image.open(path) as picture:
            gray = picture.convert("L")
            columns = [26, 52 + LINE + 26, 52 + LINE + 76]
            return [[gray.getpixel((x, y)) for x in columns if x < gray.width] for y in (26, 76)]

    assert shades(neighbours) == [[1, 120, 100], [2, 110, 120]]
    assert shades(duplicates) == [[4, 2], [1, 3]]


def test_a_folder_that_takes_nothing_is_named(tmp_path):
    likeness = Likeness(torch.zeros(2, 2, dtype=torch.int64), torch.zeros(2, 2, dtype=torch.int64))
    with pytest.raises(UserError, match="cannot be written"):
        save_likeness(likeness, plain([1, 2]), plain([3]), tmp_path / "nowhere")
