"""DS-1000: pieces of code for seven libraries of data science, put into a program that is there already."""

import re
from collections.abc import Mapping
from typing import Any

from lintseq.benchmarks.benchmark import Benchmark, Rows
from lintseq.benchmarks.imports import needed
from lintseq.benchmarks.problems import Problem, Snippet
from lintseq.sandbox.job import Limits

LIBRARIES = {
    "Pandas": "pandas",
    "Numpy": "numpy",
    "Matplotlib": "matplotlib",
    "Scipy": "scipy",
    "Sklearn": "sklearn",
    "Pytorch": "torch",
    "Tensorflow": "tensorflow",
}
INTERNET = "the_internet"
"""Named among the modules that problems need, for there is none in a sandbox either."""
_FETCHES = re.compile(r"\bload_dataset\(|\bfetch_\w+\(")
LIMITS = Limits(seconds=60.0, memory=4 << 30)


def problems(rows: Rows) -> list[Problem]:
    """Return problems whose completion is a piece of code; `test_execution` of the file runs and judges it."""
    return [_problem(row) for row in rows]


def _problem(row: Mapping[str, Any]) -> Problem:
    number = row["metadata"]["problem_id"]
    context, reference = row["code_context"], row["reference_code"]
    code = "test_execution(lintseq_solution)\n"
    if "def test_string(" in context:
        code += "test_string(lintseq_solution)\n"
    inner = context.partition('exec_context = r"""')[2].partition('"""')[0].replace("[insert]", "pass")
    fetched = {INTERNET} if _FETCHES.search(context) else set()
    return Problem(
        task_id=f"DS-1000/{number}",
        prompt=row["prompt"],
        instruction=row["prompt"].strip(),
        entry_point="",
        reference=reference,
        tests=(Snippet(context, "lintseq_solution", code),),
        limits=LIMITS,
        needs=needed([context, inner, reference]) | {LIBRARIES[row["metadata"]["library"]]} | fetched,
        aliases=(str(number),),
        continuation=reference,
    )


BENCHMARKS = (
    Benchmark(
        name="ds1000",
        title="DS-1000",
        files=("ds1000.jsonl",),
        size=1000,
        home="hf:xlangai/DS-1000:test",
        license="CC-BY-SA-4.0",
        columns=frozenset({"prompt", "reference_code", "metadata", "code_context"}),
        load=problems,
        versions={"26a492838b05f9d0": "xlangai/DS-1000 4416080"},
    ),
)
