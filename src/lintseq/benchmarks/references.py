"""Reference solutions as completions: they have to pass before a score means anything."""

from collections.abc import Iterator, Sequence
from typing import Any

from lintseq.benchmarks.problem import Problem
from lintseq.codecs import get_codec
from lintseq.codecs.locate import difference
from lintseq.edits import EditSequence
from lintseq.errors import ConfigError, ProgramError
from lintseq.program import Program
from lintseq.walks import ProgramSampler

CODE, PROGRAM = "code", "program"
"""Formats of completions that are not edit text: code that may continue the prompt, and whole programs."""


def check_format(format: str) -> None:
    """Raise `ConfigError` unless `format` is a format of completions: `code`, `program` or a codec."""
    if format in (CODE, PROGRAM):
        return
    try:
        get_codec(format)
    except ConfigError as error:
        raise ConfigError(f"{error}; {CODE} for programs, {PROGRAM} for programs taken as they are") from None


def reference_completions(problems: Sequence[Problem], format: str, *, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Yield a completion for each problem with a known solution: as code, or as edits that write it."""
    check_format(format)
    for problem in problems:
        if problem.reference:
            yield {"task_id": problem.task_id, "completion": _completion(problem, format, seed), "format": format}


def _completion(problem: Problem, format: str, seed: int) -> str:
    if format == CODE:
        return problem.continuation
    if format == PROGRAM:
        return problem.reference
    if problem.start:
        return get_codec(format).write(_change(problem))
    try:
        sequence = ProgramSampler(problem.reference).sample(seed=seed, id=problem.task_id)
    except ProgramError:  # a snippet that is not a program by itself, as some of DS-1000
        program = Program.from_text(problem.reference)
        sequence = EditSequence(program, (0,) * len(program.lines))
    return get_codec(format).write(sequence)


def _change(problem: Problem) -> EditSequence:
    """Return one edit that turns the start program into the reference."""
    start, program = Program.from_text(problem.start), Program.from_text(problem.reference)
    edit = difference(start.lines, program.lines)
    return EditSequence.of([edit], start, final_newline=program.final_newline)
