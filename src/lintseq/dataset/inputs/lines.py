"""Rows of JSON: one object a line, or the elements of one array.

Memory is bounded: a line longer than `MAX_ROW_BYTES` is cut there, and `parse_row` rejects it.
"""

import codecs
import json
import re
import zlib
from collections.abc import Generator, Iterator
from functools import partial
from typing import IO, BinaryIO

import zstandard

from lintseq.dataset.inputs.rows import MAX_ROW_BYTES, START, BrokenInputError, Input, Mark, RawRow
from lintseq.dataset.inputs.streams import CHUNK, decompressed, fingerprint, input_size, is_plain, opened

_BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(r"[ \t\r\n]*")


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
    except (OSError, zlib.error, zstandard.ZstdError) as error:
        raise BrokenInputError(f"{path}: cannot be read beyond line {number}: {error}") from None


def _skip_line(stream: IO[bytes]) -> None:
    while (rest := stream.readline(CHUNK)) and not rest.endswith(b"\n"):
        pass


def opens_an_array(data: bytes) -> bool:
    """Tell whether a line begins an array of rows, rather than being a row that is a list by mistake."""
    return data.lstrip().startswith(b"[") and data.strip(b"[ \t\r\n")[:1] in (b"", b"{")


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
        except (OSError, zlib.error, zstandard.ZstdError, ValueError) as error:
            raise BrokenInputError(f"{path}: cannot be read beyond element {index}: {error}") from None


def _elements(stream: IO[bytes]) -> Iterator[str]:
    """Yield the text of each element; `EOFError` if the array does not end, `ValueError` if it is none."""
    window = _Window(stream)
    if window.next() != "[":
        raise ValueError("it is no array")
    window.drop(1)
    first = True
    while (mark := window.next()) != "]":
        if not first:
            if mark != ",":
                raise ValueError(f"{window.text[:20]!r} stands where a comma was expected")
            window.drop(1)
            window.next()
        yield window.element()
        first = False


class _Window:
    """The part of a text that is being looked at; it grows until an element fits."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.text = ""
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
        self._scan = json.JSONDecoder(strict=False).raw_decode

    def grow(self, size: int) -> None:
        data = self._stream.read(size)
        if not data:
            raise EOFError
        self.text += self._decode(data)

    def drop(self, count: int) -> None:
        self.text = self.text[count:]

    def next(self) -> str:
        """Return the next character that is no white space, which the window starts with then."""
        while True:
            match = _SPACE.match(self.text)
            self.text = self.text[match.end() if match else 0 :]
            if self.text:
                return self.text[0]
            self.grow(CHUNK)

    def element(self) -> str:
        """Take the JSON value that the window starts with."""
        size = CHUNK
        while True:
            try:
                _, end = self._scan(self.text)
            except ValueError:
                end = len(self.text)
            except RecursionError:
                raise ValueError("nested too deeply") from None
            if end < len(self.text):  # what follows shows that it is whole
                element = self.text[:end]
                self.drop(end)
                return element
            if len(self.text) > 2 * MAX_ROW_BYTES:
                raise ValueError(f"an element is longer than {MAX_ROW_BYTES:,} bytes, or no JSON")
            self.grow(size)
            size *= 2
