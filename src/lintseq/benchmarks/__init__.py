"""Problems of benchmarks: loading and selecting them, their prompts, and their reference solutions."""

from lintseq.benchmarks.listing import BenchmarkListing, ProblemListOptions, list_benchmarks, list_problems
from lintseq.benchmarks.loading import ProblemSet
from lintseq.benchmarks.problem import Problem, Runner, shorten
from lintseq.benchmarks.prompts import PROMPT_STYLES, prompt_for
from lintseq.benchmarks.references import CODE, PROGRAM, check_format, reference_completions
from lintseq.benchmarks.registry import BENCHMARKS, load_problems
from lintseq.benchmarks.selection import Selection, select_problems
