"""Finds the columns of an input that hold the program, the instruction, the id and the path."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lintseq.errors import ConfigError, ProgramError
from lintseq.rows.conversations import ASSISTANT, USER, turns
from lintseq.rows.row import column_list, json_type

_FILE = Path(__file__).with_name("column_names.toml")
COLUMN_NAMES = {kind: tuple(names.split()) for kind, names in tomllib.loads(_FILE.read_text(encoding="utf-8")).items()}
"""Common column names by content, most likely first."""


@dataclass(frozen=True, slots=True)
class FieldNames:
    """The columns that hold programs, instructions and ids; by default they are found by their usual names."""

    instruction_field: str | None = None
    """Column that holds the instruction; '' means that there are none. Default: found by its usual names."""
    code_field: str | None = None
    """Column that holds the program, bare or in Markdown. Default: found by its usual names."""
    id_field: str | None = None
    """Column that holds the id. Default: found by its usual names, otherwise a hash of the row."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The columns of an input that matter."""

    code: str
    instruction: str | None = None
    """None for rows without instructions."""
    context: str | None = None
    """Alpaca's `input`: a text that is appended to the instruction."""
    id: str | None = None
    unreadable: str | None = None
    """Column of a source file's row with the reason why the file could not be read."""
    path: str | None = None
    """Column with the path of the row's file."""
    repository: str | None = None
    """Column with the name of the repository that paths are relative to."""
    start: str | None = None
    """Column with the program that a row's edits change, as in D3."""

    def read_code(self, row: Mapping[str, Any]) -> str:
        """Return the text that contains the program."""
        if self.unreadable is not None and self.unreadable in row:
            raise ProgramError("unreadable", f"{row[self.unreadable]}")
        return _text(row, self.code, ASSISTANT)

    def read_instruction(self, row: Mapping[str, Any]) -> str:
        """Return the whole instruction; empty if the rows have none."""
        if self.instruction is None:
            return ""
        instruction = _text(row, self.instruction, USER)
        if self.context is None:
            return instruction
        context = row.get(self.context)
        if isinstance(context, str) and context and context != "<noinput>":
            return f"{instruction}\n{context}"
        return instruction

    def read_id(self, row: Mapping[str, Any]) -> str | int | None:
        """Return the row's own id, None unless it is a non-empty string or an integer."""
        if self.id is None:
            return None
        own = row.get(self.id)
        if isinstance(own, str) or (isinstance(own, int) and not isinstance(own, bool)):
            return own if own != "" else None
        return None

    def read_path(self, row: Mapping[str, Any], *, whole: bool = False) -> str:
        """Return the path of a row's file, empty if it has none; with `whole`, the repository comes before it."""
        path = row.get(self.path or "")
        if not isinstance(path, str):
            return ""
        repository = row.get(self.repository or "")
        return f"{repository}/{path}" if whole and path and repository and isinstance(repository, str) else path


SOURCE_FIELDS = Fields(code="code", instruction="instruction", id="id", unreadable="unreadable", path="path")
"""The columns of the rows of source files."""


def _text(row: Mapping[str, Any], name: str, role: str) -> str:
    """Return the text in a column; of a conversation, the first message of a role."""
    try:
        value = row[name]
    except KeyError:
        raise ProgramError("no-field", f"no column {name!r} (columns: {column_list(row)})") from None
    if conversation := list(turns(value)):
        value = next((text for speaker, text in conversation if speaker == role), None)
        if value is None:
            raise ProgramError("no-text", f"no message of the {role} in {name!r}")
    if not isinstance(value, str):
        raise ProgramError("not-string", f"expected a string in {name!r}, found {json_type(value)}")
    return value


def find_fields(path: str, rows: Sequence[Mapping[str, Any]], names: FieldNames) -> Fields:
    """Return the columns that matter, judging by an input's first rows; raise `ConfigError` if they are not clear.

    Of the usual names, in the order of the lists above and in any capitals, the first wins that has a string or a
    conversation in at least half of the rows. A conversation may hold both the program and the instruction.
    """
    columns, conversations = Counter[str](), set[str]()
    for row in rows:
        for name, value in row.items():
            is_conversation = any(turns(value))
            columns[name] += is_conversation or isinstance(value, str)
            conversations |= {name} if is_conversation else set()

    def missing(what: str, flag: str, *, more: str = "") -> ConfigError:
        return ConfigError(f"{path}: {what} (columns: {column_list(columns)}); name it with {flag}{more}")

    def named(name: str, flag: str) -> str:
        if name not in columns:
            raise missing(f"no column {name!r} in the first {len(rows)} rows", flag)
        return name

    def usual(candidates: Sequence[str], taken: str | None = None) -> str | None:
        by_name = {name.lower(): name for name in reversed(columns) if name != taken or name in conversations}
        found = [by_name[candidate] for candidate in candidates if candidate in by_name]
        return next((name for name in found if 2 * columns[name] >= len(rows)), next(iter(found), None))

    code = (
        named(names.code_field, "--code-field")
        if names.code_field
        else usual(COLUMN_NAMES["code"], taken=names.instruction_field)
    )
    if code is None:
        raise missing("no column has a usual name for programs", "--code-field")
    instruction: str | None = None
    context: str | None = None
    if names.instruction_field:
        instruction = named(names.instruction_field, "--instruction-field")
    elif names.instruction_field is None:
        instruction = usual(COLUMN_NAMES["instruction"], taken=code)
        if instruction is None:
            more = ", or use --instruction-field '' if there are none"
            raise missing("no column has a usual name for instructions", "--instruction-field", more=more)
        if instruction.lower() == "instruction":
            context = next((name for name in columns if name.lower() == "input" and name != code), None)
    own_id = named(names.id_field, "--id-field") if names.id_field else find_column(columns, COLUMN_NAMES["id"])
    used = sorted({name for row in rows for name, value in row.items() if value is not None})
    return Fields(
        code=code,
        instruction=instruction,
        context=context,
        id=own_id,
        path=find_column(used, COLUMN_NAMES["path"]),
        repository=find_column(used, COLUMN_NAMES["repository"]),
        start=find_column(used, COLUMN_NAMES["start"]),
    )


def find_column(columns: Iterable[str], candidates: Sequence[str]) -> str | None:
    """Return the first of some usual names, in any capitals, that is among the columns."""
    by_name = {name.lower(): name for name in columns}
    return next((by_name[name] for name in candidates if name in by_name), None)
