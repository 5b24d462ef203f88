"""What a careless or hostile hand does to a tree of values, to bytes, and to words."""

import copy
from typing import Any

from hypothesis import strategies as st

NAN, INF = float("nan"), float("inf")
NUMBERS = [0, 1, 3, -1, 2.5, 1e-9, 10**4, 2**31, 2**63 - 1, -(2**63), 1e308, NAN, INF, -INF]
BEYOND = [2**63, 10**30, -(10**30)]
"""Whole numbers that no checkpoint can hold."""
WORDS = [
    *("", " ", "x", "null", "auto", "all", "none", "é\u202e", "a\nb", "a,b", "a=b", "[", "{", "'"),
    *(
        "${nope}",
        "${",
        "${seed}",
        "${oc.env:HOME}",
        "..",
        "../..",
        "../x",
        "/",
        ".",
        "~",
        "x" * 300,
    ),
    *("os.system", "gan_cli.games.losses.Loss", "torch.optim.LBFGS", "a.b", "%s%n", "=1+1", "1e5"),
]
THINGS: list[Any] = [
    *(None, True, False, [], {}, [[]], [None, None], {"": 0}, {"a": {"b": 1}}, ["x", 1, None]),
    *([0.5, 0.9], [8], {"_target_": "os.system"}, {"_target_": "gan_cli.engine.ema.EMA"}),
]

values = st.sampled_from([*NUMBERS, *WORDS, *THINGS])


@st.composite
def changed(draw: st.DrawFn, tree: Any, odd: st.SearchStrategy[Any] = values, most: int = 3) -> Any:
    """A copy of a tree of lists and dictionaries in which up to `most` places are others."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, most))):
        place, key = _somewhere(draw, tree)
        if place is None:
            return copy.deepcopy(draw(odd))
        match draw(st.sampled_from(["replace", "replace", "drop", "borrow", "rename", "wrap"])):
            case "replace":
                place[key] = copy.deepcopy(draw(odd))  # the next change may be inside it
            case "drop":
                del place[key]
            case "borrow":  # what stands elsewhere in it
                other, name = _somewhere(draw, tree)
                place[key] = copy.deepcopy(other[name])
            case "rename" if isinstance(place, dict):
                place[draw(st.sampled_from([*WORDS, 0, 10**6]))] = place.pop(key)
            case _:
                place[key] = draw(st.sampled_from([[place[key]], {"x": place[key]}]))
    return tree


def _somewhere(draw: st.DrawFn, tree: Any) -> tuple[Any, Any]:
    """A container in the tree and a key in it; nothing where the tree is empty."""
    place, key = None, None
    while isinstance(tree, dict | list) and tree:
        if place is not None and draw(st.integers(0, 4)) == 0:
            break
        place = tree
        key = draw(st.sampled_from(list(tree) if isinstance(tree, dict) else range(len(tree))))
        tree = place[key]
    return place, key


@st.composite
def damaged(draw: st.DrawFn, whole: bytes, most: int = 4) -> bytes:
    """Some bytes flipped, dropped, doubled or put in."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(["flip", "cut", "drop", "double", "insert"])):
            case "flip" if data:
                data[at] ^= draw(st.sampled_from([1, 0x80, 0xFF]))
            case "cut":
                del data[at:]
            case "drop":
                del data[at : at + draw(st.sampled_from([1, 4, 100]))]
            case "double":
                data[at:at] = data[at : at + 100]
            case _:
                data[at:at] = draw(
                    st.sampled_from([b"\0", b"\xff\xfe", b"PK\3\4", b"\n", b"[" * 99])
                )
    return bytes(data)


def as_typed(value: Any, quoted: bool = True) -> str:
    """A value as somebody may type it after `key=`; strings in quotes, or as they are."""
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"[{','.join(as_typed(inner, quoted) for inner in value)}]"
    if isinstance(value, dict):
        inner = (f"{key}:{as_typed(inner, quoted)}" for key, inner in value.items())
        return "{" + ",".join(inner) + "}"
    if isinstance(value, str) and quoted:
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return str(value).lower() if isinstance(value, bool) else str(value)
