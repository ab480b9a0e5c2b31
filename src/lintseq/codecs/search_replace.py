"""Edit sequences as blocks that search and replace, the form that Aider made usual.

    <|diff|><<<<<<< SEARCH
    =======
    def area(r):
        return pi * r * r
    >>>>>>> REPLACE
    <|diff|><<<<<<< SEARCH
    def area(r):
    =======
    from math import pi

    def area(r):
    >>>>>>> REPLACE

A block for each hunk of the edit, one after the other: each is applied to the state that those before it
left. SEARCH and the bar enclose the lines that are removed and, unless these have words and occur nowhere else in the
state, the fewest next to them that do, preferably the one above; the bar and REPLACE enclose what becomes of them. On
nothing there is nothing to search for. Where changes at several positions give the same lines, the last of them is
meant. Texts that search for more lines, or fewer, read as well.

Lines are written without signs. Where one of them could be taken for a marker, all markers of the block are as much
longer as it takes; one that starts with `<|diff|>` (or with backslashes and that) gets a backslash.

In model output, besides the reasons of `lintseq.codecs.repair`:

    marker     markers of another width or form are read (`<<<<< ORIGINAL`, `+++++++ REPLACE`); a block without a
               bar is left out, one without an end extends to the next
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

from lintseq.codecs.codec import Codec, check_form
from lintseq.codecs.locate import find_quote, settled, smallest_window, trimmed
from lintseq.codecs.repair import Draft, Piece, Repair
from lintseq.codecs.text import SEPARATOR, Escape, shorten
from lintseq.edits import Edit, Hunk
from lintseq.errors import EditFault

WIDTH = 7
_ESCAPE = Escape((SEPARATOR,))
_MARKER = re.compile(r"(<+) SEARCH|(=+)|(>+) REPLACE")


# Written


def _write(edit: Edit, state: Sequence[str]) -> list[str]:
    grown = list(state)
    rows: list[str] = []
    shift = 0
    for hunk in settled(edit, state):
        at, end = hunk.position + shift, hunk.end + shift
        low, high = smallest_window(grown, at, end)
        rows += _block(grown[low:high], [*grown[low:at], *hunk.lines, *grown[end:high]])
        grown[at:end] = hunk.lines
        shift += len(hunk.lines) - hunk.removed
    return rows


def _block(search: Sequence[str], replace: Sequence[str]) -> list[str]:
    mark = _width([*search, *replace])
    return [
        *("<" * mark + " SEARCH", *_ESCAPE.escape(search)),
        *("=" * mark, *_ESCAPE.escape(replace)),
        ">" * mark + " REPLACE",
    ]


def _width(lines: Sequence[str]) -> int:
    """Return the least width of markers, from the usual one, that no line could be taken for."""
    markers = [
        marker
        for line in lines
        if line.lstrip().startswith(("<", "=", ">")) and (marker := _MARKER.fullmatch(line.strip()))
    ]
    taken = {len(marker[marker.lastindex or 0]) for marker in markers}
    return next(width for width in range(WIDTH, WIDTH + len(taken) + 1) if width not in taken)


# Read strictly


def _read(rows: Sequence[str], state: Sequence[str]) -> list[Hunk]:
    grown = list(state)
    hunks: list[Hunk] = []
    shift = done = 0
    while done < len(rows):
        bar, end = _markers(rows, done)
        search, replace = _ESCAPE.unescape(rows[done + 1 : bar]), _ESCAPE.unescape(rows[bar + 1 : end])
        check_form(rows[done : end + 1], _block(search, replace), first=done + 1)
        start = find_quote(search, grown, done + 1)
        change = trimmed(Hunk(start, tuple(replace), len(search)), grown)
        if change is None:
            raise EditFault(done + 1, "no-change", "nothing is changed")
        if hunks and change.position - shift <= hunks[-1].end:
            raise EditFault(done + 1, "order", "changes what is before or at the block before it")
        hunks.append(Hunk(change.position - shift, change.lines, change.removed))
        grown[change.position : change.end] = change.lines
        shift += len(change.lines) - change.removed
        done = end + 1
    return hunks


def _markers(rows: Sequence[str], opening: int) -> tuple[int, int]:
    """Return where the bar and the end of the block are that opens there."""
    found = _MARKER.fullmatch(rows[opening])
    if found is None or not found[1]:
        reason = "marker" if rows[opening].startswith("<") else "text" if rows[opening] else "blank"
        raise EditFault(opening + 1, reason, f"{shorten(rows[opening])} found where a SEARCH block is expected")
    width = len(found[1])
    at = opening
    ends = []
    for marker in ("=" * width, ">" * width + " REPLACE"):
        if marker not in rows[at + 1 :]:
            raise EditFault(opening + 1, "marker", f"the block has no line {marker!r}")
        at = rows.index(marker, at + 1)
        ends.append(at)
    return ends[0], ends[1]


# Repaired


_OPEN = re.compile(r"([<-]{5,}) ?(?:SEARCH|ORIGINAL|HEAD)\b[ :>]*", re.I)
_BAR = re.compile(r"={5,9}")
_CLOSE = re.compile(r"(>{5,}) ?\w*|(\+{5,}) ?(?:REPLACE|UPDATED)\b.*", re.I)
_INLINE = re.compile(r"<\|diff\|>(?=<{5,} ?SEARCH)")


class _Marks:
    """Where the markers of some rows are, by kind and width; of kind alone with the width 0."""

    def __init__(self, rows: Sequence[str]) -> None:
        self.at: dict[tuple[str, int], list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            text = row.strip()
            if text.startswith(("<", "-", "=", ">", "+")):
                for kind, pattern in (("open", _OPEN), ("bar", _BAR), ("close", _CLOSE)):
                    if pattern.fullmatch(text):
                        width = len(text) - len(text.lstrip(text[0]))
                        self.at[kind, width].append(index)
                        self.at[kind, 0].append(index)
                if len(text) > 9 and not text.strip("="):
                    self.at["bar", len(text)].append(index)

    def next(self, kind: str, width: int, start: int, end: int) -> int | None:
        """Return the first such marker from `start` on and before `end`."""
        indices = self.at.get((kind, width), [])
        found = bisect_left(indices, start)
        return indices[found] if found < len(indices) and indices[found] < end else None

    def nearest(self, kind: str, width: int, start: int, end: int) -> int | None:
        """Return the first one of just that width, or else of any."""
        exact = self.next(kind, width, start, end)
        return self.next(kind, 0, start, end) if exact is None else exact


def _repair(draft: Draft, piece: Piece) -> None:
    draft.start_edit()
    rows = piece.lines
    marks = _Marks(rows)
    done = 0
    while (opening := marks.next("open", 0, done, len(rows))) is not None:
        draft.ignore(piece.line + done, rows[done:opening])
        done = _repair_block(draft, piece, marks, opening)
    draft.ignore(piece.line + done, rows[done:])


def _repair_block(draft: Draft, piece: Piece, marks: _Marks, opening: int) -> int:
    """Make the change of the block that opens there; return where it ends."""
    rows, line = piece.lines, piece.line + opening
    text = rows[opening].strip()
    width = len(text) - len(text.lstrip(text[0]))
    following = marks.next("open", width, opening + 1, len(rows))
    limit = len(rows) if following is None else following
    end = marks.nearest("close", width, opening + 1, limit)
    cut = end is None and piece.last and limit == len(rows)
    stop = limit if end is None else end
    bar = marks.nearest("bar", width, opening + 1, stop)
    if bar is None:
        reason = "truncated" if cut else "marker"
        draft.note(line, reason, "the block has nothing to replace what it searches for; ignored")
        return stop + (end is not None)
    for index, usual in ((opening, "<" * width + " SEARCH"), (bar, "=" * width), (end, ">" * width + " REPLACE")):
        if index is None:
            if not cut:
                draft.note(line, "marker", "the block does not end; it is taken up to the next")
        elif rows[index] != usual:
            draft.note(piece.line + index, "marker", f"{shorten(rows[index])} is read as {usual!r}")
    replacement = rows[bar + 1 : stop]
    if cut and replacement and (">" * width + " REPLACE").startswith(replacement[-1]):
        replacement.pop()
    draft.change(line, _ESCAPE.unescape(rows[opening + 1 : bar]), _ESCAPE.unescape(replacement), cut=cut)
    return stop + (end is not None)


def _opens(piece: Piece, _more: bool) -> bool:
    return any(_OPEN.match(row.strip()) for row in piece.lines)


SEARCH_REPLACE = Codec.by_edit("search-replace", _write, _read, Repair(_repair, _opens, _INLINE), any_context=True)
