"""MBPP, whole and sanitized, and MBPP+."""

import ast
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from lintseq.benchmarks import plus
from lintseq.benchmarks.benchmark import Benchmark, Rows
from lintseq.benchmarks.comparing import PLUS_LIMITS
from lintseq.benchmarks.functions import body_of, function_in, signature_of
from lintseq.benchmarks.problems import Checked, Problem

SHOTS = (2, 3, 4)
"""The problems whose solutions the original prompt shows."""
TEST_SPLIT = range(11, 511)


def problems(rows: Rows) -> list[Problem]:
    """Return all problems, which `code` solves and the assertions of `test_list` test."""
    by_id = {int(row["task_id"]): row for row in rows}
    shown = "".join(_shot(by_id[number], solved=True) for number in SHOTS if number in by_id)
    return [_problem(row, shown) for row in rows]


def test_split(rows: Rows) -> list[Problem]:
    """Return the problems of the test split, 11 to 510."""
    return [problem for problem in problems(rows) if int(problem.task_id.partition("/")[2]) in TEST_SPLIT]


test_split.__test__ = False  # type: ignore[attr-defined]


def _problem(row: Mapping[str, Any], shown: str) -> Problem:
    code, text = row["code"], row["text"] if "text" in row else row["prompt"]
    entry = entry_point_of(row["test_list"], code)
    check = [row.get("test_setup_code", ""), *row.get("test_imports", ()), *row["test_list"]]
    return Problem(
        task_id=f"Mbpp/{row['task_id']}",
        prompt=shown + _shot(row, solved=False),
        instruction=instruction_of(text, entry, code),
        entry_point=entry,
        reference=code,
        tests=(Checked("\n".join(check) + "\n"),),
        aliases=(str(row["task_id"]),),
        continuation=code,
    )


def _shot(row: Mapping[str, Any], *, solved: bool) -> str:
    tests = "\n".join(row["test_list"])
    text = row["text"] if "text" in row else row["prompt"]
    head = (
        f"You are an expert Python programmer, and here is your task: {text}"
        f" Your code should pass these tests:\n\n{tests}\n[BEGIN]\n"
    )
    code = row["code"].replace("\r", "")
    return f"{head}{code}\n[DONE]\n\n" if solved else head


def plus_problems(rows: Rows) -> list[Problem]:
    """Return problems whose results are compared with those of the reference, on the inputs of EvalPlus."""
    return [_plus(row) for row in rows]


def _plus(row: Mapping[str, Any]) -> Problem:
    entry, number = row["entry_point"], int(row["task_id"].partition("/")[2])
    return Problem(
        task_id=row["task_id"],
        prompt=row["prompt"],
        instruction=instruction_of(_text_of(row["prompt"]), entry, row["canonical_solution"]),
        entry_point=entry,
        reference=row["prompt"] + row["canonical_solution"],
        tests=plus.tests_of("mbpp", row, read=partial(as_python, number)),
        prefix=row["prompt"],
        limits=PLUS_LIMITS,
        aliases=(str(number),),
        continuation=row["canonical_solution"],
    )


def instruction_of(text: str, entry_point: str, reference: str) -> str:
    """Return the task with the signature in it, as in the paper: "Write a function `f(x)` to ..."."""
    function = function_in(reference, entry_point)
    head = f"function `{entry_point if function is None else signature_of(function)}`"
    told, count = re.subn(r"\bfunction\b", lambda _: head, text, count=1)
    return told if count else f"Write a python {head}. {text}"


def _text_of(prompt: str) -> str:
    """Return the task in a prompt of MBPP+, without quotes and assertions."""
    lines = prompt.strip().strip('"').strip().split("\n")
    return "\n".join(line for line in lines if not line.startswith("assert")).strip()


def entry_point_of(tests: Sequence[str], reference: str) -> str:
    """Return the name that the first test calls and the reference defines."""
    defined = {
        node.name
        for node in body_of(reference)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef))
    }
    for test in tests:
        calls = [node for root in body_of(test) for node in ast.walk(root) if isinstance(node, ast.Call)]
        for call in calls:
            if isinstance(call.func, ast.Name) and call.func.id in defined:
                return call.func.id
    return ""


# JSON has no tuples, sets and complex numbers. Which inputs of MBPP+ are meant to hold them, EvalPlus tells by the
# number of the problem (`evalplus/data/mbpp.py`).

_TUPLES_AS_ARGUMENTS = {2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726}
_TUPLES_AS_ARGUMENTS |= {740, 744, 809}
_TUPLES_IN_ARGUMENTS = {63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780}
_TUPLES_IN_THE_FIRST = {75, 413, 444, 753}
_A_TUPLE_FIRST = {250, 405, 446, 617, 720, 763, 808}
_TUPLES_IN_TUPLES = {259, 401, 445}
_TUPLES_THROUGHOUT = {580, 615, 791}


def as_python(number: int, inputs: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """Return the inputs of problem `number` with the types that its function takes."""
    return [_as_python(number, one) for one in inputs]


def _as_python(number: int, one: Sequence[Any]) -> Sequence[Any]:
    if number in _TUPLES_AS_ARGUMENTS:
        return [tuple(argument) for argument in one]
    if number in _TUPLES_IN_ARGUMENTS:
        return [[tuple(part) for part in argument] for argument in one]
    if number in _TUPLES_IN_THE_FIRST:
        return [[tuple(part) for part in one[0]], one[1]]
    if number in (106, 750):
        return [one[0], tuple(one[1])]
    if number == 115:
        return [[set(part) if isinstance(part, list) and part else {} for part in one[0]]]
    if number == 124:
        return [float(one[0]), complex(one[1])]
    if number in _A_TUPLE_FIRST:
        return [tuple(one[0]), one[1]]
    if number in _TUPLES_IN_TUPLES:
        return [tuple(tuple(part) for part in argument) for argument in one]
    if number == 278:
        return [tuple(tuple(part) if isinstance(part, list) else part for part in one[0])]
    if number == 307:
        return [tuple(one[0]), one[1], one[2]]
    if number == 722:
        return [{key: tuple(value) for key, value in one[0].items()}, *one[1:]]
    if number == 252:
        return [complex(one[0])]
    if number in _TUPLES_THROUGHOUT:
        return [_tuples(argument) for argument in one]
    return one


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


_COLUMNS = frozenset({"text", "code", "task_id", "test_setup_code", "test_list"})
_SANITIZED = frozenset({"prompt", "code", "task_id", "test_imports", "test_list"})
_VERSIONS = {"ccf64ceae9c5403b": "google-research/mbpp"}
_PLUS_HOME = "https://github.com/evalplus/mbppplus_release/releases/download/v0.2.0/MbppPlus.jsonl.gz"

BENCHMARKS = (
    Benchmark(
        name="mbpp",
        title="MBPP, test split",
        files=("mbpp.jsonl",),
        size=500,
        home="https://raw.githubusercontent.com/google-research/google-research/master/mbpp/mbpp.jsonl",
        license="CC-BY-4.0",
        columns=_COLUMNS,
        load=test_split,
        versions=_VERSIONS,
        rows=974,
    ),
    Benchmark(
        name="mbpp-full",
        title="MBPP, all splits",
        files=("mbpp.jsonl",),
        size=974,
        home="https://raw.githubusercontent.com/google-research/google-research/master/mbpp/mbpp.jsonl",
        license="CC-BY-4.0",
        columns=_COLUMNS,
        load=problems,
        versions=_VERSIONS,
    ),
    Benchmark(
        name="mbpp-sanitized",
        title="MBPP, sanitized",
        files=("sanitized-mbpp.json",),
        size=427,
        home="https://raw.githubusercontent.com/google-research/google-research/master/mbpp/sanitized-mbpp.json",
        license="CC-BY-4.0",
        columns=_SANITIZED,
        load=problems,
        versions={"ca95deaa9a01ef0a": "google-research/mbpp"},
    ),
    Benchmark(
        name="mbpp+",
        title="MBPP+",
        files=("MbppPlus-v0.2.0.jsonl", "MbppPlus.jsonl", "MbppPlus-v0.2.0-NoExtreme.jsonl", "MbppPlus-v0.1.0.jsonl"),
        size=378,
        home=_PLUS_HOME,
        license="Apache-2.0",
        columns=plus.COLUMNS,
        load=plus_problems,
        versions={
            "b54e762755248ca4": "v0.2.0",
            "2682a29850fb1718": "v0.2.0 NoExtreme",
            "a855b9de667baea8": "v0.1.0",
        },
    ),
)
