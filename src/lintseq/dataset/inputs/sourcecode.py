"""Rows of source files: each file is a row, or each documented function and class of it.

A row has an id made of the path, the instruction that the docstring is, the code, and the path. What cannot
be read or decoded, or is no task where tasks are wanted, is a row all the same, to be rejected with its
reason. Files are parsed, never imported.
"""

import ast
import io
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from lintseq.dataset.inputs.definitions import Definition, documented
from lintseq.dataset.inputs.fields import Fields
from lintseq.dataset.inputs.places import stamp_of
from lintseq.dataset.inputs.rows import Input, Mark, RawRow, encode_row
from lintseq.dataset.inputs.streams import opened
from lintseq.dataset.inputs.tasks import check_file, task_of
from lintseq.errors import ProgramError

FIELDS = Fields(code="code", instruction="instruction", id="id", unreadable="unreadable", refused="refused")
FILES, FUNCTIONS, TASKS = "files", "functions", "tasks"
"""What is a row of source files."""
SUFFIX = ".py"


def sources_input(path: str, files: Sequence[tuple[str, str]], *, unit: str, folder: str | None = None) -> Input:
    """Return the input of Python files, each an id and a path. Its size is in files.

    `folder` is the one below which they are named, if they can be named otherwise, too.
    """

    def named(ahead: str) -> Input:
        return sources_input(path, [(ahead + name, file) for name, file in files], unit=unit)

    fingerprint = {"files": len(files), "functions": unit != FILES, "hash": stamp_of(files)}
    if unit == TASKS:
        fingerprint["tasks"] = True
    read = partial(_read, files, unit)
    whole = unit == FILES
    return Input(path, len(files), fingerprint, read, by_rows=whole, fields=FIELDS, folder=folder, named=named)


def _read(files: Sequence[tuple[str, str]], unit: str, after: Mark) -> Iterator[RawRow]:
    index = after.rows
    # The last file may have given only some of its rows.
    first = max(after.end - 1, 0)
    for end, (name, file) in enumerate(files[first:], first + 1):
        for number, row in rows_of_file(name, file, unit=unit):
            if end > after.end or number > after.number:
                yield RawRow(index, number, encode_row(row), end)
                index += 1


def rows_of_file(name: str, file: str, *, unit: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line, row) of a file: one row, or one for each documented function and class at its top."""
    try:
        with opened(file) as stream:
            text = decoded(stream.read())
    except OSError as error:
        yield 1, {"id": name, "path": name, "unreadable": error.strerror or str(error)}
        return
    tree = _parsed(text)
    if tree is None or unit == FILES:
        instruction = (ast.get_docstring(tree) or "") if tree is not None else ""
        yield 1, {"id": name, "instruction": instruction, "code": text, "path": name}
        return
    if unit == TASKS:
        try:
            check_file(name, text)
        except ProgramError as error:
            yield 1, {"id": name, "path": name, "refused": [error.reason, error.detail]}
            return
    for one in documented(text):
        yield one.line, {"id": f"{name}::{one.name}", **_asked_and_answer(one, name, unit), "path": name}


def _asked_and_answer(one: Definition, path: str, unit: str) -> dict[str, Any]:
    """Return the columns of a definition that say what is asked and what is answered, or why nothing is."""
    if unit == FUNCTIONS:
        return {"instruction": one.docstring, "code": one.program}
    try:
        task = task_of(one, path)
    except ProgramError as error:
        return {"refused": [error.reason, error.detail]}
    return {"instruction": task.instruction, "code": task.program}


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
