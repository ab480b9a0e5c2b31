"""Reads texts as models write them, for all formats: nothing raises, and everything irregular is noted.

What a format's strict reader accepts is taken as it is; the rest is handed to the format edit by edit, with a `Draft`
to make its changes in. Reasons noted here:

    carriage-return  every newline of the text is `\\r\\n`: each is read as `\\n`
    end-token        `<|endoftext|>`, `</s>` and their like at the very end: cut off, unless the text is exact as it is
    separator        an edit starts in the middle of a line: read as such
    text, fence, blank
                     what belongs to no edit is ignored: prose, Markdown fences, empty lines
    empty-edit       a separator without an edit: ignored
    no-change        what the edit writes is there already
    no-anchor        nothing is quoted, but there is a state: the lines are put at its end
    not-found        the lines quoted are not in the state: the change is left out
    ambiguous        they occur several times: the first occurrence after the previous change is taken
    trailing-space, indentation, near
                     they are there but for space at the ends of lines, for indentation (which the new lines
                     then get too), or for less than a third of the lines; the state's own lines are kept
    truncated        the text ends in the middle of a change: what the state has there stays
    form             all can be read, but it is not what the format writes
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lintseq.codecs.locate import Match, align, completed, find
from lintseq.codecs.resolution import Note, Resolution, Splice, splices
from lintseq.codecs.text import SEPARATOR, end_without_tokens, is_fence, shorten
from lintseq.errors import EditFault, MalformedEditError
from lintseq.program import Program

if TYPE_CHECKING:
    from lintseq.codecs.codec import Codec


@dataclass(frozen=True, slots=True)
class Piece:
    """The text between two separators."""

    line: int
    """Which line of the text is its first, from 1."""
    lines: list[str]
    led: bool
    """Whether a separator precedes it."""
    last: bool = False
    """Whether the text ends here without an end-of-text token, as it does where a model was stopped."""
    cut: bool = False
    """The same, and in the middle of a line."""
    notes: list[tuple[int, str, str]] = field(default_factory=list)
    """Notes on how it begins and ends: line, reason, detail."""

    @property
    def empty(self) -> bool:
        return not any(map(str.strip, self.lines))


class Draft:
    """A program while a text is read: its lines, the changes so far, and the notes."""

    def __init__(self, start: Program, *, classify: Callable[[str], str]) -> None:
        self.lines = list(start.lines)
        self.notes: list[Note] = []
        self.edit = 0
        self.changes: list[tuple[Splice, ...]] = []
        self.splices: list[Splice] = []
        """Those of the edit that is being read."""
        self.cursor = 0
        """The line behind the previous change of the same edit."""
        self.fenced = False
        """Whether a fence was opened, outside of all edits, and not closed."""
        self.ignored = 0
        """The last line of the text that was ignored and belongs to no edit at all."""
        self.unended = 0
        """The last line of the text that says that the program ends in no newline."""
        self._classify = classify

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
        """Note lines that belong to no edit: each fence by itself, neighbors of the same kind together."""
        runs: list[tuple[str, list[int]]] = []
        for index, line in enumerate(lines):
            last = runs[-1][0] if runs else ""
            if is_fence(line):
                self.fenced = not self.fenced
                runs.append(("fence", [index]))
            elif not line.strip():
                if last in ("", "fence"):
                    runs.append(("blank", []))
                runs[-1][1].append(index)
            else:
                kind = self._classify(line)
                if last == "blank":
                    runs.pop()
                if last != kind:
                    runs.append((kind, []))
                runs[-1][1].append(index)
        for kind, run in runs:
            more = f" and {len(run) - 1} more lines" if len(run) > 1 else ""
            self.note(first + run[0], kind, f"ignored {_IGNORED[kind]}: {shorten(lines[run[0]])}{more}")
        if runs and runs[-1][0] in ("text", "fence", "blank"):
            self.ignored = first + len(lines) - 1

    def change(
        self, line: int, before: Sequence[str], after: Sequence[str], *, cut: bool, at: int | None = None
    ) -> None:
        """Write `after` where `before` is found.

        `line` is the line of the text that says so, `at` the index at which it says that the lines are, if it does;
        `cut` is for a text that ends in `after`.
        """
        if not self.lines and not any(map(str.strip, before)):
            before = ()
        if before:
            match = find(self.lines, before, self.cursor, at)
        else:
            match = Match(len(self.lines) if at is None else min(max(at, 0), len(self.lines)))
        if match is None:
            self.note(line, "not-found", f"{len(before)} lines, the first {shorten(before[0])}, are not in the state")
            return
        if at is not None and match.start != at:
            self.note(line, "position", f"says line {at + 1}, but the lines are taken at line {match.start + 1}")
        if not before and self.lines and at is None:
            self.note(line, "no-anchor", f"quotes no line; its {len(after)} lines are put at the end")
        if match.others:
            detail = f"the lines occur {match.others + 1} times; taken at line {match.start + 1}"
            self.note(line, "ambiguous", detail)
        if cut:
            self.note(line, "truncated", f"the text ends in the middle of the change, {len(after)} lines into it")
            after = completed(before, after)
        self._replace(line, match, before, after)

    def _replace(self, line: int, match: Match, before: Sequence[str], after: Sequence[str]) -> None:
        """Put `after` where `before` was found."""
        replaced = self.lines[match.start : match.start + len(before)]
        targets = align(before, after)
        written = list(after)
        if match.ignoring:
            self.note(line, match.ignoring, f"taken to be line {match.start + 1} and following of the state")
            if match.ignoring == "indentation":
                written = _indented(written, before, replaced, targets)
            for index, target in enumerate(targets):
                if target is not None:
                    written[target] = replaced[index]
        if written == replaced:
            self.note(line, "no-change", "what it writes is there already")
        else:
            self.splice(Splice(match.start, len(before), tuple(written)))
        self.cursor = match.start + len(written)


_IGNORED = {
    "text": "text that belongs to no edit",
    "fence": "a Markdown fence",
    "blank": "an empty line that belongs to no edit",
    "row": "a row without a header that places it",
    "file-header": "a file header",
}


def _indented(
    lines: Sequence[str], before: Sequence[str], replaced: Sequence[str], targets: Sequence[int | None]
) -> list[str]:
    """Return lines indented as the state is: each shifted like the next quoted line, or else the last one."""
    quotes, index = [], -1
    for target, line, own in zip(targets, before, replaced, strict=True):
        index = index + 1 if target is None else target
        if line.strip():
            quotes.append((index, line, own))
    indented, next_quote = [], 0
    for index, line in enumerate(lines):
        while next_quote < len(quotes) - 1 and quotes[next_quote][0] < index:
            next_quote += 1
        _, quoted, own = quotes[next_quote] if quotes else (0, "", "")
        indented.append(_shifted(line, indent_of(quoted), indent_of(own)))
    return indented


def _shifted(line: str, quoted: str, own: str) -> str:
    if own.endswith(quoted):
        return own[: len(own) - len(quoted)] + line if line.strip() else line
    return line.removeprefix(quoted[: len(quoted) - len(own)]) if quoted.endswith(own) else line


def indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


@dataclass(frozen=True, slots=True)
class Repair:
    """How a format reads the edits that its strict reader refuses."""

    read: Callable[[Draft, Piece], None]
    """Starts the edit of a piece in a draft and makes its changes as well as it can."""
    opens: Callable[[Piece, bool], bool]
    """Tells of a piece that no separator leads whether it holds an edit, and takes whether other pieces follow."""
    inline_separator: re.Pattern[str] | None = None
    """Finds a separator in the middle of a line."""
    classify: Callable[[str], str] = lambda line: "text"
    """Returns the reason under which a line that belongs to no edit is noted."""


NO_REPAIR = Repair(lambda draft, piece: draft.start_edit(), lambda piece, more: False)
"""Leaves out the edits that are not well-formed."""


def resolve(text: str, start: Program, codec: "Codec") -> Resolution:
    """Return the program that `text` writes on `start`, and a note on each thing that was ignored or repaired."""
    end = end_without_tokens(text)
    tokens, body = text[end:], text[:end]
    if tokens:
        with suppress(MalformedEditError):  # a line of code may end in such a token
            return codec.read_strictly(text, start)
    resolution = _read(body, start, codec, ended=bool(tokens))
    newlines = body.count("\n")
    if resolution.notes and newlines and body.count("\r\n") == newlines:
        resolution = _read(body.replace("\r\n", "\n"), start, codec, ended=bool(tokens))
        note = Note(0, 1, "carriage-return", "every newline is '\\r\\n'; each is read as '\\n'")
        resolution = replace(resolution, notes=(note, *resolution.notes))
    if tokens:
        line = len(body.removesuffix("\n").split("\n"))
        detail = f"{shorten(tokens)} at the end of the text is cut off"
        note = Note(len(resolution.changes), line, "end-token", detail)
        resolution = replace(resolution, notes=(*resolution.notes, note))
    return resolution


def _read(text: str, start: Program, codec: "Codec", *, ended: bool) -> Resolution:
    try:
        return codec.read_strictly(text, start)
    except MalformedEditError as error:
        fault = str(error)
    draft = Draft(start, classify=codec.repair.classify)
    pieces = _pieces(text, codec.repair.inline_separator, ended=ended)
    empty = False
    for piece in pieces:
        if piece.led or codec.repair.opens(piece, len(pieces) > 1):
            _take(draft, piece, codec, again=empty)
        else:
            draft.ignore(piece.line, piece.lines)
        draft.notes += [Note(draft.edit, *found) for found in piece.notes]
        empty = piece.empty
    draft.end_edit()
    if not draft.notes:
        draft.notes.append(Note(draft.edit, 1, "form", fault))
    lines = text.count("\n") + (not text.endswith("\n"))
    final_newline = (text.endswith("\n") or draft.ignored == lines) and draft.unended < lines
    if not any(draft.changes):  # nothing was written, so the start stays as it is
        final_newline = start.final_newline
    notes = tuple(sorted(draft.notes, key=lambda note: note.line))
    program = Program(tuple(draft.lines), final_newline and bool(draft.lines))
    return Resolution(program, start, tuple(draft.changes), notes)


def _pieces(text: str, inline_separator: re.Pattern[str] | None, *, ended: bool) -> list[Piece]:
    """Return the pieces of a text; `ended` means that an end-of-text token followed it."""
    lines = text.split("\n")
    begun = ""
    if not lines[-1]:
        lines.pop()
    elif not ended and len(lines) > 1 and SEPARATOR.startswith(lines[-1]):
        begun = lines.pop()
    pieces = [Piece(1, [], led=False)]
    for number, line in enumerate(lines, 1):
        rest = line.removeprefix(SEPARATOR)
        if rest != line:
            pieces.append(Piece(number, [], led=True))
        while rest.startswith(SEPARATOR):
            rest = rest.removeprefix(SEPARATOR)
            pieces[-1].notes[:] = [(number, "separator", "several separators in a row; read as one")]
        found = inline_separator.search(rest) if inline_separator is not None else None
        if found is not None:
            pieces[-1].lines.append(rest[: found.start()])
            pieces.append(Piece(number, [], led=True))
            pieces[-1].notes.append((number, "separator", "an edit starts in the middle of the line"))
            rest = rest[found.end() :]
        pieces[-1].lines.append(rest)
    if not pieces[0].lines:
        del pieces[0]
    if pieces and not ended:
        pieces[-1] = replace(pieces[-1], last=True, cut=not begun and not text.endswith("\n"))
    if begun:
        reason = "empty-edit" if begun == SEPARATOR else "truncated"
        pieces[-1].notes.append((len(lines) + 1, reason, f"the text ends in the separator {shorten(begun)}; ignored"))
    return pieces


def _take(draft: Draft, piece: Piece, codec: "Codec", *, again: bool) -> None:
    """Make the changes of a piece: as the strict reader has them, or else as the format repairs them.

    `again` means that the previous piece was empty, so that another empty one needs no note of its own.
    """
    noted = len(draft.notes)
    try:
        edit = codec.read_edit("\n".join(piece.lines), draft.lines)
    except EditFault as fault:
        if not piece.empty:
            codec.repair.read(draft, piece)
            if len(draft.notes) == noted:
                draft.note(piece.line + fault.line - 1, fault.reason, fault.detail)
            return
        draft.start_edit()
        if not again:
            draft.note(piece.line, "empty-edit", "a separator with nothing after it; ignored")
    else:
        draft.start_edit()
        for splice in splices(edit):
            draft.splice(splice)
