"""Rows of source files, one per file: id, instruction (the file's documentation), code and path.

A file that cannot be read or decoded is a row too, which is rejected later with the reason.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from lintseq.errors import ProgramError
from lintseq.languages import LANGUAGES, get_language
from lintseq.program import Program
from lintseq.rows.fields import SOURCE_FIELDS
from lintseq.rows.input import Input, Mark, RawRow
from lintseq.rows.paths import fingerprint_of_files
from lintseq.rows.row import encode_row
from lintseq.rows.streams import opened, without_secrets

SUFFIXES = tuple(language.suffixes[0] for language in LANGUAGES.values())
"""The suffixes of files that are read as source files."""


def source_input(
    path: str, files: Sequence[tuple[str, str]], *, documentation: bool, folder: str | None = None
) -> Input:
    """Return the input of source files, each an id and a path. Its size is the number of files.

    Without `documentation`, the rows have no instructions. `folder` is what the ids are relative to, if they may get a
    prefix.
    """

    def with_prefix(prefix: str) -> Input:
        return source_input(path, [(prefix + name, file) for name, file in files], documentation=documentation)

    return Input(
        path,
        len(files),
        fingerprint_of_files(files),
        partial(_read, files, documentation),
        by_rows=True,
        fields=SOURCE_FIELDS,
        folder=folder,
        with_prefix=with_prefix,
    )


def _read(files: Sequence[tuple[str, str]], documentation: bool, after: Mark) -> Iterator[RawRow]:
    for index, (name, file) in enumerate(files[after.rows :], after.rows):
        yield RawRow(index, 1, encode_row(_row(name, file, documentation=documentation)), index + 1)


def _row(name: str, file: str, *, documentation: bool) -> dict[str, Any]:
    try:
        with opened(file) as stream:
            text = decoded(stream.read())
    except OSError as error:
        return {"id": name, "path": name, "unreadable": without_secrets(error.strerror or str(error))}
    instruction = get_language().documentation(Program.from_text(text)) if documentation else ""
    return {"id": name, "instruction": instruction, "code": text, "path": name}


def decoded(data: bytes) -> str:
    """Return the text of a source file, in its declared encoding; bytes that do not decode become lone surrogates."""
    try:
        return get_language().decode(data)
    except ProgramError:
        return data.decode("utf-8", "surrogateescape")
