"""Warnings are said once, in the log; the end is one line."""

from types import SimpleNamespace
from typing import Any

import pytest

from gan_cli.health.symptoms import COLLAPSE, WINDOW, Watch
from gan_cli.sinks.health import HealthWarnings, summarise

ALIKE = {"health/diversity": 0.1, "health/uniqueness": 0.1, "health/accuracy_real": 0.75}
WELL = {
    **{f"health/{sign}": 0.8 for sign in ("diversity", "uniqueness")},
    **{f"health/accuracy_{kind}": 0.8 for kind in ("real", "fake", "held_out")},
    "health/overfitting": 0.1,
    "health/nearest_class_kl": 0.1,
    "grad_norm/G": 1.0,
}


def a_run(step: int, report: dict[str, float] | None) -> Any:
    return SimpleNamespace(step=step, report=report)


def watched(report: dict[str, float], count: int) -> Watch:
    watch = Watch()
    for n in range(count):
        watch.read(50 * (n + 1), report)
    return watch


def test_a_symptom_is_logged_once_with_advice(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    sink = HealthWarnings(lambda symptom: f"against {symptom.name}: sleep")
    for step in range(50, 2000, 50):
        sink.offer(a_run(step, ALIKE), last=False)
    sink.offer(a_run(2001, None), last=True)
    (warning,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert "diversity 0.10" in warning
    assert warning.endswith("against mode collapse: sleep")
    sink.close(a_run(2001, None))
    (line,) = [r.getMessage() for r in caplog.records if r.getMessage().startswith("health:")]
    assert "D is right on 75% of real images; diversity 0.10" in line
    assert f"mode collapse from step {sink.watch.found[COLLAPSE]}" in line


def test_the_end_of_a_symptom_is_in_the_last_line() -> None:
    watch = watched(ALIKE, 20)
    assert f"mode collapse from step {watch.found[COLLAPSE]};" in summarise(watch)
    for n in range(21, 60):
        watch.read(50 * n, WELL)
    first, last = watch.found[COLLAPSE], watch.ended(COLLAPSE)
    assert f"mode collapse from step {first} to {last};" in summarise(watch) + ";"


def test_a_symptom_without_advice_ends_with_its_sentence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink = HealthWarnings(lambda symptom: "")
    for step in range(50, 2000, 50):
        sink.offer(a_run(step, ALIKE), last=False)
    assert caplog.records[0].getMessage().endswith("of the real images').")


def test_a_resumed_run_does_not_repeat_itself(caplog: pytest.LogCaptureFixture) -> None:
    earlier = [{"step": float(step), **ALIKE} for step in range(50, 1000, 50)]
    sink = HealthWarnings(lambda symptom: "", earlier)
    assert COLLAPSE in sink.watch.found
    for step in range(1000, 2000, 50):
        sink.offer(a_run(step, ALIKE), last=False)
    assert not caplog.records


@pytest.mark.parametrize("count", [0, 1, 2 * WINDOW - 1])
def test_a_run_too_short_to_warn_is_not_called_well(count: int) -> None:
    assert summarise(watched(WELL, count)).rpartition("; ")[2] == "too early to tell"


def test_a_run_that_is_well() -> None:
    assert summarise(watched(WELL, 2 * WINDOW)) == (
        "D is right on 80% of real, 80% of fake, 80% of held-out images; "
        "diversity 0.80; uniqueness 0.80; overfitting 0.10; no warnings"
    )


def test_what_could_not_be_warned_of_is_named() -> None:
    """A Wasserstein critic has no threshold, a folder of images nothing held out."""
    signs = ("health/diversity", "health/uniqueness", "grad_norm/G")
    assert summarise(watched(dict.fromkeys(signs, 0.8), 50)) == (
        "diversity 0.80; uniqueness 0.80; no warnings; "
        "not measured: dropped classes, vanishing gradient, overpowering D, overfitting D"
    )
    assert summarise(watched({"grad_norm/D": 1.0}, 50)) == (
        "not measured: mode collapse, dropped classes, vanishing gradient, overpowering D, "
        "overfitting D"
    )
