"""BigCodeBench, Complete and Instruct, full and Hard: functions that use many libraries, tested with unittest."""

from collections.abc import Mapping
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

_HARD_NUMBERS = """
    13 15 17 19 34 37 82 89 92 93 99 100 101 108 120 123 124 129 139 147 161 162 177 184 187 199 208 211 214 227
    239 241 267 273 274 287 302 308 310 313 324 326 341 346 360 367 368 374 399 401 409 417 418 424 443 445 454
    458 461 477 486 492 501 502 503 509 511 513 526 528 530 532 553 560 567 574 579 582 583 587 590 592 593 594
    618 636 637 654 655 657 678 720 723 752 760 763 765 771 777 785 800 826 845 854 857 865 870 879 897 906 914
    915 916 917 928 942 945 952 955 963 964 969 971 985 988 990 998 999 1003 1004 1006 1008 1012 1013 1015 1019
    1020 1022 1039 1040 1042 1053 1057 1077 1085 1124 1129 1137
"""
HARD = frozenset(f"BigCodeBench/{number}" for number in _HARD_NUMBERS.split())
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
