"""What a row of a data set of edit sequences says, whatever its columns and whoever wrote it.

Owns reading records back: the shapes of `lintseq.dataset.records`, and those of pylintseq as it writes them.
What rows say is neither believed nor checked here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lintseq.codecs import DIFF, SEPARATOR, Codec, get_codec, join_edits, split_edits
from lintseq.codecs.text import shorten
from lintseq.dataset.records import prompt_of
from lintseq.edits import EditSequence
from lintseq.errors import ConfigError, MalformedEditError, ProgramError
from lintseq.program import Program, code_from_markdown
from lintseq.rows.row import names_of_columns


@dataclass(frozen=True, slots=True)
class Record:
    """What a row says: from `start`, these edits write that program."""

    id: str | int
    shape: str
    """Whose columns the row has: a key of `lintseq.dataset.records.SHAPES`."""
    edits: tuple[str, ...]
    text: str
    """The sequence as one text."""
    codec: Codec = DIFF
    start: Program = field(default_factory=lambda: Program(()))
    programs: tuple[str, ...] = ()
    """The texts that the edits may write, the likeliest first; none where the row does not say."""
    instruction: str = ""
    draw: int = 0
    meta: Mapping[str, Any] = field(default_factory=dict)
    license: str = ""
    left: int = 0
    """How many edits of the sequence it is taken from follow."""

    @property
    def program(self) -> str:
        """The program, or what the edits give where the row does not say."""
        return self.programs[0] if self.programs else self.codec.resolve(self.text, self.start).program.text

    def sequence(self, edits: int | None = None) -> EditSequence:
        """Return the sequence, or that of the first `edits`; raise `MalformedEditError` where it is not well formed.

        Edit texts do not say how a program ends, so it ends as the row says.
        """
        if edits is None and not self.programs:
            return self.codec.read(self.text, self.start)
        final_newline = self.programs[0].endswith("\n") if self.programs else self.text.endswith("\n")
        sequence = self.codec.read_edits(self.edits[:edits], self.start, final_newline=final_newline)
        return sequence if final_newline or edits is not None else self._ended(sequence)

    def _ended(self, sequence: EditSequence) -> EditSequence:
        """Return a sequence with a newline at the end of its program, if a program that the row may mean is that."""
        ended = replace(sequence.program, final_newline=True)
        return replace(sequence, program=ended) if ended.text in self.programs else sequence


def read_record(row: Mapping[str, Any]) -> Record:
    """Return what a row says, or raise `ProgramError` if its columns hold no edit sequence."""
    row = {name: value for name, value in row.items() if value is not None}
    if "edits" in row:
        return _of_edits(row, "lintseq", "edits", (_string(row, "program"),))
    if "edit_path" in row:
        return _of_edits(row, "pylintseq", "edit_path", pylintseq_programs(_string(row, "source_response")))
    if "completion" in row:
        shape = "next-edit" if "left" in row else "prompt-completion"
        prompt = row.get("prompt", "")
        prompt = prompt if isinstance(prompt, str) else _turns(prompt, "prompt")[0]
        return _of_text(row, shape, prompt, _completion(row["completion"]))
    if "messages" in row:
        prompt, answers = _turns(row["messages"], "messages")
        by_edit = len(answers) > 1 and all(answer.startswith(SEPARATOR) for answer in answers)
        if not answers:
            raise ProgramError("no-text", "'messages' holds no text of an assistant")
        text = "\n".join(answers) if by_edit else answers[-1]
        return _of_text(row, "messages-by-edit" if by_edit else "messages", f"{prompt}\n", text)
    raise ProgramError(
        "no-field", f"none of edits, edit_path, completion, messages among its columns: {names_of_columns(row)}"
    )


def parsed_record(row: Mapping[str, Any]) -> tuple[Record, EditSequence]:
    """Return what a row says and its sequence; raise `ProgramError` if there is none, or if it is malformed."""
    record = read_record(row)
    try:
        return record, record.sequence()
    except MalformedEditError as error:
        raise ProgramError("malformed-edit", str(error)) from None


def _of_edits(row: Mapping[str, Any], shape: str, name: str, programs: tuple[str, ...]) -> Record:
    edits = row[name]
    if not isinstance(edits, list) or not all(isinstance(edit, str) for edit in edits):
        raise ProgramError("not-edits", f"{name!r} is not a list of strings")
    text = join_edits(edits) + ("\n" if edits and programs[0].endswith("\n") else "")
    meta = row.get("meta", {})
    meta = {name: value for name, value in meta.items() if value is not None} if isinstance(meta, dict) else {}
    instruction = row.get("source_instruction" if shape == "pylintseq" else "instruction", "")
    return Record(
        _id(row),
        shape,
        tuple(edits),
        text,
        _codec(meta),
        _start(row),
        programs,
        instruction if isinstance(instruction, str) else "",
        _whole(row, "draw"),
        {name: value for name, value in meta.items() if name != "format"},
        _license(row),
    )


def _of_text(row: Mapping[str, Any], shape: str, prompt: str, text: str) -> Record:
    codec = _codec(row)
    if codec is DIFF and not text.startswith("@@") and SEPARATOR not in text:
        raise ProgramError("no-edits", f"the text holds no edits: {shorten(text)}")
    start = _start(row)
    instruction = prompt.removesuffix(prompt_of("", start))
    return Record(
        _id(row),
        shape,
        tuple(split_edits(text)),
        text,
        codec,
        start,
        instruction=instruction,
        draw=_whole(row, "draw"),
        license=_license(row),
        left=_whole(row, "left"),
    )


def _codec(columns: Mapping[str, Any]) -> Codec:
    name = columns.get("format", DIFF.name)
    try:
        return get_codec(name)
    except (ConfigError, TypeError):
        raise ProgramError("unknown-format", f"{name!r} is no format") from None


def _start(row: Mapping[str, Any]) -> Program:
    return Program.from_text(_string(row, "state")) if "state" in row else Program(())


def _completion(value: Any) -> str:
    if isinstance(value, str):
        return value
    _, answers = _turns(value, "completion")
    if not answers:
        raise ProgramError("no-text", "'completion' holds no text of an assistant")
    return answers[-1]


def _turns(value: Any, name: str) -> tuple[str, list[str]]:
    """Return what the user says first in a list of messages, and all that the assistant says."""
    if not isinstance(value, list):
        raise ProgramError("no-text", f"{name!r} is neither a text nor a list of messages")
    said: dict[str, list[str]] = {"user": [], "assistant": []}
    for turn in value:
        if isinstance(turn, dict) and isinstance(content := turn.get("content"), str) and turn.get("role") in said:
            said[turn["role"]].append(content)
    return (said["user"] or [""])[0], said["assistant"]


def _id(row: Mapping[str, Any]) -> str | int:
    found = next((row[name] for name in ("id", "index") if name in row), "")
    return found if isinstance(found, str | int) else str(found)


def _whole(row: Mapping[str, Any], name: str) -> int:
    value = row.get(name, 0)
    return value if isinstance(value, int) else 0


def _license(row: Mapping[str, Any]) -> str:
    license = row.get("license", "")
    return license if isinstance(license, str) else ""


def _string(row: Mapping[str, Any], name: str) -> str:
    if not isinstance(value := row.get(name), str):
        raise ProgramError("no-field", f"no text in column {name!r} (columns: {names_of_columns(row)})")
    return value


_PYLINTSEQ_FENCE = re.compile(r"```python(.*?)(?:```|.\Z)", re.S)


def pylintseq_programs(response: str) -> tuple[str, ...]:
    """Return what a program in pylintseq's columns may be.

    pylintseq takes the fences named python (an unclosed one loses its last character), joins them and strips
    the whole; then it makes its diffs of stripped texts split wherever Unicode sees a line end. So that is
    what its edits mean to write. Other tools that use its columns keep the program as it is.
    """
    blocks = _PYLINTSEQ_FENCE.findall(response)
    taken = "\n".join(blocks).strip() if blocks else response
    stripped = "\n".join(taken.strip().splitlines())
    return tuple(dict.fromkeys((stripped, taken, *_code_in(response), response)))


def _code_in(response: str) -> Sequence[str]:
    try:
        return (code_from_markdown(response),)
    except ProgramError:
        return ()
