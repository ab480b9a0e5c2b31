"""Documents: the texts that tokenizers are trained on and corpora are made of.

Owns what of an input is a text. Inputs are those that `lintseq build` reads, and files of any kind, each of
which is one document; records of edit sequences, and their programs, are documents too, where that is asked for.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lintseq.dataset.shapes import read_record
from lintseq.errors import ConfigError, ProgramError
from lintseq.program import Program
from lintseq.rows import (
    START,
    Fields,
    Input,
    Mark,
    RawRow,
    ReadingOptions,
    Source,
    encode_row,
    find_inputs,
    parse_row,
    prompt_of,
)
from lintseq.rows import look_into as look_at
from lintseq.rows.places import (
    base_of,
    files_in,
    files_matching,
    is_folder,
    is_pattern,
    name_below,
    stamp_of,
)
from lintseq.rows.sourcecode import decoded
from lintseq.rows.streams import STDIN, check_readable, opened

READINGS = ("text", "edits", "plain", "files")
"""What a row gives: a column of it; of a record, the prompt with the edit text or the program; a file as it is."""

TEXT_NAMES = ("text", "content", "code", "program", "source_code", "document", "body", "response", "completion")
"""Columns that hold the text unless one is named; the first that is there."""

PLAIN = (".txt", ".md", ".rst", ".tex")
"""Files that are texts themselves, whatever is said of reading."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a row becomes a document; can be given to other processes."""

    way: str
    """One of `READINGS`."""
    field: str = ""
    """The column that holds the text; for records none."""

    def text(self, data: bytes) -> str:
        """Return the document in a row; raise `ProgramError` if it holds none."""
        row = parse_row(data)
        if self.way in ("edits", "plain"):
            record = read_record(row)
            start = record.start if self.way == "edits" else Program(())
            text = prompt_of(record.instruction, start) + (record.text if self.way == "edits" else record.program)
        else:
            text = Fields(code=self.field, unreadable="unreadable").read_code(row)
        if not text:
            raise ProgramError("empty", "the text is empty")
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                what = f"character {error.start} is no character, but a lone surrogate"
                raise ProgramError("encoding", what) from None
        return text


@dataclass(frozen=True, slots=True)
class Documents:
    """An input whose rows are documents."""

    path: str
    reading: Reading
    source: Source


def open_documents(path: str, *, field: str = "", read: str = "text") -> list[Documents]:
    """Return the inputs that a word of the command line names; raise `ConfigError` for what cannot work."""
    if read not in READINGS:
        raise ConfigError(f"unknown way to read {path}: {read!r}; use one of {', '.join(READINGS)}")
    if read != "text" and field:
        raise ConfigError(f"{path} is read as {read}, so no column can be named (it says field {field!r})")
    if read == "files" or (read == "text" and path.endswith(PLAIN)):
        return [Documents(path, Reading("files", "text"), look_at(_files_input(path), None))]
    return [_documents(one, field, read) for one in find_inputs(path, ReadingOptions())]


def _documents(one: Input, field: str, read: str) -> Documents:
    source = look_at(one, None)
    if read != "text":
        return Documents(one.path, Reading(read), source)
    if one.fields is None or field:
        return Documents(one.path, Reading("text", _column(one.path, source.columns, field)), source)
    return Documents(one.path, Reading("text", one.fields.code), source)


def _column(path: str, columns: frozenset[str], field: str) -> str:
    """Return the column that holds the text."""
    if not columns:  # there are no rows, or none that is an object: whatever is there will be skipped
        return field or TEXT_NAMES[0]
    known = {name.lower(): name for name in columns}
    found = field if field in columns else None if field else next((known[n] for n in TEXT_NAMES if n in known), None)
    if found is None:
        what = f"no column {field!r}" if field else "none of the columns is known to hold text"
        raise ConfigError(f"{path}: {what} (columns: {', '.join(sorted(columns))}); name it with `field`, or --field")
    return found


# Files as they are


def _files_input(path: str) -> Input:
    """Return the input of files, each of which is a document; its size is in files."""
    if path == STDIN:
        raise ConfigError("standard input holds rows, not files; leave out that it is read as files")
    if is_pattern(path):
        files = [(name_below(base_of(path), file), file) for file in files_matching(path)]
    elif is_folder(path):
        files = [(name_below(path, file), file) for file in files_in(path)]
    else:
        check_readable(path)
        files = [(os.path.basename(path), path)]
    if not files:
        raise ConfigError(f"{path} holds no files")
    fingerprint = {"files": len(files), "hash": stamp_of(files)}
    return Input(path, len(files), fingerprint, partial(_read_files, files), by_rows=True)


def _read_files(files: Sequence[tuple[str, str]], after: Mark = START) -> Iterator[RawRow]:
    for index, (name, file) in enumerate(files[after.rows :], after.rows):
        yield RawRow(index, index + 1, encode_row(_row_of(name, file)), index + 1)


def _row_of(name: str, file: str) -> dict[str, Any]:
    try:
        with opened(file) as stream:
            return {"path": name, "text": decoded(stream.read())}
    except OSError as error:
        return {"path": name, "unreadable": error.strerror or str(error)}
