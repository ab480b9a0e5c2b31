"""BigCodeBench, to complete and by instruction, whole and Hard: functions that use many libraries, under unittest."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from lintseq.benchmarks.benchmark import Benchmark, Rows
from lintseq.benchmarks.hard import HARD
from lintseq.benchmarks.imports import needed
from lintseq.benchmarks.problems import Checked, Problem
from lintseq.sandbox.job import Limits

LIMITS = Limits(seconds=240.0, memory=8 << 30, processes=256, scratch=256 << 20)
"""Its harness gives each task 240 seconds at least, and 30 GB."""

_RUN = """

def lintseq_run_tests():
    import io, os, unittest
    globals().setdefault("os", os)

    class Result(unittest.TextTestResult):
        def _exc_info_to_string(self, raised, test):
            lines = [line.strip() for line in str(raised[1]).splitlines() if any(map(str.isalnum, line))]
            return ": ".join([raised[0].__name__, *lines[:1]])

    suite = unittest.TestLoader().loadTestsFromTestCase(TestCases)
    result = unittest.TextTestRunner(stream=io.StringIO(), resultclass=Result).run(suite)
    told = [f"{case.id().rpartition('.')[2]}: {text}" for case, text in (*result.failures, *result.errors)]
    told += [f"{case.id().rpartition('.')[2]}: skipped" for case, _ in result.skipped]
    if told or not result.wasSuccessful() or not result.testsRun:
        raise AssertionError("; ".join(told) or "no test was run")

lintseq_run_tests()
"""

Split = Literal["complete", "instruct"]


def problems(rows: Rows, *, split: Split, hard: bool) -> list[Problem]:
    """Return the problems of one of the two prompts, all or the hard ones."""
    return [_problem(row, split) for row in rows if not hard or row["task_id"] in HARD]


def _problem(row: Mapping[str, Any], split: Split) -> Problem:
    complete, solution = row["complete_prompt"], row["canonical_solution"]
    return Problem(
        task_id=row["task_id"],
        prompt=complete if split == "complete" else row["instruct_prompt"],
        instruction=row["instruct_prompt"],
        entry_point=row["entry_point"],
        reference=complete + solution,
        tests=(Checked(row["test"] + _RUN, imports="full"),),
        prefix=complete,
        context=row["code_prompt"] + "\n    pass\n",
        limits=LIMITS,
        needs=needed([complete + solution, row["test"]]),
        continuation=solution,
    )


_COLUMNS = frozenset(
    {"task_id", "complete_prompt", "instruct_prompt", "canonical_solution", "code_prompt", "test", "entry_point"}
)
_FILES = ("BigCodeBench-v0.1.4.jsonl", "BigCodeBench.jsonl")
_HARD_FILES = ("BigCodeBench-Hard-v0.1.4.jsonl", "BigCodeBench-Hard.jsonl")
_VERSIONS = {
    "f6704a124f4edcec": "v0.1.4, made from v0.1.0",
    "5e7a87ff1085eafb": "Hard v0.1.0, of Qwen2.5-Coder",
}


def _benchmark(split: Split, *, hard: bool) -> Benchmark:
    return Benchmark(
        name=f"bigcodebench-{'hard-' if hard else ''}{split}",
        title=f"BigCodeBench{'-Hard' if hard else ''}, {split}",
        files=_HARD_FILES + _FILES + ("BigCodeBench-Hard-v0.1.0_qwen2.5-coder.json",) if hard else _FILES,
        size=148 if hard else 1140,
        home="hf:bigcode/bigcodebench:v0.1.4",
        license="Apache-2.0",
        columns=_COLUMNS,
        load=partial(problems, split=split, hard=hard),
        versions=_VERSIONS,
        rows=1140,
        any_size=hard,
    )


BENCHMARKS = tuple(_benchmark(split, hard=hard) for hard in (False, True) for split in ("complete", "instruct"))
