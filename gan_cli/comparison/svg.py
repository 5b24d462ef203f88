"""The runs' curves on the page, laid over each other, a chart a scalar."""

import html
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from gan_cli.comparison.curves import Series
from gan_cli.metrics.values import HELD_OUT, better, headline

WIDTH, HEIGHT = 460, 230
LEFT, RIGHT, TOP, BOTTOM = 54, 10, 8, 24
"""Around the square of the curves, for its axes; there is no legend in it."""
POINTS = 240
"""Of a curve with more values, means of neighbours are drawn."""
FEW = 30
"""Up to so many values of a curve are marked one by one."""
COLORS = 10
"""In page.css; runs beyond them are dashed."""
Range = tuple[float, float]
Place = Callable[[float, float], tuple[float, float]]
"""A step and a value to where they are drawn."""
LARGEST = 1e300
"""What is beyond it is drawn outside: of the greatest floats the difference is no number."""
GLANCE = ("loss", "score", "speed")
"""What is in sight at once, after the one metric to judge by; all else is below."""


def curve_section(
    names: Sequence[str], settings: Sequence[str], runs: Sequence[Mapping[str, Series]]
) -> Iterator[str]:
    """A legend of the runs, and a chart for each scalar that any of them has.

    Args:
        names: of the runs.
        settings: what else to say of each.
        runs: the curves of each, by scalar.
    """
    scalars = list(dict.fromkeys(name for found in runs for name in found))
    scalars = [name for name in scalars if not name.startswith(HELD_OUT)]
    if not scalars:
        return
    yield '<section><h2>Curves</h2>\n<div class="legend">'
    for run, (name, said) in enumerate(zip(names, settings, strict=True)):
        yield (
            f'<label><input type="checkbox" data-shows="{run}" checked>'
            f'<i class="{_color(run)}"></i><span>{html.escape(name)}</span>'
            f"<small>{html.escape(said)}</small></label>"
        )
    yield "</div>"
    metrics = [name.removeprefix("metric/") for name in scalars if name.startswith("metric/")]
    group = {name: name.partition("/")[0] for name in scalars}
    first = [f"metric/{headline(metrics)}"] if headline(metrics) else []
    first += [name for wanted in GLANCE for name in scalars if group[name] == wanted]
    others = [name for name in scalars if group[name] == "metric" and name not in first]
    rest = [name for name in scalars if name not in first and name not in others]
    yield from _charts(first, runs)
    for title, own in (("All other metrics", others), ("Health, gradients and rates", rest)):
        if own:
            yield f"<details><summary>{title}</summary>"
            yield from _charts(own, runs)
            yield "</details>"
    yield "</section>"


def _charts(names: Sequence[str], runs: Sequence[Mapping[str, Series]]) -> Iterator[str]:
    yield '<div class="charts">'
    yield from (chart(name, runs) for name in names)
    yield "</div>"


def chart(name: str, runs: Sequence[Mapping[str, Series]]) -> str:
    """One scalar of all runs that have it, as SVG."""
    log = name.startswith("grad_norm/")
    drawn = {n: thinned(found[name], log) for n, found in enumerate(runs) if name in found}
    reals = _baselines(name, runs)
    points = [point for found in drawn.values() for point in found]
    heights = [y for _, y in points if math.isfinite(y)] + reals
    across = limits([0.0, *(x for x, _ in points)])
    up = limits(heights, margin=0.05)

    def place(x: float, y: float) -> tuple[float, float]:
        right = (x - across[0]) / (across[1] - across[0]) * (WIDTH - LEFT - RIGHT)
        return LEFT + right, HEIGHT - BOTTOM - (y - up[0]) / (up[1] - up[0]) * (
            HEIGHT - TOP - BOTTOM
        )

    parts = [*_axes(across, up, place, log)]
    for y in reals:
        _, at = place(across[0], y)
        parts.append(f'<line class="reals" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>')
    for run, found in drawn.items():
        parts += _lines(run, [(*place(x, y),) if math.isfinite(y) else None for x, y in found])
    note = "; dashed: held-out reals" if reals else ""
    return (
        f'<div class="chart"><h4>{html.escape(name)}<span>{_direction(name)}{note}</span></h4>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(name)}" '
        f'data-log="{int(log)}" data-x="{across[0]} {across[1]}" data-y="{up[0]} {up[1]}" '
        f'data-box="{LEFT} {TOP} {WIDTH - RIGHT} {HEIGHT - BOTTOM}">{"".join(parts)}</svg></div>'
    )


def _direction(name: str) -> str:
    try:
        return f"{better(name.removeprefix('metric/'))} is better"
    except KeyError:
        return ""


def _baselines(name: str, runs: Sequence[Mapping[str, Series]]) -> list[float]:
    """The metric of held-out reals, as each run found it."""
    key = HELD_OUT + name.removeprefix("metric/")
    found = [series.values[-1] for run in runs if name in run and (series := run.get(key))]
    return sorted({float(f"{value:.4g}") for value in found if math.isfinite(value)})


def thinned(series: Series, log: bool = False) -> list[tuple[float, float]]:
    """At most `POINTS` of (step, value), NaN where there is none; under `log`, of log10(value)."""
    size = math.ceil(len(series.steps) / POINTS)
    found = []
    for start in range(0, len(series.steps), size):
        steps, values = series.steps[start : start + size], series.values[start : start + size]
        there = [v for v in values if math.isfinite(v) and (v > 0 or not log)]
        mean = math.fsum(v / len(there) for v in there) if there else math.nan
        found.append((sum(steps) / len(steps), math.log10(mean) if log and there else mean))
    return found


def limits(values: Sequence[float], margin: float = 0.0) -> tuple[float, float]:
    """The least and the greatest of finite values, a part of their distance further out."""
    low, high = max(min(values, default=0.0), -LARGEST), min(max(values, default=1.0), LARGEST)
    if low == high:
        low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
    return low - margin * (high - low), high + margin * (high - low)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, three to `most + 2` of them."""
    rough = (high - low) / most
    if not math.isfinite(rough) or rough <= 0:
        return [low, high]
    unit = 10.0 ** math.floor(math.log10(rough))
    size = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= rough)
    return [n * size for n in range(math.ceil(low / size), math.floor(high / size) + 1)]


def _axes(across: Range, up: Range, place: Place, log: bool) -> Iterator[str]:
    """Lines at round numbers, which stand at their ends."""
    for x in ticks(*across):
        right, _ = place(x, up[0])
        yield f'<text x="{right:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{_short(x)}</text>'
    for y in ticks(*up):
        _, at = place(across[0], y)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        shown = _short(y) if not log else _short(10.0**y) if abs(y) < 300 else f"1e{y:g}"
        yield f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{shown}</text>'


def _short(value: float) -> str:
    """A number on an axis: 250k."""
    for unit, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if unit <= abs(value) < 1000 * unit:
            return f"{value / unit:.4g}{sign}"
    return f"{value:.3g}"


def _lines(run: int, points: Sequence[tuple[float, float] | None]) -> Iterator[str]:
    """A run's curve, in pieces where values are missing."""
    yield f'<g class="{_color(run)}" data-run="{run}">'
    piece: list[tuple[float, float]] = []
    for point in [*points, None]:
        if point is not None:
            piece.append(point)
        elif piece:
            path = " ".join(f"{x:.2f},{y:.2f}" for x, y in piece)
            yield f'<polyline points="{path}"/>'
            if len(points) <= FEW:
                yield from (f'<circle cx="{x:.2f}" cy="{y:.2f}" r="2.2"/>' for x, y in piece)
            piece = []
    yield "</g>"


def _color(run: int) -> str:
    return f"c{run % COLORS}" + (" dashed" if run >= COLORS else "")
