"""Edit sequences as windows before and after, the form in which models for next edits are prompted.

    <|diff|><|original|>
    <|updated|>
    def area(r):
        return pi * r * r
    <|/updated|>
    <|diff|><|original|>
    def area(r):
        return pi * r * r
    <|updated|>
    from math import pi

    def area(r):
        return pi * r * r
    <|/updated|>

One window for each edit: the lines of the state from its first change to its last, three more on each side, and
more until they have words and occur nowhere else in the state; then the same with the edit made. On nothing the first
is empty. Texts with other windows read as well.

Lines are written without signs. One that starts with `<|diff|>`, a marker or a Markdown fence (or with backslashes and
one of these) gets a backslash.

In model output, besides the reasons of `lintseq.codecs.repair`:

    marker     markers in another form are read (`<|ORIGINAL|>`, code on the same line); an original without its
               update is left out
    fence      Markdown fences around the lines, or around all, are left out
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lintseq.codecs.codec import Codec, check_form
from lintseq.codecs.locate import common_prefix, difference, find_quote, unique_window
from lintseq.codecs.repair import Draft, Piece, Repair
from lintseq.codecs.text import FENCES, SEPARATOR, Escape, shorten
from lintseq.edits import Edit, Hunk, apply
from lintseq.errors import EditFault

ORIGINAL = "<|original|>"
UPDATED = "<|updated|>"
END = "<|/updated|>"
CONTEXT = 3
_ESCAPE = Escape((SEPARATOR, ORIGINAL, UPDATED, END, *FENCES))


# Written


def _write(edit: Edit, state: Sequence[str]) -> list[str]:
    before, after = list(state), apply(edit, state)
    more = len(after) - len(before)
    first, last = edit.hunks[0].position, edit.hunks[-1].end
    # Where equal lines meet the change, the two texts alone do not determine where it begins and ends.
    first += common_prefix(before[first:], after[first:])
    while last > max(first, first - more) and before[last - 1] == after[last - 1 + more]:
        last -= 1
    low, high = unique_window(before, first, max(first, last, first - more), context=CONTEXT)
    return [ORIGINAL, *_ESCAPE.escape(before[low:high]), UPDATED, *_ESCAPE.escape(after[low : high + more]), END]


# Read strictly


def _read(rows: Sequence[str], state: Sequence[str]) -> list[Hunk]:
    for lineno, marker in ((1, ORIGINAL), (len(rows), END)):
        if rows[lineno - 1] != marker:
            raise EditFault(lineno, "marker", f"found {shorten(rows[lineno - 1])} where {marker!r} is expected")
    if UPDATED not in rows:
        raise EditFault(1, "marker", f"no line {UPDATED!r} follows")
    bar = rows.index(UPDATED)
    original, updated = _ESCAPE.unescape(rows[1:bar]), _ESCAPE.unescape(rows[bar + 1 : -1])
    check_form(rows, [ORIGINAL, *_ESCAPE.escape(original), UPDATED, *_ESCAPE.escape(updated), END])
    start = find_quote(original, state, 1)
    try:
        inside = difference(original, updated)
    except EditFault as fault:
        raise EditFault(bar + 1 + fault.line, fault.reason, fault.detail) from None
    return [Hunk(hunk.position + start, hunk.lines, hunk.removed) for hunk in inside.hunks]


# Repaired


_MARKER = re.compile(r"<\| ?(/?) ?(original|updated) ?\|>", re.I)
_INLINE = re.compile(r"<\|diff\|>(?=<\|original\|>)")


@dataclass(frozen=True, slots=True)
class _Section:
    """A marker and the rows behind it, up to the next."""

    name: str
    """In lower case, with its slash if it has one."""
    line: int
    first: int
    """The line of the first row."""
    rows: list[str]
    last: bool
    """Whether it goes to the end of the edit."""


def _repair(draft: Draft, piece: Piece) -> None:
    draft.start_edit()
    original: _Section | None = None
    done = ""
    for section in _sections(draft, piece):
        if section.name == "original":
            _leave(draft, original)
            original = section
        elif section.name == "updated" and original is not None:
            cut = section.last and piece.last
            if not cut and section.last:
                draft.note(section.line, "marker", f"no {END!r} follows; taken to the end of the edit")
            updated = _unfenced(draft, section, cut=cut)
            draft.change(
                original.line, _ESCAPE.unescape(_unfenced(draft, original)), _ESCAPE.unescape(updated), cut=cut
            )
            original = None
        elif section.name == "updated":
            draft.note(section.line, "marker", "an update without its original; ignored")
        else:
            if section.name != "/" + done:
                draft.note(section.line, "marker", f"'<|{section.name}|>' ends nothing; ignored")
            elif done == "original":
                draft.note(section.line, "marker", "the end of an original is not marked; ignored")
            draft.ignore(section.first, section.rows)
        done = section.name
    _leave(draft, original, cut=piece.last)


def _sections(draft: Draft, piece: Piece) -> list[_Section]:
    """Return the sections of a piece; lines before the first are ignored."""
    marks = [(index, found) for index, row in enumerate(piece.lines) if (found := _MARKER.match(row.strip()))]
    draft.ignore(piece.line, piece.lines[: marks[0][0]] if marks else piece.lines)
    ends = [*(index for index, _ in marks), len(piece.lines)][1:]
    sections = []
    for (index, found), end in zip(marks, ends, strict=True):
        row, name = piece.lines[index], found[1] + found[2].lower()
        rest = row.strip()[found.end() :].strip()
        if row != f"<|{name}|>":
            draft.note(piece.line + index, "marker", f"{shorten(row)} is read as '<|{name}|>'")
        line = piece.line + index
        rows = [*([rest] if rest else []), *piece.lines[index + 1 : end]]
        sections.append(_Section(name, line, line + (not rest), rows, end == len(piece.lines)))
    return sections


def _leave(draft: Draft, original: _Section | None, *, cut: bool = False) -> None:
    if original is not None:
        draft.note(original.line, "truncated" if cut else "marker", "an original without its update; ignored")


def _unfenced(draft: Draft, section: _Section, *, cut: bool = False) -> list[str]:
    """Return the rows of a section without the fence around them, or what follows the end of one around all."""
    rows = section.rows
    if cut and rows and END.startswith(rows[-1]):
        rows = rows[:-1]
    fences = [index for index, row in enumerate(rows) if row.startswith(FENCES)]
    if not fences:
        return rows
    opened = not any(map(str.strip, rows[: fences[0]]))
    start = fences[0] + 1 if opened and (len(fences) > 1 or cut) else 0
    end = fences[-1] if fences[-1] >= start else len(rows)
    draft.ignore(section.first, rows[:start])
    draft.ignore(section.first + end, rows[end:])
    return rows[start:end]


def _opens(piece: Piece, _more: bool) -> bool:
    return any(_MARKER.match(row.strip()) for row in piece.lines)


ORIGINAL_UPDATED = Codec.by_edit("original-updated", _write, _read, Repair(_repair, _opens, _INLINE), any_context=True)
