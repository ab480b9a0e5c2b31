"""Hunks told row by row: each row says whether its line is added or stays, as in a unified diff.

Shared by the formats that show insertions this way; owns which lines of the state a hunk shows, and where the
hunks of a text belong. How headers look is each format's own.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lintseq.codecs.locate import places
from lintseq.codecs.text import shorten
from lintseq.edits import Edit, Hunk
from lintseq.errors import EditFault

CONTEXT = 3
"""How many lines of the state are shown on each side of an insertion, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What rows start with."""

    added: str
    kept: str
    gone: str


SIGNS = Signs("+", " ", "-")


# Written


Telling = Callable[[int, int, int], str | None]
"""Of the lines between two places of the state, looked for from a third on: what must stand in the header for
them to be found; empty if they are enough, None if nothing helps and more lines must be shown."""


@dataclass(frozen=True, slots=True)
class Window:
    """The lines of the state from `low` to `high`, and the hunks that are put between them."""

    low: int
    high: int
    hunks: tuple[Hunk, ...]
    anchor: str
    """What must stand in the header."""

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


def windows(edit: Edit, size: int, context: int, tell: Telling) -> Iterator[Window]:
    """Yield the windows on an edit in a state of so many lines, from the first to the last.

    Each shows `context` lines on both sides, and half as many more again until `tell` has an answer. Hunks whose
    windows meet share one, and none shows what one before it shows: the answer for all that is left must not be
    None.
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
            anchor = tell(low, high, cursor)
            if anchor is not None:
                break
            width += max(width // 2, 1)
        yield Window(low, high, hunks[index:end], anchor)
        index, cursor = end, high


def stands_alone(state: Sequence[str], low: int, high: int, cursor: int) -> bool:
    """Tell whether the lines from `low` to `high` are not in `state` again from `cursor` on."""
    return (low, high) == (cursor, len(state)) or len(places(state[cursor:], state[low:high])) == 1


# Read strictly


def signed_end(rows: Sequence[str], start: int, signs: Signs) -> int:
    """Return where the rows end that start with signs; raise `EditFault` for one that deletes."""
    end = start
    while end < len(rows) and rows[end].startswith((signs.added, signs.kept)):
        end += 1
    if end < len(rows) and rows[end].startswith(signs.gone):
        raise EditFault(end + 1, "replace", f"{shorten(rows[end])} deletes a line, and edits only insert")
    return end


def kept(rows: Sequence[str], signs: Signs) -> list[str]:
    """Return the lines of the state that signed rows show."""
    return [row.removeprefix(signs.kept) for row in rows if not row.startswith(signs.added)]


def insertions(rows: Sequence[str], signs: Signs, start: int) -> list[Hunk]:
    """Return the hunks of signed rows whose first line of the state is number `start`, from 0."""
    hunks: list[Hunk] = []
    run: list[str] = []
    for row in [*rows, signs.kept]:
        if row.startswith(signs.added):
            run.append(row.removeprefix(signs.added))
            continue
        if run:
            hunks.append(Hunk(start, tuple(run)))
            run = []
        start += 1
    return hunks


def found_at(shown: Sequence[str], state: Sequence[str], cursor: int, line: int) -> list[int]:
    """Return where the lines that a hunk shows stand in `state` from `cursor` on; raise `EditFault` if nowhere.

    `line` is where the text has the hunk.
    """
    if not state:
        return [0]
    if not shown:
        raise EditFault(line, "no-anchor", f"shows no line of the {len(state)} that the state has")
    found = [cursor + at for at in places(state[cursor:], shown)]
    if not found:
        where = f" after line {cursor}" if cursor else ""
        detail = f"{len(shown)} lines, the first {shorten(shown[0])}, are not in the state{where}"
        raise EditFault(line, "not-found", detail)
    return found


def joined(hunks: list[Hunk], more: Sequence[Hunk], line: int) -> None:
    """Add the hunks of one more header to those before; raise `EditFault` if they do not go there."""
    if not more:
        raise EditFault(line, "no-change", "nothing is inserted")
    if hunks and more[0].position <= hunks[-1].position:
        raise EditFault(line, "order", "inserts before or at the hunk before it")
    hunks += more
