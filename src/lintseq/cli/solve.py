"""`lintseq solve`: a program that a model writes, shown as it grows."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from lintseq.cli.complete import BACKEND_PANEL, DECODING_PANEL, Model
from lintseq.cli.console import print_note
from lintseq.cli.options import Quiet, with_options
from lintseq.cli.sample import read_source
from lintseq.codecs import Resolution
from lintseq.codecs.locate import align
from lintseq.lm.solving import Solution, SolveOptions, solve as write_program
from lintseq.reporting.numbers import plural
from lintseq.reporting.terminal import changes_text, console, print_line, print_state, printable
from lintseq.storage import write_atomically

_LINES_BELOW = 4
"""Screen lines that are left free below the program."""


@with_options(
    {
        "Model": BACKEND_PANEL,
        "Sampling": "temperature top_p max_tokens seed",
        "Prompt": "start check prompts format",
        "Decoding edit by edit": DECODING_PANEL,
        "Output": "output json quiet",
    }
)
def solve(
    instruction: Annotated[str, "INSTRUCTION", "What the program should do; - reads it from standard input."],
    *,
    model: Model,
    start: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="A program for the model to change.")
    ] = None,
    options: SolveOptions,
    output: Annotated[Path | None, "FILE", "Also write the program to this file."] = None,
    json: Annotated[bool, "Print program, edit text and cost as JSON instead."] = False,
    quiet: Quiet = False,
) -> None:
    """Let a model write a program, and show it growing edit by edit.

    On a terminal the program is drawn while tokens arrive; elsewhere each state is printed. New lines are marked +.
    With --linted, bad edits are redrawn, and the number of redraws is printed. At the end you see whether the program
    compiles and whether it passes the --check; if it fails, the exit status is 1.

    Example: lintseq solve "Write a function double(x)." --model runs/edits --check "assert double(2) == 4"
    """
    text = sys.stdin.read().removesuffix("\n") if instruction == "-" else instruction
    before = "" if start is None else read_source(str(start))
    with program_view(console(), visible=not json, quiet=quiet) as (on_progress, on_notice):
        solution = write_program(text, model, options, start=before, on_progress=on_progress, on_notice=on_notice)
    if output is not None:
        write_atomically(str(output), solution.program.text.encode("utf-8", "surrogateescape"))
    if json:
        typer.echo(dumps(as_dict(solution)))
    elif not quiet:
        print_solution(solution, console())
    for warning in solution.warnings:
        typer.echo(f"lintseq: {warning}", err=True)
    if solution.checked is not None and solution.checked.verdict != "passed":
        raise typer.Exit(1)


@contextmanager
def program_view(
    to: Console, *, visible: bool = True, quiet: bool = False
) -> Iterator[tuple[Callable[[Resolution], None] | None, Callable[[str], None]]]:
    """Yield callbacks that show a growing program, and what the program waits for.

    Without a terminal the first is None, and the second prints to standard error.
    """
    if quiet or not (visible and to.is_terminal):
        yield None, (lambda text: None) if quiet else print_note
        return
    with Live(console=to, auto_refresh=False, transient=True) as live:
        yield (
            lambda resolution: live.update(_drawing(resolution, to), refresh=True),
            lambda text: live.update(Text(f"{text} ..."), refresh=True),
        )


def _drawing(resolution: Resolution, to: Console) -> Text:
    """Return the last edit of a program as text that fits a terminal."""
    # Rendered to text first: anything printed to a console with a live display appears above it.
    color: Any = to.color_system
    page = Console(
        file=io.StringIO(), force_terminal=True, color_system=color, width=to.width, highlight=False, markup=False
    )
    with page.capture() as capture:
        print_edit(resolution, len(resolution.changes), page)
    lines = capture.get().removesuffix("\n").split("\n")
    height = max(to.size.height - _LINES_BELOW, 3)
    return Text.from_ansi("\n".join(lines if len(lines) <= height else [lines[0], *lines[1 - height :]]))


def print_edit(resolution: Resolution, number: int, to: Console) -> None:
    """Print an edit, counted from 1, with the program after it and the lines that it removes."""
    states = [resolution.start, *resolution.states()]
    before, after = states[max(number - 1, 0)].lines, states[number].lines
    rows: list[str] = []
    marks: dict[int, str] = {}
    done = 0
    for line, index in [*zip(before, align(before, after), strict=True), ("", len(after))]:
        new = after[done:index] if index is not None else ()
        marks |= dict.fromkeys(range(len(rows), len(rows) + len(new)), "+")
        rows += new
        if index is None:
            marks[len(rows)] = "-"
        else:
            done = index + 1
        rows.append(line)
    rows.pop()
    print_line(to, (f"edit {number}:", "bold cyan"), (f" {changes_text(marks)}", "cyan"))
    print_state(rows, marks, to, width=len(str(len(after))))


def print_solution(solution: Solution, to: Console) -> None:
    """Print every edit of a solution, what it cost, and what was malformed."""
    completion, resolution = solution.completion, solution.resolution
    for number in range(1, len(resolution.changes) + 1):
        print_edit(resolution, number, to)
        print_line(to)
    facts = [plural(completion.completion_tokens or 0, "token")]
    facts += [f"{count} {reason} edits redrawn" for reason, count in completion.more.get("rejected", {}).items()]
    facts += ["ended by --max-tokens or the model's context"] if completion.finish == "length" else []
    print_line(to, (", ".join(facts), "dim"))
    error = solution.syntax_error
    print_line(to, (f"does not compile: {error}", "red") if error else ("compiles", "green"))
    if (checked := solution.checked) is not None:
        detail = f": {printable(checked.detail)}" if checked.detail else ""
        print_line(to, (f"check: {checked.verdict}{detail}", "green" if checked.verdict == "passed" else "red"))
    for note in resolution.notes:
        print_line(to, (printable(str(note)), "yellow"))
    if resolution.notes and not resolution.edits_applied:
        print_line(to, ("the text has no edits; `lintseq finetune` trains a model to write them", "yellow"))


def as_dict(solution: Solution) -> dict[str, Any]:
    """Return a solution as plain values."""
    completion, checked = solution.completion, solution.checked
    return {
        "program": solution.program.text,
        "compiles": not solution.syntax_error,
        "check": None if checked is None else {"verdict": checked.verdict, "detail": checked.detail},
        "completion": completion.text,
        "finish_reason": completion.finish,
        **completion.more,
        "completion_tokens": completion.completion_tokens,
        "flops": completion.flops,
    }
