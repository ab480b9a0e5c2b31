"""DS-1000: code snippets for seven data science libraries, inserted into an existing program."""

import re
from collections.abc import Mapping
from typing import Any

from lintseq.benchmarks.problem import Problem, SnippetTest
from lintseq.benchmarks.python_code import third_party_modules
from lintseq.sandbox import Limits

INTERNET = "the_internet"
"""Listed among the required modules of problems that download data, since the sandbox has no internet either."""
LIMITS = Limits(seconds=60.0, memory=4 << 30)
_DOWNLOADS = re.compile(r"\bload_dataset\(|\bfetch_\w+\(")


def snippet_problem(row: Mapping[str, Any]) -> Problem:
    """Return a problem whose completion is a snippet; `test_execution` of the file runs and judges it."""
    number = row["metadata"]["problem_id"]
    context, reference = row["code_context"], row["reference_code"]
    code = "test_execution(lintseq_solution)\n"
    if "def test_string(" in context:
        code += "test_string(lintseq_solution)\n"
    inner = context.partition('exec_context = r"""')[2].partition('"""')[0].replace("[insert]", "pass")
    library = row["metadata"]["library"].lower().replace("pytorch", "torch")
    modules = {library, INTERNET} if _DOWNLOADS.search(context) else {library}
    return Problem(
        task_id=f"DS-1000/{number}",
        prompt=row["prompt"],
        instruction=row["prompt"].strip(),
        entry_point="",
        reference=reference,
        tests=(SnippetTest(code, context=context),),
        limits=LIMITS,
        required_modules=third_party_modules([context, inner, reference]) | modules,
        aliases=(str(number),),
        continuation=reference,
    )
