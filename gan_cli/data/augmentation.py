"""What may happen to a batch that has been drawn; images of one group get the same."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from gan_cli.data.fields import Fields
from gan_cli.data.order import Draw
from gan_cli.errors import UserError


def augment(batch: dict[str, Tensor], fields: Fields, groups: Iterable[str], draw: Draw) -> None:
    """Mirror images left to right, and move them about, as `draw` says, in place.

    Random numbers are those of torch's global generators, which training seeds anew every step.

    Args:
        batch: by field, images as they are stored, [N, C, H, W].
        fields: of the batch.
        groups: of the fields.
        draw: how batches are drawn.
    """
    for group in groups:
        names = [n for n, f in fields.items() if f.group == group and f.kind == "image"]
        if draw.flip:
            mirrored = torch.rand(draw.share, 1, 1, 1, device=draw.device) < 0.5
            for name in names:
                batch[name] = torch.where(mirrored, batch[name].flip(3), batch[name])
        if draw.jitter:
            places = torch.randint(draw.jitter + 1, (draw.share, 2)).tolist()
            for name in names:
                batch[name] = jittered(batch[name], draw.jitter, places)


def jittered(images: Tensor, jitter: int, places: list[list[int]]) -> Tensor:
    """Images [N, C, H, W] in 0..255, `jitter` pixels larger (bicubic) and cut to size again.

    Args:
        images: to be moved about.
        jitter: pixels.
        places: where each is cut out: pixels from the top and from the left.
    """
    height, width = images.shape[2:]
    large = interpolate(images.float(), size=(height + jitter, width + jitter), mode="bicubic")
    large = large.round().clamp(0, 255).to(images.dtype)  # bicubic overshoots at edges
    cut = [
        image[:, top : top + height, left : left + width]
        for image, (top, left) in zip(large, places, strict=True)
    ]
    return torch.stack(cut)


def refuse_jitter(jitter: int, fields: Fields) -> None:
    """Raise UserError where images would not be moved alike by the same number of pixels."""
    groups: dict[str, set[tuple[int, ...]]] = {}
    for field in fields.values():
        if field.kind != "label":
            groups.setdefault(field.group, set()).add(field.shape[1:])
            if jitter and field.kind != "image":
                raise UserError(f"data.jitter={jitter}: moves images about, and a {field} is none")
    if jitter and any(len(sizes) > 1 for sizes in groups.values()):
        raise UserError(
            f"data.jitter={jitter}: images that belong together differ in size here; set it to 0"
        )
