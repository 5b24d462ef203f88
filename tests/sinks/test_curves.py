"""curves.png: which curves come on which panel, and how they look."""

from gan_cli.comparison.curves import Series
from gan_cli.sinks.curves import arrange


def test_nothing_to_show() -> None:
    assert list(arrange({})) == []


def test_units_are_kept_apart() -> None:
    names = [
        *("loss/D/adversarial", "loss/D/r1", "loss/G/adversarial", "score/real", "score/fake"),
        *("grad_norm/D", "grad_norm/G", "lr/D", "speed/images_per_second"),
        *("metric/fid", "metric/own", "held_out/fid"),
        *("health/accuracy_real", "health/accuracy_held_out", "health/diversity"),
    ]
    panels = list(arrange({name: Series([1, 2], [0.0, 1.0]) for name in names}))
    assert {p.title: list(p.curves) for p in panels} == {
        "Losses": ["D adversarial", "D r1", "G adversarial"],
        "Scores of D": ["real", "fake"],
        "Gradients": ["D", "G"],
        "D is right on": ["real", "held out"],
        "metric/fid": ["metric/fid"],
        "metric/own": ["metric/own"],
        "health/diversity": ["health/diversity"],
    }
    assert [p.title for p in panels if p.log] == ["Gradients"]
    assert [p.title for p in panels if p.limits] == ["D is right on"]
    assert {p.title: p.baseline for p in panels if p.baseline is not None} == {"metric/fid": 1.0}
    assert {p.title: p.label for p in panels}["metric/fid"] == "lower is better"


def test_a_player_has_one_color_and_what_is_no_players_has_others() -> None:
    names = [
        *("grad_norm/D", "grad_norm/G", "loss/D/adversarial", "loss/D/r1", "loss/G/adversarial"),
        *("score/fake", "score/real", "health/accuracy_fake", "metric/fid", "health/diversity"),
    ]
    panels = {p.title: p.curves for p in arrange({n: Series([1], [0.0]) for n in names})}
    losses, norms, scores = (panels[t] for t in ("Losses", "Gradients", "Scores of D"))
    d, g = norms["D"].color, norms["G"].color
    assert [losses[n].color for n in ("D adversarial", "D r1", "G adversarial")] == [d, d, g]
    assert [losses[n].style for n in ("D adversarial", "D r1", "G adversarial")] == [0, 1, 0]
    real, fake = scores["real"].color, scores["fake"].color
    assert panels["D is right on"]["fake"].color == fake
    gray = panels["metric/fid"]["metric/fid"].color
    assert panels["health/diversity"]["health/diversity"].color == gray
    assert len({d, g, real, fake, gray}) == 5
