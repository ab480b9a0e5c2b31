"""Edit sequences as the whole file after each edit: nothing to find, nothing to count, and much to write.

    <|diff|>def area(r):
        return pi * r * r
    <|diff|>from math import pi

    def area(r):
        return pi * r * r

Lines are shown as they are. One that starts with `<|diff|>` or a Markdown fence (or with backslashes and one of
these) gets a backslash.
"""

from collections.abc import Sequence

from lintseq.codecs import mending
from lintseq.codecs.codec import Codec
from lintseq.codecs.locate import align, insertion
from lintseq.codecs.mending import FENCES, Draft, Escape, Habits, Piece
from lintseq.codecs.resolution import Resolution
from lintseq.codecs.text import SEPARATOR, shorten
from lintseq.edits import Edit, EditSequence
from lintseq.errors import EditFault
from lintseq.program import Program

_ESCAPE = Escape((SEPARATOR, *FENCES))


def edit_texts(sequence: EditSequence) -> list[str]:
    """Return the text of each edit, without separators and without a newline at its end."""
    rows = list(zip(_ESCAPE.hide(sequence.program.lines), sequence.arrivals, strict=True))
    return ["\n".join([row for row, arrival in rows if arrival <= edit]) for edit in range(len(sequence))]


def read_edit(text: str, state: Sequence[str]) -> Edit:
    """Return the insertion that an edit text makes in `state`; raise `EditFault` if it is not as written above."""
    rows = text.split("\n")
    lines = _ESCAPE.show(rows)
    edit = insertion(state, lines)
    for number, (row, due) in enumerate(zip(rows, _ESCAPE.hide(lines), strict=True), 1):
        if row != due:
            reason = "fence" if row.startswith(FENCES) else "form"
            raise EditFault(number, reason, f"{shorten(row)} stands where {shorten(due)} is usual")
    return edit


def resolve(text: str, start: Program) -> Resolution:
    """Return the program that any text writes on `start`, and what was ignored or repaired; never raises.

    Reasons are those of `lintseq.codecs.mending`. Of an edit that has a Markdown fence, what is in it is the state.
    Where the text ends without a newline and only the last lines of the state before are not there, it is
    taken to be cut off, and they stay.
    """
    return mending.resolve(text, start, STATES, _HABITS)


def _mend(draft: Draft, piece: Piece) -> None:
    first, rows, closed = _unfenced(draft, piece)
    if not any(map(str.strip, rows)):
        draft.note(piece.line, "empty-edit", "an edit without a line of code; ignored")
        return
    after = _ESCAPE.show(rows)
    found = align(draft.lines, after)
    gone = found.count(-1)
    cut = piece.cut and not closed and gone > 0 and all(at < 0 for at in found[len(found) - gone :])
    if draft.lines:
        draft.change(first, list(draft.lines), after, cut=cut)
    else:
        draft.change(first, (), after, cut=False)


def _unfenced(draft: Draft, piece: Piece) -> tuple[int, list[str], bool]:
    """Return the line at which the state begins, its rows, and whether a fence ends it."""
    rows = piece.lines
    fences = [index for index, row in enumerate(rows) if row.startswith(FENCES)]
    if not fences:
        return piece.line, rows, False
    start, end = fences[0], fences[-1]
    if len(fences) == 1 and (draft.fenced or not any(map(str.strip, rows[start + 1 :]))):
        start = -1
    elif len(fences) == 1:
        end = len(rows)
    draft.ignore(piece.line, rows[: start + 1])
    draft.ignore(piece.line + end, rows[end:])
    return piece.line + start + 1, rows[start + 1 : end], end < len(rows)


def _opens(_piece: Piece, more: bool) -> bool:
    """Before other states, what nothing leads is taken for prose: the first of them holds all that it could."""
    return not more


_HABITS = Habits(_mend, _opens)
STATES = Codec("states", edit_texts, read_edit, resolve)
