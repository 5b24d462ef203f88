import pytest
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_cli.config.arithmetic import calculate


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0.0002 * 128 ** 2 / 32", 0.1024),
        ("min(4096 // 256, 32)", 16),
        ("10000 * 32 / 32", 10000),
        ("-(1 + 2) * 0.5", -1.5),
        ("0.1 + 0.2", 0.3),
        ("max(1, 2, 3)", 3),
    ],
)
def test_sums(expression: str, value: float) -> None:
    found = calculate(expression)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "a",
        "1/0",
        "2 ** 99",
        "(1).real",
        "__import__('os')",
        "min()",
        "[1]",
        "'a' * 9",
        "1 if 1 else 2",
    ],
)
def test_anything_else_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="cannot calculate"):
        calculate(expression)


def test_other_values_in_it() -> None:
    config = OmegaConf.create(
        {"a": 4, "b": '${calculated:"${a} ** 2 / 32"}', "c": "${calculated:x}"}
    )
    assert config.b == 0.5
    with pytest.raises(OmegaConfBaseException, match="cannot calculate 'x'"):
        config.c  # noqa: B018
