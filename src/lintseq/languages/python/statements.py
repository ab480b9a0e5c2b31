"""The names that top-level statements of a module bind, use and change.

They come from Python's symbol tables, which leave out names local to a function. Types written as strings or comments,
which symbol tables ignore, are parsed in addition.
"""

import ast
import re
import symtable
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)
_TYPE_ARGUMENTS = {"cast": slice(1), "TypeVar": slice(1, None), "NewType": slice(1, None)}
"""Functions that take types, and which of their positional arguments are types; all keyword arguments are."""
_TYPE_COMMENT = re.compile(r"#\s*type:(?!\s*ignore\b)(.*)")
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class StatementNames:
    """The names of the module that statements bind, use or change."""

    binds: frozenset[str]
    uses: frozenset[str]
    may_use: frozenset[str]
    """Names that a class body both reads and binds: until it binds them, they are those of the module."""
    changes: frozenset[str]
    """Names of objects that the statements assign to an item or attribute of, or call a method of for its effect."""
    annotated: bool
    """Whether the statements have annotations."""


def names_of(statements: Sequence[ast.stmt], text: str) -> StatementNames:
    """Return the names of statements whose text, whole lines, is `text`."""
    nodes = [node for statement in statements for node in ast.walk(statement)]
    top = [node for statement in statements for node in _outside_functions(statement)]
    annotations = list(_annotations(nodes))
    binds: set[str] = set()
    uses = {*_names_in_types(nodes, annotations), *_names_in_comments(text), *_augmented(top)}
    may_use: set[str] = set()
    table = symtable.symtable(text + "\n", "<statements>", "exec")
    for symbol in table.get_symbols():
        if symbol.is_assigned() or symbol.is_imported():
            binds.add(symbol.get_name())
        if symbol.is_referenced():
            uses.add(symbol.get_name())
    for inner in _inner_tables(table):
        is_class = inner.get_type() == "class"
        for symbol in inner.get_symbols():
            if symbol.is_global():
                uses.add(symbol.get_name())
                if symbol.is_declared_global() and symbol.is_assigned():
                    binds.add(symbol.get_name())
            elif is_class and symbol.is_referenced():
                may_use.add(symbol.get_name())
    changes = {name for node in top if (name := _changed(node))}
    binds -= _only_deleted(nodes)
    return StatementNames(frozenset(binds), frozenset(uses), frozenset(may_use), frozenset(changes), bool(annotations))


def last_name(node: ast.expr) -> str:
    """Return the last part of a dotted name, empty for other expressions."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def root_name(node: ast.expr) -> str:
    """Return the name at the beginning of an expression such as `name.attribute[0]`, empty for other expressions."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _inner_tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for inner in table.get_children():
        yield inner
        yield from _inner_tables(inner)


# Types


def _annotations(nodes: Iterable[ast.AST]) -> Iterator[ast.expr]:
    for node in nodes:
        if isinstance(node, ast.arg | ast.AnnAssign):
            if node.annotation is not None:
                yield node.annotation
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            yield node.returns


def _names_in_types(nodes: Iterable[ast.AST], annotations: Iterable[ast.expr]) -> Iterator[str]:
    """Yield the names in types written as strings: in annotations, casts, bounds and generic types."""
    for annotation in annotations:
        yield from _names_in_strings(annotation)
    for node in nodes:
        if isinstance(node, ast.Call) and (types := _TYPE_ARGUMENTS.get(last_name(node.func))) is not None:
            for argument in [*node.args[types], *(keyword.value for keyword in node.keywords)]:
                yield from _names_in_strings(argument)
        elif isinstance(node, ast.Subscript) and last_name(node.value)[:1].isupper():
            yield from _names_in_strings(node)


def _names_in_strings(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Subscript) and last_name(node.value) == "Literal":
        return
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield from _names_in(node.value)
        return
    for inner in ast.iter_child_nodes(node):
        yield from _names_in_strings(inner)


def _names_in(text: str) -> Iterator[str]:
    """Yield the names in a type written as a string; none if it is not an expression."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    yield from (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def _names_in_comments(text: str) -> Iterator[str]:
    for comment in _TYPE_COMMENT.findall(text):
        yield from _WORD.findall(comment)


# Changes


def _augmented(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the names that augmented assignments such as `+=` read, which symbol tables do not report."""
    for node in nodes:
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def _only_deleted(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that are deleted but not bound."""
    names = [node for node in nodes if isinstance(node, ast.Name)]
    deleted = {name.id for name in names if isinstance(name.ctx, ast.Del)}
    return deleted - {name.id for name in names if isinstance(name.ctx, ast.Store)}


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run with the module: all but those inside of definitions."""
    if isinstance(node, (*DEFINITIONS, ast.Lambda)):
        return
    yield node
    for inner in ast.iter_child_nodes(node):
        yield from _outside_functions(inner)


def _changed(node: ast.AST) -> str:
    """Return the name of the object that an assignment, or a method call whose result is unused, changes."""
    if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
        return root_name(node)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        return root_name(node.value.func)
    return ""
