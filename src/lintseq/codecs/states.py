"""Edit sequences as the whole file after each edit, and as the whole file alone.

    <|diff|>def area(r):
        return pi * r * r
    <|diff|>from math import pi

    def area(r):
        return pi * r * r

`states` has nothing to find and nothing to count, but is long. `whole` is the last state as the only edit: it keeps
the program and loses the steps.

Lines are written without signs. One that starts with `<|diff|>` or a Markdown fence (or with backslashes and one of
these) gets a backslash. A state stands between two lines "```" if it is empty, and in `states` also where it would
read as cut off: where it lacks the last lines of the state before it.

In model output, of an edit that has a Markdown fence, what is inside it is the state. Where the text ends without a
newline and only the last lines of the previous state are missing, `states` takes it to be cut off, and they stay.
"""

from collections.abc import Sequence

from lintseq.codecs.codec import Codec, check_form
from lintseq.codecs.locate import align, difference
from lintseq.codecs.repair import Draft, Piece, Repair
from lintseq.codecs.text import FENCES, SEPARATOR, Escape
from lintseq.edits import Edit, EditSequence, apply

_ESCAPE = Escape((SEPARATOR, *FENCES))
_FENCE = FENCES[0]


def _lacks_end(before: Sequence[str], after: Sequence[str]) -> bool:
    """Tell whether of the lines of `before` the last ones are missing, and no others."""
    found = align(before, after)
    gone = found.count(None)
    return gone > 0 and found[len(found) - gone :] == [None] * gone


def _rows(lines: Sequence[str], edit: Edit | None = None, before: Sequence[str] = ()) -> list[str]:
    """Return the rows of a state, which an edit, if it matters, made of the one before."""
    rows = _ESCAPE.escape(lines)
    removes = edit is not None and [hunk for hunk in edit.hunks if hunk.removed]
    return [_FENCE, *rows, _FENCE] if not rows or (removes and _lacks_end(before, lines)) else rows


def _write_states(sequence: EditSequence) -> list[str]:
    if not sequence.departures:
        rows = list(zip(_ESCAPE.escape(sequence.merged.lines), sequence.arrivals, strict=True))
        return ["\n".join([row for row, arrival in rows if arrival <= edit]) for edit in range(len(sequence))]
    texts, state = [], list(sequence.start.lines)
    for edit in sequence.edits:
        before, state = state, apply(edit, state)
        texts.append("\n".join(_rows(state, edit, before)))
    return texts


def _write_program(sequence: EditSequence) -> list[str]:
    return ["\n".join(_rows(sequence.program.lines))] if len(sequence) else []


def _lines(rows: Sequence[str]) -> list[str]:
    fenced = len(rows) > 1 and rows[0] == rows[-1] == _FENCE
    return _ESCAPE.unescape(rows[1:-1] if fenced else rows)


def _read_state(text: str, state: Sequence[str]) -> Edit:
    rows = text.split("\n")
    lines = _lines(rows)
    edit = difference(state, lines)
    check_form(rows, _rows(lines, edit, state))
    return edit


def _read_program(text: str, state: Sequence[str]) -> Edit:
    rows = text.split("\n")
    lines = _lines(rows)
    check_form(rows, _rows(lines))
    return difference(state, lines)


def _repair_state(draft: Draft, piece: Piece) -> None:
    draft.start_edit()
    first, rows, closed = _unfenced(draft, piece)
    if not closed and not any(map(str.strip, rows)):
        draft.note(piece.line, "empty-edit", "an edit without a line of code; ignored")
        return
    after = _ESCAPE.unescape(rows)
    cut = piece.cut and not closed and _lacks_end(draft.lines, after)
    draft.change(first, list(draft.lines), after, cut=cut)


def _repair_program(draft: Draft, piece: Piece) -> None:
    draft.start_edit()
    first, rows, closed = _unfenced(draft, piece)
    if closed or any(map(str.strip, rows)):
        draft.change(first, list(draft.lines), _ESCAPE.unescape(rows), cut=False)


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
STATES = Codec("states", _write_states, _read_state, Repair(_repair_state, lambda piece, more: not more))
WHOLE = Codec(
    "whole", _write_program, _read_program, Repair(_repair_program, lambda piece, more: not more), single_edit=True
)
