"""Rows as JSON: parsing what was read, and encoding what is written."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from lintseq.errors import ProgramError

MAX_ROW_BYTES = 16 << 20
_MAX_NAMES = 30


def parse_row(data: bytes) -> dict[str, Any]:
    """Return the JSON object in a row; raise `ProgramError` with the reason if there is none."""
    if len(data) > MAX_ROW_BYTES:
        raise ProgramError("too-long", f"the line is longer than {MAX_ROW_BYTES:,} bytes")
    try:
        row = orjson.loads(data)
    except orjson.JSONDecodeError:
        row = _parse_leniently(data)
    if not isinstance(row, dict):
        raise ProgramError("not-object", f"expected an object, found {json_type(row)}")
    return row


def _parse_leniently(data: bytes) -> Any:
    """Parse what orjson rejects but Python's own parser accepts: lone surrogates, NaN."""
    try:
        return json.loads(data.decode())
    except UnicodeDecodeError as error:
        raise ProgramError("encoding", f"byte {error.start} of the line is not UTF-8") from None
    except RecursionError:
        raise ProgramError("not-json", "nested too deeply") from None
    except ValueError as error:
        raise ProgramError("not-json", f"not JSON: {error}") from None


def encode_line(row: Mapping[str, Any]) -> bytes:
    """Return a row as one line of JSON; a lone surrogate becomes an escape, as JSON allows."""
    try:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        return json.dumps(row, separators=(",", ":")).encode() + b"\n"


def encode_row(row: Any) -> bytes:
    """Return a row of a table as JSON without a newline; values that JSON does not have become strings."""
    try:
        return orjson.dumps(row, default=_to_json, option=orjson.OPT_NON_STR_KEYS)
    except (orjson.JSONEncodeError, TypeError):
        return json.dumps(row, default=_to_json).encode()


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value.tolist() if hasattr(value, "tolist") else str(value)


def json_type(value: object) -> str:
    """Return the JSON type of a value for a message, such as `an array`; for null and booleans, the value."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    names: dict[type, str] = {str: "a string", list: "an array", dict: "an object"}
    return names.get(type(value), "a number")


def column_list(columns: Iterable[str]) -> str:
    """Return the names of columns for a message; of many, only the first."""
    names = list(columns)
    more = len(names) - _MAX_NAMES
    text = ", ".join(names[:_MAX_NAMES]) or "none"
    return f"{text} and {more:,} more" if more > 0 else text
