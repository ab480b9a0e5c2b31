"""Rows of anything that holds programs: files of many kinds, folders, data sets, local or remote.

Owns what an input is and what kind it is of, and which of its columns matter. Every row comes as one JSON
object, whatever it was read from; what becomes of it is left to others. Memory does not grow with the input,
and files are open only while they are read.
"""

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

from lintseq.errors import ConfigError, ProgramError
from lintseq.mining.modules import FIELDS, FUNCTIONS, TASKS, Modules, modules_in
from lintseq.rows import sourcecode
from lintseq.rows.fields import FieldNames, Fields, find_fields
from lintseq.rows.hub import PREFIX, hub_input, is_saved, saved_input
from lintseq.rows.ids import content_id, stable_hash
from lintseq.rows.lines import array_input, lines_input, opens_an_array
from lintseq.rows.places import (
    base_of,
    files_in,
    files_matching,
    is_folder,
    is_pattern,
    name_below,
    names_apart,
)
from lintseq.rows.prompts import prompt_of
from lintseq.rows.row import (
    MAX_ROW_BYTES,
    START,
    BrokenInputError,
    Input,
    Mark,
    RawRow,
    encode_line,
    encode_row,
    parse_row,
)
from lintseq.rows.streams import (
    BROKEN,
    STDIN,
    address_hash,
    check_readable,
    decompressed,
    input_size,
    is_remote,
    opened,
    without_secrets,
)
from lintseq.rows.tables import csv_input, parquet_input

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
    "content_id",
    "encode_line",
    "encode_row",
    "find_fields",
    "find_inputs",
    "open_sources",
    "parse_row",
    "prompt_of",
    "read_rows",
    "stable_hash",
]

HEAD_ROWS = 100
_HEAD_BYTES = 8 << 20

_LINES, _ARRAY, _CSV, _TSV, _PARQUET = "lines", "array", "csv", "tsv", "parquet"
_KINDS = {
    ".jsonl": _LINES,
    ".ndjson": _LINES,
    ".json": _LINES,
    ".csv": _CSV,
    ".tsv": _TSV,
    ".parquet": _PARQUET,
    ".pq": _PARQUET,
}
_OPENERS: dict[str, Callable[[str], Input]] = {
    _LINES: lines_input,
    _ARRAY: array_input,
    _CSV: csv_input,
    _TSV: partial(csv_input, delimiter="\t"),
    _PARQUET: parquet_input,
}
_NO_DATA = ("manifest.json", "rejected.jsonl", "state.json", "dataset_info.json", "dataset_dict.json")
"""What stands beside data and holds none; with a dot before it too."""


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How inputs are read."""

    functions: bool = False
    """Of programs, take each documented function and class instead of the whole."""
    tasks: bool = False
    """Of these, take those that a stranger could write from signature and description, and ask for them so."""
    kept: tuple[str, ...] = ()
    """Columns that functions have from their rows, beside those that usually hold a license."""

    @property
    def unit(self) -> str | None:
        """What of a program is a row; None is the whole."""
        return TASKS if self.tasks else FUNCTIONS if self.functions else None


WHOLE = ReadingOptions()


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
    modules: Modules | None = None
    """What becomes of the rows, if each holds several programs that are wanted one by one."""

    def programs(self, row: RawRow) -> Iterable[tuple[RawRow, Fields | None]]:
        """Yield the rows of the programs in a row, each with its fields: most often the row itself."""
        if self.modules is None:
            yield row, self.fields
        else:
            for one in self.modules.rows_of(row):
                yield one, FIELDS


def open_sources(
    specs: Sequence[str],
    names: FieldNames | None,
    options: ReadingOptions,
    *,
    but: Callable[[str], bool] = lambda path: False,
) -> list[Source]:
    """Return the inputs that the words of a command line name; raise `ConfigError` for what cannot work.

    Fields are found by `names`; without, they are not looked for. Files of which `but` says so are passed over,
    such as what an earlier run wrote into a folder that it read.

    A word is a file (JSON lines, a JSON array, CSV or Parquet, compressed or not), a folder or a pattern of
    such files or of Python files, `hf:NAME`, a URL, or `-` for standard input. Where files of several folders
    are meant, they are named from the folder that all of these lie in: in two packages, many have one name.
    """
    found = [one for spec in specs for one in find_inputs(spec, options) if not but(one.path)]
    if not found:
        raise ConfigError(f"{', '.join(specs)}: there is nothing but the output itself")
    if options.unit is not None and names is not None and names.instruction:
        raise ConfigError("of functions, the docstrings are the instructions; leave out --instruction-field")
    ahead = names_apart({one.folder for one in found if one.folder is not None})
    if len(ahead) > 1:
        found = [_told(one.named(ahead[one.folder])) if one.folder is not None and one.named else one for one in found]
    return [look_into(one, names, options=options) for one in found]


def read_rows(spec: str) -> Iterator[RawRow]:
    """Yield the rows of everything that a word of the command line names."""
    for one in find_inputs(spec, WHOLE):
        yield from one.read(START)


def find_inputs(spec: str, options: ReadingOptions) -> list[Input]:
    """Return what a word of the command line names, under names without passwords and keys."""
    return [_told(one) for one in _found(spec, options)]


def _told(one: Input) -> Input:
    path = without_secrets(one.path)
    if path == one.path or one.fingerprint is None:
        return replace(one, path=path)
    return replace(one, path=path, fingerprint={**one.fingerprint, "address": address_hash(one.path)})


def _found(spec: str, options: ReadingOptions) -> list[Input]:
    if spec == STDIN:
        return [lines_input(STDIN)]
    if spec.startswith(PREFIX) and not is_remote(spec):
        return [hub_input(spec)]
    if is_pattern(spec):
        return _matching(spec, options)
    if is_folder(spec):
        return _in_folder(spec, options)
    check_readable(spec)
    if _is_source(spec):
        name = _own_name(spec)
        folder = os.path.dirname(spec) if os.sep not in name and "/" not in name else None
        return [sourcecode.sources_input(spec, [(name, spec)], docstrings=options.unit is None, folder=folder)]
    return [_data_input(spec)]


def _in_folder(folder: str, options: ReadingOptions) -> list[Input]:
    if not is_remote(folder) and is_saved(folder):
        return [saved_input(folder)]
    paths = files_in(folder)
    sources = [path for path in paths if _is_source(path)]
    data = [path for path in paths if _is_data(path)]
    if sources and (options.unit is not None or not data):
        return [_sources_input(folder, folder, sources, options)]
    if sources:
        example = f"{folder.rstrip('/')}/**/*"
        raise ConfigError(
            f"{folder} holds both Python files and data, such as {data[0]}; say which with a pattern,"
            f" '{example}{sourcecode.SUFFIX}' or '{example}{_suffix(data[0])}'"
        )
    if not data:
        raise ConfigError(f"{folder} holds neither data ({', '.join(_KINDS)}) nor Python files")
    return [_data_input(path) for path in data]


def _matching(pattern: str, options: ReadingOptions) -> list[Input]:
    paths = files_matching(pattern)
    sources = [path for path in paths if _is_source(path)]
    if not sources:
        return [_data_input(path) for path in paths]
    if len(sources) < len(paths):
        raise ConfigError(f"{pattern} matches Python files and others, such as {min(set(paths) - set(sources))}")
    return [_sources_input(pattern, base_of(pattern), sources, options)]


def _sources_input(spec: str, folder: str, paths: Sequence[str], options: ReadingOptions) -> Input:
    files = [(name_below(folder, path), path) for path in paths]
    return sourcecode.sources_input(spec, files, docstrings=options.unit is None, folder=folder)


def _own_name(path: str) -> str:
    """Return the name of a file that was named alone: its path as given, if that leads down from here."""
    tidy = posixpath.normpath(path.replace(os.sep, "/"))
    return posixpath.basename(tidy) if is_remote(path) or tidy.startswith(("/", "..")) or ":" in tidy else tidy


def _is_source(path: str) -> bool:
    return path.endswith(sourcecode.SUFFIX)


def _is_data(path: str) -> bool:
    name = posixpath.basename(path.replace(os.sep, "/"))
    if name in _NO_DATA or any(name.endswith(f".{end}") for end in _NO_DATA):
        return False
    return _suffix(path) in _KINDS and (is_remote(path) or os.path.isfile(path))


def _suffix(path: str) -> str:
    """Return the end of a name that tells the kind, without those that tell of compression."""
    if is_remote(path):
        path = path.partition("?")[0]
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
        except BROKEN:  # it will be told when the file is read
            return kind
        if head.startswith(b"PAR1"):
            if stream is not file:
                raise ConfigError(f"{path} is a compressed Parquet file, of which no part can be read; decompress it")
            return _PARQUET
    if kind is _LINES and opens_an_array(head.removeprefix(b"\xef\xbb\xbf")):
        return _ARRAY
    return kind


def look_into(one: Input, names: FieldNames | None, *, options: ReadingOptions = WHOLE) -> Source:
    """Look at the first rows of an input, and find its fields; raise `ConfigError` if that is impossible.

    Without `names`, no fields are looked for. What can be read only once stays open, and its first rows are handed on.
    """
    rows = one.read(START)
    head, failure = _head(rows)
    parsed = [row for raw in head if (row := _row_or_none(raw.data)) is not None]
    if head and not parsed and len(head) == HEAD_ROWS:
        raise ConfigError(f"{one.path} does not look like JSONL, one object a line; it begins {head[0].data[:60]!r}")
    fields = None
    if names is not None and one.fields is not None and names == FieldNames():
        fields = one.fields
    elif names is not None and parsed:
        fields = find_fields(one.path, parsed, names if options.unit is None else replace(names, instruction=""))
    columns = frozenset(name for row in parsed for name, value in row.items() if value is not None)
    modules = None
    if options.unit is not None and fields is not None:
        told = sorted(columns)
        modules = modules_in(options.unit, fields, told, kept=options.kept, by_line=one.fields is not None)
    source = Source(one.path, fields, one.size, one.fingerprint, one.read, one.by_rows, one.jumps, columns, modules)
    if one.fingerprint is None:
        return replace(source, read=lambda _: _resumed(head, failure, rows))
    return source


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
