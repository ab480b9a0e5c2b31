"""Finds the inputs that an argument names, and the columns of each that matter."""

import os
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from lintseq.errors import BrokenInputError, ConfigError, ProgramError
from lintseq.rows.fields import FieldNames, find_fields
from lintseq.rows.hub import PREFIX, hub_input, is_saved, saved_input
from lintseq.rows.input import START, Input, RawRow
from lintseq.rows.json_files import array_input, lines_input, opens_an_array
from lintseq.rows.paths import base_of, files_in, files_matching, is_folder, is_pattern, path_prefixes, relative_path
from lintseq.rows.row import parse_row
from lintseq.rows.sourcecode import SUFFIXES, source_input
from lintseq.rows.streams import (
    BROKEN,
    STDIN,
    check_readable,
    decompressed,
    input_size,
    is_remote,
    opened,
    url_hash,
    without_secrets,
)
from lintseq.rows.tables import csv_input, parquet_input
from lintseq.storage import COMPRESSIONS

HEAD_ROWS = 100
"""Number of rows from which the columns are found."""
_HEAD_BYTES = 8 << 20

READERS: dict[str, Callable[[str], Input]] = {
    ".jsonl": lines_input,
    ".ndjson": lines_input,
    ".json": lines_input,
    ".csv": csv_input,
    ".tsv": partial(csv_input, delimiter="\t"),
    ".parquet": parquet_input,
    ".pq": parquet_input,
}
_METADATA = ("manifest.json", "local.json", "rejected.jsonl", "state.json", "dataset_info.json", "dataset_dict.json")
"""Files next to data that contain no rows; matches suffixes of names too."""


def open_inputs(
    specs: Sequence[str],
    names: FieldNames | None,
    *,
    code_base: bool = False,
    but: Callable[[str], bool] = lambda path: False,
) -> list[Input]:
    """Return the inputs that arguments name, with their fields; raise `ConfigError` for what cannot work.

    An argument is a file (JSON lines, a JSON array, CSV or Parquet, compressed or not), a folder or a pattern of such
    files or of source files, `hf:NAME`, a URL, or `-` for standard input. Without `names`, fields are not looked for.
    `but` returns whether a file is skipped, such as the output of an earlier run. With `code_base`, a folder is
    searched for source files even if it holds data too, and the rows of source files have no instructions.

    The paths of source files in several folders are relative to the folder that contains all of them.
    """
    inputs = [found for spec in specs for found in find_inputs(spec, code_base=code_base) if not but(found.path)]
    if not inputs:
        raise ConfigError(f"{', '.join(specs)}: contains nothing but the output itself")
    prefixes = path_prefixes({found.folder for found in inputs if found.folder is not None})
    if len(prefixes) > 1:
        inputs = [_with_prefix(found, prefixes) for found in inputs]
    return [open_input(found, names, code_base=code_base) for found in inputs]


def open_input(input: Input, names: FieldNames | None, *, code_base: bool = False) -> Input:
    """Return an input with its columns, and its fields by `names`; raise `ConfigError` if it does not have them.

    Its first rows are read for this. Without `names`, fields are not looked for. An input that can be read only once
    stays open, and `read` yields its first rows again.
    """
    rows = input.read(START)
    head, failure = _head(rows)
    parsed = [row for raw in head if (row := _parse_or_none(raw.data)) is not None]
    if head and not parsed and len(head) == HEAD_ROWS:
        raise ConfigError(f"{input.path} does not look like JSON lines; it begins {head[0].data[:60]!r}")
    fields = None
    if names is not None and input.fields is not None and names == FieldNames():
        fields = input.fields
    elif names is not None and parsed:
        fields = find_fields(input.path, parsed, replace(names, instruction_field="") if code_base else names)
    columns: dict[str, set[type]] = {}
    for row in parsed:
        for name, value in row.items():
            if value is not None:
                columns.setdefault(name, set()).add(type(value))
    opened = replace(input, fields=fields, columns=columns)
    return opened if input.fingerprint is not None else replace(opened, read=lambda _: _resumed(head, failure, rows))


def _with_prefix(input: Input, prefixes: Mapping[str, str]) -> Input:
    if input.folder is None or input.with_prefix is None:
        return input
    return _without_secrets(input.with_prefix(prefixes[input.folder]))


def read_rows(spec: str) -> Iterator[RawRow]:
    """Yield the rows of everything that an argument names."""
    for found in find_inputs(spec):
        yield from found.read(START)


def find_inputs(spec: str, *, code_base: bool = False) -> list[Input]:
    """Return the inputs that an argument names, their paths without passwords and keys."""
    return [_without_secrets(found) for found in _find(spec, code_base)]


def _without_secrets(input: Input) -> Input:
    path = without_secrets(input.path)
    if path == input.path or input.fingerprint is None:
        return replace(input, path=path)
    return replace(input, path=path, fingerprint={**input.fingerprint, "address": url_hash(input.path)})


def _find(spec: str, code_base: bool) -> list[Input]:
    if spec == STDIN:
        return [lines_input(STDIN)]
    if spec.startswith(PREFIX) and not is_remote(spec):
        return [hub_input(spec)]
    if is_pattern(spec):
        return _in_pattern(spec, code_base)
    if is_folder(spec):
        return _in_folder(spec, code_base)
    check_readable(spec)
    if not spec.endswith(SUFFIXES):
        return [_data_input(spec)]
    name = _own_name(spec)
    folder = None if os.sep in name or "/" in name else os.path.dirname(spec)
    return [source_input(spec, [(name, spec)], documentation=not code_base, folder=folder)]


def _in_folder(folder: str, code_base: bool) -> list[Input]:
    if not is_remote(folder) and is_saved(folder):
        return [saved_input(folder)]
    paths = files_in(folder)
    sources = [path for path in paths if path.endswith(SUFFIXES)]
    data = _without_tests([path for path in paths if _is_data(path)])
    if sources and (code_base or not data):
        return [_source_files(folder, folder, sources, code_base)]
    if sources:
        example = f"{folder.rstrip('/')}/**/*"
        raise ConfigError(
            f"{folder} holds both source files and data, such as {data[0]}; choose with a pattern,"
            f" '{example}{_suffix(sources[0])}' or '{example}{_suffix(data[0])}'"
        )
    if not data:
        raise ConfigError(f"{folder} holds neither data ({', '.join(READERS)}) nor source files ({SUFFIXES[0]})")
    return [_data_input(path) for path in data]


def _without_tests(paths: Sequence[str]) -> list[str]:
    """Return the files of data without the parts for testing, if there are parts for training, as for `hf:`."""
    names = [posixpath.basename(path.replace(os.sep, "/")) for path in paths]
    has_parts = any(name.startswith("train-") for name in names)
    tests = ("test-", "validation-") if has_parts else ()
    return [path for path, name in zip(paths, names, strict=True) if not name.startswith(tests)]


def _in_pattern(pattern: str, code_base: bool) -> list[Input]:
    paths = files_matching(pattern)
    sources = [path for path in paths if path.endswith(SUFFIXES)]
    if not sources:
        return [_data_input(path) for path in paths]
    if len(sources) < len(paths):
        raise ConfigError(f"{pattern} matches source files and others, such as {min(set(paths) - set(sources))}")
    return [_source_files(pattern, base_of(pattern), sources, code_base)]


def _source_files(spec: str, folder: str, paths: Sequence[str], code_base: bool) -> Input:
    files = [(relative_path(folder, path), path) for path in paths]
    return source_input(spec, files, documentation=not code_base, folder=folder)


def _own_name(path: str) -> str:
    """Return the id of a source file that is an argument itself: its path, or its name if the path leads elsewhere."""
    tidy = posixpath.normpath(path.replace(os.sep, "/"))
    return posixpath.basename(tidy) if is_remote(path) or tidy.startswith(("/", "..")) or ":" in tidy else tidy


def _is_data(path: str) -> bool:
    name = posixpath.basename(path.replace(os.sep, "/"))
    if name in _METADATA or any(name.endswith(f".{suffix}") for suffix in _METADATA):
        return False
    return _suffix(path) in READERS and (is_remote(path) or os.path.isfile(path))


def is_data_set(path: str, data: bytes) -> bool:
    """Return whether a file is a data set by its name, or by its first line, which is a JSON object."""
    first = data.lstrip().partition(b"\n")[0]
    return _suffix(path) in READERS or (first.startswith(b'{"') and _parse_or_none(first) is not None)


def _suffix(path: str) -> str:
    """Return the suffix of a name without that of its compression."""
    if is_remote(path):
        path = path.partition("?")[0]
    path = path.lower()
    for suffix in COMPRESSIONS:
        path = path.removesuffix(suffix)
    return os.path.splitext(path)[1]


def _data_input(path: str) -> Input:
    check_readable(path)
    return _reader(path)(path)


def _reader(path: str) -> Callable[[str], Input]:
    """Return what reads a file: by its first bytes where they decide, otherwise by its name."""
    reader = READERS.get(_suffix(path), lines_input)
    if input_size(path) is None:  # it cannot be read a second time
        return reader
    with opened(path) as file:
        stream = decompressed(file)
        try:
            head = stream.read(4096)
        except BROKEN:  # reported when the file is read
            return reader
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError(f"{path} is UTF-16; convert it to UTF-8: iconv -f UTF-16 -t UTF-8")
    if head.startswith(b"PAR1"):
        if stream is not file:
            raise ConfigError(f"{path} is a compressed Parquet file, which cannot be read in parts; decompress it")
        return parquet_input
    is_array = reader is lines_input and opens_an_array(head.removeprefix(b"\xef\xbb\xbf"))
    return array_input if is_array else reader


def _head(rows: Iterator[RawRow]) -> tuple[list[RawRow], BrokenInputError | None]:
    """Return the first rows, and the error that ended them, if any."""
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


def _parse_or_none(data: bytes) -> dict[str, Any] | None:
    try:
        return parse_row(data)
    except ProgramError:
        return None
