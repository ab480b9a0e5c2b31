"""Reads texts whose edits quote lines of the state, as models write them: nothing raises, everything odd is noted.

Shared by the formats that show raw lines. What a format's strict reader accepts is taken as it is; the rest is
handed to the format edit by edit, with a `Draft` to make its changes in. Reasons noted here:

    carriage-return  every newline of the text is `\\r\\n`: each is read as `\\n`
    end-token        `<|endoftext|>`, `</s>` and their like at the very end: cut off
    separator        an edit starts in the middle of a line: read as such
    text, fence, blank
                     what belongs to no edit is ignored: prose, Markdown fences, empty lines
    empty-edit       a separator without anything: ignored
    no-change        what the edit writes is there already
    no-anchor        nothing is quoted, but there is a state: the lines are put at its end
    not-found        the lines quoted are not in the state: the change is left out
    ambiguous        they are there several times: the first place behind the change before is taken
    trailing-space, indentation, near
                     they are there but for space at the ends of lines, for indentation (which the new lines
                     then get too), or for less than a third of the lines; the state's own lines are kept
    replace          lines of the state are deleted or rewritten
    truncated        the text ends in the middle of a change: what the state has there stays
    form             all can be read, but it is not what the format writes
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from lintseq.codecs.codec import Codec
from lintseq.codecs.locate import Place, align, common_prefix, completed, find
from lintseq.codecs.resolution import Note, Resolution, Splice, splices
from lintseq.codecs.text import SEPARATOR, end_without_tokens, shorten
from lintseq.errors import EditFault, MalformedEditError
from lintseq.program import Program

# Raw lines


@dataclass(frozen=True, slots=True)
class Escape:
    """Keeps raw lines from being taken for structure: one that starts with one of the words gets a backslash.

    So does one that starts with backslashes and then a word; so it reads back, whatever it was.
    """

    words: tuple[str, ...]

    def hide(self, lines: Sequence[str]) -> list[str]:
        return ["\\" + line if line.lstrip("\\").startswith(self.words) else line for line in lines]

    def show(self, lines: Sequence[str]) -> list[str]:
        """Undo `hide`."""
        return [
            line[1:] if line.startswith("\\") and line.lstrip("\\").startswith(self.words) else line for line in lines
        ]


FENCES = ("```", "~~~")


def is_fence(line: str) -> bool:
    return line.lstrip().startswith(FENCES)


# Forms


def check_form(rows: Sequence[str], due: Sequence[str]) -> None:
    """Raise `EditFault` for the first row that is not as it is written."""
    if list(rows) != list(due):
        at = common_prefix(rows, due)
        there = shorten(rows[at]) if at < len(rows) else "the end"
        wanted = shorten(due[at]) if at < len(due) else "the end"
        raise EditFault(min(at, len(rows) - 1) + 1, "form", f"{there} stands where {wanted} is usual")


# Texts


@dataclass(frozen=True, slots=True)
class Piece:
    """What stands between two separators."""

    line: int
    """Which line of the text is its first, from 1."""
    lines: list[str]
    led: bool
    """Whether a separator stands before it."""
    last: bool = False
    """Whether the text ends here with nothing that says so, as it does where a model was stopped."""
    cut: bool = False
    """The same, and in the middle of a line."""
    notes: list[tuple[int, str, str]] = field(default_factory=list)
    """What is to be noted of how it begins and ends: line, reason, detail."""


class Draft:
    """A program while a text is read: its lines, and what was noted."""

    def __init__(self, start: Program) -> None:
        self.lines = list(start.lines)
        self.notes: list[Note] = []
        self.edit = 0
        self.changes: list[tuple[Splice, ...]] = []
        self.splices: list[Splice] = []
        """Those of the edit that is being read."""
        self.cursor = 0
        """Behind the change before of the same edit."""
        self.fenced = False
        """Whether a fence was opened, outside of all edits, and not closed."""
        self.ignored = 0
        """The last line of the text that was ignored."""

    def start_edit(self) -> None:
        self.end_edit()
        self.edit += 1
        self.cursor = 0

    def end_edit(self) -> None:
        if self.edit:
            self.changes.append(tuple(self.splices))
        self.splices = []

    def splice(self, splice: Splice) -> None:
        self.lines[splice.position : splice.position + splice.removed] = splice.lines
        self.splices.append(splice)

    def note(self, line: int, reason: str, detail: str) -> None:
        self.notes.append(Note(self.edit, line, reason, detail))

    def ignore(self, first: int, lines: Sequence[str]) -> None:
        """Note lines that belong to no edit: each fence by itself, what stands between them together."""
        start = 0
        for number in range(len(lines) + 1):
            if number == len(lines) or is_fence(lines[number]):
                self._ignore_text(first + start, lines[start:number])
                start = number + 1
                if number < len(lines):
                    self.fenced = not self.fenced
                    self.note(first + number, "fence", f"ignored a Markdown fence: {shorten(lines[number])}")
        self.ignored = first + len(lines) - 1 if lines else self.ignored

    def _ignore_text(self, first: int, lines: Sequence[str]) -> None:
        told = next((number for number, line in enumerate(lines) if line.strip()), None)
        if told is not None:
            more = f" and {len(lines) - told - 1} lines more" if len(lines) - told > 1 else ""
            detail = f"ignored text that belongs to no edit: {shorten(lines[told])}{more}"
            self.note(first + told, "text", detail)
        elif lines:
            self.note(first, "blank", f"ignored {len(lines)} empty lines that belong to no edit")

    def change(
        self, line: int, before: Sequence[str], after: Sequence[str], *, cut: bool, at: int | None = None
    ) -> None:
        """Write `after` where `before` stands.

        `line` is where the text says so, `at` where it says that the lines are, counted from 0, if it does; `cut` is
        for a text that ends in `after`.
        """
        if not self.lines and not any(map(str.strip, before)):
            before = ()
        place = self._place(line, before, at)
        if place is None:
            self.note(line, "not-found", f"{len(before)} lines, the first {shorten(before[0])}, are not in the state")
            return
        if not before and self.lines and at is None:
            self.note(line, "no-anchor", f"quotes no line; its {len(after)} lines are put at the end")
        if place.others:
            detail = f"the lines stand at {place.others + 1} places; taken at line {place.start + 1}"
            self.note(line, "ambiguous", detail)
        if cut:
            self.note(line, "truncated", f"the text ends in the middle of the change, {len(after)} lines into it")
            after = completed(before, after)
        self.write(line, place, before, after)

    def _place(self, line: int, before: Sequence[str], at: int | None) -> Place | None:
        if not before:
            place: Place | None = Place(len(self.lines) if at is None else min(max(at, 0), len(self.lines)))
        else:
            place = find(self.lines, before, self.cursor, at)
        if place is not None and at is not None and place.start != at:
            detail = f"told to be line {at + 1} and following, but taken at line {place.start + 1}"
            self.note(line, "position", detail)
        return place

    def write(self, line: int, place: Place, before: Sequence[str], after: Sequence[str]) -> None:
        """Put `after` in the place where `before` was found."""
        end = place.start + len(before)
        there = self.lines[place.start : end]
        found = align(before, after)
        written = list(after)
        if place.overlooked:
            self.note(line, place.overlooked, f"taken to be line {place.start + 1} and following of the state")
            if place.overlooked == "indentation":
                written = _indented(written, before, there, found)
            for index, at in enumerate(found):
                if at >= 0:
                    written[at] = there[index]
        gone = found.count(-1)
        if gone:
            self.note(line, "replace", f"{gone} lines of the state are deleted or rewritten")
        if written == there:
            self.note(line, "no-change", "what it writes is there already")
        else:
            self.splice(Splice(place.start, len(before), tuple(written)))
        self.cursor = place.start + len(written)


def _indented(lines: Sequence[str], before: Sequence[str], there: Sequence[str], found: Sequence[int]) -> list[str]:
    """Return lines indented as the state is: each as far off as the next quoted line, or else the last one, was."""
    quotes = [(at, line, own) for at, line, own in zip(found, before, there, strict=True) if at >= 0 and line.strip()]
    indented, next_quote = [], 0
    for index, line in enumerate(lines):
        while next_quote < len(quotes) - 1 and quotes[next_quote][0] < index:
            next_quote += 1
        _, quoted, own = quotes[next_quote] if quotes else (0, "", "")
        indented.append(_moved(line, indent_of(quoted), indent_of(own)))
    return indented


def _moved(line: str, quoted: str, own: str) -> str:
    if own.endswith(quoted):
        return own[: len(own) - len(quoted)] + line if line.strip() else line
    return line.removeprefix(quoted[: len(quoted) - len(own)]) if quoted.endswith(own) else line


def indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


Mend = Callable[[Draft, Piece], None]
"""Makes the changes of a piece in a draft, as well as it can."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What a format knows of texts that its strict reader refuses."""

    mend: Mend
    opens: Callable[[Piece, bool], bool]
    """Tells of a piece that nothing leads whether it is an edit, given whether other pieces follow."""
    glued: re.Pattern[str] | None = None
    """Finds a separator that stands in the middle of a line."""


def resolve(text: str, start: Program, codec: Codec, habits: Habits) -> Resolution:
    """Return the program that `text` writes on `start`, and a note on each thing that was ignored or repaired."""
    end = end_without_tokens(text)
    tokens, body = text[end:], text[:end]
    resolution = _read(body, start, codec, habits, whole=bool(tokens))
    newlines = body.count("\n")
    if resolution.notes and newlines and body.count("\r\n") == newlines:
        resolution = _read(body.replace("\r\n", "\n"), start, codec, habits, whole=bool(tokens))
        note = Note(0, 1, "carriage-return", "every newline is '\\r\\n'; each is read as '\\n'")
        resolution = replace(resolution, notes=(note, *resolution.notes))
    if tokens:
        line = len(body.removesuffix("\n").split("\n"))
        note = Note(
            resolution.edits_applied, line, "end-token", f"{shorten(tokens)} at the end of the text is cut off"
        )
        resolution = replace(resolution, notes=(*resolution.notes, note))
    return resolution


def _read(text: str, start: Program, codec: Codec, habits: Habits, *, whole: bool) -> Resolution:
    try:
        sequence = codec.read(text, start)
    except MalformedEditError as error:
        fault = str(error)
    else:
        return Resolution.of_edits(start, sequence.program, sequence.edits)
    draft = Draft(start)
    pieces = _pieces(text, habits.glued, whole=whole)
    for piece in pieces:
        if piece.led or habits.opens(piece, len(pieces) > 1):
            draft.start_edit()
            _take(draft, piece, codec, habits.mend)
        else:
            draft.ignore(piece.line, piece.lines)
        draft.notes += [Note(draft.edit, *found) for found in piece.notes]
    draft.end_edit()
    if not draft.notes:
        draft.notes.append(Note(draft.edit, 1, "form", fault))
    lines = text.count("\n") + (not text.endswith("\n"))
    final_newline = text.endswith("\n") or draft.ignored == lines
    notes = tuple(sorted(draft.notes, key=lambda note: note.line))
    program = Program(tuple(draft.lines), final_newline and bool(draft.lines))
    return Resolution(program, start, tuple(draft.changes), notes)


def _pieces(text: str, glued: re.Pattern[str] | None, *, whole: bool) -> list[Piece]:
    """Return the pieces of a text; `whole` says that it is meant to end where it does."""
    lines = text.split("\n")
    begun = ""
    if not lines[-1]:
        lines.pop()
    elif not whole and len(lines) > 1 and SEPARATOR.startswith(lines[-1]):
        begun = lines.pop()
    pieces = [Piece(1, [], led=False)]
    for number, line in enumerate(lines, 1):
        rest = line.removeprefix(SEPARATOR)
        if rest != line:
            pieces.append(Piece(number, [], led=True))
        while rest.startswith(SEPARATOR):
            rest = rest.removeprefix(SEPARATOR)
            pieces[-1].notes[:] = [(number, "separator", "several separators in a row; read as one")]
        found = glued.search(rest) if glued is not None else None
        if found is not None:
            pieces[-1].lines.append(rest[: found.start()])
            pieces.append(Piece(number, [], led=True))
            pieces[-1].notes.append((number, "separator", "an edit starts in the middle of the line"))
            rest = rest[found.end() :]
        pieces[-1].lines.append(rest)
    if not pieces[0].lines:
        del pieces[0]
    if pieces and not whole:
        pieces[-1] = replace(pieces[-1], last=True, cut=not begun and not text.endswith("\n"))
    if begun:
        detail = f"{shorten(begun)} is the beginning of a separator; ignored"
        pieces[-1].notes.append((len(lines) + 1, "truncated", detail))
    return pieces


def _take(draft: Draft, piece: Piece, codec: Codec, mend: Mend) -> None:
    """Make the changes of a piece: as the strict reader has them, or else as the format mends them."""
    try:
        edit = codec.read_edit("\n".join(piece.lines), draft.lines)
    except EditFault as fault:
        noted = len(draft.notes)
        if any(map(str.strip, piece.lines)):
            mend(draft, piece)
        else:
            draft.note(piece.line, "empty-edit", "a separator with nothing after it; ignored")
        if len(draft.notes) == noted:
            draft.note(piece.line + fault.line - 1, fault.reason, fault.detail)
    else:
        for splice in splices(edit):
            draft.splice(splice)
