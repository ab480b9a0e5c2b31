"""What `lintseq benchmarks` prints: the benchmarks, or the problems of one with prompts or reference solutions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lintseq.benchmarks.loading import Benchmark, find_file
from lintseq.benchmarks.problem import Problem
from lintseq.benchmarks.prompts import prompt_for
from lintseq.benchmarks.references import reference_completions
from lintseq.benchmarks.registry import BENCHMARKS, data_folder, load_problems
from lintseq.benchmarks.selection import select_problems
from lintseq.errors import ConfigError


@dataclass(frozen=True, slots=True)
class BenchmarkListing:
    """One line of the list of benchmarks."""

    name: str
    """The name for `load_problems`."""
    title: str
    """The name for people."""
    problems: int
    """Number of problems."""
    files: tuple[str, ...]
    """Names of the file, in order of preference."""
    home: str
    """Where to download it."""
    license: str
    """The license of the problems."""
    here: str | None
    """Path of the file on this machine, or None."""


def list_benchmarks(data: str | None = None) -> Sequence[BenchmarkListing]:
    """Return all benchmarks, and where their files are: in `data` (default: `$LINTSEQ_DATA`) or in the cache."""

    def listing(entry: Benchmark) -> BenchmarkListing:
        path = find_file(entry, data_folder(data))
        return BenchmarkListing(
            entry.name, entry.title, entry.size, tuple(entry.files), entry.home, entry.license, path
        )

    return list(map(listing, BENCHMARKS.values()))


@dataclass(frozen=True, slots=True)
class ProblemListOptions:
    """Which problems to list, and what to list of each."""

    data: str | None = None
    """Folder that contains the benchmarks' files. [default: $LINTSEQ_DATA]"""
    problems: str | None = None
    """Only these problems: task ids separated by commas (* matches anything), or a file with one per line."""
    prompts: Literal["official", "plain", "edits", "messages"] | None = None
    """Print the prompts, in this style."""
    references: str | None = None
    """Print the reference solutions as completions in this format: code, program, diff, ..."""
    seed: int = 0
    """Seed of the edits that write the reference solutions."""


def list_problems(benchmark: str, options: ProblemListOptions | None = None) -> Iterator[dict[str, Any]]:
    """Return a row for each problem of a benchmark: its texts, or its prompt, or its solution as a completion.

    Raises `ConfigError` for options that exclude each other, and what `load_problems` raises.
    """
    options = options or ProblemListOptions()
    if options.prompts is not None and options.references is not None:
        raise ConfigError("prompts and references exclude each other; choose one")
    problem_set = load_problems(benchmark, options.data)
    problems = select_problems(problem_set, problems=options.problems).problems
    if options.references is not None:
        return reference_completions(problems, options.references, seed=options.seed)
    if (style := options.prompts) is not None:
        column = "messages" if style == "messages" else "prompt"
        return ({"task_id": problem.task_id, column: prompt_for(problem, style)} for problem in problems)
    return map(_row, problems)


def _row(problem: Problem) -> dict[str, Any]:
    names = ("task_id", "prompt", "instruction", "entry_point", "start", "reference")
    return {name: getattr(problem, name) for name in names}
