"""Which columns of an input hold the program, the instruction and the id."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lintseq.errors import ConfigError, ProgramError
from lintseq.rows.row import kind_of_value, names_of_columns

INSTRUCTION_NAMES = (
    "instruction",
    "query",
    "question",
    "problem",
    "prompt",
    "source_instruction",
    "problem_description",
    "description",
    "input",
    "text",
)
CODE_NAMES = (
    "program",
    "code",
    "solution",
    "response",
    "source_response",
    "completion",
    "output",
    "answer",
    "canonical_solution",
    "source_code",
    "content",
    "text",
)
ID_NAMES = ("id", "task_id", "uid", "uuid", "index", "idx")
LICENSE_NAMES = (
    "license",
    "licence",
    "licenses",
    "licences",
    "max_stars_repo_licenses",
    "detected_licenses",
    "repo_license",
    "spdx_license",
    "license_type",
)


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Columns that the user named; None is for finding them by their usual names."""

    instruction: str | None = None
    """An empty name means that the rows have no instructions."""
    code: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Fields:
    """The columns in which an input's rows keep what matters."""

    code: str
    instruction: str | None = None
    """None for rows without instructions."""
    context: str | None = None
    """Alpaca's `input`: a text that belongs to the instruction, joined to it by a newline."""
    id: str | None = None
    unreadable: str | None = None
    """Where a row says why it has no program: what should hold it could not be read."""
    refused: str | None = None
    """Where a row says why its program is not wanted: a reason and a detail."""

    def read_code(self, row: Mapping[str, Any]) -> str:
        """Return the text that holds the program."""
        if self.unreadable is not None and self.unreadable in row:
            raise ProgramError("unreadable", f"{row[self.unreadable]}")
        if self.refused is not None and self.refused in row:
            reason, detail = row[self.refused]
            raise ProgramError(reason, detail)
        return _string(row, self.code)

    def read_instruction(self, row: Mapping[str, Any]) -> str:
        """Return the whole instruction; empty if the rows have none."""
        if self.instruction is None:
            return ""
        instruction = _string(row, self.instruction)
        if self.context is None:
            return instruction
        context = row.get(self.context)
        if isinstance(context, str) and context and context != "<noinput>":
            return f"{instruction}\n{context}"
        return instruction

    def read_id(self, row: Mapping[str, Any]) -> str | int | None:
        """Return the row's own id, or None if it has none that could serve."""
        if self.id is None:
            return None
        own = row.get(self.id)
        if isinstance(own, str) or (isinstance(own, int) and not isinstance(own, bool)):
            return own if own != "" else None
        return None


def _string(row: Mapping[str, Any], name: str) -> str:
    try:
        value = row[name]
    except KeyError:
        raise ProgramError("no-field", f"no column {name!r} (columns: {names_of_columns(row)})") from None
    if not isinstance(value, str):
        raise ProgramError("not-string", f"{name!r} holds {kind_of_value(value)}, where a string was expected")
    return value


def find_fields(path: str, rows: Sequence[Mapping[str, Any]], names: FieldNames) -> Fields:
    """Decide from an input's first rows where its fields are; raise `ConfigError` if that cannot be told.

    Of the usual names, in the order of the lists above, the first wins that holds a string in at least
    half of the rows; capitals make no difference.
    """
    columns = Counter[str]()
    for row in rows:
        for name, value in row.items():
            columns[name] += isinstance(value, str)

    def missing(what: str, flag: str, *, more: str = "") -> ConfigError:
        return ConfigError(f"{path}: {what} (columns: {names_of_columns(columns)}); name it with {flag}{more}")

    def named(name: str, flag: str) -> str:
        if name not in columns:
            raise missing(f"no column {name!r} in the first {len(rows)} rows", flag)
        return name

    def usual(candidates: Sequence[str], taken: str | None = None) -> str | None:
        by_name = {name.lower(): name for name in reversed(columns) if name != taken}
        found = [by_name[candidate] for candidate in candidates if candidate in by_name]
        return next((name for name in found if 2 * columns[name] >= len(rows)), next(iter(found), None))

    code = named(names.code, "--code-field") if names.code else usual(CODE_NAMES, taken=names.instruction)
    if code is None:
        raise missing("none of the columns is known to hold code", "--code-field")
    context = None
    if names.instruction is None:
        instruction = usual(INSTRUCTION_NAMES, taken=code)
        if instruction is None:
            more = ", or say that there are none with --instruction-field ''"
            raise missing("none of the columns is known to hold instructions", "--instruction-field", more=more)
        if instruction.lower() == "instruction":
            context = next((name for name in columns if name.lower() == "input" and name != code), None)
    else:
        instruction = named(names.instruction, "--instruction-field") if names.instruction else None
    own_id = named(names.id, "--id-field") if names.id else _usual_id(columns)
    return Fields(code=code, instruction=instruction, context=context, id=own_id)


def _usual_id(columns: Iterable[str]) -> str | None:
    by_name = {name.lower(): name for name in columns}
    return next((by_name[name] for name in ID_NAMES if name in by_name), None)
