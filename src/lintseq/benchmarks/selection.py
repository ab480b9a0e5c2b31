"""Some of a benchmark's problems, and what tells a choice from others: results of two choices cannot be compared.

Owns reading what was asked for, and refusing what chooses nothing. What is kept of a choice is the number and a
checksum of the problems, so that the same problems are the same choice, in whatever words it was made.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any

from lintseq.benchmarks import Loaded
from lintseq.benchmarks.problems import Problem
from lintseq.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Choice:
    """The problems that are asked, and those that are not."""

    problems: tuple[Problem, ...]
    """In the benchmark's order."""
    left_out: tuple[Problem, ...]
    skipped: int
    """How many of the first were left out."""
    named: bool
    """Whether the others were chosen by name, and are not all that there are."""

    def as_settings(self) -> dict[str, Any]:
        """Return what tells which of a benchmark's problems they are; `chosen` only where some were chosen by name."""
        told: dict[str, Any] = {"skip_first": self.skipped}
        if self.named:
            names = "\n".join(sorted(problem.task_id for problem in self.problems))
            told["chosen"] = {"problems": len(self.problems), "sha256": sha256(names.encode()).hexdigest()}
        return told


def choose(loaded: Loaded, *, skip_first: int = 0, wanted: str | None = None) -> Choice:
    """Return the problems of a benchmark that `wanted` names, of those behind the first `skip_first`.

    `wanted` is a file with a task id on each line, or task ids with commas between, in which `*` stands for anything.
    Raises `ConfigError` if a name is that of no problem, or nothing is left.
    """
    rest = loaded.problems[skip_first:]
    if not rest:
        raise ConfigError(
            f"{loaded.name} has {len(loaded.problems)} problems, so --skip-first {skip_first} leaves none"
        )
    if wanted is None:
        return Choice(rest, loaded.problems[:skip_first], skip_first, named=False)
    found = {
        problem.task_id
        for where, pattern in _patterns(wanted)
        for problem in _matching(pattern, rest, where, loaded, skip_first)
    }
    chosen = tuple(problem for problem in rest if problem.task_id in found)
    left_out = tuple(problem for problem in loaded.problems if problem.task_id not in found)
    return Choice(chosen, left_out, skip_first, named=len(chosen) < len(rest))


def names_a_file(wanted: str) -> bool:
    """Tell whether a choice is in a file."""
    return os.path.isfile(wanted)


def _patterns(wanted: str) -> Iterator[tuple[str, str]]:
    """Yield each name or pattern, with the words for where it stands; lines that start with # say nothing."""
    told = False
    for where, text in _parts(wanted):
        if (pattern := text.strip()) and not pattern.startswith("#"):
            told = True
            yield where, pattern
    if not told:
        raise ConfigError(f"--problems {wanted} names no problem; give task ids, or a file with one on each line")


def _parts(wanted: str) -> Iterator[tuple[str, str]]:
    if not names_a_file(wanted):
        yield from (("--problems", part) for part in wanted.split(","))
        return
    try:
        with open(wanted, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--problems {wanted} cannot be read: {error}; give a file of task ids") from None
    yield from ((f"{wanted}, line {number}", line) for number, line in enumerate(lines, 1))


def _matching(
    pattern: str, problems: Sequence[Problem], where: str, loaded: Loaded, skip_first: int
) -> Sequence[Problem]:
    found = [one for one in problems if any(fnmatchcase(name, pattern) for name in (one.task_id, *one.aliases))]
    if found:
        return found
    told = f"{where}: {loaded.name} has no problem {pattern!r}"
    if skip_first:
        told += f" behind the first {skip_first}, which --skip-first leaves out"
    raise ConfigError(
        f"{told} (they are called like {problems[0].task_id!r}); give task ids with commas between, * for anything,"
        " or a file with one on each line"
    )
