"""A problem of a benchmark: what a model is asked, and what tests its answer.

Pure: a test says which jobs a program gives and, when they have ended, what is to be said of it. Where
problems come from is told by `lintseq.benchmarks`, how a completion becomes a program by
`lintseq.evaluation.candidates`, and what runs the jobs is none of its business.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from lintseq.benchmarks.plaindata import written
from lintseq.sandbox.job import Calls, Check, Ending, Job, Limits, Raised, Returned, Stdin, Verdict

RowVerdict = Verdict | Literal["not-run"]
"""`not-run` is a problem that needs a library that is not installed: it counts neither way."""


class Runner(Protocol):
    """What runs jobs and says how they ended, in their order."""

    def run(self, jobs: Iterable[Job]) -> Iterator[Ending]: ...


@dataclass(frozen=True, slots=True)
class Judgment:
    """What is to be said of a program."""

    verdict: Verdict
    detail: str = ""


PASSED = Judgment("passed")
DEFAULT_LIMITS = Limits()

Imports = Literal["bare", "numpy", "full"]


class Stage(Protocol):
    """Some of the tests of a problem. Those that come later are run only for what passed these."""

    @property
    def name(self) -> str: ...

    def jobs(self, program: str, limits: Limits) -> list[Job]:
        """Return what is to be run."""
        ...

    def judge(self, endings: Sequence[Ending]) -> Judgment:
        """Return what the endings of these jobs say of the program."""
        ...


@dataclass(frozen=True, slots=True)
class Checked:
    """Code that runs behind the program and passes if its end is reached."""

    code: str
    name: str = "tests"
    imports: Imports = "bare"

    def jobs(self, program: str, limits: Limits) -> list[Job]:
        return [Job(program, Check(self.code), limits, self.imports)]

    def judge(self, endings: Sequence[Ending]) -> Judgment:
        return of_ending(endings[0])


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code that is given the program as text, in a variable, and passes if its end is reached."""

    context: str
    variable: str
    code: str
    name: str = "tests"
    imports: Imports = "full"

    def jobs(self, program: str, limits: Limits) -> list[Job]:
        return [Job(self.context, Check(f"{self.variable} = {program!r}\n{self.code}"), limits, self.imports)]

    def judge(self, endings: Sequence[Ending]) -> Judgment:
        return of_ending(endings[0])


Agrees = Callable[[tuple[Any, ...], Any, Any], str | None]
"""What is wrong with a value, given the arguments and the value expected; None if nothing is. It may raise whatever
it likes for a value that is nothing like the one expected."""


@dataclass(frozen=True, slots=True)
class Called:
    """Calls of a function, whose results are compared outside of the program."""

    function: str
    arguments: tuple[tuple[Any, ...], ...]
    expected: tuple[Any, ...] | None
    """None until the reference solution was run."""
    oracle: "Callable[[], Agrees]"
    """Gives what compares the results of one program, call by call."""
    name: str = "tests"
    behind: str = ""
    """Code behind the program that makes what the function returns plain data."""
    seconds: float = 0.0
    """Processor time that a program is given at least."""

    def jobs(self, program: str, limits: Limits) -> list[Job]:
        limits = replace(limits, seconds=max(limits.seconds, self.seconds))
        return [Job(program + self.behind, Calls(self.function, self.arguments), limits)]

    def judge(self, endings: Sequence[Ending]) -> Judgment:
        assert self.expected is not None
        (ending,) = endings
        agrees = self.oracle()
        for number, (outcome, expected) in enumerate(zip(ending.outcomes, self.expected, strict=False)):
            what = f"call {number + 1} of {len(self.expected)}, {called(self.function, self.arguments[number])}"
            if isinstance(outcome, Raised):
                return Judgment("error", f"{what}, raised {outcome.kind}: {shortened(outcome.message)}")
            wrong = _disagreement(agrees, self.arguments[number], expected, outcome.value)
            if wrong is not None:
                return Judgment("failed", f"{what}, {wrong}")
        if ending.verdict == "passed" and len(ending.outcomes) < len(self.expected):
            return Judgment("error", f"only {len(ending.outcomes)} of {len(self.expected)} calls came back")
        return of_ending(ending)


@dataclass(frozen=True, slots=True)
class Fed:
    """Runs on standard input, of which each has to print what is expected."""

    cases: tuple[tuple[str, str], ...]
    """Input and expected output."""
    agrees: Callable[[str, str], bool]
    """Of what was printed and what was expected."""
    name: str = "tests"
    first: int = 1
    """The number of the first case among all of the problem's."""

    def jobs(self, program: str, limits: Limits) -> list[Job]:
        return [Job(program, Stdin(text), limits) for text, _ in self.cases]

    def judge(self, endings: Sequence[Ending]) -> Judgment:
        for number, (ending, (_, expected)) in enumerate(zip(endings, self.cases, strict=True), self.first):
            if ending.verdict != "passed":
                return Judgment(ending.verdict, f"input {number}: {ending.detail}")
            printed = ending.stdout.decode("utf-8", "replace")
            if not self.agrees(printed, expected):
                return Judgment("failed", f"input {number}: printed {short(printed)}, expected {short(expected)}")
        return PASSED


def fed_in_rounds(cases: Sequence[tuple[str, str]], agrees: Callable[[str, str], bool]) -> tuple[Fed, ...]:
    """Return tests of growing size: a program that fails early is not run on the many inputs that come later."""
    rounds, start, size = [], 0, 1
    while start < len(cases):
        rounds.append(Fed(tuple(cases[start : start + size]), agrees, first=start + 1))
        start += size
        size *= 4
    return tuple(rounds)


@dataclass(frozen=True, slots=True)
class Problem:
    """One item of a benchmark."""

    task_id: str
    prompt: str
    """What the benchmark's own harness gives a model to continue."""
    instruction: str
    """The same for a model that takes instructions, which both of the paper's arms are."""
    entry_point: str
    """The function that is tested; empty if the program is run as a whole."""
    reference: str
    """A program that solves it; empty if none is known."""
    tests: tuple[Stage, ...]
    prefix: str = ""
    """What a completion continues that is no program by itself."""
    context: str = ""
    """What stands before a completion that is a whole program: imports, helpers."""
    start: str = ""
    """The program that edits change."""
    limits: Limits = DEFAULT_LIMITS
    needs: frozenset[str] = frozenset()
    """Modules, beyond Python's own, that the tests import."""
    aliases: tuple[str, ...] = ()
    """Other ids under which completions name it."""
    continuation: str = ""
    """The reference as a completion of the prompt, as the benchmark's own harness reads it."""

    @property
    def is_piece(self) -> bool:
        """Whether a completion is a piece of a program rather than a program, which says nothing to a linter."""
        return any(isinstance(stage, Snippet) for stage in self.tests)


def of_ending(ending: Ending) -> Judgment:
    return Judgment(ending.verdict, "" if ending.verdict == "passed" else shortened(ending.detail))


def behavior(endings: Sequence[Ending]) -> list[Any]:
    """Return what a program did, as plain values that are equal if it did the same."""
    return [
        [
            ending.verdict,
            [_did(outcome) for outcome in ending.outcomes] or [ending.error, ending.detail],
            ending.stdout.decode("latin-1"),
        ]
        for ending in endings
    ]


def _did(outcome: Returned | Raised) -> list[str]:
    if isinstance(outcome, Returned):
        return ["returned", written(outcome.value)]
    return ["raised", outcome.kind, outcome.message]


def called(function: str, arguments: Sequence[Any]) -> str:
    return f"{function}({shortened(', '.join(map(written, arguments)), 200)})"


def short(value: Any) -> str:
    return shortened(written(value), 200)


def shortened(text: str, length: int = 500) -> str:
    """Return `text`, cut to a length."""
    return text if len(text) <= length else text[: length - 3] + "..."


def _disagreement(agrees: Agrees, arguments: tuple[Any, ...], expected: Any, value: Any) -> str | None:
    try:
        return agrees(arguments, expected, value)
    except Exception as error:  # values that have nothing in common raise all kinds when they are compared
        return f"returned {short(value)}, which cannot be compared with {short(expected)}: {type(error).__name__}"
