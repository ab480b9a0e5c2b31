"""BigCodeBench, Complete and Instruct, full and Hard: functions that use many libraries, tested with unittest."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from lintseq.benchmarks.loading import Rows
from lintseq.benchmarks.problem import CheckTest, Problem
from lintseq.benchmarks.python_code import third_party_modules
from lintseq.sandbox import Limits

LIMITS = Limits(seconds=240.0, memory=8 << 30, processes=256, scratch=256 << 20)
"""The official harness gives each task at least 240 seconds, and 30 GB."""

RUN_TESTS = """

def lintseq_run_tests():
    import io, os, unittest
    globals().setdefault("os", os)

    class Result(unittest.TextTestResult):
        def _exc_info_to_string(self, raised, test):
            lines = [line.strip() for line in str(raised[1]).splitlines() if any(map(str.isalnum, line))]
            return ": ".join([raised[0].__name__, *lines[:1]])

    suite = unittest.TestLoader().loadTestsFromTestCase(TestCases)
    result = unittest.TextTestRunner(stream=io.StringIO(), resultclass=Result).run(suite)
    problems = [f"{case.id().rpartition('.')[2]}: {text}" for case, text in (*result.failures, *result.errors)]
    problems += [f"{case.id().rpartition('.')[2]}: skipped" for case, _ in result.skipped]
    if problems or not result.wasSuccessful() or not result.testsRun:
        raise AssertionError("; ".join(problems) or "no test was run")

lintseq_run_tests()
"""

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
