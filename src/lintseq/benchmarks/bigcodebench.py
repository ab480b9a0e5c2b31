"""BigCodeBench, Complete and Instruct, full and Hard: functions that use many libraries, tested with unittest."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from lintseq.benchmarks.loading import Rows
from lintseq.benchmarks.problem import CheckTest, Problem
from lintseq.benchmarks.python_code import snippet, third_party_modules
from lintseq.sandbox import Limits

LIMITS = Limits(seconds=240.0, memory=8 << 30, processes=256, scratch=256 << 20)
"""The official harness gives each task at least 240 seconds, and 30 GB."""

RUN_TESTS = snippet("run_unittests.txt")

_HARD = Path(__file__).with_name("bigcodebench_hard.txt")
HARD = frozenset(f"BigCodeBench/{number}" for number in _HARD.read_text(encoding="utf-8").split())
"""The problems of the Hard subset."""

Split = Literal["complete", "instruct"]


def problems(rows: Rows, *, split: Split, hard: bool) -> list[Problem]:
    """Return the problems with the prompts of a split: all of them, or the Hard subset."""
    return [_problem(row, split) for row in rows if not hard or row["task_id"] in HARD]


def _problem(row: Mapping[str, Any], split: Split) -> Problem:
    complete, solution = row["complete_prompt"], row["canonical_solution"]
    return Problem(
        task_id=row["task_id"],
        prompt=complete if split == "complete" else row["instruct_prompt"],
        instruction=row["instruct_prompt"],
        entry_point=row["entry_point"],
        reference=complete + solution,
        tests=(CheckTest(row["test"] + RUN_TESTS, imports="full"),),
        prefix=complete,
        context=row["code_prompt"] + "\n    pass\n",
        limits=LIMITS,
        required_modules=third_party_modules([complete + solution, row["test"]]),
        continuation=solution,
    )
