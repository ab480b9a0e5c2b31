"""Documents: the texts that tokenizers are trained on and pretraining corpora are made of.

Inputs are those of `lintseq build`, and files of any kind, each of which is a document. Lintseq records can be read as
prompt and edit text, or as prompt and program.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

from lintseq.dataset.shapes import read_record
from lintseq.errors import ConfigError, ProgramError
from lintseq.program import Program
from lintseq.rows import Fields, Input, find_inputs, open_input, parse_row, prompt_of
from lintseq.rows.fields import find_column
from lintseq.rows.paths import base_of, files_in, files_matching, is_folder, is_pattern, relative_path
from lintseq.rows.sourcecode import source_input
from lintseq.rows.streams import STDIN, check_readable

ReadMode = Literal["text", "edits", "plain", "files"]

TEXT_COLUMNS = ("text", "content", "code", "program", "source_code", "document", "body", "response", "completion")
"""Names of columns that hold text, most specific first."""

TEXT_SUFFIXES = (".txt", ".md", ".rst", ".tex")
"""Files that are one document each in any mode."""


@dataclass(frozen=True, slots=True)
class TextOptions:
    """Where the text of a document is in an input."""

    field: str = ""
    """Column that contains the text; detected by its name by default."""
    read: ReadMode = "text"
    """text: one column of each row. edits: prompt and edit text of lintseq records. plain: prompt and program of
    lintseq records. files: each file is a document."""


@dataclass(frozen=True, slots=True)
class DocumentReader:
    """Reads the document in a row; can be sent to other processes."""

    mode: ReadMode
    field: str = ""
    """Column that contains the text; unused for records."""

    def text(self, data: bytes) -> str:
        """Return the document in a row of JSON; raises `ProgramError` if there is none."""
        row = parse_row(data)
        if self.mode in ("edits", "plain"):
            record = read_record(row)
            edits = self.mode == "edits"
            start, completion = (record.start, record.text) if edits else (Program(()), record.program)
            text = prompt_of(record.instruction, start) + completion
        else:
            text = Fields(code=self.field, unreadable="unreadable").read_code(row)
        if not text:
            raise ProgramError("empty", "the text is empty")
        return encodable(text)


def encodable(text: str) -> str:
    """Return a text; raises `ProgramError` if it cannot be encoded, and so not tokenized."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ProgramError("encoding", f"character {error.start} is a lone surrogate") from None
    return text


@dataclass(frozen=True, slots=True)
class Documents:
    """An input whose rows are documents."""

    reader: DocumentReader
    source: Input


def open_documents(path: str, options: TextOptions) -> list[Documents]:
    """Return the inputs at a path; raises `ConfigError` if they cannot be read as documents."""
    field, mode = options.field, options.read
    if mode not in get_args(ReadMode):
        raise ConfigError(f"cannot read {path} as {mode!r}; use one of {', '.join(get_args(ReadMode))}")
    if mode != "text" and field:
        raise ConfigError(f"{path} is read as {mode}, so it has no column {field!r}; leave out the field")
    if mode == "files" or (mode == "text" and path.endswith(TEXT_SUFFIXES)):
        return [Documents(DocumentReader("files", "code"), _files_input(path))]
    return [_documents(found, field, mode) for found in find_inputs(path)]


def _documents(found: Input, field: str, mode: ReadMode) -> Documents:
    source = open_input(found, None)
    if mode == "text":
        known = found.fields.code if found.fields is not None and not field else ""
        field = known or _text_column(found.path, source.columns, field)
    return Documents(DocumentReader(mode, field), source)


def _text_column(path: str, columns: Collection[str], field: str) -> str:
    if not columns:  # no rows, or none that is an object: every row will be skipped
        return field or TEXT_COLUMNS[0]
    column = find_column(columns, TEXT_COLUMNS) if not field else field if field in columns else None
    if column is None:
        problem = f"no column {field!r}" if field else "found no column with text"
        raise ConfigError(f"{path}: {problem} (columns: {', '.join(sorted(columns))}); name it with --field")
    return column


def _files_input(path: str) -> Input:
    """Return an input with one row per file."""
    if path == STDIN:
        raise ConfigError("standard input cannot be read as files")
    if is_pattern(path):
        folder, files = base_of(path), files_matching(path)
    elif is_folder(path):
        folder, files = path, files_in(path)
    else:
        check_readable(path)
        folder, files = os.path.dirname(path) or ".", [path]
    if not files:
        raise ConfigError(f"{path} contains no files")
    return source_input(path, [(relative_path(folder, file), file) for file in files], documentation=False)
