"""Completions become programs, programs become verdicts.

Verdicts come in the order of the completions. They depend on the completions, the problems and the limits alone, not
on the number of workers or on how often the evaluation was interrupted; only times differ. Programs that are the same
for a problem run once.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from lintseq.benchmarks.problem import PASSED, Judgment, Problem, ProblemTest, Runner, StdinTest, behavior, shorten
from lintseq.errors import ToolError
from lintseq.evaluation.candidates import HARMLESS, Candidate, candidate_of
from lintseq.evaluation.completions import Completion
from lintseq.evaluation.results import JudgedCompletion
from lintseq.linting import Linter
from lintseq.sandbox import Job, JobResult, RunCheck

FIRST_BATCH, LARGEST_BATCH = 64, 4096
"""Completions judged at once: a batch is saved when all of it is done."""
SHORT, LONG = 15.0, 60.0
"""Seconds. A shorter batch is followed by one twice as large, because at its end all workers wait for the slowest
program; a longer one by half as much, so that a kill does not lose much."""
ATTEMPTS = 3
"""How often a job runs if the sandbox breaks."""


@dataclass(frozen=True, slots=True)
class JudgingOptions:
    """What verdicts depend on besides completions and problems."""

    timeout: float | None = None
    """CPU seconds for a program; None for the benchmark's limit."""
    memory: int | None = None
    """Bytes for a program; None for the benchmark's limit."""
    linter: Linter | None = None
    """Judges programs and the states on the way to them."""
    not_run: Mapping[str, str] = field(default_factory=dict)
    """Why problems cannot be judged here, by task id."""


@dataclass(slots=True)
class _TestedProgram:
    """A program on its way through the tests of its problem, stage by stage."""

    problem: Problem
    program: str
    options: JudgingOptions
    judgment: Judgment = PASSED
    stages: dict[str, str] = field(default_factory=dict)
    results: list[JobResult] = field(default_factory=list)

    def jobs(self, stage: ProblemTest) -> list[Job]:
        limits, options = self.problem.limits, self.options
        seconds, memory = options.timeout or limits.seconds, options.memory or limits.memory
        return stage.jobs(self.program, replace(limits, seconds=seconds, memory=memory))

    def record(self, stage: ProblemTest, results: Sequence[JobResult], checked: Sequence[JobResult]) -> None:
        """Judge a stage by how its jobs, and those of its checker, ended."""
        self.judgment = stage.judge(results, checked) if isinstance(stage, StdinTest) else stage.judge(results)
        self.stages[stage.name] = self.judgment.verdict
        self.results += results

    def judged(self, digest: str) -> JudgedCompletion:
        """Return the verdict, without what depends on the completion that gave the program."""
        several = len(self.stages) > 1 or "base" in self.stages
        suspect = dict.fromkeys(reason for result in self.results for reason in result.suspect)
        return JudgedCompletion(
            self.problem.task_id,
            0,
            self.judgment.verdict,
            shorten(self.judgment.detail),
            round(sum(result.seconds for result in self.results), 4),
            round(sum(result.cpu_seconds for result in self.results), 4),
            digest,
            blake2b(json.dumps(behavior(self.results)).encode(), digest_size=8).hexdigest(),
            self.stages if several else {},
            tuple(suspect) if self.judgment == PASSED else (),
        )


def judge_in_batches(
    problems: Iterable[Problem],
    completions: Sequence[Completion],
    runner: Runner,
    options: JudgingOptions,
    *,
    done: Sequence[JudgedCompletion] = (),
    first_batch: int = FIRST_BATCH,
) -> Iterator[list[JudgedCompletion]]:
    """Yield judged completions in batches, in their order, except the first ones, which are `done`."""
    by_id = {problem.task_id: problem for problem in problems}
    known = {(row.task_id, row.program): row for row in done if row.verdict != "sandbox-error"}
    start, size = len(done), first_batch
    while start < len(completions):
        started = time.monotonic()
        yield _judge_batch(completions[start : start + size], by_id, known, runner, options)
        start += size
        size = next_size(size, time.monotonic() - started)


def next_size(size: int, seconds: float) -> int:
    """Return the size of the batch after one of `size` that took `seconds`."""
    if seconds < SHORT:
        return min(2 * size, max(LARGEST_BATCH, size))
    return max(size // 2, 1) if seconds > LONG else size


def _judge_batch(
    batch: Sequence[Completion],
    problems: Mapping[str, Problem],
    known: dict[tuple[str, str], JudgedCompletion],
    runner: Runner,
    options: JudgingOptions,
) -> list[JudgedCompletion]:
    """Return the judged completions of a batch; `known` verdicts are reused, and new ones added to it."""
    candidates = [candidate_of(problems[item.task_id], item.text, item.format) for item in batch]
    keys = [(item.task_id, candidate.digest) for item, candidate in zip(batch, candidates, strict=True)]
    running: dict[tuple[str, str], _TestedProgram] = {}
    for key, candidate in zip(keys, candidates, strict=True):
        if key in known:
            continue
        reason = options.not_run.get(key[0], "" if problems[key[0]].tests else "has no tests")
        if reason:
            known[key] = JudgedCompletion(key[0], 0, "not-run", reason, program=key[1])
        else:
            running.setdefault(key, _TestedProgram(problems[key[0]], candidate.program, options))
    run_tests(list(running.values()), runner)
    verdicts = {key: tested.judged(key[1]) for key, tested in running.items()}
    known.update((key, row) for key, row in verdicts.items() if row.verdict != "sandbox-error")
    return [
        _judged(item, problems[item.task_id], candidate, verdicts.get(key) or known[key], options.linter)
        for item, candidate, key in zip(batch, candidates, keys, strict=True)
    ]


def run_tests(programs: Sequence[_TestedProgram], runner: Runner) -> None:
    """Take programs through their tests, stage by stage; later stages run only for programs that passed so far."""
    for number in range(max((len(tested.problem.tests) for tested in programs), default=0)):
        remaining = [
            (tested, tested.problem.tests[number])
            for tested in programs
            if tested.judgment == PASSED and number < len(tested.problem.tests)
        ]
        planned = [tested.jobs(stage) for tested, stage in remaining]
        found = _run_grouped(planned, runner)
        checks = [
            stage.checks(results) if isinstance(stage, StdinTest) else []
            for (_, stage), results in zip(remaining, found, strict=True)
        ]
        for (tested, stage), results, checked in zip(remaining, found, _run_grouped(checks, runner), strict=True):
            tested.record(stage, results, checked)


def _run_grouped(groups: Sequence[Sequence[Job]], runner: Runner) -> list[list[JobResult]]:
    """Return how the jobs of each group ended."""
    results = iter(run_jobs([job for jobs in groups for job in jobs], runner))
    return [[next(results) for _ in jobs] for jobs in groups]


def run_jobs(jobs: Sequence[Job], runner: Runner) -> list[JobResult]:
    """Return how jobs ended; those for which the sandbox broke are retried."""
    results = list(runner.run(jobs))
    for _ in range(ATTEMPTS - 1):
        broken = [index for index, result in enumerate(results) if result.verdict == "sandbox-error"]
        if not broken:
            break
        for index, result in zip(broken, runner.run([jobs[index] for index in broken]), strict=True):
            results[index] = result
    return results


def _judged(
    item: Completion, problem: Problem, candidate: Candidate, verdict: JudgedCompletion, linter: Linter | None
) -> JudgedCompletion:
    """Return the row of a completion whose program has that verdict."""
    found: dict[str, Any] = {}
    if candidate.remark and verdict.verdict != "passed":
        found["detail"] = candidate.remark
    if (states := candidate.states) is not None:
        faults = [note for note in candidate.notes if note.reason not in HARMLESS]
        found["edits"] = candidate.edits
        found["ignored_edits"] = max(candidate.edits - candidate.applied, 0)
        found["malformed_edits"] = min(len({note.edit for note in faults if note.edit > 0}), candidate.edits)
        found["notes"] = len(faults)
    if linter is not None and not problem.is_fragment:
        found["clean"] = not linter.check(candidate.text)
        if states is not None:
            found |= {"states": len(states), "clean_states": sum(not linter.check(state) for state in states)}
    return replace(
        verdict,
        index=item.index,
        prompt_tokens=item.prompt_tokens,
        completion_tokens=item.completion_tokens,
        flops=item.flops,
        format=item.format,
        completion=item.text,
        text=candidate.text,
        **found,
    )


_SELF_CHECK = {"assert True": "passed", "assert False": "failed", "raise SystemExit(0)": "error"}


def check_runner(runner: Runner) -> None:
    """Raise `ToolError` unless the sandbox distinguishes passing programs from failing ones."""
    jobs = [Job("x = 1\n", RunCheck(code)) for code in _SELF_CHECK]
    for result, (code, expected) in zip(run_jobs(jobs, runner), _SELF_CHECK.items(), strict=True):
        if result.verdict != expected:
            raise ToolError(
                f"the sandbox does not work: {code!r} gives {result.verdict} ({result.detail}), not {expected};"
                " nothing was scored"
            )
