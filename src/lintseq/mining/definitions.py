"""Functions and classes taken out of a module, each with what it needs of the module to stand alone.

A module is cut into chunks: a statement each, or those that share a line. Which names these have to do with
is left to `names`. Nothing is imported or run.
"""

import ast
import builtins
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lintseq.languages.python.syntax import parse
from lintseq.mining.names import DEFINITIONS, IMPORTS, Names, last_name, names_of

_LONGEST_LINE = 88
_STAR = re.compile(r"\bimport[\s\\]*\*")
"""What a text has that imports all of a module; looking for that in the tree takes much longer."""
_BUILTINS = frozenset(dir(builtins)) | {"__file__", "__path__", "__builtins__"}


@dataclass(frozen=True, slots=True)
class Definition:
    """A documented function or class as a program of its own."""

    line: int
    """Where it begins in its module, from 1."""
    name: str
    """Its own; where a module defines it several times, with a number."""
    docstring: str
    program: str


def documented(text: str) -> Iterator[Definition]:
    """Yield each documented function and class at the top of a module; raise `ProgramError` if it does not parse.

    The program is the definition, and with it what it needs of the module: imports, constants and other
    definitions, those that these need too, in the order of the file. Methods and functions inside of others
    stay where they are: they are no programs without them. So do the versions of a function that are there
    for type checkers only, and what has a docstring that does not begin with words: a mark-up for its age or
    its fields, or a session of the interpreter, asks for nothing.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    tree = parse(text)
    if not any(isinstance(node, DEFINITIONS) and _speaks(ast.get_docstring(node) or "") for node in tree.body):
        return
    module = Module(text, tree)
    times = Counter[str]()
    for chunk in module.chunks:
        node = chunk.nodes[0]
        if len(chunk.nodes) > 1 or not isinstance(node, DEFINITIONS) or _is_overload(node):
            continue
        docstring = ast.get_docstring(node) or ""
        if _speaks(docstring):
            times[node.name] += 1
            name = node.name if times[node.name] == 1 else f"{node.name}-{times[node.name]}"
            yield Definition(chunk.line, name, docstring, module.program(chunk))


@dataclass(frozen=True, eq=False, slots=True)
class Chunk:
    """Some statements at the top of a module: one, or those that share a line."""

    nodes: list[ast.stmt]
    line: int
    """The first, from 1, decorators included."""
    end: int
    """The last."""
    names: Names

    @property
    def is_import(self) -> bool:
        return all(isinstance(node, IMPORTS) for node in self.nodes)

    @property
    def is_definition(self) -> bool:
        return isinstance(self.nodes[0], DEFINITIONS)


class Module:
    """The chunks of a module, and which of them have to do with which names."""

    def __init__(self, text: str, tree: ast.Module) -> None:
        self._lines = text.split("\n")
        self.chunks = list(self._cut(tree.body))
        self._stars = [chunk for chunk in self.chunks if _imports_all(chunk)] if _STAR.search(text) else []
        blocks = [chunk for chunk in self.chunks if _is_main_block(chunk)]
        others = [chunk for chunk in self.chunks if chunk not in blocks]
        self._binders = _by_name((name, chunk) for chunk in others for name in chunk.names.binds)
        # What runs only if the module is a script counts where nothing else binds a name.
        self._binders = _by_name((name, chunk) for chunk in blocks for name in chunk.names.binds) | self._binders
        self._changers = _by_name(
            (name, chunk)
            for chunk in others
            for name in chunk.names.changes
            if not all(binder.is_import for binder in self._binders.get(name, []))
        )

    def program(self, chunk: Chunk) -> str:
        """Return the text of a chunk and of all that it needs."""
        used = self._needed(chunk)
        names: set[str] = set().union(*(one.names.uses | one.names.may_use for one in used))
        if any(one.names.annotated for one in used):
            names.add("annotations")
            used.update(filter(_postpones_annotations, self.chunks))
        return self._joined([one for one in self.chunks if one in used], names)

    def _needed(self, chunk: Chunk) -> set[Chunk]:
        """Return the chunks that a chunk needs, itself among them."""
        needed = {chunk}
        waiting = deque([chunk])
        while waiting:
            for other in self._needs(waiting.popleft().names):
                if other not in needed:
                    needed.add(other)
                    waiting.append(other)
        return needed

    def _needs(self, names: Names) -> Iterator[Chunk]:
        for name in names.uses | names.may_use:
            yield from self._binders.get(name, [])
        for name in names.binds:
            yield from self._changers.get(name, [])
        if names.uses - self._binders.keys() - _BUILTINS:
            yield from self._stars

    # The text

    def _cut(self, body: Sequence[ast.stmt]) -> Iterator[Chunk]:
        groups: list[tuple[list[ast.stmt], int, int]] = []
        for node in body:
            line = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
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
        """Return the text of chunks: definitions two empty lines apart, others as close as they were."""
        bound: set[str] = set().union(*(chunk.names.binds for chunk in chunks))
        parts: list[str] = []
        previous: Chunk | None = None
        for chunk in chunks:
            text = _trimmed_import(chunk, names) or _trimmed_exports(chunk, bound) or self._text(chunk)
            remark = self._remark(chunk)
            if previous is not None:
                parts.append("\n" * self._blank_lines(previous, chunk, remark))
            parts += [*(f"{line}\n" for line in remark), text, "\n"]
            previous = chunk
        return "".join(parts)

    def _blank_lines(self, previous: Chunk, chunk: Chunk, remark: Sequence[str]) -> int:
        if previous.is_definition or chunk.is_definition:
            return 2
        between = self._lines[previous.end : chunk.line - 1 - len(remark)]
        return 1 if remark or not all(map(str.strip, between)) or previous.is_import != chunk.is_import else 0

    def _remark(self, chunk: Chunk) -> list[str]:
        """Return the comment that stands directly above a chunk; what heads the file does not count."""
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
        isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for one in chunk.nodes for node in ast.walk(one)
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


def _speaks(docstring: str) -> bool:
    """Tell whether a docstring begins with a sentence, or with what could be one."""
    line = docstring.partition("\n")[0]
    return not line.startswith((":", "..", ">>>", "@")) and len(re.findall(r"[^\W\d_]+", line)) > 1


def _is_overload(node: ast.stmt) -> bool:
    return any(last_name(decorator) == "overload" for decorator in getattr(node, "decorator_list", []))


def _trimmed_import(chunk: Chunk, names: set[str]) -> str:
    """Return an import, alone or for type checkers only, with no more than what is needed of it; empty if it is
    no import or all of it is needed."""
    node = chunk.nodes[0]
    if len(chunk.nodes) > 1:
        return ""
    if isinstance(node, IMPORTS):
        return _import_of(node, names)
    if not isinstance(node, ast.If) or node.orelse or not all(isinstance(one, IMPORTS) for one in node.body):
        return ""
    kept = [_import_of(one, names, indent="    ") or ast.unparse(one) for one in node.body if _bound(one) & names]
    if len(kept) == len(node.body) or not kept:
        return ""
    return f"if {ast.unparse(node.test)}:\n" + "\n".join(f"    {text}" for text in kept)


def _trimmed_exports(chunk: Chunk, bound: set[str]) -> str:
    """Return an `__all__` with no more than is there; empty if the chunk is none, or not of the usual form."""
    match chunk.nodes:
        case [ast.Assign([ast.Name("__all__")], ast.List(values) | ast.Tuple(values))]:
            kept = [ast.unparse(one) for one in values if isinstance(one, ast.Constant) and one.value in bound]
            return f"__all__ = [{', '.join(kept)}]" if len(kept) < len(values) else ""
    return ""


def _bound(node: ast.stmt) -> set[str]:
    return {_name_of(alias) for alias in node.names} if isinstance(node, IMPORTS) else set()


def _name_of(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _import_of(node: ast.stmt, names: set[str], *, indent: str = "") -> str:
    """Return an import of no more than is needed; empty if all is."""
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
