"""Reads hunks told row by row as models write them, for the formats of `lintseq.codecs.rows`.

Beside the reasons of `lintseq.codecs.mending`:

    header       a header in another form is read; rows without one are looked for by what they show
    marker       a marker of a patch in another form is read, or one that asks for what cannot be done is ignored
    count        the rows that are there are taken, whatever the header counts
    row          rows have other signs, or none: those without one are taken for lines that stay, if the state has them
    file-header, no-newline
                 `--- a/x` and `\\ No newline at end of file` are ignored
    position     the lines shown are not where the header says: they are taken where they are
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from lintseq.codecs.mending import Draft, Habits, Piece, is_fence
from lintseq.codecs.rows import SIGNS, Signs
from lintseq.codecs.text import shorten

_NUMBERS = r"([0-9]{1,12})(?: *, *([0-9]{1,12}))?"
_NUMBERED = re.compile(rf"@@ *-? *{_NUMBERS}(?: *\+ *{_NUMBERS})? *@@")
_MARKER = re.compile(r"\*{3} ?(Begin Patch|End Patch|End of File|(?:Add|Update|Delete) File|Move to)\b", re.I)
_FILE_HEADERS = ("diff --git ", "index ", "--- ", "+++ ")
_GLUED = re.compile(r"<\|diff\|>(?=@@ |\*\*\* Begin Patch)")

ADDED, KEPT, GONE = "added", "kept", "gone"


def habits(signs: Signs) -> Habits:
    """Return what a format whose rows start with these signs knows of texts that its strict reader refuses."""

    def mend(draft: Draft, piece: Piece) -> None:
        _Reader(draft, piece, signs).read()

    return Habits(mend, _opens, _GLUED)


def _opens(piece: Piece, _more: bool) -> bool:
    return any(row.startswith("@@") or _MARKER.match(row) for row in piece.lines)


@dataclass(slots=True)
class _Hunk:
    """A hunk as it is being read."""

    line: int
    """Of the text, where it starts."""
    at: int | None = None
    """Where its header says that it is, counted from 0 in the state before the edit."""
    counts: tuple[int, int] | None = None
    """How many lines it has before and after, as its header has it."""
    whole: bool = False
    """Whether it is all that the file holds."""
    rows: list[tuple[str, str]] = field(default_factory=list)
    """Kind and text."""
    loose_end: int = 0
    """How many of the last rows are empty and without a sign."""
    odd: dict[str, int] = field(default_factory=dict)
    """What is odd about rows, and the line of the first such row."""

    def add(self, kind: str, text: str, *, loose: bool = False) -> None:
        self.rows.append((kind, text))
        self.loose_end = self.loose_end + 1 if loose else 0

    def before(self) -> list[str]:
        return [text for kind, text in self.rows if kind != ADDED]

    def after(self) -> list[str]:
        return [text for kind, text in self.rows if kind != GONE]


class _Reader:
    """Reads a piece row by row; a hunk is applied as soon as it ends."""

    def __init__(self, draft: Draft, piece: Piece, signs: Signs) -> None:
        self.draft = draft
        self.piece = piece
        self.signs = signs
        self.size = len(draft.lines)
        self.hunk: _Hunk | None = None
        self.led = piece.led or draft.edit > 0
        """Whether rows may come without a header: after something that does not belong to an edit they may not."""
        self.begun = False
        """Whether a patch was begun, and has not ended."""
        self.known: set[str] | None = None

    def read(self) -> None:
        rows = self.piece.lines
        stray = 0
        for index in range(len(rows) + 1):
            if index < len(rows) and not self.takes(index):
                continue
            if stray < index:
                self.draft.ignore(self.piece.line + stray, rows[stray:index])
            stray = index + 1
        self.close(at_end=True)
        if self.begun and self.piece.last:
            self.draft.note(self.piece.line + len(rows) - 1, "truncated", "the text ends before the patch does")

    def takes(self, index: int) -> bool:
        """Take a row for what it is; return False if it belongs to nothing."""
        row, line = self.piece.lines[index], self.piece.line + index
        if is_fence(row):
            self.close()
            self.led = False
            return False
        if row.startswith("@@"):
            self.close()
            self.header(row, line)
            return True
        if (found := _MARKER.match(row)) is not None:
            self.close()
            self.marker(row, found[1].lower(), line)
            return True
        if row.startswith("\\ "):
            self.draft.note(line, "no-newline", f"ignored a remark on the end of the file: {shorten(row)}")
            return True
        if self.is_file_header(index):
            self.close()
            self.draft.note(line, "file-header", f"ignored a file header: {shorten(row)}")
            return True
        return self.row(row, line)

    def is_file_header(self, index: int) -> bool:
        rows = self.piece.lines
        if not rows[index].startswith(_FILE_HEADERS):
            return False
        if rows[index].startswith("--- "):
            return self.hunk is None or (index + 1 < len(rows) and rows[index + 1].startswith("+++ "))
        return self.hunk is None

    # Headers

    def header(self, row: str, line: int) -> None:
        self.hunk = _Hunk(line)
        numbered = _NUMBERED.match(row)
        if numbered is not None:
            old = int(numbered[2] or 1)
            self.hunk.at = max(int(numbered[1]) - (old > 0), 0)
            if numbered[3]:
                self.hunk.counts = old, int(numbered[4] or 1)
            if numbered.end() < len(row):
                self.draft.note(line, "header", f"{shorten(row[numbered.end() :])} behind the header is ignored")
            return
        anchor = row.removeprefix("@@").removeprefix(" ").removesuffix("@@").rstrip()
        if not anchor or not anchor.strip("."):
            return
        place = self.place_of(anchor)
        if place is None:
            self.draft.note(line, "header", f"{shorten(anchor)} in a header is not in the state; ignored")
        else:
            self.draft.cursor = place + 1

    def place_of(self, anchor: str) -> int | None:
        """Return where a line is that a header names, from the change before on if it is there."""
        lines = self.draft.lines
        for name, key in ((anchor, str), (anchor.strip(), str.strip)):
            found = [at for at, text in enumerate(lines) if key(text) == name]
            if found:
                return next((at for at in found if at >= self.draft.cursor), found[0])
        return None

    def marker(self, row: str, name: str, line: int) -> None:
        if name == "begin patch":
            if self.draft.splices:
                self.draft.start_edit()
                self.size = len(self.draft.lines)
            self.begun = True
        elif name == "add file":
            self.hunk = _Hunk(line, whole=bool(self.draft.lines))
        elif name == "update file":
            self.hunk = _Hunk(line)
        elif name in {"delete file", "move to"}:
            self.draft.note(line, "marker", f"{shorten(row)} is ignored: there is one file, and it stays")
        if name == "end patch":
            self.led = self.begun = False

    # Rows

    def row(self, row: str, line: int) -> bool:
        told = self.told(row)
        if self.hunk is None:
            if told is None or told[0] != ADDED or not self.led:
                return False
            self.draft.note(line, "header", "rows without a header")
            self.hunk = _Hunk(line)
        if told is not None:
            kind, text, oddity = told
            self.hunk.add(kind, text)
        elif not row.strip():
            oddity = "no sign, and is taken for an empty line that stays"
            self.hunk.add(KEPT, "", loose=True)
        elif row in self.lines_known():
            oddity = "no sign, and is taken for a line that stays"
            self.hunk.add(KEPT, row)
        elif line == self.piece.line + len(self.piece.lines) - 1 and self.piece.cut and self.begins_row(row):
            self.draft.note(line, "truncated", f"{shorten(row)} is the beginning of a row; ignored")
            return True
        else:
            return False
        if oddity:
            self.hunk.odd.setdefault(oddity, line)
        return True

    def begins_row(self, row: str) -> bool:
        signs = self.signs.added, self.signs.kept, self.signs.gone
        return any(start.startswith(row) for start in (*signs, "@@ ", "*** End Patch"))

    def lines_known(self) -> set[str]:
        if self.known is None:
            self.known = set(self.draft.lines)
        return self.known

    def told(self, row: str) -> tuple[str, str, str] | None:
        """Return the kind and the text of a row that has a sign, and what is odd about it."""
        for signs in (self.signs, SIGNS):
            oddity = "" if signs is self.signs else "the sign of a unified diff"
            for kind, sign in ((ADDED, signs.added), (GONE, signs.gone), (KEPT, signs.kept)):
                if row.startswith(sign):
                    text = row[len(sign) :]
                    if sign == " " and text not in self.lines_known() and row in self.lines_known():
                        return kind, row, "no sign, and is taken for a line that stays"
                    return kind, text, oddity
                if row and row == sign.rstrip():
                    return kind, "", "no space behind its sign"
        return None

    # What hunks do

    def close(self, *, at_end: bool = False) -> None:
        """Make the change of the hunk that was being read, if any."""
        hunk, self.hunk = self.hunk, None
        if hunk is None:
            return
        if hunk.loose_end:
            del hunk.rows[-hunk.loose_end :]
        for oddity, line in hunk.odd.items():
            self.draft.note(line, "row", f"has {oddity}")
        if not hunk.rows:
            return
        before, after = hunk.before(), hunk.after()
        cut = self._counted(hunk, before, after, last=at_end and self.piece.last)
        if at_end and self.piece.cut and hunk.rows[-1][0] == KEPT and before[-1] not in self.draft.lines:
            self.draft.note(hunk.line, "truncated", f"{shorten(before[-1])}, cut off, is taken for a line that stays")
            before, after, cut = before[:-1], after[:-1], True
        if hunk.whole:
            before = list(self.draft.lines)
        at = None if hunk.at is None else hunk.at + len(self.draft.lines) - self.size
        if before or after or not cut:
            self.draft.change(hunk.line, before, after, cut=False, at=at)
        self.known = None

    def _counted(self, hunk: _Hunk, before: Sequence[str], after: Sequence[str], *, last: bool) -> bool:
        """Note where a header counts other rows than there are; return whether the text was cut off."""
        if hunk.counts is None or hunk.counts == (len(before), len(after)):
            return False
        cut = last and len(after) < hunk.counts[1]
        detail = (
            f"the header counts -{hunk.counts[0]} +{hunk.counts[1]} lines, but -{len(before)} +{len(after)} follow"
        )
        self.draft.note(hunk.line, "truncated" if cut else "count", detail)
        return cut
