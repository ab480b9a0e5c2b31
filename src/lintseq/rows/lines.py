"""Rows of JSON: one object a line, or the elements of one array.

Memory is bounded: a line longer than `MAX_ROW_BYTES` is cut there, and `parse_row` rejects it.
"""

import codecs
import io
import json
import re
from collections.abc import Generator, Iterator
from functools import partial
from typing import IO, BinaryIO, cast

from lintseq.rows.row import MAX_ROW_BYTES, START, BrokenInputError, Input, Mark, RawRow
from lintseq.rows.streams import BROKEN, CHUNK, decompressed, fingerprint, input_size, is_plain, opened

_BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(r"[ \t\r\n]*")
_LONGEST_TOKEN = 16
"""At most so far from its end is a text wrong that is right but for being cut off; strings apart."""


def lines_input(path: str) -> Input:
    """Return the input of a file of JSON lines, plain or compressed."""
    return Input(path, input_size(path), fingerprint(path), partial(read_lines, path), jumps=is_plain(path))


def array_input(path: str) -> Input:
    """Return the input of a file that holds one JSON array."""
    return Input(path, input_size(path), fingerprint(path), partial(read_array, path), jumps=False)


def read_lines(path: str, after: Mark = START) -> Generator[RawRow]:
    """Yield the lines of a JSONL file; raise `BrokenInputError` where it cannot be read on.

    Blank lines are left out: they are no rows. A byte order mark at the start is dropped.
    """
    with opened(path) as raw:
        yield from _lines(path, raw, after)


def _lines(path: str, raw: BinaryIO, after: Mark) -> Iterator[RawRow]:
    position = raw.tell if raw.seekable() else lambda: 0
    index = number = 0
    try:
        stream = decompressed(raw)
        if stream is raw and after.end and raw.seekable():
            raw.seek(after.end)
            index, number = after.rows, after.number
        while data := stream.readline(MAX_ROW_BYTES + 1):
            number += 1
            if len(data) > MAX_ROW_BYTES and not data.endswith(b"\n"):
                _skip_line(stream)
            if number == 1:
                data = data.removeprefix(_BOM)
            if not data.isspace() and data:
                if index >= after.rows:
                    yield RawRow(index, number, data, position())
                index += 1
    except EOFError:
        raise BrokenInputError(f"{path}: the compressed data is cut off in line {number + 1}") from None
    except BROKEN as error:
        raise BrokenInputError(f"{path}: cannot be read beyond line {number}: {error}") from None


def _skip_line(stream: IO[bytes]) -> None:
    while (rest := stream.readline(CHUNK)) and not rest.endswith(b"\n"):
        pass


def opens_an_array(data: bytes) -> bool:
    """Tell whether a file that begins like this is an array of rows, rather than having a row that is a list."""
    text = data.strip()
    inner = text[1:].lstrip()
    return text[:1] == b"[" and (inner[:1] in (b"", b"{") or inner == b"]")


def read_array(path: str, after: Mark = START) -> Generator[RawRow]:
    """Yield the elements of a JSON array, one after the other; raise `BrokenInputError` where it cannot be read on."""
    with opened(path) as raw:
        position = raw.tell if raw.seekable() else lambda: 0
        index = 0
        try:
            for element in _elements(decompressed(raw)):
                if index >= after.rows:
                    yield RawRow(index, index + 1, element.encode("utf-8", "surrogateescape"), position())
                index += 1
        except EOFError:
            raise BrokenInputError(f"{path}: cut off in element {index + 1}") from None
        except (*BROKEN, ValueError) as error:
            raise BrokenInputError(f"{path}: cannot be read beyond element {index}: {error}") from None


def _elements(stream: IO[bytes]) -> Iterator[str]:
    """Yield the text of each element; `EOFError` if the array does not end, `ValueError` if it is none."""
    window = _Window(stream)
    if window.next() != "[":
        raise ValueError("it is no array")
    mark = window.skip()
    while mark != "]":
        yield window.element()
        mark = window.next()
        if mark == ",":
            if window.skip() == "]":
                raise ValueError("the array ends in a comma")
        elif mark != "]":
            raise ValueError(f"{window.excerpt} stands where a comma was expected") if mark else EOFError
    if window.skip():
        raise ValueError(f"{window.excerpt} stands behind the end of the array")


class _Window:
    """The part of a text that is being looked at; it grows until an element fits."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._text = ""
        self._at = 0
        self._read = cast(io.BufferedReader, stream).read1
        self._ended = False
        self._failure: Exception | None = None
        """What keeps the rest from being read, if that is not all."""
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
        self._scan = json.JSONDecoder(strict=False, parse_int=str, parse_float=str).raw_decode

    @property
    def excerpt(self) -> str:
        return repr(self._text[self._at : self._at + 20])

    def next(self) -> str:
        """Return the next character that is no white space, which the window starts with then; empty at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._grow(1):
                if self._failure is not None:
                    raise self._failure
                return ""

    def skip(self) -> str:
        """Pass over a character and return the next one that is no white space."""
        self._at += 1
        return self.next()

    def element(self) -> str:
        """Take the JSON value that the window starts with."""
        more = True
        while True:
            size = len(self._text) - self._at
            end = self._end()
            if end < len(self._text) or (end == len(self._text) and self._text[self._at] in '{["'):
                element = self._text[self._at : end]
                self._at = end
                return element
            if size > 2 * MAX_ROW_BYTES:
                raise ValueError(f"an element is longer than {MAX_ROW_BYTES:,} bytes")
            if not more:
                raise self._failure or EOFError
            more = self._grow(2 * size)

    def _end(self) -> int:
        """Return where the value ends that the window starts with; beyond the window, if it may go on there."""
        try:
            return self._scan(self._text, self._at)[1]
        except json.JSONDecodeError as error:
            # What is cut off is wrong at its very end, or where a string begins that does not end.
            if error.pos < len(self._text) - _LONGEST_TOKEN and not error.msg.startswith("Unterminated string"):
                raise ValueError(f"{error.msg}: {self._text[error.pos : error.pos + 20]!r}") from None
            return len(self._text) + 1
        except RecursionError:
            raise ValueError("nested too deeply") from None

    def _grow(self, size: int) -> bool:
        """Read until the window has so many characters; False if there are not so many, or an error comes before."""
        parts = [self._text[self._at :]]
        found = len(parts[0])
        while found < size and not self._ended:
            try:
                data = self._read(CHUNK)
            except BROKEN as failure:
                self._failure, data = failure, b""
            self._ended = not data
            parts.append(self._decode(data, not data))
            found += len(parts[-1])
        self._text, self._at = "".join(parts), 0
        return found >= size
