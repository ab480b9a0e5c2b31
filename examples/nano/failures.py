"""Say what went wrong in programs for the small world's problems: what do they do instead?

    python examples/nano/failures.py plain=RESULTS.jsonl edits=RESULTS.jsonl,RESULTS.jsonl

Each argument is a name and results of `lintseq evaluate`, of one run or of several. What a program does is compared
with what plans do that differ from the one asked for in one idea: it is run in the sandbox on some fifty inputs.
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

from lintseq.sandbox import CallFunction, Job, JobResult, Raised, Sandbox

KINDS = (
    "as asked",
    "does not compile",
    "leaves an idea out",
    "has another idea in its place",
    "raises something at every call",
    "does something else",
)
RUN = """

def {run}(items, *arguments):
    made = {name}(*arguments)
    for item in items:
        made.add(item)
    return made.answer()
"""
"""Behind a program that defines a class: what is called instead."""


@dataclass(frozen=True)
class Problem:
    """What is asked, and what programs might do instead."""

    plan: Plan
    name: str
    calls: Sequence[Call]
    told: dict[str, str]
    """The kind of each behavior that is known."""

    def job(self, program: str) -> Job:
        """Return the program and the calls that show what it does."""
        name = self.name
        if self.plan.source.is_class:
            name = "run_it_all"
            program += RUN.format(run=name, name=self.name)
        return Job(program, CallFunction(name, tuple(self.calls)))

    def kind(self, program: str, ending: JobResult) -> str:
        """Return what became of a program."""
        try:
            compile(program, "<program>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return "does not compile"
        if len(ending.outcomes) < len(self.calls):
            return "raises something at every call" if ending.verdict == "error" else "does something else"
        shown = [one.type if isinstance(one, Raised) else one.value for one in ending.outcomes]
        if known := self.told.get(repr(shown)):
            return known
        if all(isinstance(one, Raised) for one in ending.outcomes):
            return "raises something at every call"
        return "does something else"


def problem_of(plan: Plan, name: str) -> Problem:
    """Return a plan's problem: its calls, and what its neighbors do."""
    names = replace(behavior_names(plan), defaults=False)
    calls = pool(plan.source, names.parameters, names.defaults)
    told = {}
    for other in neighbors(plan):
        less = any(
            getattr(plan, part) is not None and getattr(other, part) is None for part in ("keep", "change", "extra")
        )
        kind = "leaves an idea out" if less else "has another idea in its place"
        told.setdefault(done(other, names, calls), kind)
    told[done(plan, names, calls)] = "as asked"
    return Problem(plan, name, calls, told)


def done(plan: Plan, names: Names, calls: Sequence[Call]) -> str:
    """Return what a plan's program does, in writing."""
    return repr(outcomes(plan, names, calls))


def rows_of(paths: str) -> Iterator[dict[str, Any]]:
    for path in paths.split(","):
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def main() -> None:
    """Print a table: a row for each kind, a column for each name."""
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
