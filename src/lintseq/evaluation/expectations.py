"""What the reference solutions return, where a benchmark's file holds inputs and no outputs.

They are run as any other program is, once: what they returned is kept in the cache, under a checksum of the
program and the inputs.
"""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from lintseq.benchmarks.problem import CallTest, Problem, Runner, canonical_text
from lintseq.errors import ToolError
from lintseq.sandbox import JobResult, Limits, Raised, Returned
from lintseq.sandbox.data import decode, encode
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
        if isinstance(stage, CallTest) and stage.expected is None
    ]
    keys = [_key(problem, stage) for problem, stage in open_ones]
    place = None if folder is None or not keys else folder / f"{_digest(keys)}.txt"
    answers = _kept(place, [len(stage.arguments) for _, stage in open_ones])
    if answers is None:
        answers = _worked_out(open_ones, runner)
        if place is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_durably(str(place), b"\n".join(map(encode, answers)))
    known = {id(stage): _closed(stage, answer) for (_, stage), answer in zip(open_ones, answers, strict=True)}
    return [replace(problem, tests=tuple(known.get(id(one), one) for one in problem.tests)) for problem in problems]


def _worked_out(stages: Sequence[tuple[Problem, CallTest]], runner: Runner) -> list[Answer]:
    jobs = (job for problem, stage in stages for job in stage.jobs(problem.reference, LIMITS))
    endings = runner.run(jobs)
    return [_answer(problem, stage, ending) for (problem, stage), ending in zip(stages, endings, strict=True)]


def _closed(stage: CallTest, answer: Answer) -> CallTest:
    seconds, values = answer
    return replace(stage, expected=values, seconds=SLOWER * seconds)


def _answer(problem: Problem, stage: CallTest, ending: JobResult) -> Answer:
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


def _key(problem: Problem, stage: CallTest) -> str:
    return _digest([problem.reference, stage.suffix, stage.function, canonical_text(stage.arguments)])


def _digest(parts: Sequence[str]) -> str:
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _kept(place: Path | None, sizes: Sequence[int]) -> list[Answer] | None:
    """Return what was kept, if it is all there: an answer a line."""
    if place is None:
        return None
    try:
        answers: list[Answer] = [decode(line) for line in place.read_bytes().split(b"\n") if line]
    except (OSError, ValueError, TypeError):
        return None  # it is worked out again
    return answers if [len(values) for _, values in answers] == list(sizes) else None
