"""Problems of benchmarks: loading and selecting them, their prompts, and their reference solutions."""

from lintseq.benchmarks.listing import (
    BenchmarkListing as BenchmarkListing,
    ProblemListOptions as ProblemListOptions,
    list_benchmarks as list_benchmarks,
    list_problems as list_problems,
)
from lintseq.benchmarks.loading import ProblemSet as ProblemSet
from lintseq.benchmarks.problem import Problem as Problem, Runner as Runner, shorten as shorten
from lintseq.benchmarks.prompts import PROMPT_STYLES as PROMPT_STYLES, prompt_for as prompt_for
from lintseq.benchmarks.references import (
    CODE as CODE,
    PROGRAM as PROGRAM,
    check_format as check_format,
    reference_completions as reference_completions,
)
from lintseq.benchmarks.registry import BENCHMARKS as BENCHMARKS, load_problems as load_problems
from lintseq.benchmarks.selection import Selection as Selection, select_problems as select_problems
