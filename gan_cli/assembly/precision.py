"""In which precision losses are computed; penalties and optimizers always take float32."""

import dataclasses
import logging
from collections.abc import Callable

import torch

from gan_cli.config.schema import Settings
from gan_cli.errors import UserError

log = logging.getLogger(__name__)


def multiplies_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 itself: AVX512-BF16, AMX, a GPU since Ampere.

    Elsewhere torch does it in float32, with conversions there and back.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    # older versions of torch do not tell
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(there and name.endswith("bf16") for name, there in capabilities.items())


def settle_precision(
    settings: Settings, device: torch.device, attempt: Callable[[str], list[str]]
) -> tuple[Settings, list[str]]:
    """`trainer.precision=auto` becomes what this device is fast in, if this game can bear it.

    And `tf32` becomes fp32 where the device has none.

    Args:
        settings: a run's.
        device: it computes on.
        attempt: a dry run in a precision.

    Returns:
        The settings with `fp32`, `tf32` or `bf16`, and what the dry run gave.

    Raises:
        UserError: the dry run fails.
    """
    asked = settings.trainer.precision
    if asked == "tf32" and device.type != "cuda":
        return _with_precision(settings, "fp32"), attempt("fp32")
    if asked != "auto":
        return settings, attempt(asked)
    precision, reason = "fp32", f"this {device.type} does not multiply bf16 itself"
    scalars = None
    if multiplies_bf16(device):
        try:
            precision, reason = "bf16", f"this {device.type} multiplies it itself"
            scalars = attempt(precision)
        except UserError as error:  # a layer without bf16, or without second derivatives in it
            precision, reason = "fp32", f"in bf16 {error}"
    scalars = scalars or attempt(precision)
    log.info("precision: %s (%s)", precision, reason)
    return _with_precision(settings, precision), scalars


def _with_precision(settings: Settings, precision: str) -> Settings:
    trainer = dataclasses.replace(settings.trainer, precision=precision)  # type: ignore[arg-type]
    return dataclasses.replace(settings, trainer=trainer)
