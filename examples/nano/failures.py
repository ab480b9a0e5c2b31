"""Classify the wrong programs for the problems of the small world by what they do instead.

    python examples/nano/failures.py plain=RESULTS.jsonl edits=RESULTS.jsonl,RESULTS.jsonl

Each argument is a name with the results of one or more `lintseq evaluate` runs. Each program runs in the sandbox on
about fifty inputs, and its behavior is compared with that of the plans that differ from the required one in a single
idea.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from make import Call, behavior_names, neighbors, outcomes, pool, world
from world import Names, Plan

from lintseq.sandbox import CallFunction, Job, JobResult, Raised
from lintseq.sandbox.pool import Sandbox

KINDS = (
    "correct",
    "does not compile",
    "omits an idea",
    "replaces an idea",
    "always raises an exception",
    "does something else",
)
RUN = """

def {run}(items, *arguments):
    made = {name}(*arguments)
    for item in items:
        made.add(item)
    return made.answer()
"""
"""Appended to a program that defines a class: the function to call."""


@dataclass(frozen=True)
class Problem:
    """A problem, and what programs may do instead."""

    plan: Plan
    name: str
    calls: Sequence[Call]
    kinds: dict[str, str]
    """The kind of each known behavior."""

    def job(self, program: str) -> Job:
        """Return the sandbox job that reveals the behavior of a program."""
        name = self.name
        if self.plan.source.is_class:
            name = "run_it_all"
            program += RUN.format(run=name, name=self.name)
        return Job(program, CallFunction(name, tuple(self.calls)))

    def kind(self, program: str, ending: JobResult) -> str:
        """Return the kind of a program."""
        try:
            compile(program, "<program>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return "does not compile"
        if len(ending.outcomes) < len(self.calls):
            return "always raises an exception" if ending.verdict == "error" else "does something else"
        results = [item.type if isinstance(item, Raised) else item.value for item in ending.outcomes]
        if known := self.kinds.get(repr(results)):
            return known
        if all(isinstance(item, Raised) for item in ending.outcomes):
            return "always raises an exception"
        return "does something else"


def problem_of(plan: Plan, name: str) -> Problem:
    """Return the problem of a plan, with the behavior of its neighbors."""
    names = replace(behavior_names(plan), defaults=False)
    calls = pool(plan.source, names.parameters, names.defaults)
    kinds = {}
    for other in neighbors(plan):
        less = any(
            getattr(plan, part) is not None and getattr(other, part) is None for part in ("keep", "change", "extra")
        )
        kind = "omits an idea" if less else "replaces an idea"
        kinds.setdefault(behavior_of(other, names, calls), kind)
    kinds[behavior_of(plan, names, calls)] = "correct"
    return Problem(plan, name, calls, kinds)


def behavior_of(plan: Plan, names: Names, calls: Sequence[Call]) -> str:
    """Return the results of the program of a plan, as text."""
    return repr(outcomes(plan, names, calls))


def rows_of(paths: str) -> Iterator[dict[str, Any]]:
    for path in paths.split(","):
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def main() -> None:
    """Print a table with a row for each kind and a column for each name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", metavar="NAME=RESULTS[,RESULTS...]")
    named: dict[str, str] = {}
    for argument in parser.parse_args().results:
        name, found, paths = argument.partition("=")
        if not (name and found and paths) or name in named:
            parser.error(f"{argument} is not NAME=RESULTS, each name once, several results with commas between")
        named[name] = paths
    made = world()
    problems = {
        row["task_id"]: problem_of(plan, row["entry_point"])
        for name in ("problems", "validation")
        for plan, row in made[name]
    }
    columns = {}
    with Sandbox() as sandbox:
        for name, paths in named.items():
            rows = [(problems[row["task_id"]], row.get("text", row["completion"])) for row in rows_of(paths)]
            endings = sandbox.run(problem.job(program) for problem, program in rows)
            columns[name] = Counter(
                problem.kind(program, ending) for (problem, program), ending in zip(rows, endings, strict=True)
            )
    print("| | " + " | ".join(columns) + " |")
    print("|---|" + "---:|" * len(columns))
    for kind in KINDS:
        shares = [f"{100 * column[kind] / column.total():.1f} %" for column in columns.values()]
        print(f"| {kind} | " + " | ".join(shares) + " |")


if __name__ == "__main__":
    main()
