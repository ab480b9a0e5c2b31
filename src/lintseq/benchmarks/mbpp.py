"""MBPP, full and sanitized, and MBPP+."""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from lintseq.benchmarks import evalplus
from lintseq.benchmarks.loading import Rows
from lintseq.benchmarks.problem import CheckTest, Problem
from lintseq.benchmarks.python_code import find_function, parse_body, signature_of

SHOTS = (2, 3, 4)
"""The problems whose solutions the original prompt shows."""
TEST_SPLIT = range(11, 511)


def problems(rows: Rows) -> list[Problem]:
    """Return all problems, which `code` solves and the assertions of `test_list` test."""
    by_id = {int(row["task_id"]): row for row in rows}
    shots = "".join(_prompt(by_id[number], solved=True) for number in SHOTS if number in by_id)
    return [_problem(row, shots) for row in rows]


def problems_of_test_split(rows: Rows) -> list[Problem]:
    """Return the problems of the test split, 11 to 510."""
    return [problem for problem in problems(rows) if int(problem.task_id.partition("/")[2]) in TEST_SPLIT]


def _problem(row: Mapping[str, Any], shots: str) -> Problem:
    code, text = row["code"], row["text"] if "text" in row else row["prompt"]
    entry = entry_point_of(row["test_list"], code)
    check = [row.get("test_setup_code", ""), *row.get("test_imports", ()), *row["test_list"]]
    return Problem(
        task_id=f"Mbpp/{row['task_id']}",
        prompt=shots + _prompt(row, solved=False),
        instruction=instruction_of(text, entry, code),
        entry_point=entry,
        reference=code,
        tests=(CheckTest("\n".join(check) + "\n"),),
        aliases=(str(row["task_id"]),),
        continuation=code,
    )


def _prompt(row: Mapping[str, Any], *, solved: bool) -> str:
    tests = "\n".join(row["test_list"])
    text = row["text"] if "text" in row else row["prompt"]
    task = (
        f"You are an expert Python programmer, and here is your task: {text}"
        f" Your code should pass these tests:\n\n{tests}\n[BEGIN]\n"
    )
    code = row["code"].replace("\r", "")
    return f"{task}{code}\n[DONE]\n\n" if solved else task


def plus_problem(row: Mapping[str, Any]) -> Problem:
    """Return a problem of MBPP+."""
    number = int(row["task_id"].partition("/")[2])
    lines = row["prompt"].strip().strip('"').strip().split("\n")
    text = "\n".join(line for line in lines if not line.startswith("assert")).strip()
    instruction = instruction_of(text, row["entry_point"], row["canonical_solution"])
    convert = partial(restore_types, number)
    return evalplus.plus_problem("mbpp", row, instruction, aliases=(str(number),), convert=convert)


def instruction_of(text: str, entry_point: str, reference: str) -> str:
    """Return the task with the signature in it, as in the paper: "Write a function `f(x)` to ..."."""
    function = find_function(reference, entry_point)
    name = f"function `{entry_point if function is None else signature_of(function)}`"
    instruction, count = re.subn(r"\bfunction\b", lambda _: name, text, count=1)
    return instruction if count else f"Write a python {name}. {text}"


def entry_point_of(tests: Sequence[str], reference: str) -> str:
    """Return the name that the first test calls and the reference defines."""
    definitions = (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    defined = {node.name for node in parse_body(reference) if isinstance(node, definitions)}
    for statement in (statement for test in tests for statement in parse_body(test)):
        for call in ast.walk(statement):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in defined:
                return call.func.id
    return ""


def restore_types(number: int, inputs: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """Return the inputs of problem `number` with the types that its function expects."""
    convert = next((convert for numbers, convert in _CONVERSIONS if number in numbers), None)
    return list(inputs if convert is None else map(convert, inputs))


def _nested_tuples(value: Any) -> Any:
    return tuple(map(_nested_tuples, value)) if isinstance(value, list) else value


def _tuples(values: Sequence[Any]) -> list[Any]:
    return [tuple(value) for value in values]


_CONVERSIONS: tuple[tuple[set[int], Callable[[Sequence[Any]], Sequence[Any]]], ...] = (
    (
        {2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809},
        _tuples,
    ),
    (
        {63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780},
        lambda arguments: [_tuples(argument) for argument in arguments],
    ),
    ({75, 413, 444, 753}, lambda arguments: [_tuples(arguments[0]), arguments[1]]),
    ({106, 750}, lambda arguments: [arguments[0], tuple(arguments[1])]),
    ({115}, lambda arguments: [[set(item) if isinstance(item, list) and item else {} for item in arguments[0]]]),
    ({124}, lambda arguments: [float(arguments[0]), complex(arguments[1])]),
    ({250, 405, 446, 617, 720, 763, 808}, lambda arguments: [tuple(arguments[0]), arguments[1]]),
    ({259, 401, 445}, lambda arguments: [tuple(_tuples(argument)) for argument in arguments]),
    ({278}, lambda arguments: [tuple(tuple(item) if isinstance(item, list) else item for item in arguments[0])]),
    ({307}, lambda arguments: [tuple(arguments[0]), arguments[1], arguments[2]]),
    ({722}, lambda arguments: [{key: tuple(value) for key, value in arguments[0].items()}, *arguments[1:]]),
    ({252}, lambda arguments: [complex(arguments[0])]),
    ({580, 615, 791}, lambda arguments: [_nested_tuples(argument) for argument in arguments]),
)
"""By problem: how to restore tuples, sets and complex numbers, which JSON lacks (`evalplus/data/mbpp.py`)."""
