"""The run: completions become programs, programs become verdicts, verdicts become a file that survives a kill.

Rows are written in the order of the completions. What they say depends on the completions, the problems and the
limits alone, not on how many workers there are or how often the run was stopped and gone on with; only the times
differ. Programs that are the same for a problem are run once.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from lintseq.benchmarks.problem import PASSED, Judgment, Problem, Runner, behavior, shorten
from lintseq.errors import ConfigError, ToolError
from lintseq.evaluation.candidates import HARMLESS, Candidate, read, states
from lintseq.evaluation.completions import Completion
from lintseq.evaluation.modules import Missing
from lintseq.linting import Linter
from lintseq.rows import encode_line
from lintseq.sandbox import Job, JobResult, Limits, RunCheck
from lintseq.storage.growing import COMPRESSIONS, GrowingFile
from lintseq.storage.workplace import Workplace, write_durably

BATCH = 64
"""Rows of the first batch; after each, everything is saved."""
MOST = 4096
"""Rows of a batch at most."""
SHORT, LONG = 15.0, 60.0
"""Seconds: a batch that takes less is followed by one twice as large, for at its end all wait for its slowest program;
one that takes more, by one half as large, so that not much is lost by a kill."""
ATTEMPTS = 3
"""How often a job is run if the sandbox breaks."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What running a program gave."""

    verdict: str
    detail: str
    seconds: float
    cpu_seconds: float
    stages: dict[str, str]
    behavior: str
    suspect: tuple[str, ...] = ()
    """Why a pass may not be worth much."""


@dataclass(slots=True)
class _Running:
    """A program on its way through the tests of its problem."""

    problem: Problem
    program: str
    limits: Limits
    stage: int = 0
    judgment: Judgment = PASSED
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    stages: dict[str, str] = field(default_factory=dict)
    done: list[Any] = field(default_factory=list)
    suspect: tuple[str, ...] = ()

    @property
    def over(self) -> bool:
        return self.judgment != PASSED or self.stage == len(self.problem.tests)

    def jobs(self) -> list[Job]:
        return self.problem.tests[self.stage].jobs(self.program, self.limits)

    def take(self, endings: Sequence[JobResult]) -> None:
        test = self.problem.tests[self.stage]
        self.judgment = test.judge(endings)
        self.stages[test.name] = self.judgment.verdict
        self.seconds += sum(ending.seconds for ending in endings)
        self.cpu_seconds += sum(ending.cpu_seconds for ending in endings)
        self.done += behavior(endings)
        self.suspect += tuple(reason for ending in endings for reason in ending.suspect if reason not in self.suspect)
        self.stage += 1

    def result(self) -> Result:
        digest = blake2b(json.dumps(self.done).encode(), digest_size=8).hexdigest()
        return Result(
            self.judgment.verdict,
            shorten(self.judgment.detail),
            round(self.seconds, 4),
            round(self.cpu_seconds, 4),
            self.stages,
            digest,
            self.suspect if self.judgment == PASSED else (),
        )


@dataclass(frozen=True, slots=True)
class Setup:
    """What the rows depend on besides completions and problems."""

    timeout: float | None = None
    """Seconds of processor time for a program; None is what the benchmark allows."""
    memory: int | None = None
    linter: Linter | None = None
    """Judges programs and the states on the way to them."""
    missing: Missing = lambda problem: ()
    """The modules that a problem's tests need and that are not there."""

    def limits(self, problem: Problem) -> Limits:
        given = problem.limits
        return Limits(
            given.seconds if self.timeout is None else self.timeout,
            given.memory if self.memory is None else self.memory,
            given.processes,
            given.scratch,
            given.output,
        )


class RowsFile:
    """The results file while it grows; it gets its name when it is whole."""

    def __init__(self, path: str, settings: dict[str, Any], *, resume: bool, overwrite: bool) -> None:
        """Open the file where an earlier run of the same left it, with `resume`, or anew.

        Raises `ConfigError` if that would destroy something, or the earlier run was another.
        """
        self.path = os.path.realpath(path)
        self.manifest = f"{self.path.removesuffix('.jsonl')}.manifest.json"
        self.settings = json.loads(json.dumps(settings))
        self.rows: list[Row] = []
        """Those of the earlier run."""
        if not self.path.endswith((".jsonl", *(f".jsonl{end}" for end in COMPRESSIONS))):
            raise ConfigError(f"{path}: results are lines of JSON; choose a name that ends in .jsonl or .jsonl.gz")
        self.finished = os.path.exists(self.path) and not overwrite
        if self.finished and not resume:
            raise ConfigError(
                f"{path} exists; go on with --resume, replace it with --overwrite, or choose another name"
            )
        self.workplace = Workplace(self.path)
        try:
            self._open(path, resume=resume, overwrite=overwrite)
        except BaseException:
            self.workplace.close()
            raise

    def _open(self, path: str, *, resume: bool, overwrite: bool) -> None:
        grown = self.workplace.file("rows.jsonl")
        state = self.workplace.load()
        if os.path.exists(self.path) and not overwrite and not (state is not None and os.path.exists(grown)):
            self._check_settings(_manifest(self.manifest, path).get("settings"), path)
            self.rows = _read_rows(self.path)
            self.workplace.close(delete=True)
            self.finished = True
        elif state is not None and resume:
            self._check_settings(state["settings"], path)
            self.finished = False  # or it was killed while it got its name
            self.file = GrowingFile(grown, state["mark"])
            self.file.mark()
            self.rows = _read_rows(grown)
        elif state is not None and not overwrite:
            way_out = "go on with --resume, or start again with --overwrite"
            raise ConfigError(f"an unfinished run lies in {self.workplace.path}: {way_out}")
        else:
            self.workplace.clear()
            self.file = GrowingFile(grown)

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows, so that they survive a kill; what never got any is no run to go on with."""
        if not rows:
            return
        self.file.write(b"".join(map(encode_line, rows)))
        self.workplace.save({"settings": self.settings, "mark": self.file.mark()})

    def finish(self, manifest: dict[str, Any], *, order: Callable[[Row], Any] | None = None) -> None:
        """Give the file its name, with its rows in an order if one is told, and write beside it what it is."""
        if self.finished:
            return
        self.file.close()
        whole = self.workplace.file("rows.jsonl")
        if order is not None:
            ordered = GrowingFile(self.workplace.file("ordered.jsonl"))
            ordered.write(b"".join(map(encode_line, sorted(_read_rows(whole), key=order))))
            ordered.close()
            whole = ordered.path
        ending = next((end for end in COMPRESSIONS if self.path.endswith(end)), None)
        if ending is not None:
            packed = GrowingFile(self.workplace.file(f"packed{ending}"))
            with open(whole, "rb") as file:
                for line in file:
                    packed.write(line)
            packed.close()
            whole = packed.path
        told = self.workplace.file("manifest.json")
        write_durably(told, json.dumps({"settings": self.settings, **manifest}, indent=2).encode() + b"\n")
        self.workplace.move([(told, self.manifest), (whole, self.path)])
        self.finished = True

    def close(self) -> None:
        """Leave an unfinished file as it is, for a later run."""
        if not self.finished:
            self.file.abandon()
            self.workplace.close()

    def _check_settings(self, before: Any, path: str) -> None:
        if not isinstance(before, dict):
            before = {}
        differing = [name for name in {**self.settings, **before} if before.get(name) != self.settings.get(name)]
        if differing:
            told = "; ".join(
                f"{name} was {shorten(repr(before.get(name)), 80)}, and is"
                f" {shorten(repr(self.settings.get(name)), 80)}"
                for name in sorted(differing)
            )
            raise ConfigError(f"{path} was made differently: {told}. Resume as it was, or start with --overwrite")


def _manifest(manifest: str, path: str) -> dict[str, Any]:
    try:
        with open(manifest, "rb") as file:
            found: dict[str, Any] = json.load(file)
    except (OSError, ValueError):
        raise ConfigError(
            f"{path} exists and has no manifest at {manifest}, so it cannot be told whether it is what was asked for;"
            " choose another name, or replace it with --overwrite"
        ) from None
    return found


def _read_rows(path: str) -> list[Row]:
    from lintseq.rows import parse_row, read_rows

    return [parse_row(raw.data) for raw in read_rows(path)] if os.path.getsize(path) else []


def evaluate(
    problems: Sequence[Problem],
    completions: Sequence[Completion],
    runner: Runner,
    setup: Setup,
    *,
    file: RowsFile | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Row]:
    """Return a row for each completion, in their order; with `file`, each is there too as soon as it is known."""
    rows = [] if file is None else list(file.rows)
    if file is not None and file.finished:
        return rows
    by_id = {problem.task_id: problem for problem in problems}
    known = {(row["task_id"], row["program"]): _result_of(row) for row in rows if row["verdict"] != "sandbox-error"}
    on_progress(len(rows), len(completions))
    size = BATCH
    while len(rows) < len(completions):
        started = time.monotonic()
        new = list(_rows(completions[len(rows) : len(rows) + size], by_id, known, runner, setup))
        rows += new
        if file is not None:
            file.write(new)
        on_progress(len(rows), len(completions))
        size = next_size(size, time.monotonic() - started)
    return rows


def next_size(size: int, seconds: float) -> int:
    """Return how many rows the next batch has after one of `size` that took so long."""
    if seconds < SHORT:
        return min(2 * size, max(MOST, size))
    return max(size // 2, 1) if seconds > LONG else size


def _rows(
    batch: Sequence[Completion],
    problems: dict[str, Problem],
    known: dict[tuple[str, str], Result],
    runner: Runner,
    setup: Setup,
) -> Iterator[Row]:
    candidates = [read(problems[item.task_id], item.text, item.form) for item in batch]
    running: dict[tuple[str, str], _Running] = {}
    broken: dict[tuple[str, str], Result] = {}
    for item, candidate in zip(batch, candidates, strict=True):
        key, problem = (item.task_id, candidate.digest), problems[item.task_id]
        if key not in known and not setup.missing(problem):
            running.setdefault(key, _Running(problem, candidate.program, setup.limits(problem)))
    run_all(list(running.values()), runner)
    for key, one in running.items():
        (broken if one.judgment.verdict == "sandbox-error" else known)[key] = one.result()
    for item, candidate in zip(batch, candidates, strict=True):
        key, problem = (item.task_id, candidate.digest), problems[item.task_id]
        if (lacking := setup.missing(problem)) and key not in known:
            result = Result("not-run", f"needs {', '.join(lacking)}, which cannot be imported here", 0.0, 0.0, {}, "")
        else:
            result = known[key] if key in known else broken[key]
        yield _row(item, problem, candidate, result, setup.linter)


def run_all(programs: Sequence[_Running], runner: Runner) -> None:
    """Take programs through their tests, round after round; those that failed are not run again."""
    alive = [one for one in programs if not one.over]
    while alive:
        planned = [one.jobs() for one in alive]
        endings = run_jobs([job for jobs in planned for job in jobs], runner)
        place = 0
        for one, jobs in zip(alive, planned, strict=True):
            one.take(endings[place : place + len(jobs)])
            place += len(jobs)
        alive = [one for one in alive if not one.over]


def run_jobs(jobs: Sequence[Job], runner: Runner) -> list[JobResult]:
    """Return how jobs ended; those with which the sandbox broke are run again."""
    endings = list(runner.run(jobs))
    for _ in range(ATTEMPTS - 1):
        places = [place for place, ending in enumerate(endings) if ending.verdict == "sandbox-error"]
        if not places:
            break
        for place, ending in zip(places, runner.run([jobs[place] for place in places]), strict=True):
            endings[place] = ending
    return endings


def _row(item: Completion, problem: Problem, candidate: Candidate, result: Result, linter: Linter | None) -> Row:
    row: Row = {
        "task_id": item.task_id,
        "index": item.index,
        "verdict": result.verdict,
        "detail": candidate.remark if candidate.remark and result.verdict != "passed" else result.detail,
        "seconds": result.seconds,
        "cpu_seconds": result.cpu_seconds,
        "program": candidate.digest,
        "behavior": result.behavior,
    }
    if len(result.stages) > 1 or set(result.stages) & {"base"}:
        row["stages"] = result.stages
    if result.suspect:
        row["suspect"] = list(result.suspect)
    if candidate.edits is not None:
        at_fault = {note.edit for note in candidate.notes if note.edit > 0 and note.reason not in HARMLESS}
        row["edits"] = candidate.edits
        row["ignored_edits"] = max(candidate.edits - candidate.applied, 0)
        row["malformed_edits"] = min(len(at_fault), candidate.edits)
        row["notes"] = sum(note.reason not in HARMLESS for note in candidate.notes)
    if linter is not None and not problem.is_fragment:
        row["clean"] = not linter.check(candidate.text)
        if candidate.edits is not None:
            texts = states(problem, item.text, item.form)
            row["states"] = len(texts)
            row["clean_states"] = sum(not linter.check(text) for text in texts)
    for name in ("prompt_tokens", "completion_tokens", "flops"):
        if (value := getattr(item, name)) is not None:
            row[name] = value
    row["format"] = item.form
    row["completion"] = item.text
    if candidate.text != item.text:
        row["text"] = candidate.text
    return row


def _result_of(row: Row) -> Result:
    return Result(
        row["verdict"],
        row["detail"],
        row["seconds"],
        row["cpu_seconds"],
        row.get("stages", {}),
        row["behavior"],
        tuple(row.get("suspect", ())),
    )


_SELF_CHECK = (
    ("assert True", "passed"),
    ("assert False", "failed"),
    ("raise SystemExit(0)", "error"),
)


def check_runner(runner: Runner) -> None:
    """Raise `ToolError` unless the sandbox tells right from wrong."""
    jobs = [Job("x = 1\n", RunCheck(code)) for code, _ in _SELF_CHECK]
    for ending, (code, expected) in zip(run_jobs(jobs, runner), _SELF_CHECK, strict=True):
        if ending.verdict != expected:
            raise ToolError(
                f"the sandbox does not work: {code!r} gives {ending.verdict} ({ending.detail}), not {expected};"
                " nothing was scored"
            )
