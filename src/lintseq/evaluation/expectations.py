"""What the reference solutions return, where a benchmark's file holds inputs and no outputs.

They are run as any other program is, once: what they returned is kept in the cache, under a checksum of the
program and the inputs.
"""

import ast
import math
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from lintseq.dataset.outputs.workplace import write_durably
from lintseq.errors import ToolError
from lintseq.evaluation.problems import Called, Problem, Runner
from lintseq.sandbox.job import Ending, Limits, Raised, Returned

LIMITS = Limits(seconds=120.0, memory=4 << 30, output=64 << 20)
"""References may take more than what is judged by them."""


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
    place = None if folder is None else folder / f"{_digest(keys)}.txt"
    answers = _kept(place, [len(stage.arguments) for _, stage in open_ones])
    if answers is None:
        answers = _worked_out(open_ones, runner)
        if place is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_durably(str(place), "\n".join(map(written, answers)).encode("utf-8", "surrogatepass"))
    known = {id(stage): replace(stage, expected=answer) for (_, stage), answer in zip(open_ones, answers, strict=True)}
    return [replace(problem, tests=tuple(known.get(id(one), one) for one in problem.tests)) for problem in problems]


def _worked_out(stages: Sequence[tuple[Problem, Called]], runner: Runner) -> list[tuple[Any, ...]]:
    jobs = (job for problem, stage in stages for job in stage.jobs(problem.reference, LIMITS))
    endings = runner.run(jobs)
    return [_answer(problem, stage, ending) for (problem, stage), ending in zip(stages, endings, strict=True)]


def _answer(problem: Problem, stage: Called, ending: Ending) -> tuple[Any, ...]:
    values = tuple(outcome.value for outcome in ending.outcomes if isinstance(outcome, Returned))
    if ending.verdict != "passed" or len(values) < len(stage.arguments):
        told = next((outcome for outcome in ending.outcomes if isinstance(outcome, Raised)), ending.detail)
        raise ToolError(
            f"the reference solution of {problem.task_id} did not run to its end ({ending.verdict}: {told}),"
            " so there is nothing to compare with"
        )
    return values


def _key(problem: Problem, stage: Called) -> str:
    return _digest([problem.reference, stage.behind, stage.function, repr(stage.arguments)])


def _digest(parts: Sequence[str]) -> str:
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _kept(place: Path | None, sizes: Sequence[int]) -> list[tuple[Any, ...]] | None:
    """Return what was kept, if it is all there: an answer a line."""
    if place is None:
        return None
    try:
        lines = place.read_bytes().decode("utf-8", "surrogatepass").split("\n")
        answers = [tuple(read_back(line)) for line in lines if line]
    except (OSError, ValueError, SyntaxError, RecursionError, TypeError):
        return None  # it is worked out again
    return answers if [len(answer) for answer in answers] == list(sizes) else None


def written(value: Any) -> str:
    """Return plain data as text from which `read_back` makes the same again."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "1e999" if value > 0 else "-1e999"
    if isinstance(value, complex):
        return f"complex({written(value.real)},{written(value.imag)})"
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, tuple):
        return f"({','.join(map(written, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return "{" + ",".join(f"{written(key)}:{written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (set, frozenset)):
        return f"{type(value).__name__}([{','.join(sorted(map(written, value)))}])"
    return repr(value)


def read_back(text: str) -> Any:
    """Return the value that `written` wrote down; raises `ValueError` or `SyntaxError` for any other text."""
    return _value(ast.parse(text, mode="eval").body)


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value):
            return value
        case ast.Name("nan"):
            return math.nan
        case ast.UnaryOp(ast.USub(), operand):
            return -_value(operand)
        case ast.List(elements):
            return [_value(one) for one in elements]
        case ast.Tuple(elements):
            return tuple(_value(one) for one in elements)
        case ast.Dict(keys, values):
            return {_value(key): _value(one) for key, one in zip(keys, values, strict=True) if key is not None}
        case ast.Call(ast.Name("complex"), [real, imaginary]):
            return complex(_value(real), _value(imaginary))
        case ast.Call(ast.Name("set"), [one]):
            return set(_value(one))
        case ast.Call(ast.Name("frozenset"), [one]):
            return frozenset(_value(one))
    raise ValueError(f"{type(node).__name__} is no plain data")
