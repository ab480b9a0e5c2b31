"""Input rows for `lintseq build` from code bases: each documented function or class, or each change in a history.

A code base is source files, rows that hold a whole file each, or git repositories. Files are parsed, never imported or
run. A function or class becomes a pair of an instruction and a program.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from typing import Any

from lintseq.dataset.batches import RowWork
from lintseq.dataset.outputs import STDOUT, Target, check_target
from lintseq.dataset.pipeline import OpenedRun, open_run, run_pipeline
from lintseq.dataset.report import BuildProgress
from lintseq.dataset.screening import licenses_of
from lintseq.dataset.shapes import COLUMNS, Column
from lintseq.dataset.transform import Rejection, RowResult
from lintseq.errors import ConfigError, ProgramError
from lintseq.languages import get_language
from lintseq.languages.definitions import MinedDefinition
from lintseq.mining.history import HistoryOptions, history_work, open_histories
from lintseq.program.markdown import code_from_markdown
from lintseq.rows import FieldNames, Fields, Input, column_list, content_id
from lintseq.rows.fields import COLUMN_NAMES

_PATH = Column("string", "the path of the file")
_COPIED = "a column of the file's row"


@dataclass(frozen=True, slots=True)
class MiningOptions:
    """What to mine, and where it is in the rows."""

    functions: bool = False
    """Mine every documented function and class; its docstring is the instruction."""
    tasks: bool = False
    """Mine only what can be written from its signature and description alone; these are the instruction."""
    commits: bool = False
    """Mine what commits change; SOURCE is a git repository, and a row has a file before and after, and the message."""
    history: HistoryOptions = field(default_factory=HistoryOptions)
    """Which changes become rows, with `commits`."""
    code_field: str | None = None
    """Column that holds a whole file. Default: found by its usual names."""
    id_field: str | None = None
    """Column that holds the id of a file. Default: found by its usual names."""
    keep: tuple[str, ...] = ()
    """Column to copy to each pair, besides those that usually name a license."""
    row_timeout: float = 10.0
    """Time limit for each file, in seconds; 0 means no limit."""
    row_memory: float = 2.0
    """Memory limit for each file, in GB; 0 means no limit."""


@dataclass(frozen=True, slots=True)
class MiningReport:
    """What was mined."""

    output: str
    """Path of the pairs."""
    rejected: str
    """The file of rejected files and definitions."""
    files: int
    """Number of files read; of a history, of changes of files, and of commits that were skipped as a whole."""
    commits: int
    """Number of commits read."""
    pairs: int
    """Number of pairs written; of a history, of changes."""
    test_pairs: int
    """Number of those in the part for testing."""
    rejections: Mapping[str, int]
    """Reason -> number of files, definitions, changes and commits, most frequent first."""
    broken_inputs: Sequence[str]
    """What was wrong with inputs that could not be read to their end."""
    seconds: float
    """Of this run, without earlier runs that it resumed."""
    nothing_to_do: bool
    """Whether an earlier run had finished already."""

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return asdict(self)


def mine(
    sources: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | Target,
    options: MiningOptions,
    *,
    workers: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Callable[[BuildProgress], None] = lambda progress: None,
) -> MiningReport:
    """Write a row for each definition or change mined from `sources` to `output`, and return what was done.

    A source is anything that rows can be read from; with `commits`, the path of a git repository. Files that do not
    parse, definitions that are not tasks and changes that are skipped go to the file of rejected rows with the reason;
    with standard output as the output and no such file named, they are only counted. The other parameters, and what is
    raised, are those of `build`.
    """
    target = output if isinstance(output, Target) else Target(os.fspath(output))
    if target.output == STDOUT and target.rejected is None:
        target = replace(target, rejected=os.devnull)
    _check(options)
    settings = {"mines": True, **asdict(options)}
    if options.commits and target.split is not None:
        raise ConfigError("--split counts rows, which are not known before they are mined; split them with build")
    if options.commits:
        paths = [os.fspath(path) for path in sources]
        check_target(target, paths, overwrite=overwrite, resume=resume)
        opened = OpenedRun(open_histories(paths, options.history), target, overwrite, resume)
        work = history_work(options.history, options.row_timeout, options.row_memory)
    else:
        del settings["commits"], settings["history"]
        names = FieldNames(code_field=options.code_field, id_field=options.id_field)
        opened = open_run(sources, target, names, overwrite=overwrite, resume=resume, code_base=True)
        columns = _columns(opened.sources, options.keep)
        work = RowWork(partial(Miner, options, columns), columns, options.row_timeout, options.row_memory)
    report = run_pipeline(opened, work, {"options": settings}, workers=workers, on_progress=on_progress)
    return MiningReport(
        report.output,
        report.rejected,
        report.tally.rows,
        sum(source.size or 0 for source in opened.sources) if options.commits else 0,
        report.tally.sequences,
        report.tally.test,
        dict(report.tally.rejections.most_common()),
        report.broken_inputs,
        report.seconds,
        report.nothing_to_do,
    )


def _check(options: MiningOptions) -> None:
    """Raise `ConfigError` for options that cannot work, or have no effect."""
    if options.functions + options.tasks + options.commits != 1:
        raise ConfigError("choose what to mine: --functions, --tasks or --commits")
    if options.commits and (options.code_field or options.id_field or options.keep):
        raise ConfigError("--code-field, --id-field and --keep have no effect with --commits")
    if not options.commits and options.history != HistoryOptions():
        names = (field.name for field in fields(HistoryOptions))
        changed = [name for name in names if getattr(options.history, name) != getattr(HistoryOptions(), name)]
        raise ConfigError(f"--{changed[0].replace('_', '-')} has no effect without --commits")


def _columns(sources: Sequence[Input], keep: Sequence[str]) -> dict[str, Column]:
    """Return the columns of pairs: those that all have, and those copied from rows of the sources."""
    columns = {name: COLUMNS[name] for name in ("id", "instruction", "program")}
    if any(source.fields is not None and source.fields.path for source in sources):
        columns["path"] = _PATH
    for source in sources:
        for name, types in source.columns.items():
            if name not in columns and (name in keep or name.lower() in COLUMN_NAMES["license"]):
                columns[name] = Column("strings" if list in types else "string", _COPIED)
    if missing := [name for name in keep if sources and name not in columns]:
        found = column_list(sorted({name for source in sources for name in source.columns}))
        raise ConfigError(f"no column {missing[0]!r} in the first rows (columns: {found}); name another with --keep")
    return columns


class Miner:
    """Turns files into pairs: what runs in the workers."""

    def __init__(self, options: MiningOptions, columns: Mapping[str, Column]) -> None:
        self._options = options
        self._language = get_language()
        self._copied = {name: column.type for name, column in columns.items() if column.description == _COPIED}

    def read_id(self, row: Mapping[str, Any], fields: Fields | None) -> str | int | None:
        """Return the id of a file: its row's own id, or else its path."""
        assert fields is not None
        own_id = fields.read_id(row)
        return fields.read_path(row, whole=True) or None if own_id is None else own_id

    def transform(self, row: Mapping[str, Any], fields: Fields | None, *, source: str, index: int) -> RowResult:
        """Return the pairs of a file, or raise `ProgramError` with the reason why there are none."""
        assert fields is not None
        id, path = self.read_id(row, fields), fields.read_path(row)
        text = code_from_markdown(fields.read_code(row), self._language)
        if self._options.tasks:
            self._language.check_task_file(path, text)
        name = content_id("", text) if id is None else id
        more: dict[str, Any] = {"path": path} if path else {}
        more |= {column: value for column, kind in self._copied.items() if (value := _copied(row, column, kind))}
        pairs: list[dict[str, Any]] = []
        rejections = []
        for definition in self._language.find_definitions(text):
            own = {"id": f"{name}::{definition.name}"}
            try:
                pairs.append({**own, **self._pair(definition, path), **more})
            except ProgramError as error:
                part = {**own, "instruction": definition.documentation, "program": definition.program, **more}
                line = definition.line if fields.unreadable is not None else None
                rejections.append(Rejection(own["id"], error.reason, error.detail, part, line))
        return RowResult(pairs, id, license=", ".join(licenses_of(more, None)), rejections=rejections)

    def _pair(self, definition: MinedDefinition, path: str) -> dict[str, str]:
        """Return instruction and program of a definition; raise `ProgramError` if it is to be a task and is none."""
        if not self._options.tasks:
            return {"instruction": definition.documentation, "program": definition.program}
        task = self._language.make_task(definition, path)
        return {"instruction": task.instruction, "program": task.program}


def _copied(row: Mapping[str, Any], column: str, type: str) -> str | list[str] | None:
    """Return the strings in a column in the type that it has in pairs; None if there are none."""
    value = row.get(column)
    texts = [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
    if not texts:
        return None
    return texts if type == "strings" else " AND ".join(texts)
