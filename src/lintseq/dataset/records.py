"""What the lines of an output look like: the shapes of a record, and rejected rows.

Owns the shape of the JSON; which sequences there are and where the lines go is left to others.

Every shape is a function of the item, one of its sequences, the number of the draw, the meta object and the
format in which edits are written down.
A record repeats nothing of the input row but its id, instruction and program: licenses, sources and
other columns are joined by id.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from lintseq.codecs import DIFF, SEPARATOR, Codec, get_codec
from lintseq.edits import EditSequence
from lintseq.errors import ConfigError
from lintseq.program import Program
from lintseq.rows import MAX_ROW_BYTES
from lintseq.walks import SamplingOptions

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


Meta = Mapping[str, Any]
Shape = Callable[[Item, EditSequence, int, Meta, Codec], dict[str, Any]]

CONTINUE = "Next edit."
"""What the user says between two edits of a conversation."""


def lintseq_record(item: Item, sequence: EditSequence, draw: int, meta: Meta, codec: Codec = DIFF) -> dict[str, Any]:
    """Return the record that lintseq's own commands read."""
    state = _state(sequence)
    return {
        "id": item.id,
        "draw": draw,
        "instruction": item.instruction,
        "program": item.program,
        **state,
        "edits": codec.write_edits(sequence),
        "meta": meta if codec is DIFF else {**meta, "format": codec.name},
    }


def pylintseq_record(item: Item, sequence: EditSequence, draw: int, meta: Meta, codec: Codec) -> dict[str, Any]:
    """Return the columns that pylintseq writes."""
    return {
        "edit_path": codec.write_edits(sequence),
        "index": item.index,
        "source_file": item.source,
        "source_instruction": item.instruction,
        "source_response": item.response,
    }


def prompt_completion_record(
    item: Item, sequence: EditSequence, draw: int, meta: Meta, codec: Codec
) -> dict[str, Any]:
    """Return a prompt and its completion, as trainers for fine-tuning read them."""
    return {
        "prompt": prompt_of(item.instruction, sequence.start),
        "completion": codec.write(sequence),
        "id": item.id,
        "draw": draw,
        **_state(sequence),
        **_format(codec),
    }


def messages_record(item: Item, sequence: EditSequence, draw: int, meta: Meta, codec: Codec) -> dict[str, Any]:
    """Return a conversation of two messages, as trainers for fine-tuning read it."""
    return {
        "messages": [
            {"role": "user", "content": prompt_of(item.instruction, sequence.start).removesuffix("\n")},
            {"role": "assistant", "content": codec.write(sequence)},
        ],
        "id": item.id,
        "draw": draw,
        **_state(sequence),
        **_format(codec),
    }


def messages_by_edit_record(item: Item, sequence: EditSequence, draw: int, meta: Meta, codec: Codec) -> dict[str, Any]:
    """Return a conversation in which the assistant makes one edit a turn; its turns, joined by newlines, are the
    text of the whole sequence."""
    texts = [SEPARATOR + text for text in codec.write_edits(sequence)]
    if sequence.program.final_newline:
        texts[-1] += "\n"
    messages = [{"role": "user", "content": prompt_of(item.instruction, sequence.start).removesuffix("\n")}]
    for number, text in enumerate(texts):
        if number:
            messages.append({"role": "user", "content": CONTINUE})
        messages.append({"role": "assistant", "content": text})
    return {"messages": messages, "id": item.id, "draw": draw, **_state(sequence), **_format(codec)}


def next_edit_record(item: Item, sequence: EditSequence, draw: int, meta: Meta, codec: Codec) -> dict[str, Any]:
    """Return one edit of the sequence, with the state before it in the prompt.

    Half of the rows start from the start of their sequence (usually nothing), the others from one of the
    states on the way, all equally likely; which it is, a hash of (seed, id, draw) decides. `left` says how
    many edits are still to come after this one.
    """
    toss = chance(meta.get("seed", 0), item.id, draw, "next-edit")
    before = 1 + (toss >> 1) % (len(sequence) - 1) if toss & 1 and len(sequence) > 1 else 0
    one = sequence.after(before).legible().first(1)
    return {
        "prompt": prompt_of(item.instruction, one.start),
        "completion": codec.write(one),
        "id": item.id,
        "draw": draw,
        **_state(one),
        **_format(codec),
        "left": len(sequence) - before - 1,
    }


SHAPES: dict[str, Shape] = {
    "lintseq": lintseq_record,
    "pylintseq": pylintseq_record,
    "prompt-completion": prompt_completion_record,
    "messages": messages_record,
    "messages-by-edit": messages_by_edit_record,
    "next-edit": next_edit_record,
}


def check_form(shape: str, format: str) -> None:
    """Raise `ConfigError` if there is no such shape or format, or if the one cannot hold the other."""
    if shape not in SHAPES:
        raise ConfigError(f"unknown shape {shape!r}; use one of {', '.join(SHAPES)}")
    if get_codec(format) is not DIFF and shape == "pylintseq":
        raise ConfigError(f"shape pylintseq has no column for format {format}; use another shape, or format diff")


COLUMNS: dict[str, dict[str, str]] = {
    "lintseq": {
        "id": "string",
        "draw": "int",
        "instruction": "string",
        "program": "string",
        "state": "string",
        "edits": "strings",
        "meta": "meta",
    },
    "pylintseq": {
        "edit_path": "strings",
        "index": "int",
        "source_file": "string",
        "source_instruction": "string",
        "source_response": "string",
    },
    "prompt-completion": {
        "prompt": "string",
        "completion": "string",
        "id": "string",
        "draw": "int",
        "state": "string",
        "format": "string",
    },
    "messages": {"messages": "messages", "id": "string", "draw": "int", "state": "string", "format": "string"},
    "messages-by-edit": {"messages": "messages", "id": "string", "draw": "int", "state": "string", "format": "string"},
    "next-edit": {
        "prompt": "string",
        "completion": "string",
        "id": "string",
        "draw": "int",
        "state": "string",
        "format": "string",
        "left": "int",
    },
}
"""For each shape the columns of a table that holds it and the kinds of their values; all may be null.

`strings` is a list of them, `messages` a list of role and content, `meta` has the columns of `META_COLUMNS`.
Every shape may have a column `license` besides.
"""

META_COLUMNS = {
    "linter": "string",
    "seed": "int",
    "order": "string",
    "comments": "string",
    "certify": "string",
    "lessons": "int",
    "format": "string",
}

COLUMN_WORDS = {
    "id": "the row's id, or a hash of what it holds",
    "draw": "the number of the draw, from 0",
    "instruction": "what the program is to do; empty if nothing says",
    "program": "the whole program",
    "state": "what the edits start from; null for nothing",
    "edits": "the text of each edit, first to last",
    "meta": "the settings of the draw",
    "edit_path": "the text of each edit, first to last",
    "index": "the place of the row in its input, from 0",
    "source_file": "the input",
    "source_instruction": "what the program is to do",
    "source_response": "the text that the program was taken out of",
    "prompt": "what the model is given: the instruction, and the program as it stands if there is any of it",
    "completion": "what it is to write: the edit text",
    "messages": "a conversation between user and assistant",
    "format": "the text format of the edits; null is diff",
    "left": "how many edits follow this one",
    "license": "the license of the program",
}


def prompt_of(instruction: str, state: Program) -> str:
    """Return the prompt of an instruction, with the program as it stands if there is any of it."""
    if not state.lines:
        return instruction + "\n"
    text = state.text if state.final_newline else state.text + "\n"
    return f"{instruction}\n```python\n{text}```\n"


def chance(*parts: str | int) -> int:
    """Return a number below 2**64 that is a hash of `parts`: randomness that is the same everywhere."""
    text = "\0".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _state(sequence: EditSequence) -> dict[str, str]:
    start = sequence.start
    return {"state": start.text} if start.lines else {}


def _format(codec: Codec) -> dict[str, str]:
    return {} if codec is DIFF else {"format": codec.name}


def meta_of(options: SamplingOptions, seed: int) -> dict[str, Any]:
    """Return what it takes to draw the same sequences again; settings left at their defaults are left out."""
    meta: dict[str, Any] = {"linter": options.linter, "seed": seed}
    defaults = SamplingOptions()
    for name in ("order", "comments", "certify"):
        if getattr(options, name) != getattr(defaults, name):
            meta[name] = getattr(options, name)
    return meta


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
