"""Rows of source files: each file is a row, or each documented function and class of it.

A row has an id made of the path, the instruction that the docstring is, the code, and the path. What cannot
be read or decoded is a row all the same, to be rejected with its reason. Files are parsed, never imported.
"""

import ast
import io
import os
import tokenize
import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path

from lintseq.dataset.inputs.fields import Fields
from lintseq.dataset.inputs.rows import Input, Mark, RawRow, encode_row

FIELDS = Fields(code="code", instruction="instruction", id="id")
SUFFIX = ".py"
_SKIPPED = {"__pycache__", "node_modules"}


def source_files(folder: str) -> list[str]:
    """Return the Python files in a folder and those in it, sorted; not those of hidden folders and environments."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in _SKIPPED
            and not os.path.exists(os.path.join(place, name, "pyvenv.cfg"))
        )
        found += [os.path.join(place, name) for name in files if name.endswith(SUFFIX)]
    return sorted(found)


def sources_input(path: str, root: str, files: Sequence[str], *, functions: bool) -> Input:
    """Return the input of Python files; ids are their paths below `root`. Its size is in files."""
    hashed = blake2b(digest_size=16)
    for file in files:
        status = os.stat(file, follow_symlinks=True)
        hashed.update(f"{os.path.relpath(file, root)}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    fingerprint = {"files": len(files), "functions": functions, "hash": hashed.hexdigest()}
    return Input(path, len(files), fingerprint, partial(_read, root, files, functions), by_rows=not functions)


def _read(root: str, files: Sequence[str], functions: bool, after: Mark) -> Iterator[RawRow]:
    index = after.rows
    # The last file may have given only some of its rows.
    first = max(after.end - 1, 0)
    for end, file in enumerate(files[first:], first + 1):
        name = Path(os.path.relpath(file, root)).as_posix()
        for number, row in rows_of_file(name, Path(file), functions=functions):
            if end > after.end or number > after.number:
                yield RawRow(index, number, encode_row(row), end)
                index += 1


def rows_of_file(name: str, file: Path, *, functions: bool) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line, row) of a file: one row, or one for each documented function and class at its top."""
    try:
        text = decoded(file.read_bytes())
    except OSError as error:
        yield 1, {"id": name, "path": name, "error": f"{error.strerror}"}
        return
    tree = _parsed(text)
    if tree is None or not functions:
        instruction = (ast.get_docstring(tree) or "") if tree is not None else ""
        yield 1, {"id": name, "instruction": instruction, "code": text, "path": name}
        return
    for line, qualname, docstring, code in documented(tree, text):
        yield line, {"id": f"{name}::{qualname}", "instruction": docstring, "code": code, "path": name}


def decoded(data: bytes) -> str:
    """Return the text of a source file, decoded as Python would; bytes that do not decode become lone surrogates."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return data.decode("utf-8", "surrogateescape")


def _parsed(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def documented(tree: ast.Module, text: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield (line, name, docstring, program) of each documented function and class at the top of a module.

    The program is the definition, and above it what it needs of the module to stand alone: imports, constants
    and other definitions, those that these need too, in the order of the file.
    """
    lines = text.splitlines(keepends=True)
    # Python counts only these as ends of lines; a form feed does not end one.
    if len(lines) != text.count("\n") + (not text.endswith("\n") and bool(text)):
        lines = [line + "\n" for line in text.split("\n")]
    binders: dict[str, list[ast.stmt]] = {}
    for statement in tree.body:
        for name in _bound(statement):
            binders.setdefault(name, []).append(statement)
    for statement in tree.body:
        if not isinstance(statement, Definition):
            continue
        docstring = ast.get_docstring(statement)
        if docstring:
            needed = _needed(statement, binders)
            kept = [one for one in tree.body if one in needed]
            yield _first_line(statement), statement.name, docstring, _joined(kept, needed, lines)


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement at the top of a module binds."""
    if isinstance(statement, Definition):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        for alias in statement.names:
            yield alias.asname or alias.name.partition(".")[0]
    elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.If | ast.Try):
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif isinstance(node, ast.Import | ast.ImportFrom | Definition):
                yield from _bound(node)


def _needed(statement: ast.stmt, binders: dict[str, list[ast.stmt]]) -> dict[ast.stmt, set[str]]:
    """Return the statements that `statement` needs, itself among them, each with the names that are needed of it."""
    needed: dict[ast.stmt, set[str]] = {statement: set()}
    waiting = [statement]
    while waiting:
        for name in _used(waiting.pop()):
            for binder in binders.get(name, ()):
                if binder not in needed:
                    needed[binder] = set()
                    waiting.append(binder)
                needed[binder].add(name)
    return needed


def _used(statement: ast.stmt) -> Iterable[str]:
    """Yield the names that a statement uses, those in annotations written as text too where they are plain."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            yield node.value


def _first_line(statement: ast.stmt) -> int:
    decorators = statement.decorator_list if isinstance(statement, Definition) else []
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def _joined(statements: Sequence[ast.stmt], needed: dict[ast.stmt, set[str]], lines: Sequence[str]) -> str:
    """Return the text of statements: imports close together, definitions two empty lines apart."""
    parts: list[str] = []
    previous: ast.stmt | None = None
    for statement in statements:
        if previous is not None:
            apart = isinstance(statement, Definition) or isinstance(previous, Definition)
            imports = isinstance(statement, ast.Import | ast.ImportFrom)
            after_imports = isinstance(previous, ast.Import | ast.ImportFrom) and not imports
            parts.append("\n\n" if apart else "\n" if after_imports else "")
        parts.append(_text(statement, needed[statement], lines))
        previous = statement
    return "".join(parts)


def _text(statement: ast.stmt, names: set[str], lines: Sequence[str]) -> str:
    """Return the lines of a statement; of an import, only what is needed of it."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        kept = [one for one in statement.names if (one.asname or one.name.partition(".")[0]) in names]
        if len(kept) < len(statement.names):
            if isinstance(statement, ast.Import):
                return ast.unparse(ast.Import(kept)) + "\n"
            return ast.unparse(ast.ImportFrom(statement.module, kept, statement.level)) + "\n"
    text = "".join(lines[_first_line(statement) - 1 : statement.end_lineno])
    return text if text.endswith("\n") else text + "\n"
