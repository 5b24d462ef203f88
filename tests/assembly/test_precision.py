"""`trainer.precision=auto`: bf16 where the device multiplies it and the game can bear it."""

import logging

import pytest
import torch

from gan_cli.assembly import precision
from gan_cli.assembly.build import build_game, build_players
from gan_cli.assembly.dry_run import try_game
from gan_cli.errors import UserError
from gan_cli.sinks.checkpoint import load_newest
from tests.conftest import TINY, Command, data_of, narrow
from tests.settings import settings_of

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("capabilities", "found"),
    [
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"avx2": True, "avx512_bf16": True, "amx_bf16": False}, True),
        ({"amx_bf16": True}, True),
        ({"avx512_f": True, "cpu_name": "bf"}, False),
    ],
)
def test_what_a_cpu_says(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, object], found: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert precision.multiplies_bf16(CPU) is found


def test_an_older_torch_and_other_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not precision.multiplies_bf16(CPU)
    assert not precision.multiplies_bf16(torch.device("mps"))
    asked = []
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda **options: asked.append(options) or True
    )
    assert precision.multiplies_bf16(torch.device("cuda"))
    assert asked == [{"including_emulation": False}]


@pytest.mark.parametrize(
    ("asked", "native", "bearable", "became", "tried"),
    [
        ("auto", True, True, "bf16", ["bf16"]),
        ("auto", True, False, "fp32", ["bf16", "fp32"]),
        ("auto", False, True, "fp32", ["fp32"]),
        ("fp32", True, True, "fp32", ["fp32"]),
        ("tf32", True, True, "fp32", ["fp32"]),  # on a CPU
        ("bf16", False, True, "bf16", ["bf16"]),
    ],
)
def test_what_becomes_of_auto(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    asked: str,
    native: bool,
    bearable: bool,
    became: str,
    tried: list[str],
) -> None:
    monkeypatch.setattr(precision, "multiplies_bf16", lambda device: native)
    caplog.set_level(logging.INFO)
    attempts = []

    def attempt(name: str) -> list[str]:
        attempts.append(name)
        if name == "bf16" and not bearable:
            raise UserError("model: no second derivative")
        return ["loss/D/adversarial"]

    settings = settings_of("model=vanilla", f"trainer.precision={asked}")
    settled, scalars = precision.settle_precision(settings, CPU, attempt)
    assert settled.trainer.precision == became
    assert settled.plain["trainer"]["precision"] == asked  # a checkpoint may go on elsewhere
    assert scalars == ["loss/D/adversarial"]
    assert attempts == tried
    assert (f"precision: {became}" in caplog.text) == (asked == "auto")
    assert ("no second derivative" in caplog.text) == (not bearable)


def test_a_network_that_cannot_be_differentiated_in_bf16() -> None:
    """An operation that autocast leaves in bf16 and that has none there."""
    settings = settings_of("model=dcgan", *narrow("dcgan"))
    dataset = settings.data.dataset.build()
    game = build_game(settings, dataset.fields)
    build_players(settings, game)
    body = game.adversary("discriminator").network.body

    class Odd(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.dtype == torch.bfloat16:
                raise NotImplementedError("no such kernel for BFloat16")
            return x

    body.insert(1, Odd())
    assert try_game(game, 8, 10, CPU, "fp32")
    with pytest.raises(UserError, match="BFloat16"):
        try_game(game, 8, 10, CPU, "bf16")


@pytest.mark.parametrize("model", ["vanilla", "wgan_gp", "r3gan", "cyclegan", "infogan"])
def test_dry_runs_in_bf16(model: str) -> None:
    settings = settings_of(f"model={model}", *data_of(model), *narrow(model))
    dataset = settings.data.dataset.build()
    game = build_game(settings, dataset.fields)
    build_players(settings, game)
    names = [try_game(game, 8, dataset.n_classes, CPU, name) for name in ("fp32", "bf16")]
    assert names[0] == names[1]


def test_a_run_on_auto(gan_train: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "multiplies_bf16", lambda device: True)
    run = gan_train(*TINY, "model=vanilla", *narrow("vanilla"), "trainer.precision=auto")
    assert run.code == 0, run.err
    assert "precision: bf16" in run.out + run.err
    assert load_newest(run.folder)[1]["config"]["trainer"]["precision"] == "auto"
