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
_TABLES = tomllib.loads(_FILE.read_text(encoding="utf-8"))
EVALUATION_SETS = {name: frozenset(columns.split()) for name, columns in _TABLES.pop("evaluation").items()}
"""Columns by which sets for evaluation are recognized."""
COLUMN_NAMES = {kind: tuple(names.split()) for kind, names in _TABLES.items()}
"""Common column names by content, most likely first."""
VERSIONS = tuple(zip(COLUMN_NAMES["old"], COLUMN_NAMES["new"], strict=True))
"""Common names of the columns with the old and the new version of a program."""


@dataclass(frozen=True, slots=True)
class FieldNames:
    """The columns that hold programs, instructions and ids; by default they are found by their usual names."""

    instruction_field: str | None = None
    """Column that holds the instruction; '' means that there are none. Default: found by its usual names."""
    code_field: str | None = None
    """Column that holds the program, bare or in Markdown. Default: found by its usual names."""
    old_field: str | None = None
    """Column that holds the old version of a program; '' means that programs start from nothing. Default: found by
    its usual names."""
    new_field: str | None = None
    """Column that holds the new version. Default: found by its usual names."""
    id_field: str | None = None
    """Column that holds the id. Default: found by its usual names, otherwise a hash of the row."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The columns of an input that matter."""

    code: str
    """Column with the program, of two versions the new one."""
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
    old: str | None = None
    """Column with the old version of the program; None if rows have one version."""
    commit: str | None = None
    """Column with the commit that the two versions come from."""

    def read_code(self, row: Mapping[str, Any]) -> str:
        """Return the text that contains the program."""
        if self.unreadable is not None and self.unreadable in row:
            raise ProgramError("unreadable", f"{row[self.unreadable]}")
        return _text(row, self.code, ASSISTANT)

    def read_old(self, row: Mapping[str, Any]) -> str:
        """Return the old version of the program; empty if the row has none or null: a file that is new."""
        if self.old is None or (self.old in row and row[self.old] is None):
            return ""
        return _text(row, self.old, ASSISTANT)

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
        """Return the row's own id, None unless it is a non-empty string or an integer; of a commit, with its path."""
        if self.id is None:
            commit, path = row.get(self.commit or ""), self.read_path(row)
            return ":".join(filter(None, [commit, path])) if commit and isinstance(commit, str) else None
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

    def usual(candidates: Sequence[str], *taken: str | None) -> str | None:
        by_name = {name.lower(): name for name in reversed(columns) if name not in taken or name in conversations}
        found = [by_name[candidate] for candidate in candidates if candidate in by_name]
        return next((name for name in found if 2 * columns[name] >= len(rows)), next(iter(found), None))

    _refuse_evaluation_sets(path, columns)
    texts = [name for name, count in columns.items() if count or all(row.get(name) is None for row in rows)]
    old, new = _versions(path, texts, names)
    old = named(old, "--old-field") if old else None
    if chosen := names.code_field or new:
        code: str | None = named(chosen, "--code-field" if names.code_field else "--new-field")
    else:
        code = usual(COLUMN_NAMES["code"], names.instruction_field, old)
    if code is None:
        raise missing("no column has a usual name for programs", "--code-field")
    instruction: str | None = None
    context: str | None = None
    if names.instruction_field:
        instruction = named(names.instruction_field, "--instruction-field")
    elif names.instruction_field is None:
        instruction = usual(COLUMN_NAMES["instruction"], code, old)
        if instruction is None:
            more = ", or use --instruction-field '' if there are none"
            raise missing("no column has a usual name for instructions", "--instruction-field", more=more)
        if instruction.lower() == "instruction":
            context = next((name for name in columns if name.lower() == "input" and name not in (code, old)), None)
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
        old=old,
        commit=find_column(used, COLUMN_NAMES["commit"]) if old else None,
    )


def _refuse_evaluation_sets(path: str, columns: Iterable[str]) -> None:
    lower = {name.lower() for name in columns}
    if (name := next((name for name, own in EVALUATION_SETS.items() if own <= lower), None)) is not None:
        raise ConfigError(
            f"{path} has the columns of {name}, which is for evaluation and not training data; remove it from the"
            f" inputs, and reject rows that overlap with it by --decontaminate {path}"
        )


def _versions(path: str, columns: Iterable[str], names: FieldNames) -> tuple[str | None, str | None]:
    """Return the columns of the old and the new version, named or by their usual names.

    Both are None if rows have one version. Raises `ConfigError` if there is only one of two columns.
    """
    if names.code_field and names.new_field:
        raise ConfigError("--code-field and --new-field both name the program; use one of them")
    old, new = names.old_field, names.new_field
    if old == "" or (names.code_field and not old):
        return None, new
    by_name = {name.lower(): name for name in columns}
    pairs = [(by_name.get(first), by_name.get(second)) for first, second in VERSIONS]
    if old:
        return old, new or next((b for a, b in pairs if a == old), None)
    if new:
        if (old := next((a for a, b in pairs if b == new), None)) is None:
            raise ConfigError(f"{path}: {new!r} is the new version; name the column of the old one with --old-field")
        return old, new
    if (pair := next((pair for pair in pairs if all(pair)), None)) is not None:
        return pair
    has_code = not by_name.keys().isdisjoint(COLUMN_NAMES["code"])
    for (a, b), (first, second) in zip(pairs[:-1], VERSIONS, strict=False):  # the last names have other uses too
        if a or (b and not has_code):
            kind, lacks, way_out = (
                (
                    "old",
                    second,
                    f"name the new version with --new-field, or use --old-field '' if {a!r} is something else",
                )
                if a
                else (
                    "new",
                    first,
                    f"name the old one with --old-field, or use --code-field {b} to start from nothing",
                )
            )
            raise ConfigError(f"{path}: {a or b!r} holds the {kind} version, but there is no {lacks!r}; {way_out}")
    return None, None


def find_column(columns: Iterable[str], candidates: Sequence[str]) -> str | None:
    """Return the first of some usual names, in any capitals, that is among the columns."""
    by_name = {name.lower(): name for name in columns}
    return next((by_name[name] for name in candidates if name in by_name), None)
