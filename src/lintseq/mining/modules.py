"""Rows that hold modules: each documented function and class in one becomes a row of its own.

Owns what such a row has: an id made of that of the module and the name, the docstring as the instruction, the
code, the path and the license of the module. Where modules come from makes no difference: a source file, or a
column of a table. They are parsed, never imported.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lintseq.errors import ProgramError
from lintseq.languages import get_language
from lintseq.mining.definitions import Definition, documented
from lintseq.mining.tasks import check_file, task_of
from lintseq.program.markdown import code_from_markdown
from lintseq.rows.fields import LICENSE_NAMES, Fields
from lintseq.rows.ids import content_id
from lintseq.rows.row import RawRow, encode_row, parse_row

FIELDS = Fields(code="code", instruction="instruction", id="id", unreadable="unreadable", refused="refused")
"""Where the rows keep what matters that are made here, and those of source files."""
FUNCTIONS, TASKS = "functions", "tasks"
"""Which definitions of a module are rows: all that are documented, or those that a stranger could write."""
PATH_NAMES = ("path", "max_stars_repo_path", "file_path", "filepath", "file_name", "filename")
REPOSITORY_NAMES = ("repo_name", "max_stars_repo_name", "repository_name", "repo")


@dataclass(frozen=True, slots=True)
class Modules:
    """What is made of the rows of an input that hold modules."""

    unit: str
    fields: Fields
    """The columns of the rows that hold modules."""
    path: str | None = None
    """The column with the path of the module, from the folder that packages lie in."""
    repository: str | None = None
    """The column with that below which the path is."""
    kept: tuple[str, ...] = ()
    """Columns that each definition has from its module, beside those that usually hold a license."""
    by_line: bool = False
    """Whether a definition is found by its line, as in source files, rather than by the number of its row."""

    def definitions(self, row: RawRow, columns: Mapping[str, Any]) -> list[RawRow]:
        """Return the rows of the definitions in a row; raise `ProgramError` where it holds no module."""
        text = code_from_markdown(self.fields.read_code(columns), get_language())
        path = self._text(columns, self.path)
        if self.unit == TASKS:
            check_file(path, text)
        name = self.name_of(columns)
        if name is None:
            name = content_id("", text)
        more = {column: value for column, value in columns.items() if self._keeps(column)}
        if path:
            more["path"] = path
        found = []
        for place, one in enumerate(documented(text)):
            made = {**more, "id": f"{name}::{one.name}", **_asked_and_answer(one, path, self.unit)}
            number = one.line if self.by_line else row.number
            # The places of definitions grow with those of their rows, and are their own.
            found.append(RawRow(row.index << _PLACES | place, number, encode_row(made), row.end))
        return found

    def rows_of(self, row: RawRow) -> Iterator[RawRow]:
        """Yield the rows of the definitions in a row, or one that says why there are none."""
        name = None
        try:
            columns = parse_row(row.data)
            name = self.name_of(columns)
            yield from self.definitions(row, columns)
        except RecursionError:
            yield _refused(row, name, "nesting", "nested too deeply")
        except ProgramError as error:
            yield _refused(row, name, error.reason, error.detail)

    def _keeps(self, column: str) -> bool:
        return column in self.kept or column.lower() in LICENSE_NAMES

    def name_of(self, columns: Mapping[str, Any]) -> str | int | None:
        """Return what a module is called: its row's own id, or else its path; None if it has neither."""
        own = self.fields.read_id(columns)
        path = self._text(columns, self.path)
        if own is not None or not path:
            return own
        repository = self._text(columns, self.repository)
        return f"{repository}/{path}" if repository else path

    def _text(self, columns: Mapping[str, Any], column: str | None) -> str:
        value = columns.get(column) if column is not None else None
        return value if isinstance(value, str) else ""


_PLACES = 20
"""Bits: a module of more definitions would be longer than a row may be."""


def modules_in(
    unit: str, fields: Fields, names: Sequence[str], *, kept: tuple[str, ...] = (), by_line: bool = False
) -> Modules:
    """Return what is made of rows with columns of such names."""
    by_name = {name.lower(): name for name in names}

    def usual(candidates: Sequence[str]) -> str | None:
        return next((by_name[name] for name in candidates if name in by_name), None)

    return Modules(unit, fields, usual(PATH_NAMES), usual(REPOSITORY_NAMES), kept, by_line)


def _asked_and_answer(one: Definition, path: str, unit: str) -> dict[str, Any]:
    """Return the columns of a definition that say what is asked and what is answered, or why nothing is."""
    if unit == FUNCTIONS:
        return {"instruction": one.docstring, "code": one.program}
    try:
        task = task_of(one, path)
    except ProgramError as error:
        return {"refused": [error.reason, error.detail]}
    return {"instruction": task.instruction, "code": task.program}


def _refused(row: RawRow, name: str | int | None, reason: str, detail: str) -> RawRow:
    made = {"id": name, "refused": [reason, detail]}
    return RawRow(row.index << _PLACES, row.number, encode_row(made), row.end)
