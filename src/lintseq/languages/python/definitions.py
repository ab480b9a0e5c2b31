"""Extracts functions and classes from a module, each with everything that it needs from the module to run alone.

A module is cut into chunks: top-level statements, or several that share a line. Nothing is imported or run.
"""

import ast
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lintseq.languages.definitions import MinedDefinition
from lintseq.languages.python.statements import DEFINITIONS, IMPORTS, StatementNames, last_name, names_of
from lintseq.languages.python.syntax import BUILTINS, parse

_LONGEST_LINE = 88
_STAR = re.compile(r"\bimport[\s\\]*\*")
"""Matches every text with `from module import *`; much faster than a search in the tree."""


def documented(text: str) -> Iterator[MinedDefinition]:
    """Yield each documented top-level function and class of a module; raise `ProgramError` if it does not parse.

    Its program is the definition with all that it needs from the module, directly or not: imports, constants and other
    definitions, in the order of the file. Methods and nested functions are left out, because they cannot stand alone;
    so are overloads for type checkers, and definitions whose docstring does not begin with words (but with a field, a
    directive or an interpreter session), because it does not describe them.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    tree = parse(text)
    if not any(isinstance(node, DEFINITIONS) and _is_prose(ast.get_docstring(node) or "") for node in tree.body):
        return
    module = Module(text, tree)
    times = Counter[str]()
    for chunk in module.chunks:
        node = chunk.nodes[0]
        if len(chunk.nodes) > 1 or not isinstance(node, DEFINITIONS) or _is_overload(node):
            continue
        docstring = ast.get_docstring(node) or ""
        if _is_prose(docstring):
            times[node.name] += 1
            name = node.name if times[node.name] == 1 else f"{node.name}-{times[node.name]}"
            yield MinedDefinition(chunk.line, name, docstring, module.program(chunk))


@dataclass(frozen=True, eq=False, slots=True)
class Chunk:
    """A top-level statement of a module, or several that share a line."""

    nodes: list[ast.stmt]
    line: int
    """The first line, from 1; decorators belong to it."""
    end: int
    """The last line."""
    names: StatementNames

    @property
    def is_import(self) -> bool:
        return all(isinstance(node, IMPORTS) for node in self.nodes)

    @property
    def is_definition(self) -> bool:
        return isinstance(self.nodes[0], DEFINITIONS)


class Module:
    """The chunks of a module, by the names that they bind and change."""

    def __init__(self, text: str, tree: ast.Module) -> None:
        self._lines = text.split("\n")
        self.chunks = list(self._cut(tree.body))
        self._stars = [chunk for chunk in self.chunks if _imports_all(chunk)] if _STAR.search(text) else []
        blocks = [chunk for chunk in self.chunks if _is_main_block(chunk)]
        others = [chunk for chunk in self.chunks if chunk not in blocks]
        self._binders = _by_name((name, chunk) for chunk in others for name in chunk.names.binds)
        # What runs only in a script counts only for names that nothing else binds.
        self._binders = _by_name((name, chunk) for chunk in blocks for name in chunk.names.binds) | self._binders
        self._changers = _by_name(
            (name, chunk)
            for chunk in others
            for name in chunk.names.changes
            if not all(binder.is_import for binder in self._binders.get(name, []))
        )

    def program(self, chunk: Chunk) -> str:
        """Return the text of a chunk with everything that it needs."""
        used = self._needed(chunk)
        names: set[str] = set().union(*(needed.names.uses | needed.names.may_use for needed in used))
        if any(needed.names.annotated for needed in used):
            names.add("annotations")
            used.update(filter(_postpones_annotations, self.chunks))
        return self._joined([other for other in self.chunks if other in used], names)

    def _needed(self, chunk: Chunk) -> set[Chunk]:
        """Return the chunks that a chunk needs, including itself."""
        needed = {chunk}
        waiting = deque([chunk])
        while waiting:
            for other in self._needs(waiting.popleft().names):
                if other not in needed:
                    needed.add(other)
                    waiting.append(other)
        return needed

    def _needs(self, names: StatementNames) -> Iterator[Chunk]:
        for name in names.uses | names.may_use:
            yield from self._binders.get(name, [])
        for name in names.binds:
            yield from self._changers.get(name, [])
        if names.uses - self._binders.keys() - BUILTINS:
            yield from self._stars

    def _cut(self, body: Sequence[ast.stmt]) -> Iterator[Chunk]:
        groups: list[tuple[list[ast.stmt], int, int]] = []
        for node in body:
            line = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
            end = node.end_lineno or node.lineno
            if groups and line <= groups[-1][2]:
                nodes, line, _ = groups.pop()
                groups.append(([*nodes, node], line, end))
            else:
                groups.append(([node], line, end))
        for nodes, line, end in groups:
            yield Chunk(nodes, line, end, names_of(nodes, "\n".join(self._lines[line - 1 : end])))

    def _text(self, chunk: Chunk) -> str:
        return "\n".join(self._lines[chunk.line - 1 : chunk.end])

    def _joined(self, chunks: Sequence[Chunk], names: set[str]) -> str:
        """Return the text of chunks, with two blank lines around definitions and at most one elsewhere."""
        bound: set[str] = set().union(*(chunk.names.binds for chunk in chunks))
        parts: list[str] = []
        previous: Chunk | None = None
        for chunk in chunks:
            text = _trimmed_import(chunk, names) or _trimmed_exports(chunk, bound) or self._text(chunk)
            comment = self._comment(chunk)
            if previous is not None:
                parts.append("\n" * self._blank_lines(previous, chunk, comment))
            parts += [*(f"{line}\n" for line in comment), text, "\n"]
            previous = chunk
        return "".join(parts)

    def _blank_lines(self, previous: Chunk, chunk: Chunk, comment: Sequence[str]) -> int:
        if previous.is_definition or chunk.is_definition:
            return 2
        between = self._lines[previous.end : chunk.line - 1 - len(comment)]
        return 1 if comment or not all(map(str.strip, between)) or previous.is_import != chunk.is_import else 0

    def _comment(self, chunk: Chunk) -> list[str]:
        """Return the comment directly above a chunk; the header of the file does not count."""
        if chunk.is_import:
            return []
        first = chunk.line - 1
        while first and self._lines[first - 1].startswith("#"):
            first -= 1
        return self._lines[first : chunk.line - 1] if first else []


def _by_name(pairs: Iterable[tuple[str, Chunk]]) -> dict[str, list[Chunk]]:
    found: dict[str, list[Chunk]] = {}
    for name, chunk in pairs:
        found.setdefault(name, []).append(chunk)
    return found


def _imports_all(chunk: Chunk) -> bool:
    return any(
        isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
        for statement in chunk.nodes
        for node in ast.walk(statement)
    )


def _postpones_annotations(chunk: Chunk) -> bool:
    return chunk.is_import and any(
        isinstance(node, ast.ImportFrom) and node.module == "__future__" and "annotations" in _bound(node)
        for node in chunk.nodes
    )


def _is_main_block(chunk: Chunk) -> bool:
    return any(
        isinstance(node, ast.If) and any(isinstance(n, ast.Name) and n.id == "__name__" for n in ast.walk(node.test))
        for node in chunk.nodes
    )


def _is_prose(docstring: str) -> bool:
    """Return whether a docstring begins with what could be a sentence."""
    line = docstring.partition("\n")[0]
    return not line.startswith((":", "..", ">>>", "@")) and len(re.findall(r"[^\W\d_]+", line)) > 1


def _is_overload(node: ast.stmt) -> bool:
    return any(last_name(decorator) == "overload" for decorator in getattr(node, "decorator_list", []))


def _trimmed_import(chunk: Chunk, names: set[str]) -> str:
    """Return an import, plain or for type checkers only, reduced to some names; empty if nothing is to be changed."""
    node = chunk.nodes[0]
    if len(chunk.nodes) > 1:
        return ""
    if isinstance(node, IMPORTS):
        return _import_of(node, names)
    if not isinstance(node, ast.If) or node.orelse or not all(isinstance(inner, IMPORTS) for inner in node.body):
        return ""
    used = [inner for inner in node.body if _bound(inner) & names]
    kept = [_import_of(inner, names, indent="    ") or ast.unparse(inner) for inner in used]
    if len(kept) == len(node.body) or not kept:
        return ""
    return f"if {ast.unparse(node.test)}:\n" + "\n".join(f"    {text}" for text in kept)


def _trimmed_exports(chunk: Chunk, bound: set[str]) -> str:
    """Return an `__all__` reduced to the names that are bound; empty if nothing is to be changed."""
    match chunk.nodes:
        case [ast.Assign([ast.Name("__all__")], ast.List(values) | ast.Tuple(values))]:
            kept = [ast.unparse(name) for name in values if isinstance(name, ast.Constant) and name.value in bound]
            return f"__all__ = [{', '.join(kept)}]" if len(kept) < len(values) else ""
    return ""


def _bound(node: ast.stmt) -> set[str]:
    return {_name_of(alias) for alias in node.names} if isinstance(node, IMPORTS) else set()


def _name_of(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _import_of(node: ast.stmt, names: set[str], *, indent: str = "") -> str:
    """Return an import reduced to some names; empty if that changes nothing."""
    assert isinstance(node, IMPORTS)
    kept = [alias for alias in node.names if _name_of(alias) in names or alias.name == "*"]
    if len(kept) == len(node.names) or not kept:
        return ""
    if isinstance(node, ast.Import):
        return ast.unparse(ast.Import(kept))
    text = ast.unparse(ast.ImportFrom(node.module, kept, node.level))
    if len(indent + text) <= _LONGEST_LINE:
        return text
    head = text.partition(" import ")[0]
    listed = "".join(f"{indent}    {ast.unparse(alias)},\n" for alias in kept)
    return f"{head} import (\n{listed}{indent})"
