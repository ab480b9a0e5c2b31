"""Which modules that tests need cannot be imported where programs run.

The runner decides: what is installed here may not be visible there.
"""

from collections.abc import Sequence
from importlib.util import find_spec

from lintseq.benchmarks.problem import Problem, Runner
from lintseq.sandbox import Job, Limits, RunCheck

LIMITS = Limits(seconds=120.0, memory=8 << 30, processes=256)


def missing_modules(problems: Sequence[Problem], runner: Runner) -> dict[str, tuple[str, ...]]:
    """Return, by task id, the modules that a problem's tests need and that cannot be imported; others are absent."""
    names = sorted({name for problem in problems for name in problem.required_modules})
    installed = [name for name in names if _is_installed(name)]
    results = runner.run(Job("", RunCheck(f"import {name}"), LIMITS, "full") for name in installed)
    importable = {name for name, result in zip(installed, results, strict=True) if result.verdict == "passed"}
    missing = {problem.task_id: tuple(sorted(problem.required_modules - importable)) for problem in problems}
    return {task_id: modules for task_id, modules in missing.items() if modules}


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
