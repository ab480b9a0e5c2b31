"""Units: which lines of a Python program are removed together, and which unit each other line travels with.

A unit is the smallest group of lines that can be removed alone: a simple statement, a compound header with its
decorators, or an element that has its lines to itself in a bracketed construct. Blank lines and comments belong to no
unit; they have an anchor, the unit that they travel with. Names play no role here.
"""

import ast
import builtins
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lintseq.languages.python.syntax import STDLIB_MODULES, last_name
from lintseq.needs import PART, PLACEHOLDER

_AFTER_ELEMENT = re.compile(r"\s*,\s*(#.*)?$")
_AFTER_LAST_ELEMENT = re.compile(r"\s*,?\s*(#.*)?$")
_LINE_END = re.compile(r"\s*(#.*)?$")
_STRINGS = re.compile(r"""(\s*[a-zA-Z]{0,2}("([^"\\]|\\.)*"|'([^'\\]|\\.)*'))+\s*(#.*)?$""")
_F_STRING = re.compile(r"""(^|[\s"'])[rR]?[fF][rR]?["']""")
_PRAGMA = re.compile(r"\s*#\s*(pylint|ruff|flake8)\s*:")
_BLOCK_PRAGMA = re.compile(r"\s+#\s*pylint\s*:(?!\s*skip-file)")

# Calls whose arguments match a format text or define names: half of them is an error, not a smaller call.
_WHOLE_CALLS = frozenset(
    {
        *("format", "debug", "info", "warning", "warn", "error", "critical", "exception", "fatal", "log"),
        *("namedtuple", "NamedTuple", "TypedDict", "TypeVar", "NewType"),
        *("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "super", "__init__"),
    }
)
_FREE_FORM = frozenset({"__init__", "__call__"})
_ANY_ARGUMENTS = frozenset({"print", "max", "min", "zip", "dict"})
_COMPOUND = frozenset(kind for kind in ast.stmt.__subclasses__() if {"body", "cases"} & {*kind._fields})

_KEYWORDS: dict[type[ast.AST], str] = {
    ast.FunctionDef: "def",
    ast.AsyncFunctionDef: "async-def",
    ast.ClassDef: "class",
    ast.AsyncFor: "async-for",
    ast.AsyncWith: "async-with",
    ast.ExceptHandler: "except",
}
"""The keywords of headers where they are not the name of the node."""
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

_NESTING = _COMPOUND | {ast.ExceptHandler, ast.match_case}

Suite = Sequence[ast.stmt]
Position = tuple[int, int]
"""Index of a line, and an offset in it in bytes of UTF-8."""


@dataclass(slots=True)
class Layout:
    """The units of a program and how they are nested."""

    unit_of: dict[int, int] = field(default_factory=dict)
    """The unit of each line that is neither blank nor a comment."""
    anchor_of: list[int | None] = field(default_factory=list)
    """The unit that each line is removed with; None for comments that instruct a linter, which stay."""
    parent_of: list[int | None] = field(default_factory=list)
    """For each unit the one it cannot exist without; None for none."""
    kind_of: dict[int, str] = field(default_factory=dict)
    """What the units are that are not simple statements: the keyword of a header, with the name that it defines, or
    `PART` for an element, with its name."""
    alternatives: list[tuple[int, list[int]]] = field(default_factory=list)
    """(unit, others): the unit needs at least one of the others, as `from m import (...)` needs a name."""
    clauses: dict[tuple[int, str], int] = field(default_factory=dict)
    """By `clause_key`, the unit of an `except`, `else`, `finally` or `case` header."""


def lay_out(tree: ast.Module, lines: Sequence[str]) -> Layout:
    """Return the layout of a program whose syntax tree is `tree`."""
    return _LayoutMaker(tree, lines).make()


def clause_key(stmt: ast.AST, name: str) -> tuple[int, str]:
    return id(stmt), name


def is_elif(stmt: ast.If, lines: Sequence[str]) -> bool:
    """Return whether the only statement of an `else` suite is an `elif`."""
    if len(stmt.orelse) != 1 or type(stmt.orelse[0]) is not ast.If:
        return False
    inner = stmt.orelse[0]
    return lines[inner.lineno - 1].lstrip().startswith("elif") and inner.col_offset == stmt.col_offset


def is_placeholder(stmt: ast.stmt) -> bool:
    """Tell whether a statement only fills a body that is not written yet."""
    match stmt:
        case ast.Pass() | ast.Expr(value=ast.Constant(value=builtins.Ellipsis)):
            return True
        case ast.Raise(exc=ast.Name(id="NotImplementedError") | ast.Call(func=ast.Name(id="NotImplementedError"))):
            return True
    return False


def first_line(stmt: ast.stmt) -> int:
    """Return the index of a statement's first line, including its decorators."""
    decorators = getattr(stmt, "decorator_list", None)
    return (decorators[0].lineno if decorators else stmt.lineno) - 1


@dataclass(frozen=True, slots=True)
class _Element:
    """An element of a bracketed construct."""

    start: Position
    end: Position
    prefix: str = ""
    """The text that may precede it on its line."""
    alone: bool = True
    """Whether it may be removed alone."""
    name: str = ""
    """The name of a parameter or argument, or the key of a value, which no other element has as well."""

    @classmethod
    def of(cls, node: Any, last: Any = None, *, prefix: str = "", alone: bool = True) -> "_Element":
        """Return the element from `node` up to the end of `last`, or of itself."""
        match node:
            case ast.arg(arg=str(name)) | ast.keyword(arg=str(name)):
                pass
            case ast.Constant(value=key) if last is not None and last is not node:
                name = repr(key)
            case _:
                name = ""
        return cls(_start(node), _end(last or node), prefix, alone, name)


@dataclass(frozen=True, slots=True)
class _Callables:
    """The names of what a program defines to be called: in classes, and outside of them."""

    members: frozenset[str]
    others: frozenset[str]
    imported: frozenset[str]
    foreign: frozenset[str]
    """Names imported from outside the standard library: what they take, no linter knows."""

    @classmethod
    def of(cls, tree: ast.Module) -> "_Callables":
        members, others, imported, standard = set[str](), set[str](), set[str](), set[str]()
        stack: list[tuple[ast.AST, set[str]]] = [(tree, others)]
        while stack:
            node, found = stack.pop()
            for name in ("body", "orelse", "finalbody", "handlers", "cases"):
                for child in getattr(node, name, ()):
                    if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                        found.add(child.name)
                        stack.append((child, members if isinstance(child, ast.ClassDef) else others))
                    elif isinstance(child, ast.Import | ast.ImportFrom):
                        for alias in child.names:
                            bound = (alias.asname or alias.name).partition(".")[0]
                            source = child.module or "" if isinstance(child, ast.ImportFrom) else alias.name
                            imported.add(bound)
                            if not getattr(child, "level", 0) and source.partition(".")[0] in STDLIB_MODULES:
                                standard.add(bound)
                    elif type(child) in _NESTING:
                        stack.append((child, found))
        foreign = imported - standard - others
        return cls(frozenset(members), frozenset(others), frozenset(imported), frozenset(foreign))


class _LayoutMaker:
    def __init__(self, tree: ast.Module, lines: Sequence[str]) -> None:
        self.tree = tree
        self.lines = lines
        self.layout = Layout()
        self.unit_of = self.layout.unit_of
        self.callables: _Callables | None = None

    def make(self) -> Layout:
        self.suite(self.tree.body, None)
        self.anchor_free_lines()
        return self.layout

    # Statements

    def new_unit(self, parent: int | None) -> int:
        self.layout.parent_of.append(parent)
        return len(self.layout.parent_of) - 1

    def claim(self, start: int, end: int, parent: int | None) -> int:
        """Assign the lines from start to end to one unit: that of the first line, if it has one already."""
        unit = self.unit_of.get(start)
        if unit is None:
            unit = self.new_unit(parent)
        for line in range(start, end + 1):
            self.unit_of[line] = unit
        return unit

    def is_free_text(self, line: int) -> bool:
        text = self.lines[line].strip()
        return not text or text[0] == "#"

    def suite(self, stmts: Suite, parent: int | None) -> None:
        for stmt in stmts:
            if type(stmt) in _COMPOUND:
                rest, header = self.compound(stmt, parent)
                while rest is not None:
                    rest, header = self.compound(rest, header)
            else:
                start, end = stmt.lineno - 1, (stmt.end_lineno or stmt.lineno) - 1
                unit = self.claim(start, end, parent)
                if is_placeholder(stmt):
                    self.layout.kind_of.setdefault(unit, PLACEHOLDER)
                if end > start:
                    self.split([stmt], unit, start, end)

    def compound(self, stmt: ast.stmt, parent: int | None) -> tuple[ast.stmt | None, int | None]:
        """Lay out a statement up to an `elif`; return that, if there is one, and its parent."""
        if isinstance(stmt, ast.Match):
            self.match(stmt, parent)
            return None, parent
        body: Suite = getattr(stmt, "body", ())
        unit = self.header(first_line(stmt), body, parent, stmt)
        self.suite(body, unit)
        end = _last_line(body)
        if isinstance(stmt, (ast.Try, ast.TryStar)):
            for handler in stmt.handlers:
                inner = self.header(handler.lineno - 1, handler.body, unit, handler)
                self.layout.clauses[clause_key(handler, "except")] = inner
                self.suite(handler.body, inner)
                end = _last_line(handler.body)
        orelse: Suite = getattr(stmt, "orelse", ())
        if orelse:
            if isinstance(stmt, ast.If) and is_elif(stmt, self.lines):
                return orelse[0], unit
            self.clause(stmt, "else", end, orelse, unit)
            end = _last_line(orelse)
        finalbody: Suite = getattr(stmt, "finalbody", ())
        if finalbody:
            self.clause(stmt, "finally", end, finalbody, unit)
        return None, unit

    def header(self, start: int, body: Suite, parent: int | None, stmt: ast.stmt | ast.ExceptHandler) -> int:
        """Claim a header from its first line up to its body, and split its bracketed constructs."""
        end = first_line(body[0])
        if not self.lines[end].encode()[: body[0].col_offset].strip():
            end -= 1
            while end > start and self.is_free_text(end):
                end -= 1
        end = max(start, end)
        unit = self.claim(start, end, parent)
        keyword = _KEYWORDS.get(type(stmt)) or type(stmt).__name__.lower()
        is_clause = keyword == "if" and self.lines[start].lstrip().startswith("elif")
        name = f" {stmt.name}" if isinstance(stmt, _DEFINITIONS) else ""
        self.layout.kind_of.setdefault(unit, "elif" if is_clause else keyword + name)
        if end > start:
            self.split(_header_parts(stmt), unit, start, end)
        return unit

    def clause(self, stmt: ast.AST, name: str, end: int, body: Suite, parent: int) -> None:
        """Claim the keyword line between the end of the suite before and its own suite."""
        start = first_line(body[0])
        lines = [line for line in range(end + 1, start) if not self.is_free_text(line)]
        unit = self.claim(lines[0], lines[-1], parent) if lines else self.claim(start, start, parent)
        self.layout.clauses[clause_key(stmt, name)] = unit
        self.layout.kind_of.setdefault(unit, name)
        self.suite(body, unit)

    def match(self, stmt: ast.Match, parent: int | None) -> None:
        end = (stmt.subject.end_lineno or stmt.lineno) - 1
        for line in range(end + 1, stmt.cases[0].pattern.lineno):  # brackets may end below the subject
            if self.lines[line].lstrip().startswith("case"):
                break
            end = end if self.is_free_text(line) else line
        unit = self.claim(stmt.lineno - 1, end, parent)
        self.layout.kind_of.setdefault(unit, "match")
        for case in stmt.cases:
            self.clause(case, "case", end, case.body, unit)
            end = _last_line(case.body)

    # Elements of bracketed constructs

    def split(self, roots: Iterable[ast.AST], unit: int, start: int, end: int) -> None:
        """Release the blank lines and comments between start and end, and give elements units of their own."""
        inside_text = set[int]()
        stack: list[Any] = list(roots)
        multi_line = []
        strings = []
        while stack:
            node = stack.pop()
            if isinstance(node, ast.expr | ast.stmt | ast.keyword | ast.arg | ast.arguments):
                if getattr(node, "end_lineno", None) is not None and not _span(node):
                    continue
                if isinstance(node, ast.Constant | ast.JoinedStr):
                    inside_text.update(range(node.lineno, node.end_lineno or node.lineno))
                    strings.append(node)
                    continue
                multi_line.append(node)
            stack.extend(ast.iter_child_nodes(node))
        for line in range(start + 1, end):
            if line not in inside_text and self.is_free_text(line):
                self.unit_of.pop(line, None)
        whole = {id(part) for node in multi_line for part in _whole_parts(node)}
        for node in sorted(multi_line, key=lambda node: (getattr(node, "lineno", 0), -_span(node))):  # outer first
            if id(node) not in whole:
                self.split_construct(node)
        for string in strings:
            if id(string) not in whole:
                self.split_string(string)

    def split_construct(self, node: ast.AST) -> None:
        match node:
            case ast.Call():
                known = self.parameters_are_known(node)
                if known or self.is_foreign(node):
                    elements = [_Element.of(argument, alone=known) for argument in node.args]
                    elements += [self.with_value(keyword, keyword.value) for keyword in node.keywords]
                    self.give_units(sorted(elements, key=lambda element: element.start), node.lineno - 1, _end(node))
            case ast.List(ctx=ast.Load()):
                self.give_units(map(_Element.of, node.elts), node.lineno - 1, _end(node))
            case ast.Tuple(ctx=ast.Load()):
                units = self.give_units(map(_Element.of, node.elts), node.lineno - 1, _end(node))
                if len(units) > 1 and not self.text_after(_end(node.elts[-1])).lstrip().startswith(","):
                    self.layout.alternatives.append((units[-1], units[:-1]))  # alone, it would be no tuple
            case ast.Set():
                self.give_units(map(_Element.of, node.elts), node.lineno - 1, _end(node), at_least_one=True)
            case ast.Dict():
                pairs = zip(node.keys, node.values, strict=True)
                prefixed = [(key or value, value, "" if key else "**") for key, value in pairs]
                self.give_units([self.with_value(*pair) for pair in prefixed], node.lineno - 1)
            case ast.ImportFrom():
                self.give_units(map(_Element.of, node.names), node.lineno - 1, at_least_one=True)
            case ast.arguments():
                self.split_parameters(node)
            case ast.BoolOp():
                self.split_chain(node.values, "and" if isinstance(node.op, ast.And) else "or")
            case ast.BinOp(op=ast.Add()) if any(map(_is_text, operands := _summands(node))):
                self.split_chain(operands, "+")
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                conditions = [condition for generator in node.generators for condition in generator.ifs]
                self.give_units([_Element.of(part, prefix="if") for part in conditions], None, ending=_LINE_END)

    def split_chain(self, operands: Sequence[ast.expr], word: str) -> None:
        """Give each operand on a line with the word that joins it a unit; the first or the last one stays."""
        elements = [_Element.of(operand, prefix=word) for operand in operands[1:]]
        if any(self.text_before(element.start).strip() == word for element in elements):
            self.give_units(elements, None, ending=_LINE_END)
        else:
            ending = re.compile(rf"\s*{re.escape(word)}\s*(#.*)?$")
            self.give_units(map(_Element.of, operands[:-1]), None, ending=ending)

    def split_string(self, node: ast.Constant | ast.JoinedStr) -> None:
        """Give each line of adjacent strings a unit, but for the first one and those with names in them."""
        first, last = _start(node)[0], _end(node)[0]
        texts = [self.text_after(_start(node)), *self.lines[first + 1 : last + 1]]
        if any('"""' in text or "'''" in text for text in texts):
            return
        matches = [_STRINGS.match(text) for text in texts]
        matches[-1] = matches[-1] if _LINE_END.match(self.text_after(_end(node))) else None
        if not all(match or self.is_free_text(line) for line, match in enumerate(matches[:-1], first)):
            return
        owner = self.unit_of[first]
        for line, match in enumerate(matches[1:], first + 1):
            if match and not _F_STRING.search(match[0]) and self.unit_of.get(line) == owner:
                self.unit_of[line] = self.new_unit(owner)

    def is_foreign(self, call: ast.Call) -> bool:
        """Tell whether a callee comes from where no linter looks: any of its keyword arguments may be optional."""
        root: ast.expr = call
        while isinstance(root, ast.Attribute | ast.Call):
            root = root.func if isinstance(root, ast.Call) else root.value
        return self.callables is not None and last_name(root) in self.callables.foreign

    def parameters_are_known(self, call: ast.Call) -> bool:
        """Tell whether arguments may be removed one by one: those of unknown functions may be required."""
        if self.callables is None:
            self.callables = _Callables.of(self.tree)
        if isinstance(call.func, ast.Name):
            return call.func.id in self.callables.others or call.func.id in _ANY_ARGUMENTS
        root = call.func
        while isinstance(root, ast.Attribute):
            root = root.value
        is_foreign = isinstance(root, ast.Constant | ast.JoinedStr) or last_name(root) in self.callables.imported
        return last_name(call.func) in self.callables.members and not is_foreign

    def split_parameters(self, node: ast.arguments) -> None:
        plain = [*node.posonlyargs, *node.args]
        defaults = [*[None] * (len(plain) - len(node.defaults)), *node.defaults, *node.kw_defaults]
        elements = [self.with_value(*pair) for pair in zip([*plain, *node.kwonlyargs], defaults, strict=True)]
        if node.vararg:  # without it, keyword-only parameters would be positional ones
            elements.insert(len(plain), _Element.of(node.vararg, prefix="*", alone=not node.kwonlyargs))
        if node.kwarg:
            elements.append(_Element.of(node.kwarg, prefix="**"))
        if not elements:
            return
        owner = self.unit_of[elements[0].start[0]]
        self.give_units(elements, None)
        for group in (node.kwonlyargs if not node.vararg else [], node.posonlyargs):
            units = [self.unit_of[arg.lineno - 1] for arg in group]
            if units and owner not in units:
                self.layout.alternatives.append((owner, units))

    def with_value(self, node: ast.AST, value: ast.expr | None, prefix: str = "") -> _Element:
        """Return the element from `node` to the value of its key, or the default of its parameter."""
        ends = [part for part in (node, value) if isinstance(part, ast.expr)]
        return _Element.of(node, value, prefix=prefix, alone=not any(map(self.in_parentheses, ends)))

    def give_units(
        self,
        found: Iterable[_Element],
        bracket: int | None,
        closing: Position | None = None,
        *,
        ending: re.Pattern[str] | None = None,
        at_least_one: bool = False,
    ) -> list[int]:
        """Give each element that has its lines to itself a unit, within the unit that its construct belongs to.

        Returns the unit of each. `bracket` is the line of the opening bracket, on which no element can have a unit of
        its own, `closing` is where the construct ends, and `ending` is what follows an element on its line.
        """
        elements = list(found)
        if not elements:
            return []
        owner = self.unit_of[elements[0].start[0] if bracket is None else bracket]
        units = []
        for number, element in enumerate(elements):
            last = number == len(elements) - 1
            after = len(self.lines) if last else elements[number + 1].start[0]
            before = elements[number - 1].end[0] if number else -1
            usual = _AFTER_LAST_ELEMENT if last else _AFTER_ELEMENT
            start, end = element.start[0], element.end[0]
            if (
                not element.alone
                or not before < start <= end < after
                or self.unit_of[start] != owner
                or start == bracket
                or self.text_before(element.start).strip() != element.prefix
                or not (ending or usual).match(self.text_after(element.end))
                or (last and closing is not None and self.closes_more(element.end, closing))
            ):
                units.append(owner)
                continue
            unit = self.new_unit(owner)
            self.layout.kind_of[unit] = f"{PART} {element.name}" if element.name else PART
            units.append(unit)
            for line in range(start, end + 1):
                if self.unit_of.get(line) == owner:
                    self.unit_of[line] = unit
        if at_least_one and owner not in units:
            self.layout.alternatives.append((owner, units))
        return units

    def closes_more(self, start: Position, end: Position) -> bool:
        """Tell whether the last element, which ends at `start`, has parentheses of its own within its construct."""
        lines = [line.partition("#")[0] for line in self.lines[start[0] + 1 : end[0]]]
        if end[0] > start[0]:
            lines += [self.text_after(start).partition("#")[0], self.text_before(end)]
        return len(re.findall(r"[)\]}]", "".join(lines))) > 1

    def in_parentheses(self, node: ast.expr) -> bool:
        """Tell whether a value has parentheses of its own, which are no part of its position in the tree."""
        line, _ = _start(node)
        before = self.text_before(_start(node)).strip()
        while not before and line:
            line -= 1
            before = self.lines[line].partition("#")[0].strip()
        return before.endswith("(")

    def text_before(self, position: Position) -> str:
        return self.lines[position[0]].encode()[: position[1]].decode()

    def text_after(self, position: Position) -> str:
        return self.lines[position[0]].encode()[position[1] :].decode()

    # Free lines

    def anchor_free_lines(self) -> None:
        """Let each blank line and comment travel with the code it describes.

        A comment travels with the code that follows, unless that is indented less: then it ends a block and travels
        with the block's header, as does an instruction to pylint in a block. A blank line travels with what follows
        it; at the end of the program, with what precedes it.
        """
        unit_of, lines = self.unit_of, self.lines
        anchor_of = self.layout.anchor_of
        before = None
        first_line_of: dict[int, int] = {}
        for line in range(len(lines)):
            if line in unit_of:
                before = unit_of[line]
                first_line_of.setdefault(before, line)
            anchor_of.append(before)  # the default, for what the loop below leaves open
        outer: dict[tuple[int | None, int], int | None] = {}
        following = anchor = None
        for line in reversed(range(len(lines))):
            if line in unit_of:
                following, anchor = line, unit_of[line]
            elif not lines[line].strip():
                if following is not None or anchor is not None:
                    anchor_of[line] = anchor
            elif (of_block := _BLOCK_PRAGMA.match(lines[line])) is None and _PRAGMA.match(lines[line]):
                anchor = anchor_of[line] = None
            else:
                indent = _indent(lines[line])
                if following is not None and of_block is None and _indent(lines[following]) >= indent:
                    anchor = unit_of[following]
                else:
                    unit = anchor = anchor_of[line]
                    if (unit, indent) not in outer:  # comments in a row have the same
                        while unit is not None and _indent(lines[first_line_of[unit]]) >= indent:
                            unit = self.layout.parent_of[unit]
                        outer[anchor, indent] = anchor if unit is None else unit
                    anchor = outer[anchor, indent]
                anchor_of[line] = anchor


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


def _indent(text: str) -> int:
    expanded = text.expandtabs(8)
    return len(expanded) - len(expanded.lstrip())


def _whole_parts(node: ast.AST) -> Sequence[ast.AST]:
    """Return the parts of a node whose elements make sense only together."""
    match node:
        case ast.Subscript(value=ast.List() | ast.Tuple() as part, slice=ast.Constant() | ast.UnaryOp() as index):
            return [part, index]
        case ast.BinOp(op=ast.Mod(), left=text, right=part):
            return [*_operands(text), part]
        case ast.BinOp(op=ast.Add(), left=ast.BinOp(op=ast.Add()) as part):
            return [part]  # of the same chain
        case ast.Subscript(slice=part) | ast.Lambda(args=part):
            return [part]
        case ast.Assign(targets=[ast.Name(id="__slots__")], value=part):
            return list(ast.walk(part))
        case ast.AnnAssign(target=ast.Name(id="__slots__"), value=ast.expr() as part):
            return list(ast.walk(part))
        case ast.Assign(targets=[ast.Tuple() | ast.List()], value=part):
            return [part]
        case ast.Dict():  # keys that lose elements may be equal
            return [part for key in node.keys if key is not None and _span(key) for part in ast.walk(key)]
        case ast.Call() if last_name(node.func) in _WHOLE_CALLS:
            values = [node.func, *node.args, *(keyword.value for keyword in node.keywords)]
            parts_of = ast.walk if last_name(node.func) in ("NamedTuple", "TypedDict") else _operands
            return [node, *(part for value in values for part in parts_of(value))]
        case ast.Call():
            unpacked = [argument.value for argument in node.args if isinstance(argument, ast.Starred)]
            unpacked += [keyword.value for keyword in node.keywords if keyword.arg is None]
            return [part for value in unpacked for part in _operands(value)]
    return []


def _operands(node: ast.expr) -> list[ast.expr]:
    """Return an expression and, if it joins or repeats others, those."""
    if isinstance(node, ast.BinOp):
        return [node, *_operands(node.left), *_operands(node.right)]
    return [node, *_operands(node.value)] if isinstance(node, ast.Attribute) else [node]


def _summands(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_summands(node.left), node.right]
    return [node]


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def _last_line(body: Suite) -> int:
    return (body[-1].end_lineno or body[-1].lineno) - 1


def _start(node: Any) -> Position:
    return node.lineno - 1, node.col_offset


def _end(node: Any) -> Position:
    return node.end_lineno - 1, node.end_col_offset


def _span(node: ast.AST) -> int:
    return (getattr(node, "end_lineno", 0) or 0) - getattr(node, "lineno", 0)
