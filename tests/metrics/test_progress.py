import logging

from gan_cli.metrics import progress


def test_a_line_says_how_far_it_is_where_there_is_no_terminal(monkeypatch, caplog):
    monkeypatch.setattr(progress, "EVERY", 0.0)
    with caplog.at_level(logging.INFO), progress.track(5, "features", "img") as advance:
        advance(2)
        advance(3)
    assert caplog.messages == ["features: 2 of 5", "features: 5 of 5"]


def test_what_is_quick_says_nothing(caplog):
    with caplog.at_level(logging.INFO), progress.track(1, "features", "img") as advance:
        advance(1)
    assert caplog.messages == []
