"""Results of an evaluation: a judged completion, which is a row of the results file, and the scored whole."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

UNJUDGED = ("not-run", "sandbox-error")
"""Verdicts that say nothing about the program."""


@dataclass(frozen=True, slots=True)
class JudgedCompletion:
    """A completion and its verdict. Fields that do not apply are None, and absent from the row."""

    task_id: str
    """The id of the problem."""
    index: int
    """Position among the problem's completions, from 0."""
    verdict: str
    """How the program ended: passed, failed, error, timeout, memory, output, sandbox-error or not-run."""
    detail: str = ""
    """Why the program did not pass."""
    seconds: float = 0.0
    """Wall-clock time of all the tests that ran."""
    cpu_seconds: float = 0.0
    """CPU time of all the tests that ran."""
    program: str = ""
    """SHA-256 of the program that ran."""
    behavior: str = ""
    """Hash of what the program returned, raised and printed."""
    stages: Mapping[str, str] = field(default_factory=dict)
    """Verdict of each stage, for problems with several."""
    suspect: tuple[str, ...] = ()
    """Reasons to look at a pass: the program mentions what could forge one."""
    edits: int | None = None
    """Number of edits in the text."""
    ignored_edits: int | None = None
    """Edits that changed nothing."""
    malformed_edits: int | None = None
    """Edits with something wrong in them."""
    notes: int | None = None
    """Things that were ignored or repaired."""
    clean: bool | None = None
    """Whether the linter reports nothing about the program."""
    states: int | None = None
    """Number of states after the edits, the program included."""
    clean_states: int | None = None
    """Number of states that the linter reports nothing about."""
    prompt_tokens: int | None = None
    """Tokens of the prompt."""
    completion_tokens: int | None = None
    """Tokens of the completion."""
    flops: float | None = None
    """Floating-point operations for the prompt and the completion."""
    format: str = ""
    """How the completion was read: code, program, or the format of its edits."""
    completion: str | None = None
    """The completion as the model wrote it."""
    text: str | None = None
    """The program without its test harness; present if it differs from the completion."""

    def as_row(self) -> dict[str, Any]:
        """Return the row of the results file."""
        row = {name: getattr(self, name) for name in _COLUMNS}
        if self.text == self.completion:
            del row["text"]
        return {name: value for name, value in row.items() if value is not None and value not in ((), {})}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Return the completion in a row, which has at least the columns of the fields without defaults."""
        values = {name: row[name] for name in _COLUMNS if name in row}
        values |= {name: str(values[name]) for name in ("task_id", "verdict", "detail")}
        values |= {"suspect": tuple(row.get("suspect", ())), "text": row.get("text", row.get("completion"))}
        return cls(**values)


_COLUMNS = tuple(column.name for column in fields(JudgedCompletion))


@dataclass(frozen=True, slots=True)
class EvaluatedProblems:
    """The problems of an evaluation; only evaluations of the same problems are compared."""

    benchmark: str
    checksum: str
    """Of the benchmark's file."""
    skipped: int
    """Number of problems left out at the start."""
    selected: int | None
    """Number of problems selected by name; None for all."""
    selection: str
    """Checksum of their names."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Judged completions and their scores."""

    rows: tuple[JudgedCompletion, ...]
    """In the order of the completions."""
    settings: Mapping[str, Any]
    """Everything that the rows depend on: benchmark, completions, limits, linter."""
    summary: Mapping[str, Any]
    """Scores with intervals, verdicts, edits, clean states, diversity, cost, isolation: see docs/evaluate.md."""
    instructions: Mapping[str, str] = field(default_factory=dict)
    """Instruction of each problem, shortened."""

    @property
    def problems(self) -> EvaluatedProblems:
        """The problems that were evaluated."""
        benchmark, selected = self.settings["benchmark"], self.settings.get("chosen") or {}
        return EvaluatedProblems(
            str(benchmark["name"]),
            str(benchmark.get("sha256", "")),
            int(self.settings.get("skip_first", 0)),
            int(selected["problems"]) if selected else None,
            str(selected.get("sha256", "")),
        )

    @property
    def pass_at_k(self) -> dict[int, float | None]:
        """pass@k for each k; None where a problem has fewer completions."""
        return {int(k): value for k, value in self.summary["pass_at_k"].items()}

    def as_dict(self) -> dict[str, Any]:
        """Return the summary and the counts of each problem as plain data."""
        counts = counts_of(self.rows)
        return {**self.summary, "per_problem": {task_id: list(counts[task_id]) for task_id in sorted(counts)}}


def counts_of(rows: Sequence[JudgedCompletion], stage: str | None = None) -> dict[str, tuple[int, int]]:
    """Return, for each problem, the number of judged completions and of those that passed (all tests or `stage`)."""
    counts: dict[str, tuple[int, int]] = {}
    for row in rows:
        verdict = row.verdict if stage is None else row.stages.get(stage, row.verdict)
        if verdict not in UNJUDGED:
            n, c = counts.get(row.task_id, (0, 0))
            counts[row.task_id] = n + 1, c + (verdict == "passed")
    return counts


def by_problem(rows: Iterable[JudgedCompletion]) -> dict[str, list[JudgedCompletion]]:
    """Return the rows of each problem, in their order."""
    found: dict[str, list[JudgedCompletion]] = defaultdict(list)
    for row in rows:
        found[row.task_id].append(row)
    return found
