"""Optimizers are one kernel where torch has one, unless somebody chose."""

import pytest

from gan_cli.assembly.build import build_game, build_players
from gan_cli.data.fields import Field
from tests.conftest import narrow
from tests.settings import settings_of

FIELDS = {"image": Field("image", (1, 16, 16)), "label": Field("label")}


@pytest.mark.parametrize(
    ("overrides", "fused"),
    [
        ([], True),
        (["optimizer=adamw"], True),
        (["optimizer=sgd"], True),
        (["optimizer=rmsprop"], False),  # torch has none
        (["+optimizer.fused=false"], False),
        (["+optimizer.foreach=true"], False),
    ],
)
def test_fused_where_there_is_such_a_kernel(overrides: list[str], fused: bool) -> None:
    settings = settings_of("model=vanilla", *narrow("vanilla"), *overrides)
    players = build_players(settings, build_game(settings, FIELDS))
    assert [player.fused for player in players] == [fused, fused]
