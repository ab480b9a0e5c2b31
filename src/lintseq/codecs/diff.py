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

from lintseq.codecs.resolution import Note
from lintseq.edits import EditSequence
from lintseq.errors import MalformedEditError
from lintseq.program import Program

SEPARATOR = "<|diff|>"

HEADER = re.compile(r"@@ -(0|[1-9][0-9]{0,11}),0 \+([1-9][0-9]{0,11})(?:,([2-9]|[1-9][0-9]{1,11}))? @@")
"""A header exactly as `encode` writes it: position, start, count."""


def edit_texts(sequence: EditSequence) -> list[str]:
    """Return the text of each edit, without separators and without a newline at its end."""
    rows = ["+" + line for line in sequence.program.lines]
    present: list[int] = []
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


def encode(sequence: EditSequence) -> str:
    """Return the whole sequence as one text."""
    text = SEPARATOR + f"\n{SEPARATOR}".join(edit_texts(sequence))
    program = sequence.program
    return text + "\n" if program.final_newline and program.lines else text


def parse(text: str) -> EditSequence:
    """Return the sequence that `encode` wrote as `text`; the separator before the first edit may be absent.

    Raises `MalformedEditError` for the first thing that `encode` would not have written; it counts edits
    from 1 and lines of the text from 1.
    """
    body = text.removeprefix(SEPARATOR)
    if not body:
        return EditSequence(Program(()), ())
    reader = _StrictReader()
    lineno = 1
    for edit in body.removesuffix("\n").split(f"\n{SEPARATOR}"):
        lineno = reader.read(edit, lineno)
    return reader.sequence(final_newline=body.endswith("\n"))


def parse_edits(edits: Sequence[str], *, final_newline: bool = False) -> EditSequence:
    """Return the sequence whose `edit_texts` are `edits`, as records hold them.

    Edit texts do not say whether the program ends in a newline, so `final_newline` does. Raises
    `MalformedEditError`, which counts edits from 1 and the lines of each edit from 1.
    """
    reader = _StrictReader()
    for edit in edits:
        reader.read(edit, 1)
    return reader.sequence(final_newline=final_newline and bool(edits))


def resolve_strict(text: str) -> Program:
    """Return the program that `text` writes; raises `MalformedEditError` as `parse` does."""
    return parse(text).program


def resolve_edits(edits: Sequence[str], *, final_newline: bool = False) -> Program:
    """Return the program that edit texts write; raises `MalformedEditError` as `parse_edits` does."""
    return parse_edits(edits, final_newline=final_newline).program


class _StrictReader:
    """Applies edit texts one after the other, remembering which edit each line came with."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.arrivals: list[int] = []
        self.edits = 0

    def read(self, edit: str, lineno: int) -> int:
        """Apply one edit, whose first line is line `lineno` of the text; return the line after its last."""
        self.edits += 1
        size = len(self.lines)
        texts = edit.split("\n")
        done, previous, inserted = 0, -1, 0
        while done < len(texts):
            header = HEADER.fullmatch(texts[done])
            if header is None:
                raise self._malformed(lineno + done, *_not_a_header(texts[done], first=done == 0))
            position, start, count = int(header[1]), int(header[2]), int(header[3] or 1)
            if position > size:
                detail = f"inserts after line {position}, but the state has {size} lines"
                raise self._malformed(lineno + done, "position", detail)
            if position <= previous:
                detail = f"inserts after line {position}, but the hunk before it inserts after line {previous}"
                raise self._malformed(lineno + done, "order", detail)
            if start != position + inserted + 1:
                detail = f"the new lines start at line {position + inserted + 1}, not {start}"
                raise self._malformed(lineno + done, "new-start", detail)
            rows = texts[done + 1 : done + 1 + count]
            for offset, row in enumerate(rows, 1):
                if not row.startswith("+"):
                    raise self._malformed(lineno + done + offset, *_not_a_row(row, offset - 1, count))
            if len(rows) < count:
                raise self._malformed(lineno + done, "count", f"counts {count} rows, but {len(rows)} follow")
            at = position + inserted
            self.lines[at:at] = [row[1:] for row in rows]
            self.arrivals[at:at] = [self.edits - 1] * count
            done += 1 + count
            previous = position
            inserted += count
        return lineno + len(texts)

    def sequence(self, *, final_newline: bool) -> EditSequence:
        return EditSequence(Program(tuple(self.lines), final_newline), tuple(self.arrivals))

    def _malformed(self, lineno: int, reason: str, detail: str) -> MalformedEditError:
        return MalformedEditError(str(Note(self.edits, lineno, reason, detail)))


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


def shorten(text: str) -> str:
    """Return `text` quoted, on one line, with nothing in it that cannot be printed, and not too long."""
    return repr(text if len(text) <= 60 else text[:57] + "...")
