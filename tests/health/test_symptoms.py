"""Series of reports, and what the watch says of them."""

from typing import Any

import pytest

from gan_cli.health.symptoms import (
    APART,
    COLLAPSE,
    DROPPING,
    OVERFITTING,
    OVERPOWERING,
    SYMPTOMS,
    VANISHING,
    WINDOW,
    Symptom,
    Watch,
)

WELL = {
    "health/accuracy_real": 0.8,
    "health/accuracy_fake": 0.8,
    "health/accuracy_held_out": 0.75,
    "health/diversity": 0.9,
    "health/uniqueness": 0.9,
    "health/overfitting": 0.05,
    "health/nearest_class_kl": 0.1,
    "grad_norm/G": 1.0,
}
UNHEALTHY = {
    COLLAPSE: {"health/diversity": 0.1},
    DROPPING: {"health/nearest_class_kl": 1.5},
    VANISHING: {"health/accuracy_real": 1.0, "health/accuracy_fake": 0.99, "grad_norm/G": 1e-6},
    OVERPOWERING: {"health/accuracy_real": 1.0, "health/accuracy_fake": 1.0},
    OVERFITTING: {"health/overfitting": 0.9, "health/accuracy_held_out": 0.4},
}


def watch(*stretches: tuple[int, dict[str, float]], apart: int = 50) -> list[tuple[int, Symptom]]:
    """What is said, and when, of `count` reports each like `WELL` but for some signs."""
    seen, step, said = Watch(), 0, []
    for count, signs in stretches:
        for _ in range(count):
            step += apart
            said += [(step, symptom) for symptom in seen.read(step, WELL | signs)]
    return said


def test_nothing_is_said_of_a_healthy_run() -> None:
    assert watch((100, {})) == []


@pytest.mark.parametrize("symptom", SYMPTOMS, ids=lambda s: s.name)
def test_each_is_said_once_when_it_persists(symptom: Symptom) -> None:
    said = watch((2 * WINDOW, {}), (50, UNHEALTHY[symptom]))
    assert [s for _, s in said] == [symptom]
    assert said[0][0] > 2 * WINDOW * 50, "not before it is there"
    assert said[0][0] <= 4 * WINDOW * 50, "and soon after"


@pytest.mark.parametrize("symptom", SYMPTOMS, ids=lambda s: s.name)
def test_a_passing_one_is_not_worth_a_word(symptom: Symptom) -> None:
    assert watch((20, {}), (2, UNHEALTHY[symptom]), (20, {})) == []


def test_one_that_is_over_has_an_end() -> None:
    """A plain GAN on the ring of Gaussians finds one mode first, and all of them later."""
    seen = Watch()
    for n in range(1, 61):
        seen.read(50 * n, WELL | (UNHEALTHY[DROPPING] if n <= 30 else {}))
        if n < 30 + WINDOW and DROPPING in seen.found:
            assert seen.ended(DROPPING) is None, "it may come back"
    end = seen.ended(DROPPING)
    assert end is not None
    assert 30 * 50 <= end <= (30 + WINDOW) * 50


def test_samples_that_become_less_alike_are_no_collapse() -> None:
    """Every run begins with samples that all look the same."""
    rising = [{"health/diversity": 0.05 * 1.04**n, "health/uniqueness": 0.2} for n in range(50)]
    assert watch(*((1, signs) for signs in rising)) == []
    assert watch((50, rising[0]))[0][1] is COLLAPSE


def test_classes_that_come_back_are_not_dropped() -> None:
    returning = [{"health/nearest_class_kl": 2.0 * 0.98**n} for n in range(50)]
    assert watch(*((1, signs) for signs in returning)) == []


def test_a_discriminator_that_memorises_is_told_so_and_no_more() -> None:
    said = watch((20, {}), (50, UNHEALTHY[OVERPOWERING] | UNHEALTHY[OVERFITTING]))
    assert [s for _, s in said] == [OVERFITTING]


def test_a_discriminator_that_takes_new_images_for_real_does_not_memorise() -> None:
    """Though it scores those higher that it knows, as pix2pix's does of 1,500 pairs."""
    ranks = {"health/overfitting": 0.9}
    assert watch((70, ranks)) == []
    assert watch((70, ranks | {"health/accuracy_held_out": 0.55}))[0][1] is OVERFITTING
    right = UNHEALTHY[OVERPOWERING] | ranks | {"health/accuracy_held_out": 0.93}
    assert [s for _, s in watch((70, right))] == [OVERPOWERING]


def test_a_critic_without_a_boundary_memorises_by_its_scores_alone() -> None:
    seen = Watch()
    assert [s for n in range(1, 50) for s in seen.read(50 * n, {"health/overfitting": 0.9})] == [
        OVERFITTING
    ]


def test_a_gradient_vanishes_from_its_own_height() -> None:
    steep, flat = ({**UNHEALTHY[VANISHING], "grad_norm/G": norm} for norm in (100.0, 1.0))
    assert VANISHING in [s for _, s in watch((20, steep), (50, flat))]
    assert VANISHING not in [s for _, s in watch((70, flat))]


def test_a_gradient_of_zero_has_vanished() -> None:
    assert VANISHING in [
        s for _, s in watch((20, {}), (50, UNHEALTHY[VANISHING] | {"grad_norm/G": 0.0}))
    ]


def test_samples_that_were_far_less_alike_before_are_a_collapse() -> None:
    falling = ({"health/diversity": 1 - 0.01 * n} for n in range(56))  # down to 0.45
    assert [s for _, s in watch((20, {}), *((1, signs) for signs in falling))] == [COLLAPSE]
    falling = ({"health/diversity": 1 - 0.01 * n} for n in range(30))  # down to 0.71
    assert watch((20, {}), *((1, signs) for signs in falling)) == []


def test_few_different_samples_far_apart_are_a_collapse() -> None:
    said = watch((20, {}), (20, {"health/uniqueness": 0.1, "health/diversity": 1.0}))
    assert [s for _, s in said] == [COLLAPSE]


def test_reports_close_together_are_not_patience() -> None:
    """With trainer.log_every=1, ten steps are still just ten steps."""
    assert watch((2 * APART, UNHEALTHY[OVERPOWERING]), apart=1) == []
    assert watch((2 * WINDOW * APART, UNHEALTHY[OVERPOWERING]), apart=1) != []


def test_a_loss_without_a_boundary_is_not_told_that_d_wins() -> None:
    seen = Watch()
    report = {"health/diversity": 0.9, "health/uniqueness": 0.9, "grad_norm/G": 1e-9}
    assert not any(seen.read(50 * n, report) for n in range(1, 50))


@pytest.mark.parametrize("symptom", SYMPTOMS, ids=lambda s: s.name)
def test_every_symptom_can_be_said(symptom: Symptom) -> None:
    """Its sentence names signs that are there when it shows."""
    seen = Watch()
    signs: dict[str, Any] = WELL | UNHEALTHY[symptom]
    for n in range(1, 60):
        seen.read(50 * n, signs if n > 20 else WELL)
    assert symptom in seen.found
    assert "{" not in symptom.says.format(**seen.means)
