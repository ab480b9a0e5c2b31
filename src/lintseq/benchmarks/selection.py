"""Selecting some of a benchmark's problems, by id or by position.

Results of different selections cannot be compared, so a selection is recorded as the number and a checksum of its
problems: selecting the same problems in another way gives the same record.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Any

from lintseq.benchmarks.loading import ProblemSet
from lintseq.benchmarks.problem import Problem
from lintseq.errors import ConfigError, check_at_least


@dataclass(frozen=True, slots=True)
class Selection:
    """Selected problems."""

    problems: tuple[Problem, ...]
    """In the benchmark's order."""
    left_out: tuple[Problem, ...]
    skipped: int
    """How many problems at the start were skipped."""
    by_name: bool
    """Whether the rest was selected by id and is not everything."""

    def as_settings(self) -> dict[str, Any]:
        """Return what identifies the selection, for manifests; `chosen` only for a selection by id."""
        settings: dict[str, Any] = {"skip_first": self.skipped}
        if self.by_name:
            names = "\n".join(sorted(problem.task_id for problem in self.problems))
            settings["chosen"] = {"problems": len(self.problems), "sha256": sha256(names.encode()).hexdigest()}
        return settings


def select_problems(problem_set: ProblemSet, *, problems: str | None = None, skip_first: int = 0) -> Selection:
    """Return the problems that `problems` names, among those after the first `skip_first`.

    `problems` is a file with one task id per line, or task ids separated by commas; `*` matches anything.
    Raises `ConfigError` if a name matches no problem, or nothing is left.
    """
    check_at_least(0, {"--skip-first": skip_first})
    rest = problem_set.problems[skip_first:]
    if not rest:
        count = len(problem_set.problems)
        raise ConfigError(f"{problem_set.name} has {count} problems, so --skip-first {skip_first} leaves none")
    if problems is None:
        return Selection(rest, problem_set.problems[:skip_first], skip_first, by_name=False)
    found = {
        problem.task_id
        for where, pattern in _patterns(problems)
        for problem in _matching(pattern, rest, where, problem_set.name, skip_first)
    }
    selected = tuple(problem for problem in rest if problem.task_id in found)
    left_out = tuple(problem for problem in problem_set.problems if problem.task_id not in found)
    return Selection(selected, left_out, skip_first, by_name=len(selected) < len(rest))


def is_problem_file(problems: str) -> bool:
    """Return whether a selection is a file of task ids."""
    return os.path.isfile(problems)


def _patterns(problems: str) -> list[tuple[str, str]]:
    """Return each pattern with a description of its location; skips blank lines and comments."""
    lines = [("--problems", part) for part in problems.split(",")]
    if is_problem_file(problems):
        try:
            text = Path(problems).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"--problems {problems} cannot be read: {error}; give a file of task ids") from None
        lines = [(f"{problems}, line {number}", line) for number, line in enumerate(text.splitlines(), 1)]
    patterns = [(where, line.strip()) for where, line in lines if line.strip() and not line.strip().startswith("#")]
    if not patterns:
        raise ConfigError(f"--problems {problems} names no problem; give task ids, or a file with one on each line")
    return patterns


def _matching(
    pattern: str, problems: Sequence[Problem], where: str, benchmark: str, skip_first: int
) -> Sequence[Problem]:
    found = [
        problem
        for problem in problems
        if any(fnmatchcase(name, pattern) for name in (problem.task_id, *problem.aliases))
    ]
    if found:
        return found
    if re.search(r"\.(txt|list|jsonl?|csv)$", pattern):
        raise ConfigError(f"{where}: there is no file {pattern}, and {benchmark} has no problem of that name")
    after = f" after the first {skip_first}, which --skip-first leaves out" if skip_first else ""
    raise ConfigError(
        f"{where}: {benchmark} has no problem {pattern!r}{after} (ids look like {problems[0].task_id!r}); give task"
        " ids separated by commas, * for anything, or a file with one on each line"
    )
