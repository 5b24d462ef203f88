"""Ranges for constructors' signatures, which are the schema their YAML is checked against.

Plain `Annotated` types: they cost nothing at run time and a reader sees what a number may be.
"""

from collections.abc import Sequence
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt, MaxLen

Count = Annotated[int, Ge(1)]
"""A whole number, at least one."""

Natural = Annotated[int, Ge(0)]
"""A whole number, zero included."""

LayerCount = Annotated[int, Ge(1), Le(64)]
"""How many layers or blocks a network has; no known one has more of a kind."""

OptionalLayerCount = Annotated[int, Ge(0), Le(64)]
"""The same, none included."""

LayerSizes = Annotated[Sequence[Count], MaxLen(64)]
"""How many units each layer has."""

Positive = Annotated[float, Gt(0)]
"""A finite number above zero."""

NonNegative = Annotated[float, Ge(0)]
"""A finite number, zero included."""

Probability = Annotated[float, Ge(0), Le(1)]
"""A probability, or a part of a whole, in [0, 1]."""

Momentum = Annotated[float, Ge(0), Lt(1)]
"""The weight of the past in a running mean, in [0, 1)."""
