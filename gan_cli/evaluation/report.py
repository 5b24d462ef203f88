"""Metric values as a person reads them on a terminal."""

import itertools
from collections.abc import Iterator, Sequence

from gan_cli.metrics.values import MetricValue


def tables(values: Sequence[MetricValue]) -> Iterator[str]:
    """A table for each extractor of each trial, under a line that says what it came from."""
    for _, group in itertools.groupby(values, lambda value: (value.trial, value.extractor)):
        yield table(list(group))


def table(values: Sequence[MetricValue]) -> str:
    """The metrics of one trial by one extractor."""
    rows = [("", "fakes", "held-out reals", "n", "k", "")]
    rows += [
        (
            v.name,
            _shown(v.value),
            _shown(v.held_out),
            str(v.n),
            "" if v.k is None else str(v.k),
            v.note,
        )
        for v in values
    ]
    width = max(len(row[0]) for row in rows)
    lines = [
        f"  {name:<{width}}{value:>10}{held_out:>16}{n:>8}{k:>4}  {note}".rstrip()
        for name, value, held_out, n, k, note in rows
    ]
    return "\n".join([_heading(values[0]), *lines])


def _heading(first: MetricValue) -> str:
    trial = f"{first.trial}: " if first.trial else ""
    against = f", against {first.reals} real ones ({first.split})" if first.reals else ""
    if first.held_out is not None:
        against += f"; held out: {first.held_out_n} ({first.held_out_split})"
    return f"{trial}by {first.extractor}{against}; seed {first.seed}"


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
