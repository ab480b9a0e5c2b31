"""Units: which physical lines of a Python program go together, and what each free line goes with.

A unit is the smallest group of lines that can go alone: a simple statement, a compound header with its
decorators, one element in a bracketed construct that owns its lines. Blank lines and comment lines are
free: they belong to no unit and have an anchor, the unit they travel with. Knows nothing of names.
"""

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lintseq.needs import NO_UNIT

_AFTER_ELEMENT = re.compile(r"\s*,\s*(#.*)?$")
_AFTER_LAST_ELEMENT = re.compile(r"\s*,?\s*(#.*)?$")
_PRAGMA = re.compile(r"\s*#\s*(pylint|ruff|flake8)\s*:")

# Calls whose arguments match a format text or make names: half of them is an error, not a smaller call.
_WHOLE_CALLS = frozenset(
    {
        *("format", "debug", "info", "warning", "warn", "error", "critical", "exception", "fatal", "log"),
        *("namedtuple", "NamedTuple", "TypedDict", "TypeVar", "NewType"),
        *("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "super", "__init__"),
    }
)
_FREE_FORM = frozenset({"__init__", "__call__"})
_ANY_ARGUMENTS = frozenset({"print", "max", "min", "zip", "dict"})

Suite = Sequence[ast.stmt]


@dataclass(slots=True)
class Layout:
    """The units of a program and how they are nested.

    `unit_of[line]` is the unit of a line, or NO_UNIT; `anchor_of[line]` the unit that a free line travels
    with, or NO_UNIT. `parent_of[unit]` is the unit that it cannot stand without (-1 for none).
    """

    unit_of: list[int]
    anchor_of: list[int] = field(default_factory=list)
    parent_of: list[int] = field(default_factory=list)
    alternatives: list[tuple[int, list[int]]] = field(default_factory=list)
    """(unit, others): the unit needs at least one of the others, e.g. `from m import (...)` a name."""
    clauses: dict[tuple[int, str], int] = field(default_factory=dict)
    """The unit of an `else`, `finally` or `case` header, which has no place of its own in the tree."""


def lay_out(tree: ast.Module, lines: Sequence[str]) -> Layout:
    """Return the layout of a program whose syntax tree is `tree`."""
    return _LayoutMaker(tree, lines).make()


def clause_key(stmt: ast.AST, name: str) -> tuple[int, str]:
    return id(stmt), name


def is_elif(stmt: ast.If, lines: Sequence[str]) -> bool:
    """Tell whether the only statement of an `else` suite is in fact an `elif`."""
    if len(stmt.orelse) != 1 or type(stmt.orelse[0]) is not ast.If:
        return False
    inner = stmt.orelse[0]
    return lines[inner.lineno - 1].lstrip().startswith("elif") and inner.col_offset == stmt.col_offset


def first_line(stmt: ast.stmt) -> int:
    """Return the index of a statement's first line, its decorators included."""
    decorators = getattr(stmt, "decorator_list", None)
    return (decorators[0].lineno if decorators else stmt.lineno) - 1


class _LayoutMaker:
    def __init__(self, tree: ast.Module, lines: Sequence[str]) -> None:
        self.tree = tree
        self.lines = lines
        self.layout = Layout([NO_UNIT] * len(lines))
        self.unit_of = self.layout.unit_of
        self.definitions: frozenset[str] | None = None

    def make(self) -> Layout:
        self.suite(self.tree.body, -1)
        self.anchor_free_lines()
        return self.layout

    # Statements

    def new_unit(self, parent: int) -> int:
        self.layout.parent_of.append(parent)
        return len(self.layout.parent_of) - 1

    def claim(self, start: int, end: int, parent: int) -> int:
        """Give the lines from start to end to one unit: to that of the first line if it has one already."""
        unit = self.unit_of[start]
        if unit == NO_UNIT:
            unit = self.new_unit(parent)
        for line in range(start, end + 1):
            self.unit_of[line] = unit
        return unit

    def is_free_text(self, line: int) -> bool:
        text = self.lines[line].strip()
        return not text or text[0] == "#"

    def suite(self, stmts: Suite, parent: int) -> None:
        for stmt in stmts:
            if type(stmt) in _COMPOUND:
                self.compound(stmt, parent)
            else:
                start, end = stmt.lineno - 1, (stmt.end_lineno or stmt.lineno) - 1
                unit = self.claim(start, end, parent)
                if end > start:
                    self.split([stmt], unit, start, end)

    def compound(self, stmt: ast.stmt, parent: int) -> None:
        if isinstance(stmt, ast.Match):
            self.match(stmt, parent)
            return
        body: Suite = stmt.body  # type: ignore[attr-defined]
        unit = self.header(first_line(stmt), body, parent, stmt)
        self.suite(body, unit)
        end = _end(body)
        if isinstance(stmt, (ast.Try, ast.TryStar)):
            for handler in stmt.handlers:
                inner = self.header(handler.lineno - 1, handler.body, unit, handler)
                self.layout.clauses[clause_key(handler, "except")] = inner
                self.suite(handler.body, inner)
                end = _end(handler.body)
        orelse: Suite = getattr(stmt, "orelse", ())
        if orelse:
            if isinstance(stmt, ast.If) and is_elif(stmt, self.lines):
                self.suite(orelse, unit)
            else:
                self.clause(stmt, "else", end, orelse, unit)
            end = _end(orelse)
        finalbody: Suite = getattr(stmt, "finalbody", ())
        if finalbody:
            self.clause(stmt, "finally", end, finalbody, unit)

    def header(self, start: int, body: Suite, parent: int, stmt: ast.stmt | ast.ExceptHandler) -> int:
        """Claim a header from its first line up to its body, and split its bracketed constructs."""
        end = first_line(body[0])
        if not self.lines[end].encode()[: body[0].col_offset].strip():
            end -= 1
            while end > start and self.is_free_text(end):
                end -= 1
        end = max(start, end)
        unit = self.claim(start, end, parent)
        if end > start:
            self.split(_header_parts(stmt), unit, start, end)
        return unit

    def clause(self, stmt: ast.AST, name: str, end: int, body: Suite, parent: int) -> int:
        """Claim a keyword line between the end of the suite before and the suite of its own."""
        start = first_line(body[0])
        lines = [line for line in range(end + 1, start) if not self.is_free_text(line)]
        unit = self.claim(lines[0], lines[-1], parent) if lines else self.claim(start, start, parent)
        self.layout.clauses[clause_key(stmt, name)] = unit
        self.suite(body, unit)
        return unit

    def match(self, stmt: ast.Match, parent: int) -> None:
        end = (stmt.subject.end_lineno or stmt.lineno) - 1
        while not self.lines[end + 1].lstrip().startswith("case") or self.is_free_text(end + 1):
            if not self.is_free_text(end + 1):
                end += 1
                continue
            following = end + 2
            while self.is_free_text(following):
                following += 1
            if self.lines[following].lstrip().startswith("case"):
                break
            end = following
        unit = self.claim(stmt.lineno - 1, end, parent)
        for case in stmt.cases:
            self.clause(case, "case", end, case.body, unit)
            end = _end(case.body)

    # Elements of bracketed constructs

    def split(self, roots: Iterable[ast.AST], unit: int, start: int, end: int) -> None:
        """Set the free lines between start and end free again and give elements units of their own."""
        inside_text = set[int]()
        stack = list(roots)
        multi_line = []
        while stack:
            node = stack.pop()
            if isinstance(node, ast.expr | ast.stmt | ast.keyword | ast.arg | ast.arguments):
                node_end = getattr(node, "end_lineno", None)
                if node_end is not None and node_end == node.lineno:  # type: ignore[union-attr]
                    continue
                if isinstance(node, ast.Constant | ast.JoinedStr):
                    inside_text.update(range(node.lineno, node.end_lineno or node.lineno))
                    continue
                multi_line.append(node)
            stack.extend(ast.iter_child_nodes(node))
        for line in range(start + 1, end):
            if line not in inside_text and self.is_free_text(line):
                self.unit_of[line] = NO_UNIT
        whole = self.whole_constructs(multi_line)
        outer_first = sorted(multi_line, key=lambda node: (getattr(node, "lineno", 0), -_span(node)))
        for node in outer_first:
            if id(node) not in whole:
                self.split_construct(node)

    def whole_constructs(self, nodes: Iterable[ast.AST]) -> set[int]:
        """Return the constructs whose elements only make sense together."""
        whole = set[int]()
        for node in nodes:
            parts: list[ast.AST] = []
            match node:
                case ast.BinOp(op=ast.Mod(), right=right):
                    parts = [right]
                case ast.Subscript(slice=index):
                    parts = [index]
                case ast.Assign(targets=[ast.Tuple() | ast.List()], value=value):
                    parts = [value]
                case ast.Assign(targets=[ast.Name(id="__slots__")], value=value):
                    parts = [value]
                case ast.Call() if _callee(node) in _WHOLE_CALLS:
                    parts = [node, *node.args, *(keyword.value for keyword in node.keywords)]
                case ast.Lambda(args=args):
                    parts = [args]
            whole.update(id(part) for part in parts)
        return whole

    def split_construct(self, node: ast.AST) -> None:
        match node:
            case ast.Call() if self.parameters_are_known(node):
                elements = sorted([*node.args, *node.keywords], key=_place)
                self.give_units(node, [(_place(n), _end_place(n), "", True) for n in elements])
            case ast.List(ctx=ast.Load()) | ast.Tuple(ctx=ast.Load()):
                self.give_units(node, [(_place(n), _end_place(n), "", True) for n in node.elts])
            case ast.Set():
                self.give_units(node, [(_place(n), _end_place(n), "", True) for n in node.elts], at_least_one=True)
            case ast.Dict():
                pairs = zip(node.keys, node.values, strict=True)
                self.give_units(
                    node,
                    [(_place(k or v), _end_place(v), "" if k else "**", not self.in_parentheses(v)) for k, v in pairs],
                )
            case ast.ImportFrom():
                self.give_units(node, [(_place(n), _end_place(n), "", True) for n in node.names], at_least_one=True)
            case ast.arguments():
                self.split_parameters(node)

    def parameters_are_known(self, call: ast.Call) -> bool:
        """Tell whether arguments may come one by one: elsewhere nobody knows which of them a call can miss."""
        callee = _callee(call)
        if self.definitions is None:
            self.definitions = frozenset(
                node.name
                for node in ast.walk(self.tree)
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            )
        return callee in self.definitions or (callee in _ANY_ARGUMENTS and isinstance(call.func, ast.Name))

    def split_parameters(self, node: ast.arguments) -> None:
        plain = [*node.posonlyargs, *node.args]
        spans = []
        defaults = [None] * (len(plain) - len(node.defaults)) + list(node.defaults)
        for arg, default in zip(plain, defaults, strict=True):
            spans.append(
                (_place(arg), _end_place(default or arg), "", not default or not self.in_parentheses(default))
            )
        if node.vararg:
            # Without `*args`, keyword-only parameters would turn into others.
            spans.append((_place(node.vararg), _end_place(node.vararg), "*", not node.kwonlyargs))
        for arg, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
            spans.append(
                (_place(arg), _end_place(default or arg), "", not default or not self.in_parentheses(default))
            )
        if node.kwarg:
            spans.append((_place(node.kwarg), _end_place(node.kwarg), "**", True))
        if not spans:
            return
        owner = self.unit_of[spans[0][0][0]]
        self.give_units(None, spans)
        for group in (node.kwonlyargs if not node.vararg else [], node.posonlyargs):
            units = [self.unit_of[arg.lineno - 1] for arg in group]
            if units and owner not in units:
                self.layout.alternatives.append((owner, units))

    def give_units(
        self,
        node: ast.AST | None,
        spans: list[tuple[tuple[int, int], tuple[int, int], str, bool]],
        *,
        at_least_one: bool = False,
    ) -> None:
        """Give each element that owns its lines a unit, within the unit that its construct belongs to.

        A span is (place of its start, place of its end, text that may stand before it, whether it may go alone).
        """
        if not spans:
            return
        owner = self.unit_of[node.lineno - 1 if node is not None else spans[0][0][0]]  # type: ignore[attr-defined]
        units = []
        for number, (start, end, before, alone) in enumerate(spans):
            last = number == len(spans) - 1
            previous_end = spans[number - 1][1][0] if number else -1
            next_start = spans[number + 1][0][0] if not last else len(self.lines)
            if (
                not alone
                or previous_end >= start[0]
                or end[0] >= next_start
                or self.unit_of[start[0]] != owner
                or (node is not None and start[0] == node.lineno - 1)  # type: ignore[attr-defined]
                or self.text_before(start).strip() != before
                or self.lines[start[0] - 1].rstrip().endswith("\\")
                or not (_AFTER_LAST_ELEMENT if last else _AFTER_ELEMENT).match(self.text_after(end))
            ):
                units.append(owner)
                continue
            unit = self.new_unit(owner)
            units.append(unit)
            for line in range(start[0], end[0] + 1):
                if self.unit_of[line] == owner:
                    self.unit_of[line] = unit
        if at_least_one and owner not in units:
            self.layout.alternatives.append((owner, units))

    def in_parentheses(self, node: ast.expr) -> bool:
        """Tell whether a value stands in parentheses of its own, which are no part of its place in the tree."""
        line, _ = _place(node)
        before = self.text_before(_place(node)).strip()
        while not before and line:
            line -= 1
            before = self.lines[line].partition("#")[0].strip()
        return before.endswith("(")

    def text_before(self, place: tuple[int, int]) -> str:
        return self.lines[place[0]].encode()[: place[1]].decode()

    def text_after(self, place: tuple[int, int]) -> str:
        return self.lines[place[0]].encode()[place[1] :].decode()

    # Free lines

    def anchor_free_lines(self) -> None:
        """Let each free line go with the code it talks about.

        A comment goes with the code that follows, unless that is indented less: then it ends a block and goes
        with the block's header. A blank line goes with what follows it; at the end of the program, with what
        comes before.
        """
        unit_of, lines = self.unit_of, self.lines
        self.layout.anchor_of = anchor_of = unit_of.copy()
        before = NO_UNIT
        first_line_of: dict[int, int] = {}
        for line, unit in enumerate(unit_of):
            if unit == NO_UNIT:
                anchor_of[line] = before  # stands only where nothing below decides otherwise
            else:
                before = unit
                first_line_of.setdefault(unit, line)
        following, anchor = NO_UNIT, NO_UNIT
        for line in range(len(unit_of) - 1, -1, -1):
            if unit_of[line] != NO_UNIT:
                following, anchor = line, unit_of[line]
            elif not lines[line].strip():
                if following != NO_UNIT or anchor != NO_UNIT:
                    anchor_of[line] = anchor
            elif _PRAGMA.match(lines[line]):
                anchor = anchor_of[line] = NO_UNIT
            else:
                indent = _indent(lines[line])
                if following != NO_UNIT and _indent(lines[following]) >= indent:
                    anchor = unit_of[following]
                else:
                    unit = anchor = anchor_of[line]
                    while unit != NO_UNIT and _indent(lines[first_line_of[unit]]) >= indent:
                        unit = self.layout.parent_of[unit]
                    anchor = unit if unit != NO_UNIT else anchor
                anchor_of[line] = anchor


_COMPOUND = {
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.With,
    ast.AsyncWith,
    ast.Try,
    ast.TryStar,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Match,
}


def _header_parts(stmt: ast.stmt | ast.ExceptHandler) -> list[ast.AST]:
    """Return the children of a compound statement that are in its header."""
    parts: list[ast.AST] = []
    for name in ("type", "decorator_list", "test", "iter", "items", "args", "returns", "bases", "keywords"):
        value = getattr(stmt, name, None)
        if isinstance(value, list):
            parts += value
        elif value is not None:
            parts.append(value)
    name = getattr(stmt, "name", None) or ""
    if isinstance(stmt, (ast.FunctionDef, ast.AsyncFunctionDef)) and name.startswith("__") and name not in _FREE_FORM:
        parts.remove(stmt.args)  # the parameters of a special method are given by the language
    return parts


def _callee(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _indent(text: str) -> int:
    expanded = text.expandtabs(8)
    return len(expanded) - len(expanded.lstrip())


def _end(body: Suite) -> int:
    return (body[-1].end_lineno or body[-1].lineno) - 1


def _place(node: ast.AST) -> tuple[int, int]:
    return node.lineno - 1, node.col_offset  # type: ignore[attr-defined]


def _end_place(node: ast.AST) -> tuple[int, int]:
    return node.end_lineno - 1, node.end_col_offset  # type: ignore[attr-defined]


def _span(node: ast.AST) -> int:
    return (getattr(node, "end_lineno", 0) or 0) - getattr(node, "lineno", 0)
