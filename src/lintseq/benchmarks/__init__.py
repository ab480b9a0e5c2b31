"""Benchmarks, by name."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from lintseq.benchmarks import bigcodebench, contests, ds1000, humaneval, mbpp
from lintseq.benchmarks.benchmark import (
    DATA_VARIABLE,
    Benchmark,
    Loaded,
    checksum_of,
    find,
    load,
    read,
)
from lintseq.errors import ConfigError, ProgramError
from lintseq.languages.python.syntax import parse
from lintseq.rows.row import kind_of_value

__all__ = ["BENCHMARKS", "Benchmark", "Loaded", "data_folder", "find", "load_problems"]

_FAMILIES = (humaneval, mbpp, ds1000, bigcodebench, contests)
BENCHMARKS = {benchmark.name: benchmark for family in _FAMILIES for benchmark in family.BENCHMARKS}

_OTHER_NAMES = {
    "humanevalplus": "humaneval+",
    "mbppplus": "mbpp+",
    "humanevalsynthesize": "humanevalpack",
    "humanevalpack-synthesize": "humanevalpack",
    "humanevalpack-fix": "humanevalfix",
    "sanitized-mbpp": "mbpp-sanitized",
    "ds-1000": "ds1000",
}


def data_folder(said: str | None) -> str | None:
    """Return the folder with the benchmarks' files: the one that was said, or that of the environment."""
    return said or os.environ.get(DATA_VARIABLE) or None


def load_problems(name: str, data: str | None = None) -> Loaded:
    """Return the problems of a benchmark, or of a file of one's own in HumanEval's columns.

    Raises `ConfigError` if there is no such benchmark, or its file is not to be had, or is not what it should be.
    """
    key = name.lower().replace("_", "-")
    key = _OTHER_NAMES.get(key, key)
    if key in BENCHMARKS:
        return load(BENCHMARKS[key], data_folder(data))
    if os.path.isfile(name):
        rows = read(name, humaneval.OWN_COLUMNS)
        _check_own(name, rows)
        problems = tuple(humaneval.own_problems(rows))
        _check_ids(name, [problem.task_id for problem in problems])
        return Loaded(os.path.basename(name), problems, name, checksum_of(name), "own")
    raise ConfigError(
        f"there is no benchmark {name!r}, and no file of that name; use one of {', '.join(BENCHMARKS)},"
        f" or a file with the columns {', '.join(sorted(humaneval.OWN_COLUMNS))}"
    )


def _check_own(path: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Raise `ConfigError` for what would only show in the verdicts: columns of another kind, a test that is none."""
    for number, row in enumerate(rows, 1):
        for name in ("prompt", "entry_point", "test"):
            if not isinstance(row[name], str):
                found = kind_of_value(row[name])
                raise ConfigError(f"{path}, row {number}: {name} is {found}, where a string was expected")
        if not row["test"].strip():
            raise ConfigError(f"{path}, row {number}: its test is empty, so that any program would pass; write one")
        try:
            parse(row["test"])
        except ProgramError as error:
            raise ConfigError(f"{path}, row {number}: its test does not parse ({error}); mend it") from None


def _check_ids(path: str, ids: list[str]) -> None:
    seen: dict[str, int] = {}
    for number, task_id in enumerate(ids, 1):
        if (before := seen.setdefault(task_id, number)) != number:
            raise ConfigError(f"{path}, row {number} has the task_id {task_id!r} of row {before}; give it its own")
