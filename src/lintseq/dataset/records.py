"""What the lines of an output look like: the schemas of a record, and rejected rows.

Owns the shape of the JSON; which sequences there are and where the lines go is left to others.

Every schema is a function of the item, one of its sequences, the number of the draw and the meta object.
A record repeats nothing of the input row but its id, instruction and program: licences, sources and
other columns are joined by id.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from lintseq.codecs import DIFF
from lintseq.dataset.rows import MAX_ROW_BYTES
from lintseq.edits import EditSequence
from lintseq.sampling import SamplingOptions

_KEPT_OF_A_LONG_LINE = 1000


@dataclass(frozen=True, slots=True)
class Item:
    """What one input row gave."""

    id: str | int
    instruction: str
    program: str
    response: str = ""
    """The field that the program was taken out of, whole."""
    source: str = ""
    """The input's path."""
    index: int = 0
    """The place of the row among the rows of its input, from 0."""


Schema = Callable[[Item, EditSequence, int, Mapping[str, Any]], dict[str, Any]]


def lintseq_record(item: Item, sequence: EditSequence, draw: int, meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record that lintseq's own commands read."""
    return {
        "id": item.id,
        "draw": draw,
        "instruction": item.instruction,
        "program": item.program,
        "edits": DIFF.edit_texts(sequence),
        "meta": meta,
    }


def pylintseq_record(item: Item, sequence: EditSequence, draw: int, meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that pylintseq writes."""
    return {
        "edit_path": DIFF.edit_texts(sequence),
        "index": item.index,
        "source_file": item.source,
        "source_instruction": item.instruction,
        "source_response": item.response,
    }


def prompt_completion_record(item: Item, sequence: EditSequence, draw: int, meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return a prompt and its completion, as trainers for fine-tuning read them."""
    return {
        "prompt": item.instruction + "\n",
        "completion": DIFF.encode(sequence),
        "id": item.id,
        "draw": draw,
    }


def messages_record(item: Item, sequence: EditSequence, draw: int, meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return a conversation of two messages, as trainers for fine-tuning read it."""
    return {
        "messages": [
            {"role": "user", "content": item.instruction},
            {"role": "assistant", "content": DIFF.encode(sequence)},
        ],
        "id": item.id,
        "draw": draw,
    }


SCHEMAS: dict[str, Schema] = {
    "lintseq": lintseq_record,
    "pylintseq": pylintseq_record,
    "prompt-completion": prompt_completion_record,
    "messages": messages_record,
}


def meta_of(options: SamplingOptions, seed: int) -> dict[str, Any]:
    """Return what it takes to draw the same sequences again; settings left at their defaults are left out."""
    meta: dict[str, Any] = {"linter": options.linter, "seed": seed}
    defaults = SamplingOptions()
    for name in ("weights", "comments", "certify"):
        if getattr(options, name) != getattr(defaults, name):
            meta[name] = getattr(options, name)
    return meta


def content_id(instruction: str, program: str) -> str:
    """Return the id of a row that has none of its own: a hash of what it holds."""
    content = f"{instruction}\0{program}".encode("utf-8", "surrogatepass")
    return blake2b(content, digest_size=8).hexdigest()


def encode_line(record: Mapping[str, Any]) -> bytes:
    """Return a record as one line of JSON; a lone surrogate becomes an escape, as JSON allows."""
    try:
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def encode_rejection(data: bytes, reason: str, detail: str, *, line: int, id: str | int | None, source: str) -> bytes:
    """Return the line that says why the row `data` gave nothing.

    Its `record` is the row itself, character for character; what is not JSON is kept as a string, in
    which bytes that are not UTF-8 are written `\\xNN`, and of a line that is too long only the beginning.
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
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    else:
        return True
    try:
        json.loads(data.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
