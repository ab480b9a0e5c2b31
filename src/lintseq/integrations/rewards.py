"""Reward functions for reinforcement learning, in the form of TRL's trainers: `completions, **columns -> rewards`.

    trainer = GRPOTrainer(model, [PassedTests(), CleanStates()], GRPOConfig(reward_weights=[1.0, 0.2]), data)

A reward is made once and called with batches. `completions` are texts, or lists of messages whose last one by the
assistant counts; columns are those of the data set, with a value for each completion. As many rewards come back, each
a number in the range that its class names, or None for a row to which it does not apply. They depend on nothing but
row, completion and options. Completions are programs or edit text; edits change the program in the column `state`, if
the data set has one, or start from nothing. Nothing that a model writes raises an exception.

None of this needs TRL; other trainers can call the same objects.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from lintseq.benchmarks import CODE, PROGRAM, Problem, check_format
from lintseq.benchmarks.assertions import runnable_test, split_assertions
from lintseq.benchmarks.python_code import find_function
from lintseq.codecs import DIFF, looks_like_edits, resolve
from lintseq.codecs.locate import difference
from lintseq.dataset.verify import StateVerdicts
from lintseq.errors import ConfigError, ToolError, check_at_least
from lintseq.evaluation.candidates import HARMLESS, candidate_of
from lintseq.evaluation.completions import AUTO
from lintseq.evaluation.judging import run_jobs
from lintseq.languages import get_language
from lintseq.linting import findings, new_diagnostics
from lintseq.program import Program
from lintseq.rows import column_list, json_type
from lintseq.rows.conversations import ASSISTANT
from lintseq.sandbox import Job, JobResult, Limits, RunCheck
from lintseq.sandbox.isolation import LevelOrAuto
from lintseq.sandbox.pool import shared_sandbox

_NO_COLUMNS = {"prompts", "completion_ids", "environments"}
"""Lists that TRL passes besides the columns of the data set."""

_split_assertions = lru_cache(1024)(split_assertions)


class _Reward:
    """A function of completions and of the programs that they change."""

    __name__: str
    """What trainers log."""
    needs_state = False
    """Whether it is for rows with a program to change only."""

    def __init__(self, format: str, state: str) -> None:
        if format != AUTO:
            check_format(format)
        self.format = format
        self.state = state

    def format_of(self, text: str) -> str:
        """Return the format of a completion."""
        detected = DIFF.name if looks_like_edits(text) else CODE
        return detected if self.format == AUTO else self.format

    def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float | None]:
        states = _column(columns, "state", self.state, None if self.needs_state else len(completions))
        rows = zip(completions, states, strict=True)
        return [
            None if state is None and self.needs_state else self._value(_text_of(completion), state or "")
            for completion, state in rows
        ]

    def _value(self, text: str, start: str) -> float | None:
        raise NotImplementedError


class PassedTests(_Reward):
    """Whether a program passes its tests: 0.0 or 1.0; with `share`, which share of their assertions, 0.0 to 1.0.

    The column `test` has code, or a list of codes, that runs after the program. If it only defines a function `check`,
    as in HumanEval, that is called with the name in the column `entry_point`. With `share`, each statement that
    contains `assert`, on the top level or right in `check`, is one assertion. A prompt that is code and defines the
    entry point is put before programs, and completions may continue it.

    Programs run in the sandbox of this process, as many at a time as there are CPUs, and equal ones once. One that
    exceeds a limit, or has signs of a forged pass, gets 0.0. None is for a row without a test that can run, and for a
    program on which the sandbox itself failed. Raises `ConfigError` if the level is not available.
    """

    def __init__(
        self,
        *,
        share: bool = False,
        format: str = AUTO,
        test: str = "test",
        entry_point: str = "entry_point",
        state: str = "state",
        limits: Limits | None = None,
        level: LevelOrAuto = "auto",
    ) -> None:
        super().__init__(format, state)
        self.__name__ = "share_of_passed_tests" if share else "passed_tests"
        self.share = share
        self.test = test
        self.entry_point = entry_point
        self.limits = limits or Limits(seconds=5.0)
        self.level: LevelOrAuto = level
        shared_sandbox(level)

    def __call__(
        self, completions: Sequence[Any], prompts: Sequence[Any] | None = None, **columns: Any
    ) -> list[float | None]:
        count = len(completions)
        tests = _column(columns, "test", self.test, kinds=(str, list))
        names = _column(columns, "entry_point", self.entry_point, count)
        codes = [self._code(test, name or "", columns) for test, name in zip(tests, names, strict=True)]
        states = _column(columns, "state", self.state, count)
        rows = zip(completions, prompts or [""] * count, names, states, strict=True)
        programs = [self._program(*row) for row in rows]
        jobs = [self._job(program, code) if code else None for program, code in zip(programs, codes, strict=True)]
        different = list(dict.fromkeys(job for job in jobs if job is not None))
        results = dict(zip(different, run_jobs(different, shared_sandbox(self.level)), strict=True))
        return [
            self._score(results[job], program, code) if job is not None else None
            for job, program, code in zip(jobs, programs, codes, strict=True)
        ]

    def _code(self, test: Any, name: str, columns: Mapping[str, Any]) -> str:
        """Return the code that tests the program of a row; empty if it has none."""
        codes = test if isinstance(test, list) else [test or ""]
        if not all(isinstance(code, str) for code in codes):
            raise _wrong_type(self.test, test)
        code = "\n".join(codes)
        found = runnable_test(code, name)
        if not found and find_function(code, "check"):
            _column(columns, "entry_point", self.entry_point)
        return found

    def _program(self, completion: Any, prompt: Any, name: str | None, state: str | None) -> str:
        """Return the program of a completion."""
        text = _text_of(completion)
        is_code = name and isinstance(prompt, str) and find_function(f"{prompt}\n    pass\n", name)
        context = prompt if is_code else ""
        problem = Problem("", "", "", name or "", "", (), prefix=context, context=context, start=state or "")
        return candidate_of(problem, text, self.format_of(text)).program

    def _job(self, program: str, code: str) -> Job:
        split = _split_assertions(code) if self.share else None
        return split.job(program, self.limits) if split else Job(program, RunCheck(code), self.limits)

    def _score(self, result: JobResult, program: str, code: str) -> float | None:
        if result.verdict == "sandbox-error":
            return None
        split = _split_assertions(code) if self.share else None
        return split.share(program, result) if split else float(result.verdict == "passed" and not result.suspect)


class CleanStates(_Reward):
    """The share of a completion's edits that leave a clean state, 0.0 to 1.0; of a program, 1.0 if it is clean.

    A state is clean if the linter reports nothing more often than in the program that the edits change. An edit that
    changes nothing does not count as clean; nor does a completion without edits, or without a program. None is for a
    completion with a state on which the linter breaks. Raises `ConfigError` for an unknown linter.
    """

    __name__ = "clean_states"

    def __init__(self, *, linter: str | None = None, format: str = AUTO, state: str = "state") -> None:
        super().__init__(format, state)
        self.check = StateVerdicts(linter or get_language().default_linter).findings

    def _value(self, text: str, start: str) -> float | None:
        states = _states(text, self.format_of(text), start)
        try:
            known = findings(self.check(start) if start else ())
            clean = [
                state != before and not new_diagnostics(known, self.check(state))
                for before, state in zip([start, *states], states, strict=False)
            ]
        except ToolError:
            return None
        return sum(clean) / max(len(clean), 1)


class WellFormedEdits(_Reward):
    """The share of a completion's edits that are as the format writes them and fit their state, 0.0 to 1.0.

    Text that belongs to no edit counts as an edit that is not. A completion without edits gets 0.0, and None if its
    format is `code` or `program`, set or detected.
    """

    __name__ = "well_formed_edits"

    def __init__(self, *, format: str = AUTO, state: str = "state") -> None:
        super().__init__(format, state)

    def _value(self, text: str, start: str) -> float | None:
        format = self.format_of(text)
        if format in (CODE, PROGRAM):
            return None
        resolution = resolve(text, format, start=Program.from_text(start))
        malformed = {note.edit for note in resolution.notes if note.reason not in HARMLESS}
        edits = len(resolution.changes) + (0 in malformed)
        return 1 - len(malformed) / edits if edits else 0.0


class ChangeSize(_Reward):
    """The size of a change, as a penalty: -1.0 for `lines` or more inserted and removed lines together, 0.0 for none.

    Between the program in the column `state` and the program of the completion; the way from one to the other does
    not matter. None is for a row without that program.
    """

    __name__ = "change_size"
    needs_state = True

    def __init__(self, *, lines: int = 50, format: str = AUTO, state: str = "state") -> None:
        super().__init__(format, state)
        check_at_least(1, {"lines": lines})
        self.lines = lines

    def _value(self, text: str, start: str) -> float:
        end = [start, *_states(text, self.format_of(text), start)][-1]
        before, after = Program.from_text(start).lines, Program.from_text(end).lines
        hunks = difference(before, after).hunks if before != after else ()
        return 0.0 - min(sum(hunk.removed + len(hunk.lines) for hunk in hunks) / self.lines, 1.0)


def _states(text: str, format: str, start: str) -> list[str]:
    """Return the states that a completion goes through; a program is one, unless it is empty."""
    if format in (CODE, PROGRAM):
        program = candidate_of(Problem("", "", "", "", "", ()), text, format).text
        return [program] if program.strip() else []
    return [state.text for state in resolve(text, format, start=Program.from_text(start)).states()]


def _text_of(completion: Any) -> str:
    """Return the text of a completion: itself, or the last message of the assistant; empty if there is none."""
    if isinstance(completion, str):
        return completion
    for message in reversed(completion or []):
        if message.get("role", ASSISTANT) == ASSISTANT and isinstance(message.get("content"), str):
            return str(message["content"])
    return ""


def _column(
    columns: Mapping[str, Any], option: str, name: str, count: int | None = None, *, kinds: tuple[type, ...] = (str,)
) -> list[Any]:
    """Return the values of the column that an option names; `count` times None if it may be missing, and is."""
    if name in columns:
        values = list(columns[name])
        wrong = [value for value in values if value is not None and not isinstance(value, kinds)]
        if wrong:
            raise _wrong_type(name, wrong[0])
        return values
    if count is not None and name == option:
        return [None] * count
    names = [name for name, values in columns.items() if isinstance(values, list) and name not in _NO_COLUMNS]
    raise ConfigError(
        f"the data set has no column {name!r} (columns: {column_list(names)}); name it with {option}=..."
    )


def _wrong_type(name: str, value: Any) -> ConfigError:
    return ConfigError(f"column {name!r} holds {json_type(value)}, where text was expected")
