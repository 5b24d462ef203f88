"""Hints at what someone may have meant."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """`; did you mean X?`, or all the names there are, or nothing where there are none.

    Args:
        name: as typed; capitals count for nothing.
        known: what there is.
        cutoff: how like it the nearest one must be, from 0 to 1.
    """
    known = sorted(known)
    folded = {other.lower(): other for other in reversed(known)}
    close = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=cutoff)
    if close:
        return f"; did you mean {folded[close[0]]}?"
    return f"; there is {', '.join(known)}" if known else ""
