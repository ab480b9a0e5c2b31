"""A row of any input: one JSON object as bytes, and its place. Knows nothing of where rows come from."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from lintseq.errors import ProgramError
from lintseq.rows.streams import without_secrets

if TYPE_CHECKING:
    from lintseq.rows.fields import Fields

MAX_ROW_BYTES = 16 << 20
_MOST_NAMES = 30


class BrokenInputError(Exception):
    """An input that cannot be read to its end; the rows before that are good."""

    def __init__(self, what: str) -> None:
        super().__init__(without_secrets(what))  # it is written down


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an input was read."""

    rows: int
    """Rows before this place."""
    number: int
    """That of the last of them; 0 if there is none."""
    end: int
    """The place in the units of the input's size."""


START = Mark(0, 0, 0)


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as it was read."""

    index: int
    """The place among the rows of its input, from 0."""
    number: int
    """Where people find it, from 1: the line of a file of lines, elsewhere the row."""
    data: bytes
    """One JSON object; or whatever else stood there, which `parse_row` refuses."""
    end: int
    """The place after it, in the units of the input's size."""

    @property
    def mark(self) -> Mark:
        return Mark(self.index + 1, self.number, self.end)


@dataclass(frozen=True, slots=True)
class Input:
    """Something that gives rows; nothing of it is open yet, unless it can be read only once."""

    path: str
    """Its name, for people."""
    size: int | None
    """How much there is: bytes as stored, or rows, or files; None if that cannot be known."""
    fingerprint: dict[str, Any] | None
    """Plain values that tell whether it is still the same; None if it cannot be read twice."""
    read: Callable[[Mark], Iterator[RawRow]]
    """The rows after a mark; raises `BrokenInputError` where it cannot be read on."""
    by_rows: bool = False
    """Whether its size is its number of rows, so that the mark after n rows is (n, n, n)."""
    jumps: bool = True
    """Whether reading on after a mark leaves out what is before it, rather than reading that again."""
    fields: "Fields | None" = None
    """Where its rows keep what matters, if that is known whatever they hold."""
    folder: str | None = None
    """The folder below which its files are named, and their rows after them; None if that is no question."""
    named: "Callable[[str], Input] | None" = None
    """The same with something before these names."""


def parse_row(data: bytes) -> dict[str, Any]:
    """Return the JSON object on a line, or raise `ProgramError` with the reason that there is none."""
    if len(data) > MAX_ROW_BYTES:
        raise ProgramError("too-long", f"the line is longer than {MAX_ROW_BYTES:,} bytes")
    try:
        row = orjson.loads(data)
    except orjson.JSONDecodeError:
        row = _parse_leniently(data)
    if not isinstance(row, dict):
        raise ProgramError("not-object", f"{kind_of_value(row)}, where an object was expected")
    return row


def kind_of_value(value: object) -> str:
    """Return what a value is in the words of JSON."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    names: dict[type, str] = {str: "a string", list: "an array", dict: "an object"}
    return names.get(type(value), "a number")


def names_of_columns(names: Iterable[str]) -> str:
    """Return the names of columns for a message: of very many, the first."""
    names = list(names)
    more = len(names) - _MOST_NAMES
    told = ", ".join(names[:_MOST_NAMES]) or "none"
    return f"{told} and {more:,} more" if more > 0 else told


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


def encode_line(row: Mapping[str, Any]) -> bytes:
    """Return a row as one line of JSON; a lone surrogate becomes an escape, as JSON allows."""
    try:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        return json.dumps(row, separators=(",", ":")).encode() + b"\n"


def encode_row(row: Any) -> bytes:
    """Return a row of a table as JSON; what JSON cannot hold becomes a string."""
    try:
        return orjson.dumps(row, default=_plain, option=orjson.OPT_NON_STR_KEYS)
    except (orjson.JSONEncodeError, TypeError):
        return json.dumps(row, default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value.tolist() if hasattr(value, "tolist") else str(value)
