"""Reads the edit text of `lintseq.codecs.diff` as models write it: nothing raises, everything odd is noted.

A text that the strict reader accepts gives the same program and no note, and a text that it refuses gives
at least one. The one exception is an end-of-text token at the very end of the text, which is always
taken for what it is, even where it could be the end of the last row.

What it does with the rest, and the reason it notes:

    carriage-return  every newline of the text is `\\r\\n`: each is read as `\\n`
    end-token        `<|endoftext|>`, `</s>` and their like at the very end: cut off
    text, fence, file-header, blank, no-newline, row
                     what belongs to no hunk is ignored: prose, Markdown fences, `--- a/x`, empty lines,
                     `\\ No newline at end of file`, and rows with no header to place them
    header           a header in another form is read (`+1,1`, a section heading, missing spaces, a newline
                     after the separator); one without a position is ignored, and so are its rows
    count            the rows that are there are taken, whatever the header counts
    truncated        the same at the end of the text, where the model was cut off
    blank-row        an empty line without its `+`, while the header's count is owed rows, is an empty row
    position         an edit past the end of the state is made at its end
    new-start        P rules; S is only compared with it
    order, separator a hunk without a separator before it is of the same edit if its P and S fit there, and
                     otherwise starts a new one; `row<|diff|>@@ -1,0 +2 @@` is a row and a header if the
                     row is the last that its hunk counts and another row follows: as content it could
                     not stand there
    empty-edit       a separator without a hunk: ignored
    replace          rows that start with `-` or a space are applied as in any unified diff, at the place
                     the header names
    mismatch         ... and where the state has other lines there, the header is believed as far as it
                     counts such rows; the rest of them are ignored
"""

import re
from dataclasses import dataclass, field

from lintseq.codecs.codec import NOTHING
from lintseq.codecs.diff import HEADER
from lintseq.codecs.resolution import Note, Resolution, Splice
from lintseq.codecs.text import SEPARATOR, end_without_tokens, shorten
from lintseq.program import Program

_NUMBERS = r"([0-9]{1,12})(?: *, *([0-9]{1,12}))?"
_LOOSE_HEADER = re.compile(rf"@@ *-? *{_NUMBERS}(?: *\+ *{_NUMBERS})? *@@")
_SEPARATORS = re.compile(rf"(?:{re.escape(SEPARATOR)})+")
_LED_HEADER = SEPARATOR + "@@"


def resolve(text: str, start: Program = NOTHING) -> Resolution:
    """Return the program that `text` writes on `start`, and a note on each thing that was ignored or repaired."""
    newlines = text.count("\n")
    converted = newlines > 0 and text.count("\r\n") == newlines
    if converted:
        text = text.replace("\r\n", "\n")
    end = end_without_tokens(text)
    tokens, text = text[end:], text[:end]
    reader = _Reader("" if text == SEPARATOR else text, start)  # a lone separator changes nothing
    reader.read()
    if converted:
        reader.notes.append(Note(0, 1, "carriage-return", "every newline is '\\r\\n'; each is read as '\\n'"))
    if tokens:
        reader.note(max(len(reader.lines), 1), "end-token", f"{shorten(tokens)} at the end of the text is cut off")
    program = Program(tuple(reader.state), reader.final_newline and bool(reader.state))
    return Resolution(
        program, start, tuple(map(tuple, reader.changes)), tuple(sorted(reader.notes, key=lambda note: note.line))
    )


@dataclass(slots=True)
class _Hunk:
    """A hunk as it is being read; `rows` keep the sign that they start with."""

    line: int
    old: int
    old_count: int
    new: int | None
    new_count: int
    rows: list[str] = field(default_factory=list)
    old_due: int = field(init=False)
    new_due: int = field(init=False)

    def __post_init__(self) -> None:
        self.old_due = self.old_count
        self.new_due = self.new_count

    @property
    def begin(self) -> int:
        """How many lines of the state come before the hunk, as its header has it."""
        return max(self.old - 1, 0) if self.old_count else self.old

    @property
    def complete(self) -> bool:
        return self.old_due <= 0 and self.new_due <= 0

    def add(self, row: str) -> None:
        self.rows.append(row)
        self.old_due -= row[0] != "+"
        self.new_due -= row[0] != "-"


@dataclass(slots=True)
class _Run:
    """Neighboring lines ignored for the same reason: they share one note."""

    edit: int
    first: int
    reason: str
    sample: str
    size: int = 1


_IGNORED = {
    "text": "text that belongs to no hunk",
    "fence": "a Markdown fence",
    "file-header": "a file header",
    "no-newline": "a remark on the end of the file",
    "blank": "an empty line",
    "row": "a row with no header to place it",
    "empty-edit": "a separator without a hunk",
}


class _Reader:
    """Reads line by line; a hunk is applied in place as soon as it ends, so the cost is that of the text."""

    def __init__(self, text: str, start: Program) -> None:
        self.lines = text.split("\n")
        self.final_newline = text.endswith("\n") if text else start.final_newline
        if not self.lines[-1]:
            self.lines.pop()
        self.state: list[str] = list(start.lines)
        self.notes: list[Note] = []
        self.changes: list[list[Splice]] = []
        self.run: _Run | None = None
        self.hunk: _Hunk | None = None
        self.edit = 0
        self.start_edit(0)
        self.edit = 0
        self.changes.clear()

    def start_edit(self, line: int) -> None:
        """Begin the next edit; positions now count in the state as it is."""
        self.edit += 1
        self.edit_line = line
        self.headers = 0  # of this edit, good or bad
        self.changes.append([])
        self.size = len(self.state)  # of the state before this edit
        self.behind = 0  # how many of its lines lie behind the last hunk
        self.shift = 0  # how far this edit has moved the lines after that

    def read(self) -> None:
        for number, line in enumerate(self.lines, 1):
            if line.startswith(SEPARATOR):
                self.separator(number, line)
            elif line.startswith("@@"):
                self.header(number, line)
            elif self.hunk is not None:
                self.row(number, line, self.hunk)
            else:
                self.stray(number, line)
        self.end_edit(at_end=True)
        last = self.run
        self.flush()
        if last is not None and last.first + last.size > len(self.lines):
            # What was ignored after the last row shows that the row's line was whole.
            self.final_newline |= last.reason in ("text", "fence")
            self.final_newline &= last.reason != "no-newline"

    # What lines are

    def separator(self, number: int, line: str) -> None:
        """Read a line, or what is left of one, that starts with one separator or several."""
        match = _SEPARATORS.match(line)
        assert match is not None
        for _ in range(match.end() // len(SEPARATOR)):
            self.end_edit()
            self.start_edit(number)
        rest = line[match.end() :]
        if rest.strip():
            self.header(number, rest, led=True)
        elif rest:
            self.note(number, "blank", "white space after a separator is ignored")

    def header(self, number: int, line: str, *, led: bool = False) -> None:
        """Read a header; `led` says that a separator stands right before it."""
        self.close_hunk()
        match = _LOOSE_HEADER.match(line)
        if match is None:
            cut = number == len(self.lines) and not self.final_newline
            self.note(number, "truncated" if cut else "header", f"{shorten(line)} gives no position; ignored")
            self.headers += 1
            return
        old, old_count, new, new_count = match.groups()
        hunk = _Hunk(
            number,
            int(old),
            1 if old_count is None else int(old_count),
            None if new is None else int(new),
            1 if new_count is None else int(new_count),
        )
        if self.edit == 0:
            self.start_edit(number)
        elif self.headers and not led:
            self.place(hunk)
        elif not led:
            self.note(number, "header", "a newline stands between the separator and the header")
        self.headers += 1
        self.hunk = hunk
        start = hunk.old + 1 if hunk.new is None else hunk.new
        usual = f"@@ -{_range(hunk.old, hunk.old_count)} +{_range(start, hunk.new_count)} @@"
        if line != usual:
            self.note(number, "header", f"{shorten(line)} is read as {usual!r}")

    def place(self, hunk: _Hunk) -> None:
        """Decide whether a hunk without a separator goes on with this edit or starts a new one."""
        fits = self.behind <= hunk.begin <= self.size
        as_new_edit = hunk.begin + (hunk.new_count > 0)
        if fits and (hunk.new is None or hunk.new == as_new_edit + self.shift or hunk.new != as_new_edit):
            if hunk.begin == self.behind:
                self.note(hunk.line, "order", f"inserts after line {hunk.begin}, as the hunk before it; put after it")
            return
        self.note(hunk.line, "separator", "the hunk does not fit into the edit before it; it starts a new one")
        self.end_edit()
        self.start_edit(hunk.line)

    def row(self, number: int, line: str, hunk: _Hunk) -> None:
        """Read a line after a header."""
        if line.startswith("+"):
            glued = self.glued(number, line) if hunk.new_due <= 1 else -1
            if glued < 0:
                hunk.add(line)
                return
            hunk.add(line[:glued])
            self.note(number, "separator", "a separator and a header stand at the end of a row; read as such")
            self.separator(number, line[glued:])
        elif not line.strip("\r"):
            if hunk.complete:
                self.ignore(number, "blank", line)
            else:
                hunk.add(" " if hunk.old_due > 0 else "+")
                self.note(number, "blank-row", "an empty line without its sign is taken as an empty row")
        elif line.startswith((" ", "-")) and not (hunk.complete and self.opens_file_header(number, line)):
            hunk.add(line)
        elif line.startswith("\\"):
            self.ignore(number, "no-newline", line)
        else:
            if hunk.complete or _is_fence(line):
                self.close_hunk()
            self.stray(number, line)

    def glued(self, number: int, line: str) -> int:
        """Return where in a row a separator with a whole header and rows after it stands, or -1."""
        at = line.rfind(_LED_HEADER)
        if at < 0 or number == len(self.lines) or not self.lines[number].startswith("+"):
            return -1
        return at if HEADER.fullmatch(line, at + len(SEPARATOR)) else -1

    def opens_file_header(self, number: int, line: str) -> bool:
        return line.startswith("--- ") and number < len(self.lines) and self.lines[number].startswith("+++ ")

    def stray(self, number: int, line: str) -> None:
        """Note a line that belongs to no hunk; a separator with a header may stand at its end."""
        led = -1 if line.startswith("+") else line.find(_LED_HEADER)
        if led >= 0:
            self.ignore(number, "text", line[:led])
            self.separator(number, line[led:])
        elif number == len(self.lines) and not self.final_newline and SEPARATOR.startswith(line):
            self.note(number, "truncated", f"{shorten(line)} is the beginning of a separator; ignored")
        else:
            self.ignore(number, _stray_reason(line), line)

    # What hunks do

    def end_edit(self, *, at_end: bool = False) -> None:
        self.close_hunk(at_end=at_end)
        if self.edit and not self.headers:
            self.ignore(self.edit_line, "empty-edit", SEPARATOR)

    def close_hunk(self, *, at_end: bool = False) -> None:
        """Apply the hunk that was being read, if any."""
        hunk, self.hunk = self.hunk, None
        if hunk is None:
            return
        old_rows = [row for row in hunk.rows if not row.startswith("+")]
        if hunk.old_due or hunk.new_due:
            short = at_end and hunk.new_due > 0
            detail = f"the header counts -{hunk.old_count} +{hunk.new_count} lines, but"
            detail += f" -{hunk.old_count - hunk.old_due} +{hunk.new_count - hunk.new_due} follow"
            self.note(hunk.line, "truncated" if short else "count", detail)
        if not hunk.rows:
            return
        begin = self.begin_of(hunk, old_rows)
        fitting = min(max(begin, self.behind), self.size)
        start = fitting + self.shift + (hunk.new_count > 0)
        if begin != fitting:
            detail = f"inserts after line {begin}, but the state has {self.size} lines; taken as {fitting}"
            self.note(hunk.line, "position", detail)
        elif hunk.new is not None and hunk.new != start:
            self.note(hunk.line, "new-start", f"the new lines start at line {start}, not {hunk.new}")
        self.write(hunk, fitting, len(old_rows))

    def begin_of(self, hunk: _Hunk, old_rows: list[str]) -> int:
        """Return how many lines of the state come before the hunk.

        Where the header counts old lines and none is shown, or the other way round, it may mean "after
        line P" or "at line P": the new position and the state's own lines tell.
        """
        if bool(old_rows) == bool(hunk.old_count):
            return hunk.begin
        before = max(hunk.old - 1, 0)
        if not old_rows:
            return before if hunk.new is not None and hunk.new - 1 - self.shift == before else hunk.old
        shown = old_rows[0][1:]
        if self.line_at(hunk.old) != shown and self.line_at(before) == shown:
            return before
        return hunk.old

    def line_at(self, position: int) -> str | None:
        """Return a line of the state before this edit, counted from 0, if it is there and not yet behind."""
        return self.state[position + self.shift] if self.behind <= position < self.size else None

    def write(self, hunk: _Hunk, begin: int, old_rows: int) -> None:
        """Make the hunk's change in the state."""
        start = cursor = begin + self.shift
        written: list[str] = []
        due = hunk.old_count
        deleted = passed = believed = 0
        for row in hunk.rows:
            text = row[1:]
            if row.startswith("+"):
                written.append(text)
                continue
            if cursor == len(self.state):
                continue
            if self.state[cursor] != text:
                if due <= 0:
                    continue
                believed += 1
            due -= 1
            if row.startswith("-"):
                deleted += 1
            else:
                written.append(self.state[cursor])
                passed += 1
            cursor += 1
        self.state[start:cursor] = written
        self.behind = cursor - self.shift
        self.shift += len(written) - (cursor - start)
        if len(written) > passed or deleted:
            self.changes[-1].append(Splice(start, cursor - start, tuple(written)))
        if deleted or passed:
            self.note(hunk.line, "replace", f"{deleted} lines deleted, {passed} lines of context passed")
        ignored = old_rows - deleted - passed
        if believed or ignored:
            detail = f"{believed + ignored} rows are not what the state holds there: {believed} taken at the header's"
            self.note(hunk.line, "mismatch", f"{detail} word, {ignored} ignored")

    # What is noted

    def note(self, line: int, reason: str, detail: str) -> None:
        self.flush()
        self.notes.append(Note(self.edit, line, reason, detail))

    def ignore(self, number: int, reason: str, line: str) -> None:
        """Note that a line was ignored, together with its neighbors that were ignored for the same reason."""
        run = self.run
        if run is not None and run.reason == "text" and reason == "blank":
            reason = "text"  # between paragraphs
        if run is not None and run.reason == reason and number <= run.first + run.size:
            run.size = number - run.first + 1
            return
        self.flush()
        self.run = _Run(self.edit, number, reason, shorten(line))

    def flush(self) -> None:
        run, self.run = self.run, None
        if run is not None:
            what = _IGNORED[run.reason]
            more = f" and {run.size - 1} lines more of the kind" if run.size > 1 else ""
            self.notes.append(Note(run.edit, run.first, run.reason, f"ignored {what}: {run.sample}{more}"))


def _range(start: int, count: int) -> str:
    """Return a range as a unified diff's header writes it."""
    return str(start) if count == 1 else f"{start},{count}"


def _is_fence(line: str) -> bool:
    return line.lstrip().startswith(("```", "~~~"))


def _stray_reason(line: str) -> str:
    if not line.strip():
        return "blank"
    if _is_fence(line):
        return "fence"
    if line.startswith(("--- ", "+++ ")):
        return "file-header"
    if line.startswith("\\"):
        return "no-newline"
    return "row" if line.startswith(("+", "-")) else "text"
