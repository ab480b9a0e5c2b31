"""Rows of JSON files: one object per line, or the elements of one array.

Memory is bounded: a line longer than `MAX_ROW_BYTES` is cut there, and `parse_row` rejects it.
"""

import codecs
import io
import json
import re
from collections.abc import Generator, Iterator
from functools import partial
from typing import IO, cast

from lintseq.rows.input import START, Input, Mark, RawRow
from lintseq.rows.row import MAX_ROW_BYTES
from lintseq.rows.streams import BROKEN, CHUNK, broken_input, decompressed, fingerprint, input_size, opened

_BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(r"[ \t\r\n]*")
_LONGEST_TOKEN = 16
"""Maximum distance from its end at which a JSON text that is cut off outside of a string is malformed."""


def lines_input(path: str) -> Input:
    """Return the input of a file of JSON lines, plain or compressed."""
    return Input(path, input_size(path), fingerprint(path), partial(read_lines, path))


def array_input(path: str) -> Input:
    """Return the input of a file that holds one JSON array."""
    return Input(path, input_size(path), fingerprint(path), partial(read_array, path))


def read_lines(path: str, after: Mark = START) -> Generator[RawRow]:
    """Yield the lines of a JSONL file; raise `BrokenInputError` where it cannot be read.

    Blank lines and a byte order mark at the start are skipped.
    """
    index = number = 0
    with opened(path) as raw:
        position = raw.tell if raw.seekable() else lambda: 0
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
            raise broken_input(f"{path}: the compressed data is cut off in line {number + 1}") from None
        except BROKEN as error:
            raise broken_input(f"{path}: cannot be read beyond line {number}: {error}") from None


def _skip_line(stream: IO[bytes]) -> None:
    while (rest := stream.readline(CHUNK)) and not rest.endswith(b"\n"):
        pass


def opens_an_array(data: bytes) -> bool:
    """Return whether a file with this beginning is an array of rows, not a file of lines whose first row is a list."""
    text = data.strip()
    inner = text[1:].lstrip()
    return text[:1] == b"[" and (inner[:1] in (b"", b"{") or inner == b"]")


def read_array(path: str, after: Mark = START) -> Generator[RawRow]:
    """Yield the elements of a JSON array; raise `BrokenInputError` where it cannot be read."""
    with opened(path) as raw:
        position = raw.tell if raw.seekable() else lambda: 0
        index = 0
        try:
            for element in _elements(decompressed(raw)):
                if index >= after.rows:
                    yield RawRow(index, index + 1, element.encode("utf-8", "surrogateescape"), position())
                index += 1
        except EOFError:
            raise broken_input(f"{path}: cut off in element {index + 1}") from None
        except (*BROKEN, ValueError) as error:
            raise broken_input(f"{path}: cannot be read beyond element {index}: {error}") from None


def _elements(stream: IO[bytes]) -> Iterator[str]:
    """Yield the text of each element; raise `EOFError` if the array does not end, `ValueError` if it is malformed."""
    window = _Window(stream)
    if window.next() != "[":
        raise ValueError("not an array")
    mark = window.skip()
    while mark != "]":
        yield window.element()
        mark = window.next()
        if mark == ",":
            if window.skip() == "]":
                raise ValueError("the array ends in a comma")
        elif mark != "]":
            raise ValueError(f"expected a comma, found {window.excerpt}") if mark else EOFError
    if window.skip():
        raise ValueError(f"expected the end of the file after the array, found {window.excerpt}")


class _Window:
    """The part of the text that is being parsed; it grows until it contains a whole element."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._text = ""
        self._at = 0
        self._read = cast(io.BufferedReader, stream).read1
        self._ended = False
        self._failure: Exception | None = None
        """Why the rest cannot be read."""
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
        self._scan = json.JSONDecoder(strict=False, parse_int=str, parse_float=str).raw_decode

    @property
    def excerpt(self) -> str:
        return repr(self._text[self._at : self._at + 20])

    def next(self) -> str:
        """Skip white space and return the next character; empty at the end."""
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
        """Skip a character and white space, and return the next character."""
        self._at += 1
        return self.next()

    def element(self) -> str:
        """Return the text of the JSON value at the start of the window, and move past it."""
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
            more = self._grow(2 * size + 1)

    def _end(self) -> int:
        """Return the end of the value at the start of the window; beyond the window if it may continue there."""
        try:
            return self._scan(self._text, self._at)[1]
        except json.JSONDecodeError as error:
            # A value that is cut off is malformed at its very end, or where an unterminated string begins.
            if error.pos < len(self._text) - _LONGEST_TOKEN and not error.msg.startswith("Unterminated string"):
                raise ValueError(f"{error.msg}: {self._text[error.pos : error.pos + 20]!r}") from None
            return len(self._text) + 1
        except RecursionError:
            raise ValueError("nested too deeply") from None

    def _grow(self, size: int) -> bool:
        """Read until the window has `size` characters; return False if the file has fewer, or fails before."""
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
