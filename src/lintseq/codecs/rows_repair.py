"""Reads hunks written row by row as models write them, for the formats of `lintseq.codecs.rows`.

Besides the reasons of `lintseq.codecs.repair`:

    header       a header in another form is read; rows without one are found by the lines that they show
    marker       a marker of a patch in another form is read, or one that asks for the impossible is ignored
    count        the rows that follow are used, regardless of the header's count
    row          rows have other signs, or none: those without one are taken for lines that stay, if the state has them
    file-header, no-newline
                 `--- a/x` and `\\ No newline at end of file` are ignored
    position     the lines shown are not where the header says: they are used where they are found
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from lintseq.codecs.repair import Draft, Piece, Repair
from lintseq.codecs.rows import SIGNS, Signs
from lintseq.codecs.text import is_fence, shorten

_NUMBERS = r"([0-9]{1,12})(?: *, *([0-9]{1,12}))?"
NUMBERED = re.compile(rf"@@ *-? *{_NUMBERS}(?: *\+ *{_NUMBERS})? *@@")
"""A header with numbers, in any form: position, count, new position, new count."""
_MARKER = re.compile(r"\*{3} ?(Begin Patch|End Patch|End of File|(?:Add|Update|Delete) File|Move to)\b", re.I)
_FILE_HEADERS = ("diff --git ", "index ", "--- ", "+++ ")
_INLINE = re.compile(r"<\|diff\|>(?=@@ |\*\*\* Begin Patch)")

ADDED, KEPT, REMOVED = "added", "kept", "removed"


def rows_repair(signs: Signs) -> Repair:
    """Return how formats whose rows start with these signs, and whose hunks are found by their lines, are repaired."""
    return Repair(lambda draft, piece: RowReader(draft, piece, signs).read(), _opens, _INLINE)


def _opens(piece: Piece, _more: bool) -> bool:
    return any(row.startswith("@@") or _MARKER.match(row) for row in piece.lines)


@dataclass(slots=True)
class RowHunk:
    """A hunk while it is read."""

    line: int
    """Of the text, where it starts."""
    start: int | None = None
    """Where its header says that it is, counted from 0 in the state before the edit."""
    counts: tuple[int, int] = (0, 0)
    """How many lines it has before and after, according to its header."""
    counted: bool = False
    """Whether its header has counts."""
    numbers: tuple[int, int | None] = (0, None)
    """The line numbers in its header: before the edit, and after it if there is one."""
    whole: bool = False
    """Whether it replaces the whole file."""
    rows: list[tuple[str, str]] = field(default_factory=list)
    """Kind and text."""
    sizes: tuple[int, int] = (0, 0)
    """How many lines it has before and after so far."""
    blank_end: int = 0
    """How many of the last rows are empty and without a sign."""
    oddities: dict[str, int] = field(default_factory=dict)
    """What is irregular about rows, and the line of the first such row."""

    def add(self, kind: str, text: str, *, blank: bool = False) -> None:
        self.rows.append((kind, text))
        self.sizes = self.sizes[0] + (kind != ADDED), self.sizes[1] + (kind != REMOVED)
        self.blank_end = self.blank_end + 1 if blank else 0

    @property
    def due(self) -> tuple[int, int]:
        """How many lines before and after are still to come, according to the header."""
        return self.counts[0] - self.sizes[0], self.counts[1] - self.sizes[1]

    @property
    def complete(self) -> bool:
        return max(self.due) <= 0


class RowReader:
    """Reads a piece row by row; a hunk is applied as soon as it ends, where the lines that it shows are found."""

    def __init__(self, draft: Draft, piece: Piece, signs: Signs) -> None:
        self.draft = draft
        self.piece = piece
        self.signs = signs
        self.hunk: RowHunk | None = None
        self.headless = True
        """Whether rows may come without a header: after a fence or the end of a patch they may not."""
        self.size = 0
        """Lines of the state before this edit."""
        self.begun = False
        """Whether a patch has begun and not ended."""
        self.row_starts = (signs.added, signs.kept, signs.removed, "@@ ", "*** End Patch")
        self.known: set[str] | None = None
        self.stray: list[str] = []
        """Lines read last that belong to nothing."""

    def read(self) -> None:
        self.begin()
        for line, row in enumerate(self.piece.lines, self.piece.line):
            if self.takes(row, line):
                self.flush(line)
            else:
                self.stray.append(row)
        end = self.piece.line + len(self.piece.lines)
        self.flush(end)
        self.close(at_end=True)
        if self.begun and self.piece.last:
            self.draft.note(end - 1, "truncated", "the text ends before the patch does")

    def begin(self) -> None:
        self.start_edit(self.piece.line)

    def start_edit(self, line: int) -> None:
        """Start an edit at a line of the text."""
        self.flush(line)
        self.draft.start_edit()
        self.size = len(self.draft.lines)

    def flush(self, line: int) -> None:
        """Note the lines before line `line` of the text that belong to nothing."""
        self.draft.ignore(line - len(self.stray), self.stray)
        self.stray = []

    def takes(self, row: str, line: int) -> bool:
        """Process a row by its kind; return False if it is not part of an edit."""
        if is_fence(row):
            self.close()
            self.headless = False
            return False
        if row.startswith("@@"):
            self.close()
            self.header(row, line)
        elif row.startswith("\\ "):
            self.draft.note(line, "no-newline", f"ignored a remark on the end of the file: {shorten(row)}")
        elif self.is_file_header(row, line):
            self.close()
            self.draft.note(line, "file-header", f"ignored a file header: {shorten(row)}")
        else:
            return self.marker(row, line) or self.row(row, line)
        return True

    def is_file_header(self, row: str, line: int) -> bool:
        if not row.startswith(_FILE_HEADERS):
            return False
        return self.hunk is None or (row.startswith("--- ") and self.next_row(line).startswith("+++ "))

    def next_row(self, line: int) -> str:
        index = line + 1 - self.piece.line
        return self.piece.lines[index] if index < len(self.piece.lines) else ""

    def is_cut(self, line: int) -> bool:
        """Tell whether the text ends in the middle of a line of the text."""
        return self.piece.cut and line == self.piece.line + len(self.piece.lines) - 1

    # Headers

    def header(self, row: str, line: int) -> None:
        self.hunk = RowHunk(line)
        if (numbered := NUMBERED.match(row)) is not None:
            old = int(numbered[2] or 1)
            self.hunk.start = max(int(numbered[1]) - (old > 0), 0)
            if numbered[3]:
                self.hunk.counts, self.hunk.counted = (old, int(numbered[4] or 1)), True
            if numbered.end() < len(row):
                self.draft.note(line, "header", f"{shorten(row[numbered.end() :])} behind the header is ignored")
            return
        anchor = row.removeprefix("@@").removeprefix(" ").removesuffix("@@").rstrip()
        if not anchor.strip("."):
            return
        index = self.find_anchor(anchor)
        if index is None:
            self.draft.note(line, "header", f"{shorten(anchor)} in a header is not in the state; ignored")
        else:
            self.draft.cursor = index + 1

    def find_anchor(self, anchor: str) -> int | None:
        """Return the index of a line that a header names, from the previous change on if it is there."""
        lines = self.draft.lines
        for name, key in ((anchor, str), (anchor.strip(), str.strip)):
            found = [at for at, text in enumerate(lines) if key(text) == name]
            if found:
                return next((at for at in found if at >= self.draft.cursor), found[0])
        return None

    def marker(self, row: str, line: int) -> bool:
        """Take a row if it is a marker of a patch."""
        found = _MARKER.match(row)
        if found is None:
            return False
        self.close()
        match found[1].lower():
            case "begin patch":
                if self.draft.splices:
                    self.start_edit(line)
                self.begun = True
            case "end patch":
                self.headless = self.begun = False
            case "add file":
                self.hunk = RowHunk(line, whole=bool(self.draft.lines))
            case "update file":
                self.hunk = RowHunk(line)
            case "delete file" | "move to":
                self.draft.note(line, "marker", f"{shorten(row)} is ignored: there is one file, and it stays")
        return True

    # Rows

    def row(self, row: str, line: int) -> bool:
        signed = self.signed(row)
        if self.hunk is None:
            if signed is None or signed[0] != ADDED or not self.headless:
                return False
            self.draft.note(line, "header", "rows without a header")
            self.hunk = RowHunk(line)
        if signed is not None:
            kind, text, oddity = signed
            self.hunk.add(kind, text)
        elif not row.strip():
            oddity = "no sign, and is taken for an empty line that stays"
            self.hunk.add(KEPT, "", blank=True)
        elif row in self.known_lines():
            oddity = "no sign, and is taken for a line that stays"
            self.hunk.add(KEPT, row)
        elif self.is_cut(line) and any(start.startswith(row) for start in self.row_starts):
            self.draft.note(line, "truncated", f"{shorten(row)} is the beginning of a row; ignored")
            return True
        else:
            return False
        if oddity:
            self.hunk.oddities.setdefault(oddity, line)
        return True

    def known_lines(self) -> set[str]:
        if self.known is None:
            self.known = set(self.draft.lines)
        return self.known

    def signed(self, row: str) -> tuple[str, str, str] | None:
        """Return the kind and the text of a row that has a sign, and what is irregular about it."""
        for signs in (self.signs, SIGNS):
            oddity = "" if signs is self.signs else "the sign of a unified diff"
            for kind, sign in ((ADDED, signs.added), (REMOVED, signs.removed), (KEPT, signs.kept)):
                if row.startswith(sign):
                    text = row[len(sign) :]
                    if sign == " " and text not in self.known_lines() and row in self.known_lines():
                        return kind, row, "no sign, and is taken for a line that stays"
                    return kind, text, oddity
                if row and row == sign.rstrip():
                    return kind, "", "no space behind its sign"
        return None

    # Changes

    def close(self, *, at_end: bool = False) -> None:
        """Make the change of the hunk that was being read, if any."""
        hunk, self.hunk = self.hunk, None
        if hunk is None:
            return
        if hunk.blank_end:
            del hunk.rows[-hunk.blank_end :]
        for oddity, line in hunk.oddities.items():
            self.draft.note(line, "row", f"has {oddity}")
        before = [text for kind, text in hunk.rows if kind != ADDED]
        after = [text for kind, text in hunk.rows if kind != REMOVED]
        old, new = len(before), len(after)
        cut = False
        if hunk.counted and hunk.counts != (old, new):
            cut = at_end and self.piece.last and new < hunk.counts[1]
            detail = f"the header counts -{hunk.counts[0]} +{hunk.counts[1]} lines, but -{old} +{new} follow"
            self.draft.note(hunk.line, "truncated" if cut else "count", detail)
        if hunk.rows:
            self.apply(hunk, before, after, cut=cut, at_end=at_end)

    def apply(self, hunk: RowHunk, before: Sequence[str], after: Sequence[str], *, cut: bool, at_end: bool) -> None:
        """Make the change of a hunk where the lines that it shows are found."""
        lines = self.draft.lines
        if at_end and self.piece.cut and hunk.rows[-1][0] == KEPT and before[-1] not in lines:
            detail = f"{shorten(before[-1])}, cut off, is taken for a line that stays"
            self.draft.note(hunk.line, "truncated", detail)
            before, after, cut = before[:-1], after[:-1], True
        if hunk.whole:
            before = list(lines)
        start = None if hunk.start is None else hunk.start + len(lines) - self.size
        if before or after or not cut:
            self.draft.change(hunk.line, before, after, cut=False, at=start)
        self.known = None
