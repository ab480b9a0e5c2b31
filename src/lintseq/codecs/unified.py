"""Edit sequences as ordinary unified diffs, and as unified diffs in words and without numbers.

    <|diff|>@@ -0,0 +1,2 @@
    +def area(r):
    +    return pi * r * r
    <|diff|>@@ -1,2 +1,4 @@
    +from math import pi
    +
     def area(r):
         return pi * r * r

`udiff` is what `difflib.unified_diff` prints for an edit, without the two lines that name files: `@@ -P,M +S,N @@`
leads M lines of the state from line P on, three of them on each side of what is inserted, and all N lines
that become of them, from line S on. A count that is 1 is left out; the number before a count of 0 is that of the
line before. `udiff:N` shows N lines on each side, and `udiff:0` is the format `diff`.

    <|diff|>@@ ... @@
    ADD def area(r):
    ADD     return pi * r * r
    <|diff|>@@ ... @@
    ADD from math import pi
    ADD
    CON def area(r):
    CON     return pi * r * r

`udiff-words` has no numbers to count: it is the lines shown that tell where a hunk belongs. They are three on each
side, and more until they stand nowhere else in the state behind the hunk before.

Every row starts with its sign, so no line of code is ever mistaken for structure.
"""

import re
from collections.abc import Sequence
from functools import cache, partial

from lintseq.codecs import loose, mending
from lintseq.codecs.codec import Codec
from lintseq.codecs.mending import check_form
from lintseq.codecs.resolution import Resolution
from lintseq.codecs.rows import (
    CONTEXT,
    SIGNS,
    Signs,
    found_at,
    insertions,
    joined,
    kept,
    signed_end,
    stands_alone,
    windows,
)
from lintseq.codecs.text import shorten
from lintseq.edits import Edit, EditSequence, Hunk, apply
from lintseq.errors import EditFault
from lintseq.program import Program

# With numbers


def _edit_texts(sequence: EditSequence, *, context: int) -> list[str]:
    state = sequence.start.lines
    texts = []
    for edit in sequence.edits:
        texts.append("\n".join(_write(edit, state, context)))
        state = tuple(apply(edit, state))
    return texts


def _write(edit: Edit, state: Sequence[str], context: int) -> list[str]:
    rows: list[str] = []
    inserted = 0
    for window in windows(edit, len(state), context, _numbers_tell):
        old, new = window.high - window.low, window.high - window.low + window.added
        ranges = f"-{_range(window.low, old)} +{_range(window.low + inserted, new)}"
        rows += [f"@@ {ranges} @@", *window.rows(state, SIGNS)]
        inserted += window.added
    return rows


def _numbers_tell(_low: int, _high: int, _cursor: int) -> str:
    return ""


def _range(begin: int, count: int) -> str:
    """Return a range of lines, `begin` counted from 0, as a header has it."""
    first = begin + 1 if count else begin
    return str(first) if count == 1 else f"{first},{count}"


_HEADER = re.compile(r"@@ -([0-9]{1,12})(?:,([0-9]{1,12}))? \+([0-9]{1,12})(?:,([0-9]{1,12}))? @@")


def _read_edit(text: str, state: Sequence[str], *, context: int) -> Edit:
    rows = text.split("\n")
    hunks: list[Hunk] = []
    done = 0
    while done < len(rows):
        header = _HEADER.fullmatch(rows[done])
        if header is None:
            raise EditFault(done + 1, *_not_a_header(rows[done], "@@ -P,M +S,N @@", first=done == 0))
        end = signed_end(rows, done + 1, SIGNS)
        shown = kept(rows[done + 1 : end], SIGNS)
        old, new = int(header[2] or 1), int(header[4] or 1)
        if (old, new) != (len(shown), end - done - 1):
            detail = f"the header counts -{old} +{new} lines, but -{len(shown)} +{end - done - 1} follow"
            raise EditFault(done + 1, "count", detail)
        begin = int(header[1]) - (old > 0)
        if not 0 <= begin <= len(state) - old:
            detail = f"goes from line {begin + 1} to {begin + old}, but the state has {len(state)} lines"
            raise EditFault(done + 1, "position", detail)
        amiss = next((at for at in range(old) if state[begin + at] != shown[at]), None)
        if amiss is not None:
            detail = f"shows {shorten(shown[amiss])} as line {begin + amiss + 1}"
            raise EditFault(done + 1, "mismatch", f"{detail}, where the state has {shorten(state[begin + amiss])}")
        joined(hunks, insertions(rows[done + 1 : end], SIGNS, begin), done + 1)
        done = end
    edit = Edit(tuple(hunks))
    check_form(rows, _write(edit, state, context))
    return edit


def _not_a_header(text: str, usual: str, *, first: bool) -> tuple[str, str]:
    """Return the reason and the detail for a line where a header was due."""
    if first and not text:
        return "empty-edit", "has no hunk"
    if first or text.startswith("@@"):
        return "header", f"{shorten(text)} is not of the form {usual!r}"
    return "text", f"{shorten(text)} is neither a header nor a row"


def _resolve(text: str, start: Program, *, context: int) -> Resolution:
    return mending.resolve(text, start, udiff(context), loose.habits(SIGNS))


@cache
def udiff(context: int) -> Codec:
    """Return the format that shows so many lines of the state on each side of an insertion."""
    return Codec(
        "udiff" if context == CONTEXT else f"udiff:{context}",
        partial(_edit_texts, context=context),
        partial(_read_edit, context=context),
        partial(_resolve, context=context),
    )


UDIFF = udiff(CONTEXT)


# In words


WORDS = Signs("ADD ", "CON ", "DEL ")
HEADER = "@@ ... @@"


def _edit_texts_in_words(sequence: EditSequence) -> list[str]:
    state = sequence.start.lines
    texts = []
    for edit in sequence.edits:
        texts.append("\n".join(_write_in_words(edit, state)))
        state = tuple(apply(edit, state))
    return texts


def _write_in_words(edit: Edit, state: Sequence[str]) -> list[str]:
    rows: list[str] = []
    for window in windows(edit, len(state), CONTEXT, partial(_lines_tell, state)):
        rows += [HEADER, *window.rows(state, WORDS)]
    return rows


def _lines_tell(state: Sequence[str], low: int, high: int, cursor: int) -> str | None:
    return "" if stands_alone(state, low, high, cursor) else None


def _read_edit_in_words(text: str, state: Sequence[str]) -> Edit:
    rows = text.split("\n")
    hunks: list[Hunk] = []
    done = cursor = 0
    while done < len(rows):
        if rows[done] != HEADER:
            raise EditFault(done + 1, *_not_a_header(rows[done], HEADER, first=done == 0))
        end = signed_end(rows, done + 1, WORDS)
        shown = kept(rows[done + 1 : end], WORDS)
        found = found_at(shown, state, cursor, done + 1)
        if len(found) > 1:
            raise EditFault(done + 1, "ambiguous", f"the lines shown stand at {len(found)} places")
        joined(hunks, insertions(rows[done + 1 : end], WORDS, found[0]), done + 1)
        done, cursor = end, found[0] + len(shown)
    edit = Edit(tuple(hunks))
    check_form(rows, _write_in_words(edit, state))
    return edit


def _resolve_words(text: str, start: Program) -> Resolution:
    return mending.resolve(text, start, UDIFF_WORDS, loose.habits(WORDS))


UDIFF_WORDS = Codec("udiff-words", _edit_texts_in_words, _read_edit_in_words, _resolve_words)
