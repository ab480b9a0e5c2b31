"""What has to be known before completions are judged: what cannot be judged here, and what references return.

Both are found out by running programs. Modules may be installed here but not visible to the runner. What references
return is for benchmarks whose files hold inputs but no outputs; it is cached under a checksum of the program and the
inputs.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from lintseq.benchmarks.loading import cache_folder
from lintseq.benchmarks.problem import (
    CallTest,
    CheckTest,
    Problem,
    Runner,
    StdinTest,
    canonical_text,
    judge_check,
    without_checker,
)
from lintseq.errors import PlainDataError, ToolError
from lintseq.evaluation.judging import check_runner, run_jobs
from lintseq.sandbox import Job, JobResult, Limits, Raised, Returned, RunCheck
from lintseq.sandbox.data import decode, encode
from lintseq.sandbox.isolation import Level
from lintseq.storage import write_atomically

IMPORT_LIMITS = Limits(seconds=120.0, memory=8 << 30, processes=256)
REFERENCE_LIMITS = Limits(seconds=120.0, memory=4 << 30, output=64 << 20)
"""References may take more than the programs that are compared with them."""
SLOWDOWN = 4.0
"""A program may take at least this multiple of the reference's CPU time, as in EvalPlus."""

_MAY_NEED_MORE = re.compile(r"/tmp\b|/dev/|/proc\b|\bsocket|multiprocess|psutil|chmod|utime|['\"](?:ps|top)\b")
"""In problems that may need what the level `confined` does not offer."""

Answer = tuple[float, tuple[Any, ...]]
"""CPU seconds, and what the calls returned."""


def prepare(problems: Sequence[Problem], runner: Runner, level: Level) -> tuple[list[Problem], dict[str, str]]:
    """Return the problems as they are judged here, and, by task id, why some cannot be.

    Raises `ToolError` if the sandbox does not work, or a reference solution fails.
    """
    check_runner(runner)
    not_run = problems_not_run(problems, runner, level)
    runnable = [problem for problem in problems if problem.task_id not in not_run]
    ready = with_usable_checkers(with_expectations(runnable, runner, cache_folder() / "expected"), runner)
    by_id = {problem.task_id: problem for problem in ready}
    return [by_id.get(problem.task_id, problem) for problem in problems], not_run


def problems_not_run(problems: Sequence[Problem], runner: Runner, level: Level) -> dict[str, str]:
    """Return, by task id, why problems cannot be judged here; others are absent.

    At the level `confined`, the references of problems whose texts mention what it may not offer have to pass.
    """
    found = _missing_modules(problems, runner)
    to_run = [
        (problem, stage)
        for problem in problems
        for stage in problem.tests
        if level == "confined" and problem.task_id not in found and isinstance(stage, CheckTest)
        if problem.reference and _MAY_NEED_MORE.search(problem.reference + stage.code)
    ]
    results = run_jobs([stage.jobs(problem.reference, problem.limits)[0] for problem, stage in to_run], runner)
    failed = {
        problem.task_id
        for (problem, stage), result in zip(to_run, results, strict=True)
        if stage.judge([result]).verdict != "passed"
    }
    reason = "the reference solution fails at the level confined; try the level isolated"
    return found | dict.fromkeys(failed, reason)


def _missing_modules(problems: Sequence[Problem], runner: Runner) -> dict[str, str]:
    names = sorted({name for problem in problems for name in problem.required_modules})
    results = runner.run(Job("", RunCheck(f"import {name}"), IMPORT_LIMITS, "full") for name in names)
    importable = {name for name, result in zip(names, results, strict=True) if result.verdict == "passed"}
    missing = {problem.task_id: ", ".join(sorted(problem.required_modules - importable)) for problem in problems}
    return {
        task_id: f"needs {modules}, which cannot be imported here" for task_id, modules in missing.items() if modules
    }


def with_usable_checkers(problems: Sequence[Problem], runner: Runner) -> list[Problem]:
    """Return the problems without the checkers that reject the answer in the file: those problems need exact match."""
    checked = [(problem, stage) for problem in problems for stage in problem.tests[:1] if isinstance(stage, StdinTest)]
    checked = [(problem, stage) for problem, stage in checked if stage.checker]
    results = run_jobs([stage.check_of_answer() for _, stage in checked], runner)
    broken = {
        problem.task_id
        for (problem, _), result in zip(checked, results, strict=True)
        if judge_check(result).verdict == "failed"
    }
    return [without_checker(problem) if problem.task_id in broken else problem for problem in problems]


def with_expectations(problems: Sequence[Problem], runner: Runner, cache: Path | None) -> list[Problem]:
    """Return the problems with everything that their tests expect; `cache` is the folder for results, if any.

    Raises `ToolError` if a reference solution fails, because then there is nothing to compare with.
    """
    pending = [
        (problem, stage)
        for problem in problems
        for stage in problem.tests
        if isinstance(stage, CallTest) and stage.expected is None
    ]
    if not pending:
        return list(problems)
    path = None if cache is None else cache / f"{_digest([_key(problem, stage) for problem, stage in pending])}.txt"
    answers = _cached(path, [len(stage.arguments) for _, stage in pending])
    if answers is None:
        jobs = (job for problem, stage in pending for job in stage.jobs(problem.reference, REFERENCE_LIMITS))
        results = runner.run(jobs)
        answers = [_answer(problem, stage, result) for (problem, stage), result in zip(pending, results, strict=True)]
        if path is not None:
            write_atomically(str(path), b"\n".join(map(encode, answers)))
    known = {id(stage): _expecting(stage, answer) for (_, stage), answer in zip(pending, answers, strict=True)}
    return [
        replace(problem, tests=tuple(known.get(id(stage), stage) for stage in problem.tests)) for problem in problems
    ]


def _expecting(stage: CallTest, answer: Answer) -> CallTest:
    seconds, values = answer
    return replace(stage, expected=values, seconds=SLOWDOWN * seconds)


def _answer(problem: Problem, stage: CallTest, result: JobResult) -> Answer:
    values = tuple(outcome.value for outcome in result.outcomes if isinstance(outcome, Returned))
    if result.verdict != "passed" or len(values) < len(stage.arguments):
        reason = next((outcome for outcome in result.outcomes if isinstance(outcome, Raised)), result.detail)
        raise ToolError(
            f"the reference solution of {problem.task_id} fails ({result.verdict}: {reason}),"
            " so there is nothing to compare with"
        )
    answer = round(result.cpu_seconds, 3), values
    judgment = _expecting(stage, answer).judge([result])
    if judgment.verdict != "passed":
        raise ToolError(f"the reference solution of {problem.task_id} does not agree with itself: {judgment.detail}")
    return answer


def _key(problem: Problem, stage: CallTest) -> str:
    return _digest([problem.reference, stage.suffix, stage.function, canonical_text(stage.arguments)])


def _digest(parts: Sequence[str]) -> str:
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _cached(path: Path | None, sizes: Sequence[int]) -> list[Answer] | None:
    """Return the cached answers, one per line, if the file is complete."""
    if path is None:
        return None
    try:
        answers: list[Answer] = [decode(line) for line in path.read_bytes().split(b"\n") if line]
    except (OSError, ValueError, TypeError, PlainDataError):
        return None  # run the references again
    return answers if [len(values) for _, values in answers] == list(sizes) else None
