"""Programs and edit sequences in a terminal: each edit with the program after it, new lines marked."""

import os
import sys
from collections.abc import Iterator
from itertools import pairwise

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lintseq.edits import EditSequence
from lintseq.reporting.numbers import plural
from lintseq.reporting.pages import replace_controls

WHOLE = 40
"""States of up to this many lines are printed whole; of longer ones, the surroundings of new lines."""
_TABLE_WIDTH = 76
CONTEXT = 2
"""Lines printed on either side of a new one in a long program."""


class _Terminal(Console):
    """A console that leaves it to its caller what a closed pipe means; rich would exit with status 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(*, width: int | None = None) -> Console:
    """Return a console for standard output: colored only on a terminal, and not if `NO_COLOR` is set."""
    return _Terminal(
        width=width, highlight=False, markup=False, color_system=None if os.environ.get("NO_COLOR") else "auto"
    )


def print_sequence(sequence: EditSequence, to: Console, *, title: str) -> None:
    """Print every edit of a sequence with the program after it."""
    print_title(sequence, to, title=title)
    for number in range(len(sequence)):
        print_line(to)
        print_edit(sequence, number, to)


def print_title(sequence: EditSequence, to: Console, *, title: str) -> None:
    """Print a title with the number of edits."""
    print_line(to, (title, "bold"), (f": {plural(len(sequence), 'edit')}", "bold"))


def print_edit(sequence: EditSequence, number: int, to: Console) -> None:
    """Print an edit, counted from 0, with the program after it; -1 prints the state that the edits start from."""
    lines = sequence.program.lines
    present = [index for index, arrival in enumerate(sequence.arrivals) if arrival <= number]
    new = {position for position, index in enumerate(present) if sequence.arrivals[index] == number >= 0}
    heading = f"edit {number + 1} of {len(sequence)}:" if number >= 0 else "before the first edit:"
    counted = f" +{plural(len(new), 'line')}" if number >= 0 else f" {plural(len(present), 'line')}"
    print_line(to, (heading, "bold cyan"), (counted, "cyan"))
    print_state([lines[index] for index in present], new, to, width=len(str(len(lines))))


def print_state(state: list[str], new: set[int], to: Console, *, width: int) -> None:
    """Print the lines of a state, marking those at the indices in `new` and omitting distant ones."""
    last = -1
    for index in [*visible_lines(state, new), len(state)]:
        if omitted := index - last - 1:
            print_line(to, (f"{'⋮':>{width + 2}}   {plural(omitted, 'line')} more", "dim italic"))
        if index < len(state):
            line = printable(state[index])
            if index in new:
                print_line(to, (f"{index + 1:>{width + 2}} ", "dim"), (f"+ {line}".rstrip(), "green"))
            else:
                print_line(to, (f"{index + 1:>{width + 2}}   {line}".rstrip(), "dim"))
        last = index


def visible_lines(state: list[str], new: set[int]) -> list[int]:
    """Return the indices of the lines to print: all, or in a long state those around new lines and their headers."""
    if len(state) <= WHOLE:
        return list(range(len(state)))
    near = {index + step for index in new for step in range(-CONTEXT, CONTEXT + 1)}
    visible = {index for index in near if 0 <= index < len(state)}
    visible.update(header for index in new for header in headers(state, index))
    # A gap of one line is filled: saying that a line is omitted takes a line as well.
    edges = sorted({-1, len(state), *visible})
    visible.update(b - 1 for a, b in pairwise(edges) if b - a == 2)
    return sorted(visible)


def headers(state: list[str], index: int) -> Iterator[int]:
    """Yield the indices of the lines that open the blocks around a line, judging by indentation alone.

    A blank line has none; it counts as part of the code before it, which is yielded too.
    """
    indent = _indent(state[index]) if state[index].strip() else sys.maxsize
    for above in range(index - 1, -1, -1):
        if not indent:
            return
        line = state[above]
        if line.strip() and _indent(line) < indent:
            indent = _indent(line)
            yield above


def printable(line: str) -> str:
    """Return a line with tabs expanded and control characters replaced by visible symbols."""
    return replace_controls(line.removesuffix("\r").expandtabs(4)).replace("\n", "␊")


def _indent(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip())


def print_table(table: Table, to: Console) -> None:
    """Print a table; on a narrow terminal its lines continue on the next one, rather than lose columns."""
    (to if to.width >= _TABLE_WIDTH else console(width=_TABLE_WIDTH)).print(table)


def print_line(to: Console, *parts: tuple[str, str]) -> None:
    """Print one line, cut to the width of a terminal."""
    text = Text.assemble(*parts)
    to.print(text, no_wrap=True, overflow="ellipsis" if to.is_terminal else "ignore", soft_wrap=not to.is_terminal)
