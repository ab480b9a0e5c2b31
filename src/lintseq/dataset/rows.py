"""Read the rows of JSONL inputs, and find the fields of a row that matter.

Owns files, compression, line ends, JSON and column names. What becomes of a row is left to
`lintseq.dataset.build`; what a program is, to `lintseq.program`.

Compression is told by a file's first bytes, not by its name. Memory is bounded: a line longer than
`MAX_ROW_BYTES` is cut there, and `parse_row` rejects it.
"""

import io
import json
import os
import stat
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any, BinaryIO, Protocol, cast

import orjson
import zstandard

from lintseq.errors import ConfigError, ProgramError

STDIN = "-"
MAX_ROW_BYTES = 16 << 20
HEAD_ROWS = 100
_HEAD_BYTES = 8 << 20
_CHUNK = 1 << 17

INSTRUCTION_NAMES = (
    "instruction",
    "query",
    "question",
    "problem",
    "prompt",
    "source_instruction",
    "problem_description",
    "description",
    "input",
    "text",
)
CODE_NAMES = (
    "program",
    "code",
    "solution",
    "response",
    "source_response",
    "completion",
    "output",
    "answer",
    "canonical_solution",
    "source_code",
    "content",
    "text",
)
ID_NAMES = ("id", "task_id", "uid", "uuid", "index", "idx")


class BrokenInputError(Exception):
    """An input that cannot be read to its end; the rows before that are good."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an input that is not blank; `number` counts from 1, `end` is the place in the (compressed) file."""

    number: int
    data: bytes
    end: int


def read_lines(path: str) -> Generator[Line]:
    """Yield the lines of a JSONL file, plain or compressed; raise `BrokenInputError` where it cannot be read on.

    Blank lines are left out: they are no rows. A byte order mark at the start is dropped.
    """
    with _opened(path) as raw:
        yield from _lines(path, raw)


def input_size(path: str) -> int | None:
    """Return the size of a regular file in bytes, or None for whatever has no size to know in advance."""
    if path == STDIN:
        return None
    status = os.stat(path)
    return status.st_size if stat.S_ISREG(status.st_mode) else None


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    if path == STDIN:
        yield sys.stdin.buffer
    else:
        with open(path, "rb", buffering=_CHUNK) as file:
            yield file


def _lines(path: str, raw: BinaryIO) -> Iterator[Line]:
    position = raw.tell if raw.seekable() else lambda: 0
    number = 0
    try:
        stream = _decompressed(raw)
        while data := stream.readline(MAX_ROW_BYTES + 1):
            number += 1
            if len(data) > MAX_ROW_BYTES and not data.endswith(b"\n"):
                _skip_line(stream)
            if number == 1:
                data = data.removeprefix(b"\xef\xbb\xbf")
            if not data.isspace() and data:
                yield Line(number, data, position())
    except EOFError:
        raise BrokenInputError(f"{path}: the compressed data is cut off in line {number + 1}") from None
    except (OSError, zlib.error, zstandard.ZstdError) as error:
        raise BrokenInputError(f"{path}: cannot be read beyond line {number}: {error}") from None


def _skip_line(stream: IO[bytes]) -> None:
    while (rest := stream.readline(_CHUNK)) and not rest.endswith(b"\n"):
        pass


def _decompressed(raw: BinaryIO) -> IO[bytes]:
    magic = cast(io.BufferedReader, raw).peek(4)[:4]
    if magic[:2] == b"\x1f\x8b":
        return io.BufferedReader(_Decompressed(raw, lambda: zlib.decompressobj(wbits=31)), _CHUNK)
    if magic == b"\x28\xb5\x2f\xfd":
        return io.BufferedReader(_Decompressed(raw, lambda: zstandard.ZstdDecompressor().decompressobj()), _CHUNK)
    return raw


class _Frame(Protocol):
    """One compressed stream of those that a file is made of, as zlib and zstandard have it."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


class _Decompressed(io.RawIOBase):
    """The bytes of a compressed file.

    Gives all there is before it says that the file is truncated; of the libraries' own readers, gzip's
    keeps the last bytes to itself then, and zstandard's does not notice.
    """

    _STEP = 2048  # so little, because what it decompresses to may be thousands of times as much

    def __init__(self, raw: BinaryIO, new_frame: Callable[[], _Frame]) -> None:
        self._raw = raw
        self._new_frame = new_frame
        self._frame: _Frame | None = None
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            if not self._decompress_more():
                return 0
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _decompress_more(self) -> bool:
        """Take the next step and return True, or False at the end of the file."""
        rest = b""
        if self._frame is not None and self._frame.eof:
            # Between frames there may be zeros, with which some media are padded.
            rest = self._frame.unused_data.lstrip(b"\0")
            self._frame = None
        compressed = rest or self._raw.read(self._STEP)
        if not compressed:
            if self._frame is not None:
                raise EOFError("the last frame is not complete")
            return False
        if self._frame is None:
            compressed = compressed.lstrip(b"\0")
            self._frame = self._new_frame() if compressed else None
        if self._frame is not None:
            self._ready = memoryview(self._frame.decompress(compressed))
        return True


def parse_row(data: bytes) -> dict[str, Any]:
    """Return the JSON object on a line, or raise `ProgramError` with the reason that there is none."""
    if len(data) > MAX_ROW_BYTES:
        raise ProgramError("too-long", f"the line is longer than {MAX_ROW_BYTES:,} bytes")
    try:
        row = orjson.loads(data)
    except orjson.JSONDecodeError:
        row = _parse_leniently(data)
    if not isinstance(row, dict):
        raise ProgramError("not-object", f"{_kind(row)}, where an object was expected")
    return row


def _kind(value: object) -> str:
    """Return what a value is in the words of JSON."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    names: dict[type, str] = {str: "a string", list: "an array", dict: "an object"}
    return names.get(type(value), "a number")


def _parse_leniently(data: bytes) -> Any:
    """Parse what orjson refuses and Python's own parser takes: lone surrogates, NaN."""
    try:
        return json.loads(data.decode())
    except UnicodeDecodeError as error:
        raise ProgramError("encoding", f"byte {error.start} of the line is not UTF-8") from None
    except RecursionError:
        raise ProgramError("not-json", "nested too deeply") from None
    except ValueError as error:
        raise ProgramError("not-json", str(error)) from None


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Columns that the user named; None is for finding them by their usual names."""

    instruction: str | None = None
    """An empty name means that the rows have no instructions."""
    code: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Fields:
    """The columns in which an input's rows keep what matters."""

    code: str
    instruction: str | None = None
    """None for rows without instructions."""
    context: str | None = None
    """Alpaca's `input`: a text that belongs to the instruction, joined to it by a newline."""
    id: str | None = None

    def read_code(self, row: dict[str, Any]) -> str:
        """Return the text that holds the program."""
        return _string(row, self.code)

    def read_instruction(self, row: dict[str, Any]) -> str:
        """Return the whole instruction; empty if the rows have none."""
        if self.instruction is None:
            return ""
        instruction = _string(row, self.instruction)
        if self.context is None:
            return instruction
        context = row.get(self.context)
        if isinstance(context, str) and context and context != "<noinput>":
            return f"{instruction}\n{context}"
        return instruction

    def read_id(self, row: dict[str, Any]) -> str | int | None:
        """Return the row's own id, or None if it has none that could serve."""
        if self.id is None:
            return None
        own = row.get(self.id)
        if isinstance(own, str) or (isinstance(own, int) and not isinstance(own, bool)):
            return own if own != "" else None
        return None


def _string(row: dict[str, Any], name: str) -> str:
    try:
        value = row[name]
    except KeyError:
        raise ProgramError("no-field", f"no column {name!r} (columns: {', '.join(row)})") from None
    if not isinstance(value, str):
        raise ProgramError("not-string", f"{name!r} holds {_kind(value)}, where a string was expected")
    return value


def find_fields(path: str, rows: Sequence[dict[str, Any]], names: FieldNames) -> Fields:
    """Decide from an input's first rows where its fields are; raise `ConfigError` if that cannot be told.

    Of the usual names, in the order of the lists above, the first wins that holds a string in at least
    half of the rows; capitals make no difference.
    """
    columns = Counter[str]()
    for row in rows:
        for name, value in row.items():
            columns[name] += isinstance(value, str)

    def missing(what: str, flag: str, *, more: str = "") -> ConfigError:
        return ConfigError(f"{path}: {what} (columns: {', '.join(columns) or 'none'}); name it with {flag}{more}")

    def named(name: str, flag: str) -> str:
        if name not in columns:
            raise missing(f"no column {name!r} in the first {len(rows)} rows", flag)
        return name

    def usual(candidates: Sequence[str], taken: str | None = None) -> str | None:
        by_name = {name.lower(): name for name in reversed(columns) if name != taken}
        found = [by_name[candidate] for candidate in candidates if candidate in by_name]
        return next((name for name in found if 2 * columns[name] >= len(rows)), next(iter(found), None))

    code = named(names.code, "--code-field") if names.code else usual(CODE_NAMES, taken=names.instruction)
    if code is None:
        raise missing("none of the columns is known to hold code", "--code-field")
    context = None
    if names.instruction is None:
        instruction = usual(INSTRUCTION_NAMES, taken=code)
        if instruction is None:
            more = ", or say that there are none with --instruction-field ''"
            raise missing("none of the columns is known to hold instructions", "--instruction-field", more=more)
        if instruction.lower() == "instruction":
            context = next((name for name in columns if name.lower() == "input" and name != code), None)
    else:
        instruction = named(names.instruction, "--instruction-field") if names.instruction else None
    own_id = named(names.id, "--id-field") if names.id else _usual_id(columns)
    return Fields(code=code, instruction=instruction, context=context, id=own_id)


def _usual_id(columns: Iterable[str]) -> str | None:
    by_name = {name.lower(): name for name in columns}
    return next((by_name[name] for name in ID_NAMES if name in by_name), None)


@dataclass(frozen=True, slots=True)
class Source:
    """An input that was looked into: its fields are known and its lines are ready to be read."""

    path: str
    fields: Fields | None
    """None if no row of the input is a JSON object: each will be rejected before its fields matter."""
    size: int | None
    lines: Iterator[Line]


def open_source(path: str, names: FieldNames) -> Source:
    """Look into an input and find its fields; raise `ConfigError` if that is impossible.

    A regular file is opened again when its lines are wanted, so that thousands of inputs do not mean
    thousands of open files; what can be read only once stays open.
    """
    _check_readable(path)
    lines = read_lines(path)
    head, failure = _head(lines)
    rows = [row for line in head if (row := _row_or_none(line.data)) is not None]
    if head and (_opens_an_array(head[0].data) or (not rows and len(head) == HEAD_ROWS)):
        raise ConfigError(f"{path} does not look like JSONL, one object a line; {_way_out(head[0].data)}")
    fields = find_fields(path, rows, names) if rows else None
    size = input_size(path)
    if size is None:
        return Source(path, fields, None, _resumed(head, failure, lines))
    lines.close()
    return Source(path, fields, size, read_lines(path))


def _check_readable(path: str) -> None:
    if path == STDIN:
        return
    try:
        if stat.S_ISDIR(os.stat(path).st_mode):
            raise ConfigError(f"{path} is a folder; name the files in it")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    if not os.access(path, os.R_OK):
        raise ConfigError(f"cannot read {path}: permission denied")


def _head(lines: Iterator[Line]) -> tuple[list[Line], BrokenInputError | None]:
    """Return the first lines, and what kept from reading more of them if something did."""
    head: list[Line] = []
    size = 0
    try:
        for line in islice(lines, HEAD_ROWS):
            head.append(line)
            size += len(line.data)
            if size > _HEAD_BYTES:
                break
    except BrokenInputError as failure:
        return head, failure
    return head, None


def _resumed(head: list[Line], failure: BrokenInputError | None, rest: Iterator[Line]) -> Iterator[Line]:
    yield from head
    if failure is not None:
        raise failure
    yield from rest


def _row_or_none(data: bytes) -> dict[str, Any] | None:
    try:
        return parse_row(data)
    except ProgramError:
        return None


def _opens_an_array(data: bytes) -> bool:
    """Tell whether a line begins an array of rows, rather than being a row that is a list by mistake."""
    return data.lstrip().startswith(b"[") and data.strip(b"[ \t\r\n")[:1] in (b"", b"{")


def _way_out(data: bytes) -> str:
    if _opens_an_array(data):
        return "it is a JSON array: `jq -c '.[]'` makes JSONL of it"
    return f"its first line is {data[:60]!r}"
