"""Names that a config gives: they become parts of folders, scalars and weights."""

import re
from typing import Annotated

import pydantic
from torch import nn


def _a_name(text: str) -> str:
    if not re.fullmatch(r"[^\s./\\][^/\\]{0,127}", text) or not text.isprintable():
        raise ValueError(
            "1 to 128 characters without / and \\, not beginning with a dot or a space"
        )
    return text


def _a_trick_s_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]\w{0,63}", text, re.ASCII) or text in TAKEN:
        raise ValueError("letters, digits and _, and not what every model has, such as adversarial")
    return text


Name = Annotated[str, pydantic.AfterValidator(_a_name)]
"""A name, not a path: it becomes part of a folder's."""
TERMS = {"adversarial", "l1", "perceptual", "codebook", "code", "information", "features", "mel"}
TAKEN = {*TERMS, *dir(nn.ModuleDict())}
"""What the terms of games are called, and what modules cannot be."""
TrickName = Annotated[str, pydantic.AfterValidator(_a_trick_s_name)]
"""A key under `tricks:`: it becomes part of the names of scalars and of weights."""
