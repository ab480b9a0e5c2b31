"""A problem of a benchmark, and the tests that judge a program.

Pure: a test turns a program into sandbox jobs, and the results of those jobs into a judgment. Other modules load
problems (`lintseq.benchmarks.loading`), turn completions into programs (`lintseq.evaluation`) and run the jobs.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Literal, Protocol

from lintseq.sandbox import (
    CallFunction,
    FeedStdin,
    Job,
    JobResult,
    Limits,
    OpaqueValue,
    Raised,
    Returned,
    RunCheck,
    Verdict,
)


class Runner(Protocol):
    """Runs jobs and yields their results in order."""

    def run(self, jobs: Iterable[Job]) -> Iterator[JobResult]: ...


@dataclass(frozen=True, slots=True)
class Judgment:
    """The verdict of a test on a program."""

    verdict: Verdict
    detail: str = ""


PASSED = Judgment("passed")
DEFAULT_LIMITS = Limits()

Imports = Literal["bare", "numpy", "full"]


class ProblemTest(Protocol):
    """One stage of a problem's tests. A stage runs only for programs that passed the stages before it."""

    @property
    def name(self) -> str: ...

    def jobs(self, program: str, limits: Limits) -> list[Job]:
        """Return the jobs that test `program`."""

    def judge(self, results: Sequence[JobResult]) -> Judgment:
        """Return the judgment that follows from the results of these jobs."""


@dataclass(frozen=True, slots=True)
class CheckTest:
    """Runs code after the program. Passes if the code reaches its end."""

    code: str
    name: str = "tests"
    imports: Imports = "bare"

    def jobs(self, program: str, limits: Limits) -> list[Job]:
        return [Job(program, RunCheck(self.code), limits, self.imports)]

    def judge(self, results: Sequence[JobResult]) -> Judgment:
        return _judge_result(results[0])


@dataclass(frozen=True, slots=True)
class SnippetTest(CheckTest):
    """Assigns the program's text to `lintseq_solution` and runs code after it. Passes if the code reaches its end."""

    context: str = ""
    """Runs first."""

    def jobs(self, program: str, limits: Limits) -> list[Job]:
        return [Job(self.context, RunCheck(f"lintseq_solution = {program!r}\n{self.code}"), limits, "full")]


Comparison = Callable[[tuple[Any, ...], Any, Any], str | None]
"""Takes arguments, expected value and returned value; returns what is wrong, or None. May raise anything when the two
values cannot be compared."""


@dataclass(frozen=True, slots=True)
class CallTest:
    """Calls a function and compares the results outside the program's process."""

    function: str
    arguments: tuple[tuple[Any, ...], ...]
    expected: tuple[Any, ...] | None
    """None until the reference solution has run."""
    new_comparison: Callable[[], Comparison]
    """Returns a fresh comparison for the calls of one program; a comparison may keep state between calls."""
    name: str = "tests"
    suffix: str = ""
    """Code appended to the program; converts return values to plain data."""
    seconds: float = 0.0
    """Minimum CPU time limit of a program."""

    def jobs(self, program: str, limits: Limits) -> list[Job]:
        limits = replace(limits, seconds=max(limits.seconds, self.seconds))
        return [Job(program + self.suffix, CallFunction(self.function, self.arguments), limits)]

    def judge(self, results: Sequence[JobResult]) -> Judgment:
        assert self.expected is not None
        (result,) = results
        compare = self.new_comparison()
        for number, (outcome, expected) in enumerate(zip(result.outcomes, self.expected, strict=False)):
            arguments = self.arguments[number]
            call = f"{self.function}({shorten(', '.join(map(canonical_text, arguments)), 200)})"
            prefix = f"call {number + 1} of {len(self.expected)}, {call}"
            if isinstance(outcome, Raised):
                return Judgment("error", f"{prefix}, raised {outcome.type}: {shorten(outcome.message)}")
            difference = _difference(compare, arguments, expected, outcome.value)
            if difference is not None:
                return Judgment("failed", f"{prefix}, {difference}")
        if result.verdict == "passed" and len(result.outcomes) < len(self.expected):
            return Judgment("error", f"only {len(result.outcomes)} of {len(self.expected)} calls came back")
        return _judge_result(result)


@dataclass(frozen=True, slots=True)
class StdinTest:
    """Runs the program once per standard input and compares what it prints."""

    cases: tuple[tuple[str, str], ...]
    """Input and expected output."""
    agrees: Callable[[str, str], bool]
    """Compares printed and expected output."""
    name: str = "tests"
    first: int = 1
    """Number of the first case among all cases of the problem."""
    checker: str = ""
    """A program that judges outputs that do not agree; empty if there is none."""

    def jobs(self, program: str, limits: Limits) -> list[Job]:
        return [Job(program, FeedStdin(text), limits) for text, _ in self.cases]

    def checks(self, results: Sequence[JobResult]) -> list[Job]:
        """Return the jobs that run the checker, if there is one, on each output that does not agree."""
        if not self.checker:
            return []
        ended = takewhile(lambda result: result.verdict == "passed", results)
        return [
            _check(self.checker, text, expected, result.stdout)
            for (text, expected), result in zip(self.cases, ended, strict=False)
            if not self._agree(result, expected)
        ]

    def check_of_answer(self) -> Job:
        """Return a job that runs the checker on the first expected output, which it should accept."""
        text, expected = self.cases[0]
        return _check(self.checker, text, expected, expected.encode())

    def judge(self, results: Sequence[JobResult], checked: Sequence[JobResult] = ()) -> Judgment:
        """Return the judgment; `checked` are the results of the jobs in `checks`."""
        judgments = map(judge_check, checked)
        for number, (result, (_, expected)) in enumerate(zip(results, self.cases, strict=True), self.first):
            if result.verdict != "passed":
                return Judgment(result.verdict, f"input {number}: {result.detail}")
            if not self._agree(result, expected):
                judgment = next(judgments, Judgment("failed", f"expected {preview(expected)}"))
                if judgment != PASSED:
                    printed = preview(_text(result))
                    return Judgment(judgment.verdict, f"input {number}: printed {printed}, {judgment.detail}")
        return PASSED

    def _agree(self, result: JobResult, expected: str) -> bool:
        return self.agrees(_text(result), expected)


CHECKER_LIMITS = Limits(seconds=30.0, memory=1 << 30)
_CHECKER_FILES = ("input.txt", "correct_output.txt", "solution_output.txt")
"""The arguments of a checker, as in open-r1/codeforces."""


def _check(checker: str, text: str, expected: str, printed: bytes) -> Job:
    """Return a job that runs a checker alone."""
    arguments = ["checker.py", *_CHECKER_FILES]
    program = f"import sys\nsys.argv = {arguments}\nexec(compile({checker!r}, 'checker.py', 'exec'))\n"
    contents = (text.encode(), expected.encode(), printed)
    return Job(program, FeedStdin(), CHECKER_LIMITS, scratch=tuple(zip(_CHECKER_FILES, contents, strict=True)))


def judge_check(result: JobResult) -> Judgment:
    """Return the judgment of a checker: it accepts if it ends normally and prints nothing, or 1 as its last word."""
    if result.verdict == "sandbox-error":
        return _judge_result(result)
    words = _text(result).split()
    if result.verdict == "passed" and (not words or words[-1] == "1"):
        return PASSED
    outcome = f"printed {preview(words[-1])}" if result.verdict == "passed" else f"{result.verdict}: {result.detail}"
    return Judgment("failed", f"the checker rejects it ({shorten(outcome, 200)})")


def _text(result: JobResult) -> str:
    return result.stdout.decode("utf-8", "replace")


def stdin_tests(
    cases: Sequence[tuple[str, str]], agrees: Callable[[str, str], bool], checker: str = ""
) -> tuple[StdinTest, ...]:
    """Return tests of growing size (1, 4, 16, ... cases), so that wrong programs fail after few runs."""
    tests, start, size = [], 0, 1
    while start < len(cases):
        tests.append(StdinTest(tuple(cases[start : start + size]), agrees, first=start + 1, checker=checker))
        start += size
        size *= 4
    return tuple(tests)


Scoring = Literal["", "checker", "exact match", "exact match without its checker"]
"""A checker may be broken, or in a language that does not run here; empty for problems whose tests are code."""
SeveralAnswers = Literal["", "known", "estimated"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One item of a benchmark."""

    task_id: str
    """Its id in the benchmark."""
    prompt: str
    """The benchmark's official prompt, for a model that continues text."""
    instruction: str
    """The same task for a model that follows instructions, as both arms of the paper do."""
    entry_point: str
    """The function that is tested; empty if the program runs as a whole."""
    reference: str
    """A program that solves the problem; empty if none is known."""
    tests: tuple[ProblemTest, ...]
    """The tests that a program has to pass."""
    prefix: str = ""
    """Put before completions that are not programs by themselves."""
    context: str = ""
    """Put before completions that are whole programs: imports, helpers."""
    start: str = ""
    """The program that edits change."""
    limits: Limits = DEFAULT_LIMITS
    """Resources that each program may use."""
    required_modules: frozenset[str] = frozenset()
    """Modules outside the standard library that the tests import."""
    aliases: tuple[str, ...] = ()
    """Other ids that completions may use."""
    continuation: str = ""
    """The reference as a completion of `prompt`, in the form that the official harness reads."""
    scoring: Scoring = ""
    """How outputs or results are compared with those in the file of a contest's problems."""
    several_answers: SeveralAnswers = ""
    """Whether more than one answer is correct: known by name, or estimated from the statement."""

    @property
    def is_fragment(self) -> bool:
        """Whether completions are fragments of a program, which linters cannot judge."""
        return any(isinstance(test, SnippetTest) for test in self.tests)


def without_checker(problem: Problem) -> Problem:
    """Return the problem with exact match instead of its checker."""
    tests = (replace(stage, checker="") if isinstance(stage, StdinTest) else stage for stage in problem.tests)
    return replace(problem, tests=tuple(tests), scoring="exact match without its checker")


def behavior(results: Sequence[JobResult]) -> list[Any]:
    """Return what a program did as plain values: equal values mean equal behavior."""
    return [
        [
            result.verdict,
            [_outcome_values(outcome) for outcome in result.outcomes] or [result.error, result.detail],
            result.stdout.decode("latin-1"),
        ]
        for result in results
    ]


def _outcome_values(outcome: Returned | Raised) -> list[str]:
    if isinstance(outcome, Returned):
        return ["returned", canonical_text(outcome.value)]
    return ["raised", outcome.type, outcome.message]


def _judge_result(result: JobResult) -> Judgment:
    return Judgment(result.verdict, "" if result.verdict == "passed" else shorten(result.detail))


def _difference(compare: Comparison, arguments: tuple[Any, ...], expected: Any, value: Any) -> str | None:
    try:
        return compare(arguments, expected, value)
    except Exception as error:  # comparing unrelated values can raise anything
        return f"returned {preview(value)}, which cannot be compared with {preview(expected)}: {type(error).__name__}"


def shorten(text: str, length: int = 500) -> str:
    """Return `text`, cut to `length` characters."""
    return text if len(text) <= length else text[: length - 3] + "..."


def preview(value: Any) -> str:
    """Return a plain value as text for a message, cut to 200 characters."""
    return shorten(canonical_text(value), 200)


def canonical_text(value: Any) -> str:
    """Return plain data from the sandbox as text; equal values of equal types give equal texts.

    Unlike `repr`, has no limit on the digits of an integer and sorts sets.
    """
    if isinstance(value, int) and not isinstance(value, bool) and not -(1 << 63) < value < 1 << 63:
        return hex(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "1e999" if value > 0 else "-1e999"
    if isinstance(value, complex):
        return f"complex({canonical_text(value.real)},{canonical_text(value.imag)})"
    if isinstance(value, list):
        return f"[{','.join(map(canonical_text, value))}]"
    if isinstance(value, tuple):
        return f"({','.join(map(canonical_text, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return "{" + ",".join(f"{canonical_text(key)}:{canonical_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (set, frozenset)):
        return f"{type(value).__name__}([{','.join(sorted(map(canonical_text, value)))}])"
    if isinstance(value, OpaqueValue):
        return f"Other({value.type!r},{value.text!r})"
    return repr(value)
