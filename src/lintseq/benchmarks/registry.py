"""All benchmarks by name, and loading the problems of one of them or of a file of your own."""

import os

from lintseq.benchmarks import bigcodebench, contests, ds1000, humaneval, mbpp
from lintseq.benchmarks.loading import (
    DATA_VARIABLE,
    Benchmark,
    ProblemSet,
    checksum_of,
    load_benchmark,
    read_problem_rows,
)
from lintseq.errors import ConfigError

_FAMILIES = (humaneval, mbpp, ds1000, bigcodebench, contests)
BENCHMARKS: dict[str, Benchmark] = {
    benchmark.name: benchmark for family in _FAMILIES for benchmark in family.BENCHMARKS
}
_ALIASES = {
    "humanevalplus": "humaneval+",
    "mbppplus": "mbpp+",
    "ds-1000": "ds1000",
}


def data_folder(data: str | None) -> str | None:
    """Return `data`, or else the folder in `$LINTSEQ_DATA`, or None."""
    return data or os.environ.get(DATA_VARIABLE) or None


def load_problems(name: str, data: str | None = None) -> ProblemSet:
    """Return the problems of a benchmark, or of a file of your own in HumanEval's columns.

    The benchmark's file is looked up in the folder `data` (default: `$LINTSEQ_DATA`) and in the cache, and otherwise
    downloaded. Raises `ConfigError` if there is no such benchmark, or its file is unavailable or unusable.
    """
    key = name.lower().replace("_", "-")
    key = _ALIASES.get(key, key)
    if key in BENCHMARKS:
        return load_benchmark(BENCHMARKS[key], data_folder(data))
    if os.path.isfile(name):
        rows = read_problem_rows(name, humaneval.OWN_COLUMNS)
        humaneval.check_own_rows(name, rows)
        return ProblemSet(os.path.basename(name), tuple(humaneval.own_problems(rows)), name, checksum_of(name), "own")
    raise ConfigError(
        f"there is no benchmark {name!r}, and no file of that name; use one of {', '.join(BENCHMARKS)},"
        f" or a file with the columns {', '.join(sorted(humaneval.OWN_COLUMNS))}"
    )
