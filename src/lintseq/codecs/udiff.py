"""Edit sequences as ordinary unified diffs, and as unified diffs in words and without numbers.

    <|diff|>@@ -0,0 +1,2 @@
    +def area(r):
    +    return pi * r * r
    <|diff|>@@ -1,2 +1,4 @@
    +from math import pi
    +
     def area(r):
         return pi * r * r

`udiff` is the output of `difflib.unified_diff` for an edit, without the two lines that name files: after
`@@ -P,M +S,N @@` come M lines of the state from line P on, with `-` those that are removed and with a space three on
each side of a change, among the N lines that they become, from line S on. A count of 1 is left out; the number before
a count of 0 is that of the preceding line. `udiff:N` shows N lines on each side, and `udiff:0` is the format `diff`.

    <|diff|>@@ ... @@
    ADD def area(r):
    ADD     return pi * r * r
    <|diff|>@@ ... @@
    ADD from math import pi
    ADD
    CON def area(r):
    CON     return pi * r * r

`udiff-words` has no numbers to count: a hunk is found by the lines that it shows. They are those that it removes
(`DEL`) and three on each side, and more until they have words and occur nowhere else in the state behind the previous
hunk. Texts that show more lines, or fewer, read as well.

Every row starts with its sign, so no line of code is ever mistaken for structure.
"""

import re
from collections.abc import Sequence
from functools import cache, partial

from lintseq.codecs.codec import Codec
from lintseq.codecs.locate import find_quote, has_words, occurrences
from lintseq.codecs.rows import CONTEXT, SIGNS, Signs, header_fault, line_range, read_hunks, windows
from lintseq.codecs.rows_repair import rows_repair
from lintseq.codecs.text import shorten
from lintseq.edits import Edit, Hunk
from lintseq.errors import EditFault

# With numbers


def _write(edit: Edit, state: Sequence[str], context: int) -> list[str]:
    rows: list[str] = []
    shift = 0
    for window in windows(edit, len(state), context, lambda low, high, cursor: ""):
        old, new = window.high - window.low, window.high - window.low + window.growth
        ranges = f"-{_range(window.low, old)} +{_range(window.low + shift, new)}"
        rows += [f"@@ {ranges} @@", *window.rows(state, SIGNS)]
        shift += window.growth
    return rows


def _range(start: int, count: int) -> str:
    """Return a range of lines, `start` counted from 0, as a header writes it."""
    return line_range(start + 1 if count else start, count)


_HEADER = re.compile(r"@@ -([0-9]{1,12})(?:,([0-9]{1,12}))? \+([0-9]{1,12})(?:,([0-9]{1,12}))? @@")


def _read(rows: Sequence[str], state: Sequence[str]) -> Sequence[Hunk]:
    return read_hunks(rows, SIGNS, _header, partial(_locate, state))


def _header(row: str, lineno: int) -> tuple[int, int, int]:
    """Return the index of the first line shown, and the counts of lines before and after."""
    found = _HEADER.fullmatch(row)
    if found is None:
        raise header_fault(row, "@@ -P,M +S,N @@", lineno)
    old = int(found[2] or 1)
    return int(found[1]) - (old > 0), old, int(found[4] or 1)


def _locate(
    state: Sequence[str], header: tuple[int, int, int], quoted: Sequence[str], new: int, lineno: int, _cursor: int
) -> int:
    start, old, counted = header
    if (old, counted) != (len(quoted), new):
        detail = f"the header counts -{old} +{counted} lines, but -{len(quoted)} +{new} follow"
        raise EditFault(lineno, "count", detail)
    if not 0 <= start <= len(state) - old:
        detail = f"spans lines {start + 1} to {start + old}, but the state has {len(state)} lines"
        raise EditFault(lineno, "position", detail)
    for at, line in enumerate(quoted, start):
        if state[at] != line:
            detail = f"shows {shorten(line)} as line {at + 1}, where the state has {shorten(state[at])}"
            raise EditFault(lineno, "mismatch", detail)
    return start


@cache
def udiff(context: int) -> Codec:
    """Return the format that shows `context` lines of the state on each side of a change."""
    name = "udiff" if context == CONTEXT else f"udiff:{context}"
    return Codec.by_edit(name, partial(_write, context=context), _read, rows_repair(SIGNS))


UDIFF = udiff(CONTEXT)


# In words


_WORDS = Signs("ADD ", "CON ", "DEL ")
_WORDS_HEADER = "@@ ... @@"


def _write_words(edit: Edit, state: Sequence[str]) -> list[str]:
    def choose_anchor(low: int, high: int, cursor: int) -> str | None:
        quoted = state[low:high]
        alone = has_words(quoted) and len(occurrences(state[cursor:], quoted)) == 1
        return "" if alone or (low, high) == (cursor, len(state)) else None

    rows: list[str] = []
    for window in windows(edit, len(state), CONTEXT, choose_anchor):
        rows += [_WORDS_HEADER, *window.rows(state, _WORDS)]
    return rows


def _read_words(rows: Sequence[str], state: Sequence[str]) -> Sequence[Hunk]:
    def header(row: str, lineno: int) -> None:
        if row != _WORDS_HEADER:
            raise header_fault(row, _WORDS_HEADER, lineno)

    def locate(_header: None, quoted: Sequence[str], _new: int, lineno: int, cursor: int) -> int:
        return find_quote(quoted, state, lineno, cursor=cursor)

    return read_hunks(rows, _WORDS, header, locate)


UDIFF_WORDS = Codec.by_edit("udiff-words", _write_words, _read_words, rows_repair(_WORDS), any_context=True)
