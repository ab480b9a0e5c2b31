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

A patch for each edit. One on nothing adds the file. The others show the lines that they remove, with `-`, and three
lines of the state on each side of a change, in hunks that are searched for one behind the other; the first match
counts. Where that would be the wrong one, `@@` names the `class` or `def` behind which to search, and where that does
not help, or the lines have no words, more are shown. Texts that show more lines, or fewer, read as well.

Every row starts with its sign, so no line of code is ever mistaken for structure. Model output is read as
`lintseq.codecs.rows_repair` describes; a patch that adds the file where there is one replaces it.
"""

from collections.abc import Sequence
from functools import cache

from lintseq.codecs.codec import Codec
from lintseq.codecs.locate import find_quote, has_words, occurrences
from lintseq.codecs.rows import CONTEXT, SIGNS, read_hunks, windows
from lintseq.codecs.rows_repair import rows_repair
from lintseq.codecs.text import shorten
from lintseq.edits import Edit, Hunk
from lintseq.errors import EditFault

BEGIN = "*** Begin Patch"
END = "*** End Patch"
HEADER = "@@"


@cache
def _file_name() -> str:
    from lintseq.languages import get_language

    return f"main{get_language().suffixes[0]}"


def _file_marker(state: Sequence[str]) -> str:
    return f"*** {'Update' if state else 'Add'} File: {_file_name()}"


def _write(edit: Edit, state: Sequence[str]) -> list[str]:
    if not state:
        return [BEGIN, _file_marker(state), *(SIGNS.added + line for hunk in edit.hunks for line in hunk.lines), END]

    def choose_anchor(low: int, high: int, cursor: int) -> str | None:
        """Return the definition behind which the lines from `low` to `high` come first: the nearest, if any helps."""
        if not has_words(state[low:high]) and (low, high) != (cursor, len(state)):
            return None
        found = [cursor + at for at in occurrences(state[cursor:], state[low:high])]
        if found[0] == low:
            return ""
        last_wrong = found[found.index(low) - 1]
        for at in range(low - 1, max(last_wrong, cursor) - 1, -1):
            definition = state[at].lstrip().startswith(("class ", "def ", "async def "))
            if definition and state.index(state[at], cursor) == at:
                return state[at]
        return None

    rows = [BEGIN, _file_marker(state)]
    for window in windows(edit, len(state), CONTEXT, choose_anchor):
        rows += [f"{HEADER} {window.anchor}" if window.anchor else HEADER, *window.rows(state, SIGNS)]
    return [*rows, END]


def _read(rows: Sequence[str], state: Sequence[str]) -> Sequence[Hunk]:
    for lineno, marker in ((1, BEGIN), (2, _file_marker(state)), (max(len(rows), 3), END)):
        if rows[lineno - 1 : lineno] != [marker]:
            found = shorten(rows[lineno - 1]) if lineno <= len(rows) else "the end"
            raise EditFault(min(lineno, len(rows)), "marker", f"found {found} where {marker!r} is expected")
    if len(rows) == 3:
        raise EditFault(2, "no-change", "nothing is changed")
    if state:
        return _read_update(rows[:-1], state)
    for lineno, row in enumerate(rows[2:-1], 3):
        if not row.startswith(SIGNS.added):
            raise EditFault(lineno, "row", f"{shorten(row)} does not start with {SIGNS.added!r}")
    return [Hunk(0, tuple(row.removeprefix(SIGNS.added) for row in rows[2:-1]))]


def _read_update(rows: Sequence[str], state: Sequence[str]) -> Sequence[Hunk]:
    def header(row: str, lineno: int) -> str:
        anchor = row.removeprefix(HEADER).removeprefix(" ")
        if row != (f"{HEADER} {anchor}" if anchor else HEADER):
            raise EditFault(lineno, "header", f"found {shorten(row)} where {HEADER!r} is expected")
        return anchor

    def locate(anchor: str, quoted: Sequence[str], _new: int, lineno: int, cursor: int) -> int:
        if anchor:
            if anchor not in state[cursor:]:
                raise EditFault(lineno, "not-found", f"{shorten(anchor)} is not in the state after line {cursor}")
            cursor = state.index(anchor, cursor) + 1
        return find_quote(quoted, state, lineno, cursor=cursor, unique=False)

    return read_hunks(rows, SIGNS, header, locate, first=2)


APPLY_PATCH = Codec.by_edit("apply-patch", _write, _read, rows_repair(SIGNS), any_context=True)
