"""Edit sequences as the whole file after each edit: nothing to find and nothing to count, but long.

    <|diff|>def area(r):
        return pi * r * r
    <|diff|>from math import pi

    def area(r):
        return pi * r * r

Lines are written without signs. One that starts with `<|diff|>` or a Markdown fence (or with backslashes and one of
these) gets a backslash.

In model output, of an edit that has a Markdown fence, what is inside it is the state. Where the text ends without a
newline and only the last lines of the previous state are missing, it is taken to be cut off, and they stay.
"""

from collections.abc import Sequence

from lintseq.codecs.codec import Codec, check_form
from lintseq.codecs.locate import align, insertion
from lintseq.codecs.repair import Draft, Piece, Repair
from lintseq.codecs.text import FENCES, SEPARATOR, Escape
from lintseq.edits import Edit, EditSequence

_ESCAPE = Escape((SEPARATOR, *FENCES))


def _write_edits(sequence: EditSequence) -> list[str]:
    rows = list(zip(_ESCAPE.escape(sequence.merged.lines), sequence.arrivals, strict=True))
    return ["\n".join([row for row, arrival in rows if arrival <= edit]) for edit in range(len(sequence))]


def _read_edit(text: str, state: Sequence[str]) -> Edit:
    rows = text.split("\n")
    lines = _ESCAPE.unescape(rows)
    edit = insertion(state, lines)
    check_form(rows, _ESCAPE.escape(lines))
    return edit


def _repair(draft: Draft, piece: Piece) -> None:
    draft.start_edit()
    first, rows, closed = _unfenced(draft, piece)
    if not any(map(str.strip, rows)):
        draft.note(piece.line, "empty-edit", "an edit without a line of code; ignored")
        return
    after = _ESCAPE.unescape(rows)
    found = align(draft.lines, after)
    gone = found.count(None)
    cut = piece.cut and not closed and gone > 0 and all(at is None for at in found[len(found) - gone :])
    draft.change(first, list(draft.lines), after, cut=cut)


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


# Before other states, text that nothing leads is taken for prose: the first state holds all that it could.
STATES = Codec("states", _write_edits, _read_edit, Repair(_repair, lambda piece, more: not more))
