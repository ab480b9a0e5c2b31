"""CodeContests and APPS: whole programs that read standard input, and functions with inputs and outputs."""

import ast
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lintseq.benchmarks.benchmark import Benchmark, Rows
from lintseq.benchmarks.comparing import apps_agrees, code_contests_agrees, equal_oracle
from lintseq.benchmarks.problems import Called, Problem, Stage, fed_in_rounds
from lintseq.errors import ConfigError
from lintseq.sandbox.job import Limits

MEMORY = 1 << 30
OUTPUT = 16 << 20
SLOWER = 5.0
"""How many times a contest's time limit a program in Python is given."""
SECONDS = 30.0
"""What it is given where the file says no limit."""

Cases = list[tuple[str, str]]


def contest_problems(rows: Rows) -> list[Problem]:
    """Return problems of CodeContests, in the columns of the official release or of the shapes it is passed on in."""
    return _numbered([_contest(number, row) for number, row in enumerate(rows)])


def _contest(number: int, row: Mapping[str, Any]) -> Problem:
    text = row.get("description", row.get("content"))
    if text is None:
        raise ConfigError(f"problem {number + 1} has no description (columns found: {', '.join(row)})")
    name = str(row.get("name") or _label(row, "name") or row.get("id", number))
    seconds = _seconds(row.get("time_limit"))
    return Problem(
        task_id=name,
        prompt=text,
        instruction=f"Write a Python program that solves this problem, reading standard input:\n{text}",
        entry_point="",
        reference=row.get("solution_python3") or _accepted(row),
        tests=fed_in_rounds(_contest_cases(row), code_contests_agrees),
        limits=Limits(seconds=seconds, memory=MEMORY, output=OUTPUT),
        aliases=tuple(str(row[key]) for key in ("id",) if key in row and str(row[key]) != name),
        continuation=row.get("solution_python3") or _accepted(row),
    )


def _numbered(problems: list[Problem]) -> list[Problem]:
    """Give problems of one name names of their own: some files hold a problem twice."""
    seen: Counter[str] = Counter()
    named = []
    for problem in problems:
        seen[problem.task_id] += 1
        count = seen[problem.task_id]
        named.append(problem if count == 1 else replace(problem, task_id=f"{problem.task_id}-{count}", aliases=()))
    return named


def _contest_cases(row: Mapping[str, Any]) -> Cases:
    return [(_ended(text), output) for text, output in _cases_as_they_are(row)]


def _ended(text: str) -> str:
    """Return an input with a newline at its end, which some files have lost and programs rely on."""
    return text if text.endswith("\n") or not text else text + "\n"


def _cases_as_they_are(row: Mapping[str, Any]) -> Cases:
    if "test" in row:
        tests = json.loads(row["test"]) if isinstance(row["test"], str) else row["test"]
        return [(one["input"]["stdin"], one["output"]["stdout"]) for one in tests]
    if "tests" in row:
        return [(one["input"], one["output"]) for one in row["tests"]]
    cases: Cases = []
    for key in ("public_tests", "private_tests", "generated_tests"):
        tests = row.get(key) or {}
        cases += zip(tests.get("input", ()), tests.get("output", ()), strict=True)
    return cases


def _label(row: Mapping[str, Any], name: str) -> str:
    labels = row.get("labels")
    found = json.loads(labels) if isinstance(labels, str) else labels
    return str(found.get(name, "")) if isinstance(found, dict) else ""


def _seconds(limit: Any) -> float:
    """Return the time that a program in Python is given: more than the limit, which is meant for faster languages."""
    if isinstance(limit, Mapping):
        limit = float(limit.get("seconds", 0)) + float(limit.get("nanos", 0)) / 1e9
    return SLOWER * float(limit) if isinstance(limit, (int, float)) and limit > 0 else SECONDS


def _accepted(row: Mapping[str, Any]) -> str:
    """Return an accepted solution in Python 3, which the official release numbers 3."""
    solutions = row.get("solutions")
    if not isinstance(solutions, Mapping):
        return ""
    pairs = zip(solutions.get("language", ()), solutions.get("solution", ()), strict=False)
    return next((text for language, text in pairs if language in (3, "PYTHON3")), "")


def apps_problems(rows: Rows) -> list[Problem]:
    """Return problems of APPS, in the columns of the official release or of MapCoder."""
    return _numbered([_apps(number, row) for number, row in enumerate(rows)])


def _apps(number: int, row: Mapping[str, Any]) -> Problem:
    text = row.get("question", row.get("description"))
    if text is None:
        raise ConfigError(f"problem {number + 1} has no question (columns found: {', '.join(row)})")
    starter = (row.get("starter_code") or "").strip()
    name = str(row.get("problem_id", row.get("id", number)))
    if "test_list" in row:
        entry, stages = _mapcoder(row, starter)
    else:
        entry, stages = _official(row)
    form = f"Use this format:\n{starter}" if starter else "Use Standard Input format"
    solution = _first_solution(row)
    return Problem(
        task_id=name,
        prompt=f"\nQUESTION:\n{text}\n{starter}\n{form}\n\nANSWER:\n",
        instruction=f"Write a Python program that solves this problem. {form}\n{text}",
        entry_point=entry,
        reference=solution,
        tests=stages,
        limits=Limits(seconds=10.0, memory=MEMORY, output=OUTPUT),
        continuation=solution,
    )


def _official(row: Mapping[str, Any]) -> tuple[str, tuple[Stage, ...]]:
    given = row["input_output"]
    tests = json.loads(given) if isinstance(given, str) and given else given or {"inputs": [], "outputs": []}
    entry = tests.get("fn_name") or ""
    if not entry:
        cases = [
            (_ended(_joined(one)), _joined(other))
            for one, other in zip(tests["inputs"], tests["outputs"], strict=True)
        ]
        return "", fed_in_rounds(cases, apps_agrees)
    expected = [_unpacked(one) for one in tests["outputs"]]
    return entry, (_called(entry, [tuple(one) for one in tests["inputs"]], expected, row.get("starter_code") or ""),)


def _mapcoder(row: Mapping[str, Any], starter: str) -> tuple[str, tuple[Stage, ...]]:
    """Return the tests of MapCoder's rows: for a function, an argument on each line of the input."""
    cases = row["test_list"]
    if not starter:
        return "", fed_in_rounds([(_ended(one["input"]), _joined(one["output"])) for one in cases], apps_agrees)
    entry = _function_of(starter)
    arguments = [tuple(map(_literal, one["input"].split("\n"))) for one in cases]
    return entry, (_called(entry, arguments, [_unpacked(one["output"]) for one in cases], starter),)


def _called(entry: str, arguments: Sequence[tuple[Any, ...]], expected: Sequence[Any], starter: str) -> Called:
    function = f"Solution().{entry}" if "class Solution" in starter else entry
    return Called(function, tuple(arguments), tuple(expected), equal_oracle)


def _function_of(starter: str) -> str:
    for line in starter.split("\n"):
        if line.strip().startswith("def "):
            return line.strip().removeprefix("def ").partition("(")[0].strip()
    return ""


def _unpacked(output: Any) -> Any:
    """Return a result without the list of one that most rows have around it."""
    return output[0] if isinstance(output, list) and len(output) == 1 else output


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _joined(text: Any) -> str:
    return "\n".join(map(str, text)) if isinstance(text, list) else str(text)


def _first_solution(row: Mapping[str, Any]) -> str:
    solutions = row.get("solutions")
    if isinstance(solutions, str) and solutions:
        try:
            solutions = json.loads(solutions)
        except ValueError:
            return ""
    return str(solutions[0]) if isinstance(solutions, list) and solutions else ""


BENCHMARKS = (
    Benchmark(
        name="codecontests",
        title="CodeContests, test split",
        files=(
            "code_contests_test.jsonl",
            "codecontests_test.jsonl",
            "codecontests_train_300.jsonl",
            "codecontests_sample_20_sandboxfusion.jsonl",
        ),
        size=165,
        home="hf:deepmind/code_contests:test",
        license="CC-BY-4.0",
        columns=frozenset(),
        load=contest_problems,
        versions={
            "a46e6d2fe67e6d1e": "300 problems of the training split",
            "e286e28fe9d118f3": "20 problems, of SandboxFusion",
        },
        any_size=True,
    ),
    Benchmark(
        name="apps",
        title="APPS, test split",
        files=("apps_test.jsonl", "test.jsonl", "apps_selected150_mapcoder.jsonl"),
        size=5000,
        home="hf:codeparrot/apps:test",
        license="MIT",
        columns=frozenset(),
        load=apps_problems,
        versions={"0f27851c4f488424": "150 problems, of MapCoder"},
        any_size=True,
    ),
)
