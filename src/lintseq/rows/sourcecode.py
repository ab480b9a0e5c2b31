"""Rows of source files: each file is a row.

A row has an id made of the path, the instruction that the docstring is, the code, and the path. What cannot
be read or decoded is a row all the same, to be rejected with its reason. Files are parsed, never imported.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from lintseq.errors import ProgramError
from lintseq.languages import get_language
from lintseq.mining.modules import FIELDS
from lintseq.program import Program
from lintseq.rows.places import stamp_of
from lintseq.rows.row import Input, Mark, RawRow, encode_row
from lintseq.rows.streams import opened, without_secrets

SUFFIX = ".py"


def sources_input(
    path: str, files: Sequence[tuple[str, str]], *, docstrings: bool, folder: str | None = None
) -> Input:
    """Return the input of Python files, each an id and a path. Its size is in files.

    Without `docstrings`, the rows have no instructions. `folder` is the one below which the files are named, if
    they can be named otherwise, too.
    """

    def named(ahead: str) -> Input:
        return sources_input(path, [(ahead + name, file) for name, file in files], docstrings=docstrings)

    fingerprint = {"files": len(files), "hash": stamp_of(files)}
    read = partial(_read, files, docstrings)
    return Input(path, len(files), fingerprint, read, by_rows=True, fields=FIELDS, folder=folder, named=named)


def _read(files: Sequence[tuple[str, str]], docstrings: bool, after: Mark) -> Iterator[RawRow]:
    for index, (name, file) in enumerate(files[after.rows :], after.rows):
        yield RawRow(index, 1, encode_row(_row_of(name, file, docstrings=docstrings)), index + 1)


def _row_of(name: str, file: str, *, docstrings: bool) -> dict[str, Any]:
    try:
        with opened(file) as stream:
            text = decoded(stream.read())
    except OSError as error:
        return {"id": name, "path": name, "unreadable": without_secrets(error.strerror or str(error))}
    return {
        "id": name,
        "instruction": get_language().documentation(Program.from_text(text)) if docstrings else "",
        "code": text,
        "path": name,
    }


def decoded(data: bytes) -> str:
    """Return the text of a source file, in its declared encoding; bytes that do not decode become lone surrogates."""
    try:
        return get_language().decode(data)
    except ProgramError:
        return data.decode("utf-8", "surrogateescape")
