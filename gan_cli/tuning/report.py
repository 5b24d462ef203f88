"""The report of a search: Optuna's own plots and a table of all trials, on one page."""

import base64
import html
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from gan_cli.files import write_whole
from gan_cli.tuning.study import WHY

log = logging.getLogger(__name__)

NAME = "report.html"
ENOUGH = 3
"""Finished trials that a plot over several of them needs."""
SEVERAL = 2
"""Dimensions that a plot of one against another needs."""
STYLE = """\
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
img { max-width: 100% } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
td, th { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #ddd }
td:last-child, th:last-child { text-align: left } .best { font-weight: bold }
"""


def write_report(folder: Path, study: Study, metric: str) -> Path:
    """Write the page; a plot that there are too few trials for is left out.

    Args:
        folder: the search's.
        study: with a finished trial.
        metric: what it went by.
    """
    title = f"{study.study_name}: {metric}, {study.direction.name.lower()}d"
    parts = [
        f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title>",
        f"<style>{STYLE}</style><h1>{html.escape(title)}</h1>",
        *_plots(study, metric),
        "<h2>Trials, the best first</h2>",
        _table(study),
    ]
    path = folder / NAME
    write_whole(path, "\n".join(parts).encode())
    return path


def _plots(study: Study, metric: str) -> Iterator[str]:
    import matplotlib as mpl
    from optuna.visualization import matplotlib as plots

    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    several = len({key for trial in complete for key in trial.params}) >= SEVERAL
    drawings: list[tuple[str, Callable[..., Any], dict[str, Any], bool]] = [
        ("How it went", plots.plot_optimization_history, {"target_name": metric}, True),
        ("Every trial's way", plots.plot_intermediate_values, {}, True),
        ("What decided", plots.plot_param_importances, {}, several and len(complete) > ENOUGH),
        ("Value by value", plots.plot_slice, {"target_name": metric}, True),
        ("One against another", plots.plot_contour, {"target_name": metric}, several),
    ]
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its plots are called experimental
        mpl.use("agg")
        for name, draw, given, wanted in drawings:
            if wanted and len(complete) >= ENOUGH:
                try:
                    found = draw(study, **given)
                except (ValueError, RuntimeError) as error:  # all values alike, say
                    log.info("the report goes without `%s`: %s", name, error)
                    continue
                yield f"<h2>{name}</h2>{_picture(found)}"


def _picture(axes: Any) -> str:
    from matplotlib import pyplot

    first = axes.flat[0] if hasattr(axes, "flat") else axes
    figure, buffer = first.figure, io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    pyplot.close(figure)
    return f'<img src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'


def _table(study: Study) -> str:
    trials = study.get_trials(deepcopy=False)
    keys = list(dict.fromkeys(key for trial in trials for key in trial.params))
    down = study.direction == optuna.study.StudyDirection.MAXIMIZE

    def order(trial: FrozenTrial) -> tuple[bool, float]:
        value = trial.value if trial.state == TrialState.COMPLETE else None
        return (value is None, 0.0 if value is None else -value if down else value)

    rows = [_row(["trial", *keys, "value", "ended"], "th")]
    for place, trial in enumerate(sorted(trials, key=order)):
        why = str(trial.user_attrs.get(WHY, ""))
        ended = trial.state.name.lower().replace("complete", "finished") + (f": {why}" * bool(why))
        values = [_shown(trial.params.get(key)) for key in keys]
        value = _shown(trial.value if trial.state == TrialState.COMPLETE else None)
        rows.append(_row([str(trial.number), *values, value, ended], "td", best=not place))
    return f"<table>{''.join(rows)}</table>"


def _row(cells: Sequence[str], tag: str, best: bool = False) -> str:
    inner = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
    return f"<tr{' class=best' if best else ''}>{inner}</tr>"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
