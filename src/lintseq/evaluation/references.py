"""Reference solutions as completions: what has to pass before a score means anything."""

from collections.abc import Iterator, Sequence
from difflib import unified_diff
from typing import Any

from lintseq.benchmarks.problems import Problem
from lintseq.codecs import SEPARATOR, get_codec
from lintseq.edits import EditSequence
from lintseq.errors import ProgramError
from lintseq.evaluation.candidates import CODE, PROGRAM, check_form
from lintseq.program import Program
from lintseq.walks import ProgramSampler


def references(problems: Sequence[Problem], form: str, *, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Yield a row for each problem whose solution is known: as code, or as edits that write it."""
    check_form(form)
    for problem in problems:
        if problem.reference:
            yield {"task_id": problem.task_id, "completion": _written(problem, form, seed), "format": form}


def _written(problem: Problem, form: str, seed: int) -> str:
    if form == CODE:
        return problem.continuation
    if form == PROGRAM:
        return problem.reference
    codec = get_codec(form)
    if problem.start:
        return _changes(problem)
    try:
        sequence = ProgramSampler(problem.reference).sample(seed=seed, id=problem.task_id)
    except ProgramError:  # a piece of code that is no program by itself, as some of DS-1000
        program = Program.from_text(problem.reference)
        sequence = EditSequence(program, (0,) * len(program.lines))
    return codec.write(sequence)


def _changes(problem: Problem) -> str:
    """Return the edit that turns the program that is there into the reference, which deletes lines too."""
    before, after = Program.from_text(problem.start).lines, Program.from_text(problem.reference).lines
    rows = list(unified_diff(before, after, n=0, lineterm=""))[2:]
    return SEPARATOR + "\n".join(rows) + "\n"
