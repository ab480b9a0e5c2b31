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
from lintseq.sandbox.job import Ending, Limits

LIMITS = Limits(seconds=120.0, memory=4 << 30, output=64 << 20)
"""References may take more than what is judged by them."""


def with_expectations(problems: Sequence[Problem], runner: Runner, folder: Path | None) -> list[Problem]:
    """Return the problems with all that their tests expect; `folder` is where it is kept, if anywhere.

    Raises `ToolError` if a reference solution does not run to its end, for then nothing could be judged.
    """
    found: dict[int, Called] = {}
    left: list[tuple[Problem, Called]] = []
    for problem in problems:
        for stage in problem.tests:
            if isinstance(stage, Called) and stage.expected is None:
                kept = _kept(_place(folder, problem, stage))
                if kept is not None and len(kept) == len(stage.arguments):
                    found[id(stage)] = replace(stage, expected=kept)
                else:
                    left.append((problem, stage))
    jobs = (job for problem, stage in left for job in stage.jobs(problem.reference, LIMITS))
    for (problem, stage), ending in zip(left, runner.run(jobs), strict=True):
        found[id(stage)] = answered = _answered(problem, stage, ending)
        _keep(_place(folder, problem, stage), answered.expected)
    return [replace(problem, tests=tuple(found.get(id(one), one) for one in problem.tests)) for problem in problems]


def _answered(problem: Problem, stage: Called, ending: Ending) -> Called:
    try:
        return stage.answered(ending)
    except ValueError as error:
        raise ToolError(
            f"the reference solution of {problem.task_id} did not run to its end ({error}),"
            " so there is nothing to compare with"
        ) from None


def _place(folder: Path | None, problem: Problem, stage: Called) -> Path | None:
    if folder is None:
        return None
    told = repr((problem.reference, stage.behind, stage.function, stage.arguments))
    return folder / f"{sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}.txt"


def _keep(place: Path | None, values: tuple[Any, ...] | None) -> None:
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_durably(str(place), written(values).encode("utf-8", "surrogatepass"))


def _kept(place: Path | None) -> tuple[Any, ...] | None:
    if place is None:
        return None
    try:
        values: tuple[Any, ...] = read_back(place.read_bytes().decode("utf-8", "surrogatepass"))
    except (OSError, ValueError, SyntaxError, RecursionError):
        return None  # it is worked out again
    return values


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
