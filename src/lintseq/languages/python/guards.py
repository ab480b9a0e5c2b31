"""Conditions that rule out None: in `if self.x: ...`, linters take `self.x` for a value that is not None."""

import ast
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter

Position = tuple[int, int]
Span = tuple[Position, Position]


class Guards:
    """Where in a program an `if` around a use rules out None for a name or a chain of attributes."""

    def __init__(self, conditionals: Sequence[ast.If | ast.IfExp]) -> None:
        self._conditionals = conditionals
        self._spans: dict[str, list[Span]] | None = None
        """By expression, disjoint and in order."""

    def hold(self, use: ast.expr) -> bool:
        """Tell whether a condition around `use` rules out that it is None."""
        return self._around(use, _dotted(use))

    def tell_of(self, use: ast.Attribute) -> bool:
        """Tell whether a condition around `use` asks with `hasattr` whether there is such a member."""
        return self._around(use, f"hasattr {_dotted(use)}")

    def _around(self, use: ast.expr, tested: str) -> bool:
        if self._spans is None:
            self._spans = _spans(self._conditionals)
        spans = self._spans.get(tested, ())
        number = bisect_right(spans, (use.lineno, use.col_offset), key=itemgetter(0))
        return number > 0 and (use.lineno, use.col_offset) < spans[number - 1][1]


def _spans(conditionals: Iterable[ast.If | ast.IfExp]) -> dict[str, list[Span]]:
    found: dict[str, list[Span]] = {}
    for conditional in conditionals:
        tested, holds = _tested(conditional.test)
        guarded = conditional.body if holds else conditional.orelse
        parts = guarded if isinstance(guarded, list) else [guarded]
        if tested and parts:
            last = parts[-1]
            end = (last.end_lineno or 0, last.end_col_offset or 0)
            found.setdefault(tested, []).append(((parts[0].lineno, parts[0].col_offset), end))
    return {tested: _disjoint(sorted(spans)) for tested, spans in found.items()}


def _disjoint(spans: Iterable[Span]) -> list[Span]:
    """Merge spans, which are in order."""
    merged: list[Span] = []
    for start, end in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _tested(test: ast.expr) -> tuple[str, bool]:
    """Return the expression that a condition tests, "" if it is another kind, and whether it is not None if true."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _dotted(operand), False
        case ast.Compare(left=left, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=None)]):
            return _dotted(left), False
        case ast.Compare(left=left, ops=[ast.IsNot() | ast.NotEq()], comparators=[ast.Constant(value=None)]):
            return _dotted(left), True
        case ast.Call(func=ast.Name(id="isinstance"), args=[operand, _]):
            return _dotted(operand), True
        case ast.Call(func=ast.Name(id="hasattr"), args=[operand, ast.Constant(value=str() as name)]):
            return f"hasattr {_dotted(operand)}.{name}", True
    return _dotted(test), True


def _dotted(node: ast.expr) -> str:
    """Return a name or a chain of attributes as text; "" for other expressions."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""
