"""Plain data as text, and back: what the sandbox hands out, written so that equal values of one type are equal texts.

Unlike `repr`, has no limit on the digits of a number and puts sets in order.
"""

import ast
import math
from typing import Any

from lintseq.sandbox.job import Other

_WIDE = 1 << 63


def written(value: Any) -> str:
    """Return plain data as text from which `read_back` makes the same again."""
    if isinstance(value, int) and not isinstance(value, bool) and not -_WIDE < value < _WIDE:
        return hex(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "1e999" if value > 0 else "-1e999"
    if isinstance(value, complex):
        return f"complex({written(value.real)},{written(value.imag)})"
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, tuple):
        return f"({','.join(map(written, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return "{" + ",".join(f"{written(key)}:{written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (set, frozenset)):
        return f"{type(value).__name__}([{','.join(sorted(map(written, value)))}])"
    if isinstance(value, Other):
        return f"Other({value.kind!r},{value.text!r})"
    return repr(value)


def read_back(text: str) -> Any:
    """Return the value that `written` wrote down; raises `ValueError` or `SyntaxError` for any other text."""
    return _value(ast.parse(text, mode="eval").body)


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value):
            return value
        case ast.Name("nan"):
            return math.nan
        case ast.UnaryOp(ast.USub(), operand):
            return -_value(operand)
        case ast.List(elements):
            return [_value(one) for one in elements]
        case ast.Tuple(elements):
            return tuple(_value(one) for one in elements)
        case ast.Dict(keys, values):
            return {_value(key): _value(one) for key, one in zip(keys, values, strict=True) if key is not None}
        case ast.Call(ast.Name("complex"), [real, imaginary]):
            return complex(_value(real), _value(imaginary))
        case ast.Call(ast.Name("set"), [one]):
            return set(_value(one))
        case ast.Call(ast.Name("frozenset"), [one]):
            return frozenset(_value(one))
        case ast.Call(ast.Name("Other"), [ast.Constant(str(kind)), ast.Constant(str(text) | (None as text))]):
            return Other(kind, text)
    raise ValueError(f"{type(node).__name__} is no plain data")
