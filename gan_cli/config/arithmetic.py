"""Values that follow from others: `weight: ${calculated:"0.0002 * ${data.image_size} ** 2"}`.

Whatever is given in their place, on the command line or by an experiment, holds as it is.
"""

import ast
import operator
from collections.abc import Callable
from typing import Any

from omegaconf import OmegaConf

OPERATIONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {"min": min, "max": max}
LARGEST_POWER = 16


def calculate(expression: str) -> int | float:
    """The value of a sum of numbers: + - * / // **, parentheses, min and max.

    A whole number is an int; others are rounded to 12 digits.

    Raises:
        ValueError: it is anything else, or divides by zero.
    """
    try:
        found = _value(ast.parse(expression, mode="eval").body)
        return int(found) if float(found).is_integer() else float(f"{found:.12g}")
    except (SyntaxError, ArithmeticError, TypeError) as error:
        raise ValueError(f"cannot calculate {expression!r:.100} ({error})") from error


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATIONS:
            values = _value(left), _value(right)
            if isinstance(op, ast.Pow) and abs(values[1]) > LARGEST_POWER:
                raise ValueError(f"cannot calculate: a power above {LARGEST_POWER}")
            return OPERATIONS[type(op)](*values)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*map(_value, args))
    raise ValueError(
        f"cannot calculate {ast.unparse(node)!r:.100}: numbers, + - * / // **, min, max"
    )


OmegaConf.register_new_resolver("calculated", calculate, replace=True)
