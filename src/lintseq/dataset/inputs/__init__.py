"""Rows of anything that holds programs: files of many kinds, folders, data sets, local or remote.

Owns what an input is and what kind it is of, and which of its columns matter. Every row comes as one JSON
object, whatever it was read from; what becomes of it is left to others. Memory does not grow with the input,
and files are open only while they are read.
"""

import glob
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import zstandard

from lintseq.dataset.inputs import sourcecode
from lintseq.dataset.inputs.fields import FieldNames, Fields, find_fields
from lintseq.dataset.inputs.hub import PREFIX, hub_input, is_saved, saved_input
from lintseq.dataset.inputs.lines import array_input, lines_input, opens_an_array
from lintseq.dataset.inputs.rows import (
    MAX_ROW_BYTES,
    START,
    BrokenInputError,
    Input,
    Mark,
    RawRow,
    encode_row,
    parse_row,
)
from lintseq.dataset.inputs.streams import (
    STDIN,
    check_readable,
    decompressed,
    filesystem,
    input_size,
    is_remote,
    opened,
)
from lintseq.dataset.inputs.tables import csv_input, parquet_input
from lintseq.errors import ConfigError, ProgramError

__all__ = [
    "MAX_ROW_BYTES",
    "START",
    "BrokenInputError",
    "FieldNames",
    "Fields",
    "Input",
    "Mark",
    "RawRow",
    "ReadingOptions",
    "Source",
    "encode_row",
    "find_fields",
    "find_inputs",
    "open_sources",
    "parse_row",
    "read_rows",
]

HEAD_ROWS = 100
_HEAD_BYTES = 8 << 20

_LINES, _ARRAY, _CSV, _PARQUET = "lines", "array", "csv", "parquet"
_KINDS = {
    ".jsonl": _LINES,
    ".ndjson": _LINES,
    ".json": _LINES,
    ".csv": _CSV,
    ".tsv": _CSV,
    ".parquet": _PARQUET,
    ".pq": _PARQUET,
}
_OPENERS: dict[str, Callable[[str], Input]] = {
    _LINES: lines_input,
    _ARRAY: array_input,
    _CSV: csv_input,
    _PARQUET: parquet_input,
}
_NO_DATA = ("manifest.json", "rejected.jsonl", "state.json", "dataset_info.json", "dataset_dict.json")
"""What stands beside data and holds none; with a dot before it too."""


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How inputs are read."""

    functions: bool = False
    """Of source files, take each documented function and class instead of the whole."""


@dataclass(frozen=True, slots=True)
class Source:
    """An input that was looked into."""

    path: str
    fields: Fields | None
    """None if they were not looked for, or no row is a JSON object: each will be rejected before its fields matter."""
    size: int | None
    fingerprint: dict[str, Any] | None
    read: Callable[[Mark], Iterator[RawRow]]
    by_rows: bool = False
    jumps: bool = True
    columns: frozenset[str] = frozenset()
    """Those that hold something in the first rows."""


def open_sources(specs: Sequence[str], names: FieldNames | None, options: ReadingOptions) -> list[Source]:
    """Return the inputs that the words of a command line name; raise `ConfigError` for what cannot work.

    Fields are found by `names`; without, they are not looked for.

    A word is a file (JSON lines, a JSON array, CSV or Parquet, compressed or not), a folder or a pattern of
    such files or of Python files, `hf:NAME`, a URL, or `-` for standard input.
    """
    return [look_into(one, names) for spec in specs for one in find_inputs(spec, options)]


def read_rows(spec: str) -> Iterator[RawRow]:
    """Yield the rows of everything that a word of the command line names."""
    for one in find_inputs(spec, ReadingOptions()):
        yield from one.read(START)


def find_inputs(spec: str, options: ReadingOptions) -> list[Input]:
    """Return what a word of the command line names."""
    if spec == STDIN:
        return [lines_input(STDIN)]
    if spec.startswith(PREFIX):
        return [hub_input(spec)]
    if is_remote(spec):
        return [_data_input(path) for path in _remote_files(spec)]
    if os.path.isdir(spec):
        return _in_folder(spec, options)
    if not os.path.exists(spec) and glob.has_magic(spec):
        return _matching(spec, options)
    if spec.endswith(sourcecode.SUFFIX):
        check_readable(spec)
        return [sourcecode.sources_input(spec, os.path.dirname(spec) or ".", [spec], functions=options.functions)]
    return [_data_input(spec)]


def _in_folder(folder: str, options: ReadingOptions) -> list[Input]:
    if is_saved(folder):
        return [saved_input(folder)]
    data = [path for path in sorted(glob.glob(f"{glob.escape(folder)}/**/*", recursive=True)) if _is_data(path)]
    if data:
        return [_data_input(path) for path in data]
    files = sourcecode.source_files(folder)
    if not files:
        raise ConfigError(f"{folder} holds neither data ({', '.join(_KINDS)}) nor Python files")
    return [sourcecode.sources_input(folder, folder, files, functions=options.functions)]


def _matching(pattern: str, options: ReadingOptions) -> list[Input]:
    paths = sorted(path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path))
    if not paths:
        raise ConfigError(f"no file matches {pattern}")
    sources = [path for path in paths if path.endswith(sourcecode.SUFFIX)]
    if not sources:
        return [_data_input(path) for path in paths]
    if len(sources) < len(paths):
        raise ConfigError(f"{pattern} matches Python files and others, such as {min(set(paths) - set(sources))}")
    root = os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in sources])
    return [sourcecode.sources_input(pattern, root, sources, functions=options.functions)]


def _remote_files(spec: str) -> list[str]:
    if not glob.has_magic(spec):
        return [spec]
    system, inner = filesystem(spec)
    found = sorted(system.unstrip_protocol(path) for path in system.glob(inner))
    if not found:
        raise ConfigError(f"no file matches {spec}")
    return found


def _is_data(path: str) -> bool:
    name = os.path.basename(path)
    if name in _NO_DATA or any(name.endswith(f".{end}") for end in _NO_DATA):
        return False
    return _suffix(path) in _KINDS and os.path.isfile(path)


def _suffix(path: str) -> str:
    for end in (".gz", ".zst"):
        path = path.removesuffix(end)
    return os.path.splitext(path)[1].lower()


def _data_input(path: str) -> Input:
    check_readable(path)
    return _OPENERS[_kind(path)](path)


def _kind(path: str) -> str:
    """Return the kind of a file: by what it holds where that can be told, otherwise by its name."""
    kind = _KINDS.get(_suffix(path), _LINES)
    if input_size(path) is None:  # what is looked at cannot be read again
        return kind
    with opened(path) as file:
        stream = decompressed(file)
        try:
            head = stream.read(4096)
        except (OSError, EOFError, zlib.error, zstandard.ZstdError):  # it will be told when the file is read
            return kind
    if head.startswith(b"PAR1"):
        return _PARQUET
    if kind is _LINES and opens_an_array(head.removeprefix(b"\xef\xbb\xbf")):
        return _ARRAY
    return kind


def look_into(one: Input, names: FieldNames | None) -> Source:
    """Look at the first rows of an input, and find its fields; raise `ConfigError` if that is impossible.

    Without `names`, no fields are looked for. What can be read only once stays open, and its first rows are handed on.
    """
    rows = one.read(START)
    head, failure = _head(rows)
    parsed = [row for raw in head if (row := _row_or_none(raw.data)) is not None]
    if head and not parsed and len(head) == HEAD_ROWS:
        raise ConfigError(f"{one.path} does not look like JSONL, one object a line; it begins {head[0].data[:60]!r}")
    fields = _fields_of(one, parsed, names) if parsed and names is not None else None
    columns = frozenset(name for row in parsed for name, value in row.items() if value is not None)
    source = Source(one.path, fields, one.size, one.fingerprint, one.read, one.by_rows, one.jumps, columns)
    if one.fingerprint is None:
        return replace(source, read=lambda _: _resumed(head, failure, rows))
    return source


def _fields_of(one: Input, rows: Sequence[dict[str, Any]], names: FieldNames) -> Fields:
    if "files" in (one.fingerprint or {}) and names == FieldNames():
        return sourcecode.FIELDS
    return find_fields(one.path, rows, names)


def _head(rows: Iterator[RawRow]) -> tuple[list[RawRow], BrokenInputError | None]:
    """Return the first rows, and what kept from reading more of them if something did."""
    head: list[RawRow] = []
    size = 0
    try:
        for row in islice(rows, HEAD_ROWS):
            head.append(row)
            size += len(row.data)
            if size > _HEAD_BYTES:
                break
    except BrokenInputError as failure:
        return head, failure
    return head, None


def _resumed(head: list[RawRow], failure: BrokenInputError | None, rest: Iterator[RawRow]) -> Iterator[RawRow]:
    yield from head
    if failure is not None:
        raise failure
    yield from rest


def _row_or_none(data: bytes) -> dict[str, Any] | None:
    try:
        return parse_row(data)
    except ProgramError:
        return None
