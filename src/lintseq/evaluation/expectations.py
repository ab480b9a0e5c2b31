"""What the reference solutions return, where a benchmark's file holds inputs and no outputs.

They are run as any other program is, once: what they returned is kept in the cache, under a checksum of the
program and the inputs.
"""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from lintseq.benchmarks.plaindata import read_back, written
from lintseq.benchmarks.problems import Called, Problem, Runner
from lintseq.errors import ToolError
from lintseq.sandbox.job import Ending, Limits, Raised, Returned
from lintseq.storage.workplace import write_durably

LIMITS = Limits(seconds=120.0, memory=4 << 30, output=64 << 20)
"""References may take more than what is judged by them."""
SLOWER = 4.0
"""How many times the processor time of the reference a program may take at least, as in EvalPlus."""

Answer = tuple[float, tuple[Any, ...]]
"""Processor seconds, and what the calls returned."""


def with_expectations(problems: Sequence[Problem], runner: Runner, folder: Path | None) -> list[Problem]:
    """Return the problems with all that their tests expect; `folder` is where it is kept, if anywhere.

    Raises `ToolError` if a reference solution does not run to its end, for then nothing could be judged.
    """
    open_ones = [
        (problem, stage)
        for problem in problems
        for stage in problem.tests
        if isinstance(stage, Called) and stage.expected is None
    ]
    keys = [_key(problem, stage) for problem, stage in open_ones]
    place = None if folder is None or not keys else folder / f"{_digest(keys)}.txt"
    answers = _kept(place, [len(stage.arguments) for _, stage in open_ones])
    if answers is None:
        answers = _worked_out(open_ones, runner)
        if place is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_durably(str(place), "\n".join(map(written, answers)).encode("utf-8", "surrogatepass"))
    known = {id(stage): _closed(stage, answer) for (_, stage), answer in zip(open_ones, answers, strict=True)}
    return [replace(problem, tests=tuple(known.get(id(one), one) for one in problem.tests)) for problem in problems]


def _worked_out(stages: Sequence[tuple[Problem, Called]], runner: Runner) -> list[Answer]:
    jobs = (job for problem, stage in stages for job in stage.jobs(problem.reference, LIMITS))
    endings = runner.run(jobs)
    return [_answer(problem, stage, ending) for (problem, stage), ending in zip(stages, endings, strict=True)]


def _closed(stage: Called, answer: Answer) -> Called:
    seconds, values = answer
    return replace(stage, expected=values, seconds=SLOWER * seconds)


def _answer(problem: Problem, stage: Called, ending: Ending) -> Answer:
    values = tuple(outcome.value for outcome in ending.outcomes if isinstance(outcome, Returned))
    if ending.verdict != "passed" or len(values) < len(stage.arguments):
        told = next((outcome for outcome in ending.outcomes if isinstance(outcome, Raised)), ending.detail)
        raise ToolError(
            f"the reference solution of {problem.task_id} did not run to its end ({ending.verdict}: {told}),"
            " so there is nothing to compare with"
        )
    answer = round(ending.cpu_seconds, 3), values
    judgment = _closed(stage, answer).judge([ending])
    if judgment.verdict != "passed":
        raise ToolError(f"the reference solution of {problem.task_id} does not agree with itself: {judgment.detail}")
    return answer


def _key(problem: Problem, stage: Called) -> str:
    return _digest([problem.reference, stage.behind, stage.function, written(stage.arguments)])


def _digest(parts: Sequence[str]) -> str:
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _kept(place: Path | None, sizes: Sequence[int]) -> list[Answer] | None:
    """Return what was kept, if it is all there: an answer a line."""
    if place is None:
        return None
    try:
        lines = place.read_bytes().decode("utf-8", "surrogatepass").split("\n")
        answers: list[Answer] = [read_back(line) for line in lines if line]
    except (OSError, ValueError, SyntaxError, RecursionError, TypeError):
        return None  # it is worked out again
    return answers if [len(values) for _, values in answers] == list(sizes) else None
