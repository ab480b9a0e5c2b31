"""Hunks written row by row: each row's sign says whether its line is added, removed or stays, as in a unified diff.

Shared by the formats that show edits this way: which lines of the state a hunk shows, and how the hunks of a
well-formed text are read. Each format has its own headers.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lintseq.codecs.text import shorten
from lintseq.edits import Edit, Hunk
from lintseq.errors import EditFault

CONTEXT = 3
"""Default number of lines of the state shown on each side of a change."""


@dataclass(frozen=True, slots=True)
class Signs:
    """The prefixes of rows."""

    added: str
    kept: str
    removed: str


SIGNS = Signs("+", " ", "-")


# Written


ChooseAnchor = Callable[[int, int, int], str | None]
"""Of the lines from `low` to `high` of the state, searched for from `cursor` on: the anchor that the header needs for
them to be found; empty if they suffice, None if nothing helps and more lines must be shown."""


@dataclass(frozen=True, slots=True)
class Window:
    """The lines of the state from `low` to `high`, and the hunks that change them."""

    low: int
    high: int
    hunks: tuple[Hunk, ...]
    anchor: str
    """For the header."""

    @property
    def growth(self) -> int:
        return sum(len(hunk.lines) - hunk.removed for hunk in self.hunks)

    def rows(self, state: Sequence[str], signs: Signs) -> list[str]:
        rows: list[str] = []
        done = self.low
        for hunk in self.hunks:
            rows += [signs.kept + line for line in state[done : hunk.position]]
            rows += [signs.removed + line for line in state[hunk.position : hunk.end]]
            rows += [signs.added + line for line in hunk.lines]
            done = hunk.end
        return rows + [signs.kept + line for line in state[done : self.high]]


def windows(edit: Edit, size: int, context: int, choose_anchor: ChooseAnchor) -> Iterator[Window]:
    """Yield the windows on an edit in a state of `size` lines, from the first to the last.

    Each shows `context` lines on both sides, and half as many more again until `choose_anchor` has an answer. Hunks
    whose windows meet share one, and none shows what one before it shows: the answer for all remaining lines must not
    be None.
    """
    hunks = edit.hunks
    index = cursor = 0
    while index < len(hunks):
        width, end = context, index + 1
        while True:
            while end < len(hunks) and hunks[end].position - hunks[end - 1].end <= width + context:
                end += 1
            low = max(hunks[index].position - width, cursor)
            high = min(hunks[end - 1].end + width, size)
            anchor = choose_anchor(low, high, cursor)
            if anchor is not None:
                break
            width += max(width // 2, 1)
        yield Window(low, high, hunks[index:end], anchor)
        index, cursor = end, high


# Read strictly


Header = TypeVar("Header")


def read_hunks(
    rows: Sequence[str],
    signs: Signs,
    header: Callable[[str, int], Header],
    locate: Callable[[Header, Sequence[str], int, int, int], int],
    *,
    first: int = 0,
) -> tuple[Hunk, ...]:
    """Return the changes of hunks that start at index `first` of `rows`; raise `EditFault` for the first fault.

    `header` reads a header row, and takes its line number. `locate` returns where the lines of the state that a hunk
    shows are: it takes the header, these lines, how many lines they become, the line number of the header, and the
    index in the state behind the hunk before.
    """
    hunks: list[Hunk] = []
    cursor, lineno = 0, first + 1
    while lineno <= len(rows):
        found = header(rows[lineno - 1], lineno)
        quoted, changes = _read_rows(rows, signs, lineno)
        growth = sum(len(lines) - removed for _, lines, removed in changes)
        start = locate(found, quoted, len(quoted) + growth, lineno, cursor)
        if not changes:
            raise EditFault(lineno, "no-change", "nothing is changed")
        if hunks and start + changes[0][0] <= hunks[-1].end:
            raise EditFault(lineno, "order", "changes what is before or at the hunk before it")
        hunks += [Hunk(start + at, tuple(lines), removed) for at, lines, removed in changes]
        cursor = start + len(quoted)
        lineno += len(quoted) + sum(len(lines) for _, lines, _ in changes) + 1
    return tuple(hunks)


def _read_rows(rows: Sequence[str], signs: Signs, first: int) -> tuple[list[str], list[tuple[int, list[str], int]]]:
    """Return the lines of the state that signed rows from index `first` on show, and the changes of these lines.

    Each is the number of such lines before it, its new lines, and how many it removes.
    """
    added, kept, removed, width = signs.added, signs.kept, signs.removed, len(signs.kept)
    quoted: list[str] = []
    changes: list[tuple[int, list[str], int]] = []
    lines, gone = list[str](), 0
    for index in range(first, len(rows)):
        row = rows[index]
        if row.startswith(added):
            lines.append(row[width:])
            continue
        if not row.startswith(kept):
            if not row.startswith(removed):
                break
            if lines:
                raise EditFault(index + 1, "form", f"{shorten(row)} removes a line after the new ones")
            gone += 1
        elif lines or gone:
            changes.append((len(quoted) - gone, lines, gone))
            lines, gone = [], 0
        quoted.append(row[width:])
    if lines or gone:
        changes.append((len(quoted) - gone, lines, gone))
    return quoted, changes


def header_fault(row: str, usual: str, lineno: int) -> EditFault:
    """Return the fault of a row where a header of the form `usual` was expected."""
    if lineno == 1 and not row:
        return EditFault(lineno, "empty-edit", "has no hunk")
    if lineno == 1 or row.startswith("@@"):
        return EditFault(lineno, "header", f"{shorten(row)} is not of the form {usual!r}")
    return EditFault(lineno, "text", f"{shorten(row)} is neither a header nor a row")


def line_range(start: int, count: int) -> str:
    """Return a range of lines as the header of a unified diff writes it."""
    return str(start) if count == 1 else f"{start},{count}"
