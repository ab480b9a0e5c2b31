"""The shapes of records: which columns each has, how an edit sequence is written into them, and how it is read back.

`SHAPES` is the only list of shapes: command-line choices, tables, data set cards and readers derive from it. A record
repeats nothing of its input row but id, instruction and program; other columns can be joined by id.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from lintseq.codecs import DIFF, SEPARATOR, Codec, get_codec, join_edits, split_edits
from lintseq.codecs.text import shorten
from lintseq.edits import EditSequence
from lintseq.errors import ConfigError, MalformedEditError, ProgramError
from lintseq.languages import get_language
from lintseq.program import Program
from lintseq.program.markdown import code_from_markdown
from lintseq.rows import column_list, prompt_of, stable_hash
from lintseq.rows.conversations import ASSISTANT, USER, turns
from lintseq.rows.fields import COLUMN_NAMES, find_column
from lintseq.storage import public
from lintseq.walks import SamplingOptions

ShapeName = Literal[
    "lintseq", "pylintseq", "prompt-completion", "chat-prompt-completion", "next-edit", "messages", "messages-by-edit"
]
"""The names of `SHAPES`, as a type."""

T = TypeVar("T")
Row = Mapping[str, Any]
Meta = Mapping[str, Any]
"""The settings of a draw, by the names of `META_COLUMNS`."""

_TABLES = tomllib.loads(Path(__file__).with_name("columns.toml").read_text(encoding="utf-8"))

META_COLUMNS: Mapping[str, str] = _TABLES["meta"]
"""Names and types of the fields of column `meta`."""

CONTINUE = "Next edit."
"""The user's message between two edits of a conversation."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of records."""

    type: Literal["string", "int", "strings", "messages", "meta"]
    """A list of strings is `strings`, one of (role, content) is `messages`, and `meta` has `META_COLUMNS`. All may be
    null."""
    description: str


COLUMNS = {name: Column(*cells) for name, cells in _TABLES["columns"].items()}
"""The columns of all shapes; each name means the same in all of them. Records of any shape may have `license`."""
CHAT_COLUMNS = {name: Column(*cells) for name, cells in _TABLES["chat"].items()}
"""The columns that are a text in some shapes, as lists of messages."""


@dataclass(frozen=True, slots=True)
class ProgramRow:
    """The program of an input row, with what identifies and describes it."""

    id: str | int
    instruction: str
    program: str
    response: str = ""
    """The whole field that contained the program."""
    source: str = ""
    """The input's path."""
    index: int = 0
    """The index of the row in its input, from 0."""
    old: str = ""
    """The old version, which the edits start from; empty if they start from nothing."""
    path: str = ""
    """The path of its file; empty if the row does not say."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a record says, unverified: starting from `start`, these edits write that program."""

    id: str | int
    """The id of the program's row."""
    shape: str
    """The name of its shape."""
    edits: tuple[str, ...]
    """The text of each edit."""
    text: str
    """The edits as one text."""
    codec: Codec = DIFF
    """The format of the edit texts."""
    start: Program = field(default_factory=lambda: Program(()))
    """The state before the first edit."""
    programs: tuple[str, ...] = ()
    """The texts that the edits may write, most likely first; empty where the record does not say."""
    instruction: str = ""
    """What the program is to do; empty if the record does not say."""
    draw: int = 0
    """Which of the sequences drawn for its program it is, from 0."""
    meta: Meta = field(default_factory=dict)
    """Other columns: how the sequence was drawn."""
    license: str = ""
    """The license of the row; empty if the record does not name one."""
    left: int = 0
    """How many edits of the original sequence follow."""

    @property
    def program(self) -> str:
        """The program; where the record does not have it, what the edits write."""
        return self.programs[0] if self.programs else self.codec.resolve(self.text, self.start).program.text

    def sequence(self, edits: int | None = None) -> EditSequence:
        """Return the edit sequence, or that of the first `edits`; raise `MalformedEditError` if it is malformed.

        Edit texts do not say whether the program ends in a newline; `programs` do.
        """
        if edits is None and not self.programs:
            return self.codec.read(self.text, self.start)
        final_newline = self.programs[0].endswith("\n") if self.programs else self.text.endswith("\n")
        sequence = self.codec.read_edits(self.edits[:edits], self.start, final_newline=final_newline)
        if final_newline or edits is not None:
            return sequence
        ended = replace(sequence.program, final_newline=True)
        if ended.text not in self.programs:
            return sequence
        return replace(sequence, merged=replace(sequence.merged, final_newline=True))

    def parse(self) -> EditSequence:
        """Return the edit sequence; raise `ProgramError` if it is malformed."""
        try:
            return self.sequence()
        except MalformedEditError as error:
            raise ProgramError("malformed-edit", str(error)) from None

    def in_format(self, codec: Codec) -> "Record":
        """Return the record with its edits in another format; raise `ProgramError` if they are malformed."""
        if self.codec is codec:
            return self
        sequence = self.parse()
        return replace(
            self,
            edits=tuple(codec.write_edits(sequence)),
            text=codec.write(sequence),
            codec=codec,
            programs=self.programs or (self.program,),
        )


RecordWriter = Callable[[ProgramRow, EditSequence, int, Meta, Codec], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Shape:
    """A layout of records for one kind of trainer or tool."""

    name: ShapeName
    columns: Mapping[str, Column]
    write: RecordWriter
    """Returns the record of a draw: the program, its edit sequence, the number of the draw, what `meta_of` returns,
    and the format of the edits."""
    read: Callable[[Row], Record | None]
    """Returns what a row without null values says, or None for a row of another shape.

    Raises `ProgramError` if it holds no edit sequence.
    """

    def check(self, format: str) -> None:
        """Raise `ConfigError` if records of this shape cannot hold edits of a format."""
        if get_codec(format) is not DIFF and not {"format", "meta"} & self.columns.keys():
            raise ConfigError(
                f"shape {self.name} has no column for format {format}; use another shape, or format diff"
            )


def columns_of(shape: str, *, license: bool) -> Mapping[str, Column]:
    """Return the columns of records of a shape, with or without their license."""
    columns = get_shape(shape).columns
    return {**columns, "license": COLUMNS["license"]} if license else columns


def get_shape(name: str) -> Shape:
    """Return the shape with this name; raise `ConfigError` if there is none."""
    try:
        return SHAPES[name]
    except KeyError:
        raise ConfigError(f"unknown shape {name!r}; use one of {', '.join(SHAPES)}") from None


def read_record(row: Row) -> Record:
    """Return what a row says, or raise `ProgramError` if its columns hold no edit sequence."""
    row = {name: value for name, value in row.items() if value is not None}
    for shape in SHAPES.values():
        if (record := shape.read(row)) is not None:
            return record
    raise ProgramError(
        "no-field", f"none of edits, edit_path, completion, messages among its columns: {column_list(row)}"
    )


_ANY_DIFF = frozenset({"blank", "context", "empty-edit", "end-token", "file-header", "no-newline", "separator"})
"""Reasons of notes on what unified diffs of other tools contain too, and which leaves no doubt about the program."""


def written_program(row: Row) -> str:
    """Return the program that a row's edits write; they may delete lines.

    Raises `ProgramError` if they start from another program, or if it is not clear what they write.
    """
    record = read_record(row)
    if record.start.lines:
        raise ProgramError("starts-later", "the edits start from another program")
    resolution = record.codec.resolve(record.text)
    if (note := next((note for note in resolution.notes if note.reason not in _ANY_DIFF), None)) is not None:
        raise ProgramError("malformed-edit", str(note))
    return resolution.text


# lintseq


def _write_lintseq(row: ProgramRow, sequence: EditSequence, draw: int, meta: Meta, codec: Codec) -> dict[str, Any]:
    return {
        "id": row.id,
        "draw": draw,
        "instruction": row.instruction,
        "program": row.program,
        **_state(sequence),
        "edits": codec.write_edits(sequence),
        "meta": meta if codec is DIFF else {**meta, "format": codec.name},
    }


def _read_lintseq(row: Row) -> Record | None:
    if "edits" not in row:
        return None
    name = find_column(row, ("program", *COLUMN_NAMES["new"])) or "program"
    return _from_edits(row, "lintseq", "edits", (_string(row, name),))


def _from_edits(row: Row, shape: str, name: str, programs: tuple[str, ...]) -> Record:
    edits = row[name]
    if not isinstance(edits, list) or not all(isinstance(edit, str) for edit in edits):
        raise ProgramError("not-edits", f"{name!r} is not a list of strings")
    meta = {name: value for name, value in _value(row, "meta", dict[str, Any]()).items() if value is not None}
    return Record(
        row_id(row),
        shape,
        tuple(edits),
        join_edits(edits) + ("\n" if edits and programs[0].endswith("\n") else ""),
        _codec(meta),
        _start(row),
        programs,
        _value(row, "source_instruction" if shape == "pylintseq" else "instruction", ""),
        _value(row, "draw", 0),
        {name: value for name, value in meta.items() if name != "format"},
        _value(row, "license", ""),
        _value(meta, "truncated", 0),
    )


# pylintseq


def _write_pylintseq(row: ProgramRow, sequence: EditSequence, draw: int, meta: Meta, codec: Codec) -> dict[str, Any]:
    return {
        "edit_path": codec.write_edits(sequence),
        "index": row.index,
        "source_file": _shared_name(row.source),
        "source_instruction": row.instruction,
        "source_response": row.response,
    }


@lru_cache
def _shared_name(path: str) -> str:
    """Return the name of an input for records, which may be shared."""
    return str(public(path))


def _read_pylintseq(row: Row) -> Record | None:
    if "edit_path" not in row:
        return None
    return _from_edits(row, "pylintseq", "edit_path", pylintseq_programs(_string(row, "source_response")))


_PYLINTSEQ_FENCE = re.compile(r"```python(.*?)(?:```|.\Z)", re.S)


def pylintseq_programs(response: str) -> tuple[str, ...]:
    """Return the programs that the edits of a row of pylintseq may write, most likely first.

    pylintseq takes the fences named python (an unclosed one loses its last character), joins and strips them, and
    diffs stripped texts that it splits at every Unicode line end. Other tools that use its columns keep the program.
    """
    blocks = _PYLINTSEQ_FENCE.findall(response)
    code = "\n".join(blocks).strip() if blocks else response
    programs = ["\n".join(code.strip().splitlines()), code]
    with suppress(ProgramError):
        programs.append(code_from_markdown(response, get_language()))
    return tuple(dict.fromkeys([*programs, response]))


# Prompt and completion


def _write_completion(row: ProgramRow, sequence: EditSequence, draw: int, meta: Meta, codec: Codec) -> dict[str, Any]:
    return {
        "prompt": prompt_of(row.instruction, sequence.start),
        "completion": codec.write(sequence),
        **_about(row, sequence, draw, codec),
    }


def _write_chat_completion(
    row: ProgramRow, sequence: EditSequence, draw: int, meta: Meta, codec: Codec
) -> dict[str, Any]:
    prompt, answer = _turn(prompt_of(row.instruction, sequence.start).removesuffix("\n"), codec.write(sequence))
    return {"prompt": [prompt], "completion": [answer], **_about(row, sequence, draw, codec)}


def _write_next_edit(row: ProgramRow, sequence: EditSequence, draw: int, meta: Meta, codec: Codec) -> dict[str, Any]:
    """Return one edit of the sequence, with the state before it in the prompt.

    Half of the records take the first edit, the others a later one, all equally likely; a hash of (seed, id, draw)
    decides.
    """
    choice = stable_hash(meta.get("seed", 0), row.id, draw, "next-edit")
    before = 1 + (choice >> 1) % (len(sequence) - 1) if choice & 1 and len(sequence) > 1 else 0
    rest = sequence.after(before).with_readable_start() or sequence
    return {**_write_completion(row, rest.first(1), draw, meta, codec), "left": len(rest) - 1}


def _read_completion(row: Row) -> Record | None:
    """Return what a row of shape `prompt-completion`, `chat-prompt-completion` or `next-edit` says."""
    if "completion" not in row:
        return None
    prompt, completion = row.get("prompt", ""), row["completion"]
    prompt = prompt if isinstance(prompt, str) else f"{_turns(prompt, 'prompt')[0]}\n"
    shape = "prompt-completion"
    if not isinstance(completion, str):
        shape = "chat-prompt-completion"
        completion = _last_answer(_turns(completion, "completion")[1], "completion")
    return _from_text(row, "next-edit" if "left" in row else shape, prompt, completion)


def _from_text(row: Row, shape: str, prompt: str, text: str) -> Record:
    codec = _codec(row)
    if codec is DIFF and not text.startswith("@@") and SEPARATOR not in text:
        raise ProgramError("no-edits", f"the text holds no edits: {shorten(text)}")
    start = _start(row)
    return Record(
        row_id(row),
        shape,
        tuple(split_edits(text)),
        text,
        codec,
        start,
        instruction=prompt.removesuffix(prompt_of("", start)),
        draw=_value(row, "draw", 0),
        license=_value(row, "license", ""),
        left=_value(row, "left", 0),
    )


# Conversations


def _write_messages(row: ProgramRow, sequence: EditSequence, draw: int, meta: Meta, codec: Codec) -> dict[str, Any]:
    return _conversation(row, sequence, draw, codec, [codec.write(sequence)])


def _write_messages_by_edit(
    row: ProgramRow, sequence: EditSequence, draw: int, meta: Meta, codec: Codec
) -> dict[str, Any]:
    """Return a conversation with one edit per turn of the assistant; its turns, joined by newlines, are the text of
    the whole sequence."""
    texts = [SEPARATOR + text for text in codec.write_edits(sequence)]
    if sequence.program.final_newline:
        texts[-1] += "\n"
    return _conversation(row, sequence, draw, codec, texts)


def _conversation(
    row: ProgramRow, sequence: EditSequence, draw: int, codec: Codec, answers: Sequence[str]
) -> dict[str, Any]:
    asks = [prompt_of(row.instruction, sequence.start).removesuffix("\n"), *[CONTINUE] * (len(answers) - 1)]
    messages = [message for texts in zip(asks, answers, strict=True) for message in _turn(*texts)]
    return {"messages": messages, **_about(row, sequence, draw, codec)}


def _turn(ask: str, answer: str) -> list[dict[str, str]]:
    """Return a message of the user and the answer of the assistant."""
    return [{"role": "user", "content": ask}, {"role": "assistant", "content": answer}]


def _read_messages(row: Row) -> Record | None:
    """Return what a row of shape `messages` or `messages-by-edit` says."""
    if "messages" not in row:
        return None
    prompt, answers = _turns(row["messages"], "messages")
    last = _last_answer(answers, "messages")
    by_edit = len(answers) > 1 and all(answer.startswith(SEPARATOR) for answer in answers)
    shape, text = ("messages-by-edit", "\n".join(answers)) if by_edit else ("messages", last)
    return _from_text(row, shape, f"{prompt}\n", text)


def _turns(value: Any, name: str) -> tuple[str, list[str]]:
    """Return the first message of the user and all messages of the assistant in a conversation."""
    if not isinstance(value, list):
        raise ProgramError("no-text", f"{name!r} is neither a text nor a list of messages")
    texts: dict[str, list[str]] = {USER: [], ASSISTANT: []}
    for role, text in turns(value):
        texts.setdefault(role, []).append(text)
    return (texts[USER] or [""])[0], texts[ASSISTANT]


def _last_answer(answers: Sequence[str], name: str) -> str:
    if not answers:
        raise ProgramError("no-text", f"{name!r} holds no message of the assistant")
    return answers[-1]


# Columns that several shapes have


def _about(row: ProgramRow, sequence: EditSequence, draw: int, codec: Codec) -> dict[str, Any]:
    format = {} if codec is DIFF else {"format": codec.name}
    return {"id": row.id, "draw": draw, **_state(sequence), **format}


def _state(sequence: EditSequence) -> dict[str, str]:
    return {"state": sequence.start.text} if sequence.start.lines else {}


def _codec(columns: Row) -> Codec:
    name = columns.get("format", DIFF.name)
    try:
        return get_codec(name)
    except (ConfigError, TypeError):
        raise ProgramError("unknown-format", f"there is no format {name!r}") from None


def _start(row: Row) -> Program:
    name = find_column(row, ("state", *COLUMN_NAMES["start"], *COLUMN_NAMES["old"]))
    return Program(()) if name is None else Program.from_text(_string(row, name))


def row_id(row: Row) -> str | int:
    """Return the id of a record, empty if it has none."""
    found = next((row[name] for name in ("id", "index") if row.get(name) is not None), "")
    return found if isinstance(found, str | int) else str(found)


def _value(row: Row, name: str, default: T) -> T:
    """Return a value, or the default unless it has the same type."""
    value = row.get(name)
    return value if isinstance(value, type(default)) else default


def _string(row: Row, name: str) -> str:
    if not isinstance(value := row.get(name), str):
        raise ProgramError("no-field", f"no text in column {name!r} (columns: {column_list(row)})")
    return value


def meta_of(options: SamplingOptions, seed: int) -> dict[str, Any]:
    """Return the settings that reproduce the draws of a program; those at their defaults are left out."""
    defaults = SamplingOptions()
    changed = {name: getattr(options, name) for name in ("order", "comments", "certify", "stubs")}
    changed = {name: value for name, value in changed.items() if value != getattr(defaults, name)}
    return dict(public({"linter": options.linter, "seed": seed, **changed}))


def _shape(name: ShapeName, columns: str, write: RecordWriter, read: Callable[[Row], Record | None]) -> Shape:
    known = COLUMNS | CHAT_COLUMNS if name.startswith("chat-") else COLUMNS
    return Shape(name, {column: known[column] for column in columns.split()}, write, read)


_PYLINTSEQ_COLUMNS = "edit_path index source_file source_instruction source_response"
_PAIR_COLUMNS = "prompt completion id draw state format"

SHAPES: Mapping[str, Shape] = {
    shape.name: shape
    for shape in (
        _shape("lintseq", "id draw instruction program state edits meta", _write_lintseq, _read_lintseq),
        _shape("pylintseq", _PYLINTSEQ_COLUMNS, _write_pylintseq, _read_pylintseq),
        _shape("prompt-completion", _PAIR_COLUMNS, _write_completion, _read_completion),
        _shape("chat-prompt-completion", _PAIR_COLUMNS, _write_chat_completion, _read_completion),
        _shape("next-edit", f"{_PAIR_COLUMNS} left", _write_next_edit, _read_completion),
        _shape("messages", "messages id draw state format", _write_messages, _read_messages),
        _shape("messages-by-edit", "messages id draw state format", _write_messages_by_edit, _read_messages),
    )
}
