"""Which of the modules that tests need can be imported where programs run.

That is asked of the runner: what is installed here may be out of reach there.
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec

from lintseq.benchmarks.problem import Problem, Runner
from lintseq.sandbox import Job, Limits, RunCheck

LIMITS = Limits(seconds=120.0, memory=8 << 30, processes=256)

Missing = Callable[[Problem], tuple[str, ...]]


def missing_in(problems: Sequence[Problem], runner: Runner) -> Missing:
    """Return what tells the modules that a problem's tests need and that cannot be imported."""
    names = sorted({name for problem in problems for name in problem.required_modules})
    here = [name for name in names if _installed(name)]
    endings = runner.run(Job("", RunCheck(f"import {name}"), LIMITS, "full") for name in here)
    there = frozenset(name for name, ending in zip(here, endings, strict=True) if ending.verdict == "passed")
    return lambda problem: tuple(sorted(problem.required_modules - there))


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
