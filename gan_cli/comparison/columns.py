"""From runs' records to the table."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from gan_cli.comparison.differences import Setting, find_differences, show
from gan_cli.comparison.records import METRIC, Record
from gan_cli.comparison.table import Cell, Column, Kind, Table
from gan_cli.metrics.values import better

GIGABYTE = 1e9
Direction = Literal["lower", "higher"] | None


def build_table(records: Sequence[Record]) -> Table:
    """What is known of the runs; columns that no run has a value for are left out."""

    def column(
        name: str, kind: Kind, value: Callable[[Record], Any], better: Direction = None
    ) -> Column:
        return Column(name, kind, tuple(_cell(value(record)) for record in records), better)

    columns = [
        column("run", Kind.RUN, lambda record: record.name),
        *_settings(records),
        *_quality(records),
        *_losses(records),
        column("images_per_second", Kind.SPEED, _speed, "higher"),
        column("peak_memory_gb", Kind.SPEED, _memory, "lower"),
        column("step", Kind.ENDING, lambda record: record.step),
        column("ended", Kind.ENDING, lambda record: record.ended),
        column("warnings", Kind.ENDING, lambda record: ", ".join(record.warnings) or None),
        *_best(records),
        column("images", Kind.FURTHER, lambda record: record.report.get("images")),
        column("seconds", Kind.FURTHER, lambda record: record.summary.get("seconds")),
        *_nested(records, "parameters"),
        column("device", Kind.FURTHER, lambda record: record.summary.get("device")),
        *_nested(records, "versions"),
        *(
            Column(
                f"evaluated.{key}",
                Kind.FURTHER,
                tuple(_cell(r.evaluation.get(key)) for r in records),
            )
            for key in ("step", "ema", "seed")
        ),
        column("folder", Kind.FURTHER, lambda record: str(record.folder)),
    ]
    return Table(tuple(column for column in columns if not column.empty))


def _settings(records: Sequence[Record]) -> list[Column]:
    """What differs in the configs; as long as nobody knows what was asked for, all of it was."""
    names = [record.name for record in records]
    settings = find_differences([record.config for record in records], names)
    keys = {setting.key for setting in settings}
    chosen = {key for record in records for key in record.chosen if key in keys} or keys

    def kind(setting: Setting) -> Kind:
        if setting.detail:
            return Kind.DETAIL
        if setting.key == "name" or (setting.key in chosen and not _is_bookkeeping(setting.key)):
            return Kind.CHOICE
        return Kind.SETTING

    return [Column(s.key, kind(s), tuple(map(_cell, s.values))) for s in settings]


def _is_bookkeeping(key: str) -> bool:
    """Whether a key says what is written when, which does not change what is learned."""
    written = key.endswith(("_every", ".keep_last", ".health", ".returns"))
    return key.startswith("evaluation.") or (key.startswith("trainer.") and written)


def _cell(value: Any) -> Cell:
    return Cell(None if value is None else show(value))


def _names(records: Sequence[Record], of: Callable[[Record], Iterable[str]]) -> list[str]:
    """All names that any run has, in the order they are met."""
    return list(dict.fromkeys(name for record in records for name in of(record)))


def _speed(record: Record) -> Any:
    summed_up: Any = record.summary.get("images_per_second")
    return record.report.get("speed/images_per_second") if summed_up is None else summed_up


def _memory(record: Record) -> float | None:
    held = record.summary.get("peak_memory_bytes")
    return round(held / GIGABYTE, 3) if isinstance(held, int | float) else None


def _losses(records: Sequence[Record]) -> list[Column]:
    names = _names(records, lambda record: record.scalars)
    return [
        Column(
            name,
            Kind.LOSS if name.endswith("/adversarial") else Kind.FURTHER,
            tuple(_cell(record.scalars.get(name)) for record in records),
        )
        for name in names
        if name.startswith("loss/")
    ]


def _quality(records: Sequence[Record]) -> list[Column]:
    """What gan-evaluate found; failing that, what was last measured in training."""
    evaluated = [_evaluated(record) for record in records]
    names = [name for found in evaluated for name in found]
    names += _names(records, lambda r: (m.removeprefix(METRIC) for m in r.metrics))
    columns: list[Column] = []
    further: list[Column] = []
    for name in dict.fromkeys(names):
        cells = [
            _evaluated_cell(record, found[name]) if name in found else _metric_cell(record, name)
            for record, found in zip(records, evaluated, strict=True)
        ]
        columns.append(Column(name, Kind.QUALITY, tuple(cells), _better(name)))
        for part in ("held_out", "n"):
            parts = tuple(_cell(found.get(name, {}).get(part)) for found in evaluated)
            further.append(Column(f"{name}.{part}", Kind.FURTHER, parts))
    return columns + further


def _evaluated(record: Record) -> dict[str, Mapping[str, Any]]:
    return {value["name"]: value for value in record.evaluation.get("metrics", [])}


def _evaluated_cell(record: Record, value: Mapping[str, Any]) -> Cell:
    """A metric by gan-evaluate."""
    rest = {"of": "fakes", **record.evaluation, **value}
    del rest["metrics"]
    about = "; ".join(
        f"{key}: {show(what)}" for key, what in rest.items() if what not in ("", None)
    )
    source = _source(record, value.get("n"), record.evaluation.get("step"))
    return Cell(show(value.get("value")), source, about)


def _metric_cell(record: Record, name: str) -> Cell:
    """The last value measured in training, from as many fakes as the config says."""
    measured = record.metrics.get(METRIC + name)
    if not measured:
        return Cell()
    step, value = measured[-1]
    evaluation = record.config.get("evaluation")
    count = evaluation.get("count") if isinstance(evaluation, dict) else None
    source = f"{_source(record, count, step)}, in training"
    return Cell(show(value), source, f"measured in training, at step {step}")


def _source(record: Record, fakes: Any, step: Any) -> str:
    """From how many fakes, and of which step if it is not the run's last."""
    return f"n={'?' if fakes is None else fakes}" + (
        f", step {step}" if step != record.step else ""
    )


def _best(records: Sequence[Record]) -> list[Column]:
    """The best value of each metric measured in training, where it is known what is better."""
    columns = []
    for metric in _names(records, lambda record: record.metrics):
        direction = _better(metric.removeprefix(METRIC))
        if direction is None:
            continue
        sign = 1 if direction == "lower" else -1
        cells = [_best_cell(record.metrics.get(metric, []), sign) for record in records]
        columns.append(Column(f"{metric}.best", Kind.FURTHER, tuple(cells), direction))
    return columns


def _better(metric: str) -> Direction:
    try:
        return better(metric)
    except KeyError:
        return None


def _best_cell(measured: Sequence[tuple[float, float]], sign: int) -> Cell:
    finite = [(sign * value, step) for step, value in measured if value == value]
    if not finite:
        return Cell()
    value, step = min(finite)
    return Cell(show(sign * value), f"step {step}", f"measured in training, at step {step}")


def _nested(records: Sequence[Record], key: str) -> list[Column]:
    """The columns of a mapping in the summary."""
    found = [value if isinstance(value := r.summary.get(key), dict) else {} for r in records]
    return [
        Column(f"{key}.{name}", Kind.FURTHER, tuple(_cell(values.get(name)) for values in found))
        for name in dict.fromkeys(name for values in found for name in values)
    ]
