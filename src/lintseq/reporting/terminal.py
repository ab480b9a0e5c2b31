"""Programs and edit sequences in a terminal: each edit with the program after it, new and removed lines marked."""

import os
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import accumulate, pairwise

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lintseq.edits import EditSequence
from lintseq.reporting.numbers import plural
from lintseq.reporting.pages import replace_controls

WHOLE = 40
"""States of up to this many lines are printed whole; of longer ones, the surroundings of changed lines."""
_TABLE_WIDTH = 76
CONTEXT = 2
"""Lines printed on either side of a changed one in a long program."""


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
    """Print an edit, counted from 0, with the program after it and the lines that it removes; -1 prints the start."""
    indices = sequence.visible_at(number)
    marks = {row: "+" for row, index in enumerate(indices) if sequence.arrivals[index] == number >= 0}
    if sequence.departures:
        marks |= {row: "-" for row, index in enumerate(indices) if sequence.departures[index] == number}
    heading = f"edit {number + 1} of {len(sequence)}:" if number >= 0 else "before the first edit:"
    print_line(to, (heading, "bold cyan"), (f" {changes_text(marks) or plural(len(indices), 'line')}", "cyan"))
    rows = [sequence.merged.lines[index] for index in indices]
    print_state(rows, marks, to, width=len(str(len(sequence.merged.lines))))


def changes_text(marks: Mapping[int, str]) -> str:
    """Return how many lines arrive and depart: `+3 lines`, `-1 line` or `+3 lines, -1 line`."""
    counts = Counter(marks.values())
    return ", ".join(f"{sign}{plural(counts[sign], 'line')}" for sign in "+-" if counts[sign])


def print_state(rows: list[str], marks: Mapping[int, str], to: Console, *, width: int) -> None:
    """Print the lines of a state, and removed ones between them, omitting those far from any mark.

    `marks` has `+` for the indices of new lines, `-` for those of removed lines, whose number is that before the edit.
    """
    last = -1
    numbers = {sign: list(accumulate(marks.get(i) != sign for i in range(len(rows)))) for sign in "+-"}
    for index in [*visible_lines(rows, marks), len(rows)]:
        if omitted := index - last - 1:
            print_line(to, (f"{'⋮':>{width + 2}}   {plural(omitted, 'line')} more", "dim italic"))
        if index < len(rows):
            line, sign = printable(rows[index]), marks.get(index, " ")
            lineno = f"{numbers['+' if sign == '-' else '-'][index]:>{width + 2}} "
            if sign == " ":
                print_line(to, (f"{lineno}  {line}".rstrip(), "dim"))
            elif sign == "+":
                print_line(to, (lineno, "dim"), (f"+ {line}".rstrip(), "green"))
            else:
                print_line(to, (lineno, "dim"), ("- ", "red"), (line, "red strike"))
        last = index


def visible_lines(rows: list[str], changed: Collection[int]) -> list[int]:
    """Return the indices of the lines to print: all, or of many those around changed lines and their headers."""
    if len(rows) <= WHOLE:
        return list(range(len(rows)))
    near = {index + step for index in changed for step in range(-CONTEXT, CONTEXT + 1)}
    visible = {index for index in near if 0 <= index < len(rows)}
    visible.update(header for index in changed for header in headers(rows, index))
    # A gap of one line is filled: saying that a line is omitted takes a line as well.
    edges = sorted({-1, len(rows), *visible})
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
