"""The lines of a file of rejected rows."""

import json
from contextlib import suppress

import orjson

from lintseq.rows import MAX_ROW_BYTES, encode_line

_KEPT_OF_A_LONG_LINE = 1000


def encode_rejection(data: bytes, reason: str, detail: str, *, line: int, id: str | int | None, source: str) -> bytes:
    """Return the line that says why the row `data` was rejected.

    Its `record` is the row itself, character for character. A row that is not JSON is kept as a string, in which
    bytes that are not UTF-8 are written `\\xNN`; of a row that is too long only the beginning is kept.
    """
    head = encode_line({"id": id, "input": source, "line": line, "reason": reason, "detail": detail})
    return head.removesuffix(b"}\n") + b',"record":' + _verbatim(data) + b"}\n"


def _verbatim(data: bytes) -> bytes:
    if len(data) > MAX_ROW_BYTES:
        data = data[:_KEPT_OF_A_LONG_LINE]
    elif _is_json(data):
        return data.strip()
    return json.dumps(data.strip().decode("utf-8", "backslashreplace"), ensure_ascii=False).encode()


def _is_json(data: bytes) -> bool:
    with suppress(orjson.JSONDecodeError):
        orjson.loads(data)
        return True
    try:
        json.loads(data.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
