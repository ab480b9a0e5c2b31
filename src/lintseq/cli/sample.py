"""`lintseq sample`: one edit sequence in the terminal.

Owns how a growing program is shown. Which edits there are is the sampler's business, how they are written
down the codec's.
"""

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lintseq.cli.console import plural
from lintseq.edits import EditSequence
from lintseq.errors import ConfigError, ProgramError
from lintseq.languages import get_language

if TYPE_CHECKING:
    from rich.console import Console

WHOLE = 40
"""States of up to so many lines are shown whole; of longer ones, the surroundings of what is new."""
CONTEXT = 2
"""Lines shown on either side of a new one in a long program."""


def sample(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A Python file; - is standard input.")],
    *,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    draw: Annotated[int, typer.Option(min=0, help="Number of the draw, from 0.")] = 0,
    linter: Annotated[str, typer.Option(help="What judges the states on the way.")] = "native",
    certify: Annotated[str | None, typer.Option(help="A second linter that must find each state clean.")] = None,
    order: Annotated[
        Literal["uniform", "indent", "forward"],
        typer.Option(
            help="Which line comes next: any (uniform), sooner the shallow (indent), from the top (forward)."
        ),
    ] = "uniform",
    comments: Annotated[
        Literal["attach", "first"],
        typer.Option(help="Comments come with their code (attach) or before all else (first)."),
    ] = "attach",
    text: Annotated[bool, typer.Option("--text", help="Print the edit text instead, byte for byte.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the record instead.")] = False,
) -> None:
    """Show one way to write FILE, edit by edit.

    Each edit is printed with the program as it stands after it; new lines are marked +.

    Example: lintseq sample area.py --seed 3
    """
    from lintseq.walks import ProgramSampler, SamplingOptions, check_options

    if text and json:
        raise ConfigError("--text and --json exclude each other; choose one")
    options = SamplingOptions(linter=linter, order=order, comments=comments, certify=certify)
    check_options(options)
    sequence = ProgramSampler(read_source(file), options).sample(seed=seed, draw=draw)
    if text:
        from lintseq.codecs import DIFF

        typer.echo(DIFF.write(sequence).encode(), nl=False)
    elif json:
        from lintseq.codecs import DIFF
        from lintseq.dataset.shapes import SHAPES, ProgramRow, meta_of
        from lintseq.rows import encode_line

        row = ProgramRow(id="", instruction="", program=sequence.program.text)
        record = SHAPES["lintseq"].write(row, sequence, draw, meta_of(options, seed), DIFF)
        typer.echo(encode_line(record), nl=False)
    else:
        name = "standard input" if file == "-" else Path(file).name
        show(sequence, console(), title=f"{name}, seed {seed}, draw {draw}")


def read_source(file: str) -> str:
    """Return the exact text of a Python file, decoded as Python would; line endings stay as they are."""
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from None
    try:
        return get_language().decode(data)
    except ProgramError as error:
        raise ProgramError(error.reason, f"{file}: {error.detail}") from None


def console() -> "Console":
    """Return where to print: colored only on a terminal, and not if `NO_COLOR` is set."""
    from rich.console import Console

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an encoding without our bars and dots must not end the command
    return Console(highlight=False, markup=False, color_system=None if os.environ.get("NO_COLOR") else "auto")


def show(sequence: EditSequence, to: "Console", *, title: str) -> None:
    """Print every edit of `sequence` with the program as it stands after it."""
    show_title(sequence, to, title=title)
    for number in range(len(sequence)):
        print_line(to)
        show_edit(sequence, number, to)


def show_title(sequence: EditSequence, to: "Console", *, title: str) -> None:
    """Print what is shown, and how many edits it has."""
    print_line(to, (title, "bold"), (f": {plural(len(sequence), 'edit')}", "bold"))


def show_edit(sequence: EditSequence, number: int, to: "Console") -> list[bool]:
    """Print an edit, from 0, with the program as it stands after it; -1 prints what the edits start from.

    Returns, for each line printed below the heading, whether it is new.
    """
    lines = sequence.program.lines
    present = [index for index, arrival in enumerate(sequence.arrivals) if arrival <= number]
    new = {place for place, index in enumerate(present) if sequence.arrivals[index] == number >= 0}
    heading = f"edit {number + 1} of {len(sequence)}:" if number >= 0 else "before the first edit:"
    counted = f" +{plural(len(new), 'line')}" if number >= 0 else f" {plural(len(present), 'line')}"
    print_line(to, (heading, "bold cyan"), (counted, "cyan"))
    return show_state([lines[index] for index in present], new, to, width=len(str(len(lines))))


def show_state(state: list[str], new: set[int], to: "Console", *, width: int) -> list[bool]:
    """Print the lines of a state, those at the places in `new` as new, leaving out what is far from them."""
    printed: list[bool] = []
    last = -1
    for place in [*chosen(state, new), len(state)]:
        if left_out := place - last - 1:
            print_line(to, (f"{'⋮':>{width + 2}}   {plural(left_out, 'line')} more", "dim italic"))
            printed.append(False)
        if place < len(state):
            line = printable(state[place])
            if place in new:
                print_line(to, (f"{place + 1:>{width + 2}} ", "dim"), (f"+ {line}".rstrip(), "green"))
            else:
                print_line(to, (f"{place + 1:>{width + 2}}   {line}".rstrip(), "dim"))
            printed.append(place in new)
        last = place
    return printed


def chosen(state: list[str], new: set[int]) -> list[int]:
    """Return the places of the lines to show: all, or in a long state those around and above what is new."""
    if len(state) <= WHOLE:
        return list(range(len(state)))
    near = {place + step for place in new for step in range(-CONTEXT, CONTEXT + 1)}
    shown = {place for place in near if 0 <= place < len(state)}
    shown.update(header for place in new for header in headers(state, place))
    return _without_small_gaps(sorted(shown), len(state))


def headers(state: list[str], place: int) -> Iterator[int]:
    """Yield the places of the lines that open the blocks around `place`, going by indentation alone.

    A blank line has none to go by: the code before it stands in for it, and is yielded too.
    """
    indent = _indent(state[place]) if state[place].strip() else sys.maxsize
    for above in range(place - 1, -1, -1):
        if not indent:
            return
        line = state[above]
        if line.strip() and _indent(line) < indent:
            indent = _indent(line)
            yield above


def _without_small_gaps(shown: list[int], size: int) -> list[int]:
    """Return `shown` with every gap of one line filled in: saying that a line is left out takes a line as well."""
    filled = set(shown)
    filled.update(b - 1 for a, b in zip([-1, *shown], [*shown, size], strict=True) if b - a == 2)
    return sorted(filled)


def printable(line: str) -> str:
    """Return `line` with tabs as spaces and control characters, which a terminal would obey, as pictures."""
    return "".join(map(_picture, line.removesuffix("\r").expandtabs(4)))


def _picture(char: str) -> str:
    if char < " ":
        return chr(0x2400 + ord(char))
    if "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff":
        return "␡" if char == "\x7f" else "�"
    return char


def _indent(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip())


def print_line(to: "Console", *parts: tuple[str, str]) -> None:
    """Print one line; on a terminal, what is too long for it is cut."""
    from rich.text import Text

    text = Text.assemble(*parts)
    if to.is_terminal:
        to.print(text, no_wrap=True, overflow="ellipsis", crop=True)
    else:
        to.print(text, soft_wrap=True)
