"""Edit sequences as the paper writes them: zero-context unified hunks led by `<|diff|>`.

    <|diff|>@@ -0,0 +1,2 @@
    +def area(r):
    +    return pi * r * r
    <|diff|>@@ -0,0 +1 @@
    +from math import pi

A header is what `difflib.unified_diff(n=0)` prints: `@@ -P,0 +S,N @@` inserts N lines after line P of the
state before the edit, and they become lines S to S + N - 1 of the state after it; `,N` is left out when
N is 1. Hunks of one edit come in growing order, and all their P count in the state before the edit. The
text ends in a newline exactly when the program does.

Every row starts with `+`, so a line of code that holds `@@`, `<|diff|>` or anything else is never
mistaken for structure. Owns writing this text and reading it strictly; what models make of it is read
by `lintseq.codecs.tolerant`.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence

from lintseq.codecs.text import shorten
from lintseq.edits import Edit, EditSequence, Hunk
from lintseq.errors import EditFault

HEADER = re.compile(r"@@ -(0|[1-9][0-9]{0,11}),0 \+([1-9][0-9]{0,11})(?:,([2-9]|[1-9][0-9]{1,11}))? @@")
"""A header exactly as `encode` writes it: position, start, count."""


def edit_texts(sequence: EditSequence) -> list[str]:
    """Return the text of each edit, without separators and without a newline at its end."""
    rows = ["+" + line for line in sequence.program.lines]
    present = sequence.present()
    texts = []
    for indices in sequence.inserted():
        parts: list[str] = []
        done, size = 0, len(indices)
        while done < size:
            # All lines that go before the same present line make one hunk.
            at = bisect_left(present, indices[done])
            end = bisect_left(indices, present[at], done) if at < len(present) else size
            run = indices[done:end]
            if end - done == 1:
                parts.append(f"@@ -{at - done},0 +{at + 1} @@")
            else:
                parts.append(f"@@ -{at - done},0 +{at + 1},{end - done} @@")
            parts += [rows[index] for index in run]
            present[at:at] = run
            done = end
        texts.append("\n".join(parts))
    return texts


def read_edit(text: str, state: Sequence[str]) -> Edit:
    """Return the insertion that an edit text makes in `state`; raise `EditFault` if it is not as written above."""
    size = len(state)
    texts = text.split("\n")
    done, previous, inserted = 0, -1, 0
    hunks = []
    while done < len(texts):
        header = HEADER.fullmatch(texts[done])
        if header is None:
            raise EditFault(done + 1, *_not_a_header(texts[done], first=done == 0))
        position, start, count = int(header[1]), int(header[2]), int(header[3] or 1)
        if position > size:
            detail = f"inserts after line {position}, but the state has {size} lines"
            raise EditFault(done + 1, "position", detail)
        if position <= previous:
            detail = f"inserts after line {position}, but the hunk before it inserts after line {previous}"
            raise EditFault(done + 1, "order", detail)
        if start != position + inserted + 1:
            detail = f"the new lines start at line {position + inserted + 1}, not {start}"
            raise EditFault(done + 1, "new-start", detail)
        rows = texts[done + 1 : done + 1 + count]
        for offset, row in enumerate(rows, 1):
            if not row.startswith("+"):
                raise EditFault(done + 1 + offset, *_not_a_row(row, offset - 1, count))
        if len(rows) < count:
            raise EditFault(done + 1, "count", f"counts {count} rows, but {len(rows)} follow")
        hunks.append(Hunk(position, tuple(row[1:] for row in rows)))
        done += 1 + count
        previous = position
        inserted += count
    return Edit(tuple(hunks))


def _not_a_header(text: str, *, first: bool) -> tuple[str, str]:
    """Return the reason and the detail for a line where a header was due."""
    if first and not text:
        return "empty-edit", "has no hunk"
    if first or text.startswith("@@"):
        return "header", f"{shorten(text)} is not of the form '@@ -P,0 +S,N @@'"
    if text.startswith("+"):
        return "count", f"{shorten(text)} is a row more than the header counts"
    return "text", f"{shorten(text)} is neither a header nor a row"


def _not_a_row(text: str, read: int, count: int) -> tuple[str, str]:
    """Return the reason and the detail for a line where a row was due."""
    if text.startswith("@@"):
        return "count", f"the header counts {count} rows, but {read} follow"
    return "row", f"{shorten(text)} does not start with '+'"
