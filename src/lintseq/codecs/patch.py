"""Edit sequences as patches in the form that agents write.

    <|diff|>*** Begin Patch
    *** Add File: main.py
    +def area(r):
    +    return pi * r * r
    *** End Patch
    <|diff|>*** Begin Patch
    *** Update File: main.py
    @@
    +from math import pi
    +
     def area(r):
         return pi * r * r
    *** End Patch

A patch for each edit. One on nothing adds the file. The others show three lines of the state on each side of what
they insert, in hunks that are looked for one behind the other; the first place counts. Where that would be the
wrong one, `@@` names the `class` or `def` behind which to look, and where that does not help more lines are shown.

Every row starts with its sign, so no line of code is ever mistaken for structure.
"""

from collections.abc import Sequence
from functools import partial

from lintseq.codecs import loose, mending
from lintseq.codecs.codec import Codec
from lintseq.codecs.locate import places
from lintseq.codecs.mending import check_form
from lintseq.codecs.resolution import Resolution
from lintseq.codecs.rows import CONTEXT, SIGNS, found_at, insertions, joined, kept, signed_end, windows
from lintseq.codecs.text import shorten
from lintseq.edits import Edit, EditSequence, Hunk, apply
from lintseq.errors import EditFault
from lintseq.program import Program

BEGIN = "*** Begin Patch"
END = "*** End Patch"
ADD = "*** Add File: main.py"
UPDATE = "*** Update File: main.py"
HEADER = "@@"


# Written


def edit_texts(sequence: EditSequence) -> list[str]:
    """Return the text of each edit, without separators and without a newline at its end."""
    state = sequence.start.lines
    texts = []
    for edit in sequence.edits:
        texts.append("\n".join(_write(edit, state)))
        state = tuple(apply(edit, state))
    return texts


def _write(edit: Edit, state: Sequence[str]) -> list[str]:
    if not state:
        return [BEGIN, ADD, *(SIGNS.added + line for hunk in edit.hunks for line in hunk.lines), END]
    rows = [BEGIN, UPDATE]
    for window in windows(edit, len(state), CONTEXT, partial(_tells, state)):
        rows += [f"{HEADER} {window.anchor}" if window.anchor else HEADER, *window.rows(state, SIGNS)]
    return [*rows, END]


def _tells(state: Sequence[str], low: int, high: int, cursor: int) -> str | None:
    """Return the line to look behind for the lines from `low` to `high`: the nearest that will do, if one must."""
    found = [cursor + at for at in places(state[cursor:], state[low:high])]
    if found[0] == low:
        return ""
    last_wrong = found[found.index(low) - 1]
    for at in range(low - 1, max(last_wrong, cursor) - 1, -1):
        if state[at].lstrip().startswith(("class ", "def ", "async def ")) and state.index(state[at], cursor) == at:
            return state[at]
    return None


# Read strictly


def read_edit(text: str, state: Sequence[str]) -> Edit:
    """Return the insertion that an edit text makes in `state`; raise `EditFault` if it is not as written above."""
    rows = text.split("\n")
    due = (BEGIN, UPDATE if state else ADD)
    for number, marker in enumerate(due):
        if number == len(rows) or rows[number] != marker:
            there = shorten(rows[number]) if number < len(rows) else "the end"
            raise EditFault(min(number + 1, len(rows)), "marker", f"{there} stands where {marker!r} is due")
    if rows[-1] != END:
        raise EditFault(len(rows), "marker", f"{shorten(rows[-1])} stands where {END!r} is due")
    hunks = _updated(rows, state) if state else _added(rows)
    edit = Edit(tuple(hunks))
    check_form(rows, _write(edit, state))
    return edit


def _added(rows: Sequence[str]) -> list[Hunk]:
    for number, row in enumerate(rows[2:-1], 3):
        if not row.startswith(SIGNS.added):
            raise EditFault(number, "row", f"{shorten(row)} does not start with {SIGNS.added!r}")
    if len(rows) == 3:
        raise EditFault(2, "no-change", "nothing is inserted")
    return [Hunk(0, tuple(row.removeprefix(SIGNS.added) for row in rows[2:-1]))]


def _updated(rows: Sequence[str], state: Sequence[str]) -> list[Hunk]:
    hunks: list[Hunk] = []
    done, cursor = 2, 0
    while done < len(rows) - 1:
        anchor = rows[done].removeprefix(HEADER).removeprefix(" ")
        if rows[done] != (f"{HEADER} {anchor}" if anchor else HEADER):
            raise EditFault(done + 1, "header", f"{shorten(rows[done])} stands where {HEADER!r} is due")
        start = cursor
        if anchor:
            if anchor not in state[cursor:]:
                raise EditFault(done + 1, "not-found", f"{shorten(anchor)} is not in the state after line {cursor}")
            start = state.index(anchor, cursor) + 1
        end = signed_end(rows, done + 1, SIGNS)
        shown = kept(rows[done + 1 : end], SIGNS)
        place = found_at(shown, state, start, done + 1)[0]
        joined(hunks, insertions(rows[done + 1 : end], SIGNS, place), done + 1)
        done, cursor = end, place + len(shown)
    if not hunks:
        raise EditFault(2, "no-change", "nothing is inserted")
    return hunks


# Read as it comes


def resolve(text: str, start: Program) -> Resolution:
    """Return the program that any text writes on `start`, and what was ignored or repaired; never raises.

    Reasons are those of `lintseq.codecs.loose` and `lintseq.codecs.mending`. A patch that adds the file where there
    is one writes it anew.
    """
    return mending.resolve(text, start, APPLY_PATCH, loose.habits(SIGNS))


APPLY_PATCH = Codec("apply-patch", edit_texts, read_edit, resolve)
