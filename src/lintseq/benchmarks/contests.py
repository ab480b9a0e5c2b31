"""CodeContests and APPS: programs that read standard input, and functions with arguments and results.

How outputs are compared follows CodeContests' `execution/tester_sandboxer.cc` and APPS' `testing_util.py`.
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lintseq.benchmarks.evalplus import is_close
from lintseq.benchmarks.loading import Rows
from lintseq.benchmarks.problem import (
    CallTest,
    Comparison,
    Problem,
    ProblemTest,
    Scoring,
    SeveralAnswers,
    preview,
    stdin_tests,
)
from lintseq.errors import ConfigError
from lintseq.sandbox import Limits

MEMORY = 1 << 30
OUTPUT = 16 << 20
TIME_FACTOR = 5.0
"""Multiplies a contest's time limit, which is meant for faster languages."""
DEFAULT_SECONDS = 30.0
"""Time limit where the file has none."""

Cases = list[tuple[str, str]]


def contest_problems(rows: Rows) -> list[Problem]:
    """Return problems of CodeContests, in the columns of the official release or of its common conversions."""
    return _with_unique_ids([_contest_problem(number, row) for number, row in enumerate(rows)])


def _contest_problem(number: int, row: Mapping[str, Any]) -> Problem:
    text = _statement(number, row)
    checker, scoring = _checker(row)
    name = str(row.get("name") or _label(row, "name") or row.get("id", number))
    solution = row.get("solution_python3") or _accepted_solution(row)
    return Problem(
        task_id=name,
        prompt=text,
        instruction=f"Write a Python program that solves this problem, reading standard input:\n{text}",
        entry_point="",
        reference=solution,
        tests=stdin_tests(
            [(_with_newline(text), output) for text, output in _cases(row)], code_contests_agrees, checker
        ),
        limits=Limits(seconds=_time_limit(row.get("time_limit")), memory=MEMORY, output=OUTPUT),
        aliases=tuple(str(row[key]) for key in ("id",) if key in row and str(row[key]) != name),
        continuation=solution,
        scoring=scoring,
        several_answers=_several_answers(name, text, listed=bool(row.get("generated_checker"))),
    )


def _statement(number: int, row: Mapping[str, Any]) -> str:
    """Return the whole text of a problem, of which open-r1/codeforces has the parts in columns of their own."""
    parts = [("", _required(number, row, "description", "content"))]
    parts += [(title, row.get(f"{title.lower()}_format") or "") for title in ("Input", "Output")]
    return "\n\n".join(f"{title}\n\n{text}" if title else text for title, text in parts if text)


# Several correct answers

KNOWN = frozenset(Path(__file__).with_name("several_answers.txt").read_text(encoding="utf-8").splitlines())
"""Names of problems of CodeContests for which an accepted solution prints another answer than the file."""
_SENTENCE_END = re.compile(r"(?<=[.!?)])\s+|\n+")
_ANY_ANSWER = re.compile(
    r"\b(multiple|several|many|more than one|various)\b.*\b(print|output|return|find|allowed|satisfied|choose"
    r"|accepted)\b.*\b(any|either)\b"
    r"|\b(multiple|several|many|more than one)\b.*\b(answers?|solutions?|ways?|options?|sequences?)\b.*,\s*any\b"
    r"|\b(print|output|return)\b.*\bany"
    r" (of (them|those|these|the)|one\b|such\b|suitable|valid|correct|possible|optimal|answer|solution)"
    r"|\b(print|output|return)\b.*\b(any|arbitrary) order\b"
    r"|\bother answers are also\b",
    re.IGNORECASE,
)


def sentence_about_answers(statement: str) -> str:
    """Return the first sentence of a statement that seems to accept several answers, or an empty text."""
    return next(filter(_ANY_ANSWER.search, _SENTENCE_END.split(statement)), "")


def _several_answers(name: str, statement: str, *, listed: bool = False) -> SeveralAnswers:
    """Return whether a problem accepts several answers; its file may list it."""
    if listed or name.strip() in KNOWN:
        return "known"
    return "estimated" if sentence_about_answers(statement) else ""


def _checker(row: Mapping[str, Any]) -> tuple[str, Scoring]:
    """Return the problem's checker, if it is Python, and how its outputs are scored."""
    text = row.get("generated_checker") or row.get("checker") or ""
    if not text:
        return "", "exact match"
    try:
        compile(text, "checker.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return "", "exact match without its checker"
    return str(text), "checker"


def _required(number: int, row: Mapping[str, Any], *columns: str) -> str:
    """Return the value of the first column that the row has."""
    text: str | None = next((row[name] for name in columns if row.get(name) is not None), None)
    if text is None:
        raise ConfigError(f"problem {number + 1} has no {columns[0]} (columns found: {', '.join(row)})")
    return text


def _with_unique_ids(problems: list[Problem]) -> list[Problem]:
    """Append numbers to repeated ids: some files contain a problem twice."""
    seen: Counter[str] = Counter()
    unique = []
    for problem in problems:
        seen[problem.task_id] += 1
        count = seen[problem.task_id]
        unique.append(problem if count == 1 else replace(problem, task_id=f"{problem.task_id}-{count}", aliases=()))
    return unique


def _with_newline(text: str) -> str:
    """Return an input with its final newline, which some files have lost and programs rely on."""
    return text if text.endswith("\n") or not text else text + "\n"


def _cases(row: Mapping[str, Any]) -> Cases:
    if "test" in row:
        return [(test["input"]["stdin"], test["output"]["stdout"]) for test in _decoded(row["test"])]
    for key in ("tests", "official_tests", "test_cases"):
        if row.get(key):
            return [(test["input"], test["output"]) for test in row[key]]
    cases: Cases = []
    for key in ("public_tests", "private_tests", "generated_tests"):
        tests = row.get(key) or {}
        cases += zip(tests.get("input", ()), tests.get("output", ()), strict=True)
    return cases


def _label(row: Mapping[str, Any], name: str) -> str:
    labels = _decoded(row.get("labels"))
    return str(labels.get(name, "")) if isinstance(labels, dict) else ""


def _time_limit(limit: Any) -> float:
    if isinstance(limit, Mapping):
        limit = float(limit.get("seconds", 0)) + float(limit.get("nanos", 0)) / 1e9
    return TIME_FACTOR * float(limit) if isinstance(limit, (int, float)) and limit > 0 else DEFAULT_SECONDS


def _accepted_solution(row: Mapping[str, Any]) -> str:
    """Return an accepted solution in Python 3, which the official release numbers 3."""
    solutions = row.get("solutions")
    if not isinstance(solutions, Mapping):
        return ""
    pairs = zip(solutions.get("language", ()), solutions.get("solution", ()), strict=False)
    return next((text for language, text in pairs if language in (3, "PYTHON3")), "")


def apps_problems(rows: Rows) -> list[Problem]:
    """Return problems of APPS, in the columns of the official release or of MapCoder."""
    return _with_unique_ids([_apps_problem(number, row) for number, row in enumerate(rows)])


def _apps_problem(number: int, row: Mapping[str, Any]) -> Problem:
    text = _required(number, row, "question", "description")
    starter = (row.get("starter_code") or "").strip()
    entry, tests = _mapcoder_tests(row, starter) if "test_list" in row else _official_tests(row)
    form = f"Use this format:\n{starter}" if starter else "Use Standard Input format"
    solution = _first_solution(row)
    return Problem(
        task_id=str(row.get("problem_id", row.get("id", number))),
        prompt=f"\nQUESTION:\n{text}\n{starter}\n{form}\n\nANSWER:\n",
        instruction=f"Write a Python program that solves this problem. {form}\n{text}",
        entry_point=entry,
        reference=solution,
        tests=tests,
        limits=Limits(seconds=10.0, memory=MEMORY, output=OUTPUT),
        continuation=solution,
        scoring="exact match",
        several_answers=_several_answers("", text),
    )


def _official_tests(row: Mapping[str, Any]) -> tuple[str, tuple[ProblemTest, ...]]:
    """Return the entry point, if there is one, and the tests."""
    tests = _decoded(row["input_output"]) or {"inputs": [], "outputs": []}
    inputs, outputs, entry = tests["inputs"], tests["outputs"], tests.get("fn_name")
    if not entry:
        cases = [(_with_newline(_joined(text)), _joined(output)) for text, output in zip(inputs, outputs, strict=True)]
        return "", stdin_tests(cases, apps_agrees)
    return entry, (_call_test(entry, list(map(tuple, inputs)), outputs, row.get("starter_code") or ""),)


def _mapcoder_tests(row: Mapping[str, Any], starter: str) -> tuple[str, tuple[ProblemTest, ...]]:
    """Return entry point and tests of MapCoder's rows; each line of an input is one argument of the function."""
    tests = row["test_list"]
    if not starter:
        cases = [(_with_newline(test["input"]), _joined(test["output"])) for test in tests]
        return "", stdin_tests(cases, apps_agrees)
    definitions = (line.strip() for line in starter.split("\n") if line.strip().startswith("def "))
    entry = next(definitions, "").removeprefix("def ").partition("(")[0].strip()
    arguments = [tuple(map(_literal, test["input"].split("\n"))) for test in tests]
    return entry, (_call_test(entry, arguments, [test["output"] for test in tests], starter),)


def _call_test(entry: str, arguments: Sequence[tuple[Any, ...]], outputs: Sequence[Any], starter: str) -> CallTest:
    function = f"Solution().{entry}" if "class Solution" in starter else entry
    return CallTest(function, tuple(arguments), tuple(map(_unpacked, outputs)), equality_comparison)


def _unpacked(output: Any) -> Any:
    """Return a result without the list around it that most rows have."""
    return output[0] if isinstance(output, list) and len(output) == 1 else output


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _decoded(value: Any) -> Any:
    """Return a value that some files have as JSON text."""
    return json.loads(value) if isinstance(value, str) and value else value


def _joined(text: Any) -> str:
    return "\n".join(map(str, text)) if isinstance(text, list) else str(text)


def _first_solution(row: Mapping[str, Any]) -> str:
    try:
        solutions = _decoded(row.get("solutions"))
    except ValueError:
        return ""
    return str(solutions[0]) if isinstance(solutions, list) and solutions else ""


# Comparing outputs

_NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf|infinity|nan)")
PRINTED_TOLERANCE = 1e-5
"""Maximum difference of printed numbers."""


def code_contests_agrees(printed: str, expected: str) -> bool:
    """Return whether two outputs are equal up to case, white space and small differences of numbers."""

    def words_of(text: str) -> list[str]:
        return [word for word in re.split(r"[ \n\t\r\v]+", text.lower()) if word]

    def agree(word: str, other: str) -> bool:
        if word == other and not word.endswith("nan"):
            return True
        return _are_numbers(word, other) and abs(float(word) - float(other)) < PRINTED_TOLERANCE

    return _sequences_agree(words_of(printed), words_of(expected), agree)


def apps_agrees(printed: str, expected: str) -> bool:
    """Return whether two outputs have equal lines up to white space and small differences of numbers, as in APPS."""

    def lines_of(text: str) -> list[list[str]]:
        return [words for line in text.split("\n") if (words := line.split())]

    def words_agree(word: str, other: str) -> bool:
        if word == other:
            return True
        if not _are_numbers(word.lower(), other.lower()):
            return False
        value, wanted = float(word), float(other)
        return is_close(value, wanted, 1e-08) or abs(value - wanted) <= 1e-05 * abs(wanted)

    def lines_agree(line: list[str], other: list[str]) -> bool:
        return _sequences_agree(line, other, words_agree)

    return _sequences_agree(lines_of(printed), lines_of(expected), lines_agree)


def _sequences_agree(items: list[Any], others: list[Any], agree: Callable[[Any, Any], bool]) -> bool:
    return items == others or (len(items) == len(others) and all(map(agree, items, others)))


def _are_numbers(word: str, other: str) -> bool:
    return _NUMBER.fullmatch(word) is not None and _NUMBER.fullmatch(other) is not None


def equality_comparison() -> Comparison:
    """Return a comparison for equality in which tuples equal lists, since JSON has no tuples."""

    def compare(arguments: tuple[Any, ...], expected: Any, value: Any) -> str | None:
        equal = _without_tuples(value) == _without_tuples(expected)
        return None if equal else f"returned {preview(value)}, expected {preview(expected)}"

    return compare


def _without_tuples(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_without_tuples(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_tuples(item) for key, item in value.items()}
    return value
