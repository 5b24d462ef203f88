"""Warnings are said once, in the log; the end is one line."""

from types import SimpleNamespace
from typing import Any

import pytest

from gan_cli.health.symptoms import COLLAPSE
from gan_cli.sinks.health import Health, summarise

ALIKE = {"health/diversity": 0.1, "health/uniqueness": 0.1, "health/accuracy_real": 0.75}


def a_run(step: int, report: dict[str, float] | None) -> Any:
    return SimpleNamespace(step=step, report=report)


def test_a_symptom_is_logged_once_with_advice(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    sink = Health(lambda symptom: f"against {symptom.name}: sleep")
    for step in range(50, 2000, 50):
        sink.offer(a_run(step, ALIKE), last=False)
    sink.offer(a_run(2001, None), last=True)
    (warning,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert "diversity 0.10" in warning
    assert warning.endswith("against mode collapse: sleep")
    sink.close(a_run(2001, None))
    (line,) = [r.getMessage() for r in caplog.records if r.getMessage().startswith("health:")]
    assert "D is right on 75% of real pictures; diversity 0.10" in line
    assert f"mode collapse from step {sink.watch.found[COLLAPSE]}" in line


def test_a_resumed_run_does_not_repeat_itself(caplog: pytest.LogCaptureFixture) -> None:
    earlier = [{"step": float(step), **ALIKE} for step in range(50, 1000, 50)]
    sink = Health(lambda symptom: "", earlier)
    assert COLLAPSE in sink.watch.found
    for step in range(1000, 2000, 50):
        sink.offer(a_run(step, ALIKE), last=False)
    assert not caplog.records


def test_a_run_too_short_to_tell_has_no_warnings() -> None:
    assert summarise(Health(lambda symptom: "").watch) == "no warnings"
