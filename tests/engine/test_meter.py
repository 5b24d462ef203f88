"""Means and finite checks."""

import pytest
import torch

from gan_cli.engine.meter import FiniteCheck, Meter

NAN, INF = float("nan"), float("inf")


def test_means_since_the_last_reading() -> None:
    meter = Meter()
    meter.add({"a": torch.tensor(1.0), "b": torch.tensor(5.0)})
    meter.add({"a": torch.tensor(3.0)})
    assert meter.read() == {"a": 2.0, "b": 5.0}
    assert meter.read() == {}


def test_what_is_added_is_not_changed() -> None:
    value = torch.tensor(1.0)
    meter = Meter()
    meter.add({"a": value})
    meter.add({"a": value})
    assert value == 1.0


@pytest.mark.parametrize(
    ("total", "norm", "good"),
    [
        (1.0, 2.0, True),
        (3e38, 3e38, True),
        (NAN, 2.0, False),
        (INF, 2.0, False),
        (1.0, NAN, False),
        (1.0, INF, False),
        (INF, -INF, False),
    ],
)
def test_finite_check(total: float, norm: float, good: bool) -> None:
    check = FiniteCheck(torch.device("cpu"))
    check.watch(torch.tensor(total, requires_grad=True), torch.tensor(norm))
    assert check.holds() is good


def test_a_finite_loss_with_a_gradient_that_is_not() -> None:
    weight = torch.zeros(3, requires_grad=True)
    total = weight.norm(p=2).sqrt()  # 0, and its slope is infinite
    total.backward()
    assert weight.grad is not None
    check = FiniteCheck(torch.device("cpu"))
    check.watch(total, weight.grad.norm())
    assert not check.holds()


def test_each_answer_is_the_last_question_s() -> None:
    check = FiniteCheck(torch.device("cpu"))
    for total in (1.0, NAN, 1.0):
        check.watch(torch.tensor(total), torch.tensor(1.0))
        assert check.holds() is (total == 1.0)


def test_the_event_is_recorded_on_the_stream_of_the_loss_s_own_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With trainer.device=cuda:1 the current device stays cuda:0."""
    recorded = []

    class Event:
        def record(self, stream: object = "of the current device") -> None:
            recorded.append(stream)

        def synchronize(self) -> None:
            pass

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: ("stream of", device))
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: self)
    check = FiniteCheck(torch.device("cuda:1"))
    loss = torch.tensor(1.0)
    check.watch(loss, torch.tensor(1.0))
    assert recorded == [("stream of", loss.device)]
    assert check.holds()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_finite_check_on_a_gpu() -> None:
    device = torch.device("cuda", torch.cuda.device_count() - 1)
    check = FiniteCheck(device)
    for norm in (1.0, NAN):
        check.watch(torch.tensor(1.0, device=device), torch.tensor(norm, device=device))
        assert check.holds() is (norm == 1.0)
