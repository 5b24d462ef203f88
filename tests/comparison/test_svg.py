"""Charts: where curves lie, and what is said beside them."""

import math
import re

import pytest

from gan_cli.comparison.curves import Series
from gan_cli.comparison.svg import (
    BOTTOM,
    HEIGHT,
    LEFT,
    POINTS,
    RIGHT,
    TOP,
    WIDTH,
    chart,
    curve_section,
    limits,
    thinned,
    ticks,
)


def lines(svg: str) -> list[list[tuple[float, float]]]:
    """The points of each piece of a curve."""
    found = re.findall(r'<polyline points="(.*?)"', svg)
    return [[tuple(map(float, p.split(","))) for p in text.split()] for text in found]  # type: ignore[misc]


def test_a_curve_goes_from_corner_to_corner() -> None:
    ((first, *_, last),) = lines(chart("loss/D/adversarial", [{"loss/D/adversarial": RISING}]))
    assert first[0] == LEFT
    assert last[0] == WIDTH - RIGHT
    assert TOP < last[1] < first[1] < HEIGHT - BOTTOM
    assert first[1] - last[1] > 0.85 * (HEIGHT - TOP - BOTTOM)


RISING = Series([0, 50, 100], [1.0, 2.0, 3.0])


def test_runs_share_their_axes() -> None:
    low, high = ({"score/real": Series([0, n], [float(n), float(n)])} for n in (10, 20))
    below, above = lines(chart("score/real", [low, high]))
    assert below[0][1] > above[0][1]
    assert below[-1][0] < above[-1][0] == WIDTH - RIGHT


def test_a_gap_is_no_line() -> None:
    series = Series([0, 1, 2, 3], [1.0, 2.0, math.nan, 3.0])
    assert [len(piece) for piece in lines(chart("a/b", [{"a/b": series}]))] == [2, 1]


def test_held_out_reals_are_drawn_once() -> None:
    run = {"metric/fid": RISING, "held_out/fid": Series([50, 100], [0.5, 0.5])}
    svg = chart("metric/fid", [run, run, {}])
    assert svg.count('class="reals"') == 1
    assert "lower is better; dashed: held-out reals" in svg


def test_gradients_are_on_a_logarithmic_axis() -> None:
    ((*points,),) = lines(chart("grad_norm/D", [{"grad_norm/D": Series([0, 1, 2], [1, 10, 100])}]))
    assert points[0][1] - points[1][1] == pytest.approx(points[1][1] - points[2][1], abs=0.02)


def test_long_curves_are_means_of_neighbours() -> None:
    found = thinned(Series(list(range(10_000)), [n % 2 for n in range(10_000)]))
    assert len(found) <= POINTS
    assert all(value == pytest.approx(0.5, abs=0.02) for _, value in found)


@pytest.mark.parametrize(
    "values", [[0.0], [1e308, -1e308], [-0.0, 0.0], [5e-324, 0.0], [math.inf, 1.0], [-1.0, -1.0]]
)
@pytest.mark.parametrize("name", ["loss/D/adversarial", "grad_norm/D"])
def test_any_values_can_be_drawn(name: str, values: list[float]) -> None:
    svg = chart(name, [{name: Series(list(range(len(values))), values)}])
    for piece in lines(svg):
        assert all(math.isfinite(x) and math.isfinite(y) for x, y in piece)


def test_axes_have_round_numbers() -> None:
    assert ticks(0.0, 1000.0) == [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]
    assert ticks(-0.7, 0.4) == pytest.approx([-0.5, 0.0]) or len(ticks(-0.7, 0.4)) >= 3
    assert limits([]) == (0.0, 1.0)
    low, high = limits([3.0])
    assert low < 3.0 < high


def test_what_matters_comes_first_and_the_rest_below() -> None:
    names = [
        *("lr/D", "health/diversity", "metric/recall", "metric/fid", "held_out/fid"),
        *("speed/images_per_second", "score/real", "loss/G/adversarial"),
    ]
    page = "".join(curve_section(["one"], ["seed=1"], [dict.fromkeys(names, RISING)]))
    assert re.findall('aria-label="(.*?)"', page) == [
        *("metric/fid", "loss/G/adversarial", "score/real", "speed/images_per_second"),
        *("metric/recall", "lr/D", "health/diversity"),
    ]
    assert page.index("score/real") < page.index("<details>") < page.index("metric/recall")
    assert "seed=1" in page


def test_without_curves_there_is_no_section() -> None:
    assert list(curve_section(["one"], [""], [{}])) == []
