"""Edit sequences as the paper writes them: zero-context unified hunks led by `<|diff|>`.

    <|diff|>@@ -0,0 +1,2 @@
    +def area(r):
    +    return pi * r * r
    <|diff|>@@ -0,0 +1 @@
    +from math import pi
    <|diff|>@@ -2 +2,2 @@
    -def area(r):
    +
    +def area(r: float) -> float:

A header is what `difflib.unified_diff(n=0)` prints: `@@ -P,R +S,N @@` replaces R lines of the state before the edit,
from line P on, by N lines, which become lines S to S + N - 1 of the state after it. A count of 1 is left out, and the
number before a count of 0 is that of the preceding line: `@@ -P,0 +S,N @@` inserts after line P, `@@ -P,R +S,0 @@`
only deletes. Hunks of one edit come in growing order, and all their P count in the state before the edit.

Every row starts with its sign, `-` for the old lines and then `+` for the new ones, so a line of code that holds `@@`,
`<|diff|>` or anything else is never mistaken for structure.

In model output headers are taken at their word, because hunks show no lines by which they could be found. Reasons
noted, those of `lintseq.codecs.repair` that can occur among them:

    carriage-return  every newline of the text is `\\r\\n`: each is read as `\\n`
    end-token        `<|endoftext|>`, `</s>` and their like at the very end: cut off, unless the text is exact as it is
    text, fence, file-header, blank, no-newline, row
                     what belongs to no hunk is ignored: prose, Markdown fences, `--- a/x`, empty lines,
                     `\\ No newline at end of file`, and rows without a header that places them
    header           a header in another form is read (`+1,1`, a section heading, missing spaces, a newline
                     after the separator); one without a position is ignored, and so are its rows
    count            the rows that follow are taken, whatever the header counts
    truncated        the same at the end of the text, where the model was cut off
    blank-row        an empty line without its `+`, while rows are missing from the header's count, is an empty row
    position         an edit past the end of the state is made at its end
    new-start        P rules; S is only compared with it
    order, separator a hunk without a separator before it is of the same edit if its P and S fit there, and
                     otherwise starts a new one; `row<|diff|>@@ -1,0 +2 @@` is a row and a header if the
                     row is the last that its hunk counts and another row follows: it could not be content
    empty-edit       a separator without a hunk: ignored
    context          rows that start with a space stay, as in any unified diff
    mismatch         where the state has other lines than rows that start with `-` or a space, the header is
                     believed as far as it counts such rows; the rest of them are ignored
"""

import re
from collections.abc import Sequence
from itertools import chain, islice

from lintseq.codecs.codec import Codec
from lintseq.codecs.repair import Repair
from lintseq.codecs.resolution import Splice
from lintseq.codecs.rows import SIGNS, header_fault, line_range
from lintseq.codecs.rows_repair import ADDED, KEPT, NUMBERED, REMOVED, RowHunk, RowReader
from lintseq.codecs.text import SEPARATOR, shorten
from lintseq.edits import Edit, EditSequence, Hunk
from lintseq.errors import EditFault

_START, _COUNT = "(0|[1-9][0-9]{0,11})", "(?:,(0|[2-9]|[1-9][0-9]{1,11}))?"
HEADER = re.compile(rf"@@ -{_START}{_COUNT} \+{_START}{_COUNT} @@")
"""A header exactly as it is written: the start and the count of the old lines, and those of the new ones."""


def _write_edits(sequence: EditSequence) -> list[str]:
    """Return the text of each edit, without separators and without a newline at its end."""
    lines = sequence.merged.lines
    rows = ["+" + line for line in lines]
    gone = chain.from_iterable(sequence.removed() if sequence.departures else ())
    texts = []
    for hunks in sequence.placements():
        parts: list[str] = []
        shift = 0
        for position, removed, indices in hunks:
            count = len(indices)
            if not removed:
                parts.append(f"@@ -{position},0 +{line_range(position + shift + 1, count)} @@")
            else:
                new = line_range(position + shift + 1, count) if count else f"{position + shift},0"
                parts.append(f"@@ -{line_range(position + 1, removed)} +{new} @@")
                parts += ["-" + lines[index] for index in islice(gone, removed)]
            parts += [rows[index] for index in indices]
            shift += count - removed
        texts.append("\n".join(parts))
    return texts


def _read_edit(text: str, state: Sequence[str]) -> Edit:
    """Return the edit that a text makes in `state`; raise `EditFault` if it is not as written above."""
    texts = text.split("\n")
    done, behind, shift = 0, -1, 0
    hunks = []
    while done < len(texts):
        header = HEADER.fullmatch(texts[done])
        if header is None:
            if done and texts[done].startswith(("+", "-")):
                detail = f"{shorten(texts[done])} is one row more than the header counts"
                raise EditFault(done + 1, "count", detail)
            raise header_fault(texts[done], "@@ -P,R +S,N @@", done + 1)
        removed, count = int(header[2] or 1), int(header[4] or 1)
        position, start = int(header[1]) - (removed > 0), int(header[3])
        if not 0 <= position <= len(state) - removed:
            what = f"removes {removed} lines" if removed else "inserts"
            detail = f"{what} after line {position}, but the state has {len(state)} lines"
            raise EditFault(done + 1, "position", detail)
        if position <= behind:
            detail = f"changes lines after line {position}, but the hunk before it ends after line {behind}"
            raise EditFault(done + 1, "order", detail)
        if start != position + shift + (count > 0):
            detail = f"the new lines start at line {position + shift + (count > 0)}, not {start}"
            raise EditFault(done + 1, "new-start", detail)
        middle = done + 1 + removed
        end = middle + count
        old, new = texts[done + 1 : middle], texts[middle:end]
        behind = position + removed
        lines = tuple([row[1:] for row in new if row.startswith("+")])
        gone = state[position:behind]
        if len(lines) < count or (removed and old != ["-" + line for line in gone]) or end == done + 1:
            raise _rows_fault(old, new, gone, count, done + 1)
        hunks.append(Hunk(position, lines, removed))
        done = end
        shift += count - removed
    return Edit(tuple(hunks))


def _rows_fault(old: Sequence[str], new: Sequence[str], lines: Sequence[str], count: int, header: int) -> EditFault:
    """Return the first fault of the rows after a header in line `header`.

    It counts those of `lines`, as old ones, and `count` new ones.
    """
    due = len(lines) + count
    for number, row in enumerate([*old, *new]):
        sign = "-" if number < len(lines) else "+"
        if row.startswith("@@"):
            return EditFault(header + number + 1, "count", f"the header counts {due} rows, but {number} follow")
        if not row.startswith(sign):
            return EditFault(header + number + 1, "row", f"{shorten(row)} does not start with {sign!r}")
        if number < len(lines) and row[1:] != lines[number]:
            detail = f"removes {shorten(row[1:])}, where the state has {shorten(lines[number])}"
            return EditFault(header + number + 1, "mismatch", detail)
    if due:
        return EditFault(header, "count", f"counts {due} rows, but {len(old) + len(new)} follow")
    return EditFault(header, "no-change", "replaces nothing by nothing")


# Repaired


_LED_HEADER = SEPARATOR + "@@"


class _NumberedReader(RowReader):
    """Reads hunks whose headers say where they go, and finds the edits that have lost their separators."""

    headers = 0
    """How many headers this edit has so far, good or bad."""
    behind = 0
    """How many lines of the state before this edit are behind the previous hunk."""
    shift = 0
    """How far this edit has moved the lines after that."""

    def begin(self) -> None:
        if self.piece.led:
            self.start_edit(self.piece.line)

    def start_edit(self, line: int) -> None:
        super().start_edit(line)
        self.headers = self.behind = self.shift = 0

    def takes(self, row: str, line: int) -> bool:
        if row.startswith("\\ "):
            self.draft.unended = line
        if self.piece.led and line == self.piece.line:
            if row.strip():
                self.header(row, line)
            elif row:
                self.draft.note(line, "blank", "white space after a separator is ignored")
            return True
        return super().takes(row, line)

    def is_file_header(self, row: str, line: int) -> bool:
        return False

    def marker(self, row: str, line: int) -> bool:
        return False

    def header(self, row: str, line: int, *, led: bool = False) -> None:
        """Read a header; `led` means that a separator precedes it in the middle of the line."""
        found = NUMBERED.match(row)
        if found is None:
            reason = "truncated" if self.is_cut(line) else "header"
            self.draft.note(line, reason, f"{shorten(row)} gives no position; ignored")
            self.headers += 1
            return
        old, new = int(found[1]), int(found[3]) if found[3] else None
        counts = int(found[2] or 1), int(found[4] or 1)
        start = max(old - 1, 0) if counts[0] else old
        hunk = RowHunk(line, start, counts, True, (old, new))
        led |= self.piece.led and line == self.piece.line
        if not self.draft.edit:
            self.start_edit(line)
        elif self.headers and not led:
            self.continue_edit(hunk, start)
        elif not led:
            self.draft.note(line, "header", "a newline separates the separator from the header")
        self.headers += 1
        self.hunk = hunk
        usual = f"@@ -{line_range(old, counts[0])} +{line_range(old + 1 if new is None else new, counts[1])} @@"
        if row != usual:
            self.draft.note(line, "header", f"{shorten(row)} is read as {usual!r}")

    def continue_edit(self, hunk: RowHunk, start: int) -> None:
        """Decide whether a hunk without a separator continues this edit or starts a new one."""
        fits = self.behind <= start <= self.size
        as_new_edit = start + (hunk.counts[1] > 0)
        if fits and (self.shift == 0 or hunk.numbers[1] != as_new_edit):
            if start == self.behind:
                self.draft.note(hunk.line, "order", f"inserts after line {start}, as the hunk before it; put after it")
            return
        self.draft.note(hunk.line, "separator", "the hunk does not fit into the edit before it; it starts a new one")
        self.start_edit(hunk.line)

    def row(self, row: str, line: int) -> bool:
        hunk = self.hunk
        if hunk is not None:
            if row.startswith("+"):
                self.added_row(hunk, row, line)
                return True
            if not row.strip("\r"):
                if hunk.complete:
                    return False
                hunk.add(KEPT if hunk.due[0] > 0 else ADDED, "")
                self.draft.note(line, "blank-row", "an empty line without its sign is taken as an empty row")
                return True
            file_header = row.startswith("--- ") and self.next_row(line).startswith("+++ ")
            if row.startswith((" ", "-")) and not (hunk.complete and file_header):
                hunk.add(KEPT if row.startswith(" ") else REMOVED, row[1:])
                return True
            if hunk.complete:
                self.close()
        at = -1 if row.startswith("+") else row.find(_LED_HEADER)
        if at >= 0:
            self.stray.append(row[:at])
            self.flush(line + 1)
            self.separator(row[at:], line)
        return at >= 0

    def added_row(self, hunk: RowHunk, row: str, line: int) -> None:
        """Take a row that adds a line; it may end in the separator and the header of the next edit."""
        at = row.rfind(_LED_HEADER) if hunk.due[1] <= 1 and self.next_row(line).startswith("+") else -1
        if at < 0 or not HEADER.fullmatch(row, at + len(SEPARATOR)):
            hunk.add(ADDED, row[1:])
            return
        hunk.add(ADDED, row[1:at])
        self.draft.note(line, "separator", "a row ends in a separator and a header; read as such")
        self.separator(row[at:], line)

    def separator(self, rest: str, line: int) -> None:
        self.close()
        self.start_edit(line)
        self.header(rest.removeprefix(SEPARATOR), line, led=True)

    def apply(self, hunk: RowHunk, before: Sequence[str], after: Sequence[str], *, cut: bool, at_end: bool) -> None:
        """Make the change of a hunk where its header says that it goes."""
        begin, new = self.begin_of(hunk, before), hunk.numbers[1]
        position = min(max(begin, self.behind), self.size)
        start = position + self.shift + (hunk.counts[1] > 0)
        if begin != position:
            detail = f"inserts after line {begin}, but the state has {self.size} lines; taken as {position}"
            self.draft.note(hunk.line, "position", detail)
        elif new is not None and new != start:
            self.draft.note(hunk.line, "new-start", f"the new lines start at line {start}, not {new}")
        self.write(hunk, position, len(before))

    def begin_of(self, hunk: RowHunk, before: Sequence[str]) -> int:
        """Return how many lines of the state come before the hunk.

        Where the header counts old lines and none is shown, or the other way round, it may mean "after
        line P" or "at line P": the new position and the state's own lines tell.
        """
        old, new = hunk.numbers
        preceding = max(old - 1, 0)
        if bool(before) == (hunk.counts[0] > 0):
            at_line = bool(before)
        elif before:
            at_line = self.line_at(old) != before[0] and self.line_at(preceding) == before[0]
        else:
            at_line = new is not None and new - 1 - self.shift == preceding
        return preceding if at_line else old

    def line_at(self, position: int) -> str | None:
        """Return a line of the state before this edit, counted from 0, if it is there and not yet behind."""
        return self.draft.lines[position + self.shift] if self.behind <= position < self.size else None

    def write(self, hunk: RowHunk, position: int, old_rows: int) -> None:
        """Make the change of a hunk; of old rows that the state does not have, as many count as the header says."""
        lines = self.draft.lines
        start = cursor = position + self.shift
        written: list[str] = []
        due = hunk.counts[0]
        deleted = passed = believed = 0
        for kind, text in hunk.rows:
            if kind == ADDED:
                written.append(text)
                continue
            if cursor == len(lines) or (lines[cursor] != text and due <= 0):
                continue
            believed += lines[cursor] != text
            due -= 1
            if kind == REMOVED:
                deleted += 1
            else:
                written.append(lines[cursor])
                passed += 1
            cursor += 1
        if len(written) > passed or deleted:
            self.draft.splice(Splice(start, cursor - start, tuple(written)))
        self.behind = cursor - self.shift
        self.shift += len(written) - (cursor - start)
        if passed:
            self.draft.note(hunk.line, "context", f"{passed} lines of context passed")
        ignored = old_rows - deleted - passed
        if believed or ignored:
            detail = f"{believed + ignored} rows are not in the state there: {believed} taken as the header counts"
            self.draft.note(hunk.line, "mismatch", f"{detail}, {ignored} ignored")


def _classify(line: str) -> str:
    return "file-header" if line.startswith(("--- ", "+++ ")) else "row" if line.startswith(("+", "-")) else "text"


DIFF = Codec(
    "diff",
    _write_edits,
    _read_edit,
    Repair(
        lambda draft, piece: _NumberedReader(draft, piece, SIGNS).read(),
        lambda piece, more: not piece.empty,
        classify=_classify,
    ),
)
