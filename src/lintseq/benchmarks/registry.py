"""All benchmarks by name, and loading the problems of one of them or of a file of your own."""

import os
import re
import tomllib
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from lintseq.benchmarks import bigcodebench, contests, ds1000, humaneval, mbpp
from lintseq.benchmarks.loading import (
    DATA_VARIABLE,
    Benchmark,
    ProblemSet,
    Rows,
    checksum_of,
    file_of,
    load_benchmark,
    read_problem_rows,
)
from lintseq.benchmarks.problem import Problem
from lintseq.errors import ConfigError

LOADERS: dict[str, Callable[[Rows], list[Problem]]] = {
    "humaneval": humaneval.own_problems,
    "humaneval+": lambda rows: list(map(humaneval.plus_problem, rows)),
    "humanevalpack": lambda rows: list(map(humaneval.synthesize_problem, rows)),
    "humanevalfix": lambda rows: list(map(humaneval.fix_problem, rows)),
    "mbpp": mbpp.problems_of_test_split,
    "mbpp-full": mbpp.problems,
    "mbpp-sanitized": mbpp.problems,
    "mbpp+": lambda rows: list(map(mbpp.plus_problem, rows)),
    "ds1000": lambda rows: list(map(ds1000.snippet_problem, rows)),
    "bigcodebench-complete": partial(bigcodebench.problems, split="complete", hard=False),
    "bigcodebench-instruct": partial(bigcodebench.problems, split="instruct", hard=False),
    "bigcodebench-hard-complete": partial(bigcodebench.problems, split="complete", hard=True),
    "bigcodebench-hard-instruct": partial(bigcodebench.problems, split="instruct", hard=True),
    "codecontests": contests.contest_problems,
    "apps": contests.apps_problems,
}
"""Functions that turn the rows of each benchmark's file into problems."""


def _benchmarks() -> dict[str, Benchmark]:
    """Return the benchmarks in `benchmarks.toml`."""
    tables = tomllib.loads(Path(__file__).with_name("benchmarks.toml").read_text(encoding="utf-8"))
    for name, table in tables.items():
        if "like" in table:
            tables[name] = tables[table.pop("like")] | table
    return {name: Benchmark(name=name, load=LOADERS[name], **table) for name, table in tables.items()}


BENCHMARKS = _benchmarks()
_NAME = r"[\w+-]+"
"""What a name of a benchmark looks like."""
_ALIASES = {"humanevalplus": "humaneval+", "mbppplus": "mbpp+", "ds-1000": "ds1000"}


def data_folder(data: str | None) -> str | None:
    """Return `data`, or else the folder in `$LINTSEQ_DATA`, or None."""
    return data or os.environ.get(DATA_VARIABLE) or None


def find_benchmark(name: str) -> Benchmark | None:
    """Return the benchmark of a name, in any capitals, or None."""
    key = name.lower().replace("_", "-")
    return BENCHMARKS.get(_ALIASES.get(key, key))


def problem_file(name: str, data: str | None = None) -> str:
    """Return the path of a file of problems: the name of a benchmark, as in `load_problems`, or of any input."""
    benchmark = None if os.path.exists(name) else find_benchmark(name)
    if benchmark is None and re.fullmatch(_NAME, name) and not os.path.exists(name):
        raise _unknown(name)
    return name if benchmark is None else file_of(benchmark, data_folder(data))


def _unknown(name: str) -> ConfigError:
    """Return the exception for problems that are neither a benchmark nor a file."""
    if not re.fullmatch(_NAME, name):
        return ConfigError(f"cannot read the problems in {name}: there is no such file")
    close = get_close_matches(name.lower(), BENCHMARKS, 1)
    hint = f"did you mean {close[0]}?" if close else f"use one of {', '.join(BENCHMARKS)}, or a file of problems"
    return ConfigError(f"there is no benchmark {name!r}, and no file of that name; {hint}")


def load_problems(name: str, data: str | None = None) -> ProblemSet:
    """Return the problems of a benchmark, or of a file of your own in HumanEval's columns.

    The benchmark's file is looked up in the folder `data` (default: `$LINTSEQ_DATA`) and in the cache, and otherwise
    downloaded. Raises `ConfigError` if there is no such benchmark, or its file is unavailable or unusable.
    """
    if (benchmark := find_benchmark(name)) is not None:
        return load_benchmark(benchmark, data_folder(data))
    if os.path.isfile(name):
        rows = read_problem_rows(name, humaneval.OWN_COLUMNS)
        humaneval.check_own_rows(name, rows)
        return ProblemSet(os.path.basename(name), tuple(humaneval.own_problems(rows)), name, checksum_of(name), "own")
    raise _unknown(name)
