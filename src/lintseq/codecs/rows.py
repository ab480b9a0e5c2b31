"""Hunks written row by row: each row's sign says whether its line is added or stays, as in a unified diff.

Shared by the formats that show insertions this way: which lines of the state a hunk shows, and how the hunks of a
well-formed text are read. Each format has its own headers.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lintseq.codecs.text import shorten
from lintseq.edits import Edit, Hunk
from lintseq.errors import EditFault

CONTEXT = 3
"""Default number of lines of the state shown on each side of an insertion."""


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
    """The lines of the state from `low` to `high`, and the hunks that are put between them."""

    low: int
    high: int
    hunks: tuple[Hunk, ...]
    anchor: str
    """For the header."""

    @property
    def added(self) -> int:
        return sum(len(hunk.lines) for hunk in self.hunks)

    def rows(self, state: Sequence[str], signs: Signs) -> list[str]:
        rows: list[str] = []
        done = self.low
        for hunk in self.hunks:
            rows += [signs.kept + line for line in state[done : hunk.position]]
            rows += [signs.added + line for line in hunk.lines]
            done = hunk.position
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
            while end < len(hunks) and hunks[end].position - hunks[end - 1].position <= width + context:
                end += 1
            low = max(hunks[index].position - width, cursor)
            high = min(hunks[end - 1].position + width, size)
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
    """Return the insertions of hunks that start at index `first` of `rows`; raise `EditFault` for the first fault.

    `header` reads a header row, and takes its line number. `locate` returns where the kept rows of a hunk are in the
    state: it takes the header, these rows, the number of all rows, the line number of the header, and the index in the
    state behind the hunk before.
    """
    hunks: list[Hunk] = []
    cursor, lineno = 0, first + 1
    while lineno <= len(rows):
        found = header(rows[lineno - 1], lineno)
        end = lineno
        while end < len(rows) and rows[end].startswith((signs.added, signs.kept)):
            end += 1
        if end < len(rows) and rows[end].startswith(signs.removed):
            raise EditFault(end + 1, "replace", f"{shorten(rows[end])} deletes a line, and edits only insert")
        body = rows[lineno:end]
        kept = [row.removeprefix(signs.kept) for row in body if not row.startswith(signs.added)]
        start = locate(found, kept, len(body), lineno, cursor)
        more = _insertions(body, signs, start)
        if not more:
            raise EditFault(lineno, "no-change", "nothing is inserted")
        if hunks and more[0].position <= hunks[-1].position:
            raise EditFault(lineno, "order", "inserts before or at the hunk before it")
        hunks += more
        cursor, lineno = start + len(kept), end + 1
    return tuple(hunks)


def _insertions(rows: Sequence[str], signs: Signs, start: int) -> list[Hunk]:
    """Return the hunks of signed rows whose first kept line is at index `start` of the state."""
    hunks: defaultdict[int, list[str]] = defaultdict(list)
    for row in rows:
        if row.startswith(signs.added):
            hunks[start].append(row.removeprefix(signs.added))
        else:
            start += 1
    return [Hunk(position, tuple(lines)) for position, lines in hunks.items()]


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
