"""What a format of edit sequences is: the text of one edit, and how the texts of edits make a sequence."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from lintseq.codecs.locate import common_prefix
from lintseq.codecs.repair import NO_REPAIR, Repair, resolve
from lintseq.codecs.resolution import Resolution, splices
from lintseq.codecs.text import SEPARATOR, join_edits, shorten, split_edits
from lintseq.edits import Edit, EditSequence, Hunk, apply
from lintseq.errors import EditFault, MalformedEditError
from lintseq.program import Program

NOTHING = Program(())
"""The start of a sequence that names no other."""


@dataclass(frozen=True, slots=True)
class Codec:
    """A format: a name, and how it writes and reads the text of one edit."""

    name: str
    """The name of the format in options and records."""

    write_edits: Callable[[EditSequence], list[str]]
    """Return one text for each edit, as records hold them; one for all if `single_edit`."""

    read_edit: Callable[[str, Sequence[str]], Edit]
    """Return the edit that a text makes in a state (its lines); raises `EditFault` for a text that
    `write_edits` would not have written, apart from how many lines of the state it shows to be found."""

    repair: Repair = NO_REPAIR
    """How texts are read that `read_edit` refuses."""

    single_edit: bool = False
    """Whether a sequence is written as one edit, which keeps the program and loses the steps."""

    @classmethod
    def by_edit(
        cls,
        name: str,
        write: Callable[[Edit, Sequence[str]], list[str]],
        read: Callable[[Sequence[str], Sequence[str]], Iterable[Hunk]],
        repair: Repair = NO_REPAIR,
        *,
        any_context: bool = False,
    ) -> Self:
        """Return the format in which `write` returns the rows of an edit in a state, and `read` its hunks from them.

        `read` may accept more than `write` writes: its hunks count only if they are written as the same rows, or with
        `any_context`, where `read` checks the form, whatever lines of the state are shown around them.
        """

        def write_edits(sequence: EditSequence) -> list[str]:
            state: Sequence[str] = sequence.start.lines
            texts = []
            for edit in sequence.edits:
                texts.append("\n".join(write(edit, state)))
                state = apply(edit, state)
            return texts

        def read_edit(text: str, state: Sequence[str]) -> Edit:
            rows = text.split("\n")
            edit = Edit(tuple(read(rows, state)))
            if not any_context:
                check_form(rows, write(edit, state))
            return edit

        return cls(name, write_edits, read_edit, repair)

    def write(self, sequence: EditSequence) -> str:
        """Return the whole sequence as one text, as a model learns to write it."""
        edits = self.write_edits(sequence)
        text = join_edits(edits)
        return text + "\n" if edits and sequence.program.final_newline else text

    def read(self, text: str, start: Program = NOTHING) -> EditSequence:
        """Return the sequence that `write` wrote as `text`; the separator before the first edit may be absent.

        Raises `MalformedEditError` for the first thing that `write` would not have written; it counts edits
        from 1 and lines of the text from 1.
        """
        return self._read(text, start).sequence()

    def read_edits(
        self, edits: Sequence[str], start: Program = NOTHING, *, final_newline: bool = False
    ) -> EditSequence:
        """Return the sequence whose `write_edits` are `edits`, as records hold them.

        Edit texts do not say whether the program ends in a newline, so `final_newline` does. Raises
        `MalformedEditError`, which counts edits from 1 and the lines of each edit from 1.
        """
        reading = _Reading(self, start, final_newline)
        for edit in edits:
            reading.apply(edit, 1)
        return reading.sequence()

    def resolve(self, text: str, start: Program = NOTHING) -> Resolution:
        """Return the program that any text writes on `start`, and what was ignored or repaired; never raises."""
        return resolve(text, start, self)

    def read_strictly(self, text: str, start: Program) -> Resolution:
        """Return the resolution of a text that `write` wrote; raises `MalformedEditError` as `read` does."""
        reading = self._read(text, start)
        return Resolution(reading.program, start, tuple(map(splices, reading.edits)))

    def _read(self, text: str, start: Program) -> "_Reading":
        body = text.removeprefix(SEPARATOR)
        reading = _Reading(self, start, body.endswith("\n") if body else start.final_newline)
        lineno = 1
        for edit in split_edits(text):
            reading.apply(edit, lineno)
            lineno += edit.count("\n") + 1
        return reading


class _Reading:
    """Applies edit texts one after the other."""

    def __init__(self, codec: Codec, start: Program, final_newline: bool) -> None:
        self.codec = codec
        self.start = start
        self.lines = list(start.lines)
        self.edits: list[Edit] = []
        self.final_newline = final_newline

    def apply(self, text: str, lineno: int) -> None:
        """Apply one edit, whose first line is line `lineno` of the whole text."""
        if self.edits and self.codec.single_edit:
            raise MalformedEditError(f"edit 2, line {lineno}: separator: format {self.codec.name} has one edit")
        try:
            edit = self.codec.read_edit(text, self.lines)
        except EditFault as fault:
            where = f"edit {len(self.edits) + 1}, line {lineno + fault.line - 1}"
            raise MalformedEditError(f"{where}: {fault.reason}: {fault.detail}") from None
        for hunk in reversed(edit.hunks):
            self.lines[hunk.position : hunk.end] = hunk.lines
        self.edits.append(edit)

    @property
    def program(self) -> Program:
        return Program(tuple(self.lines), self.final_newline and bool(self.lines))

    def sequence(self) -> EditSequence:
        return EditSequence.of(self.edits, self.start, final_newline=self.final_newline)


def check_form(rows: Sequence[str], usual: Sequence[str], *, first: int = 1) -> None:
    """Raise `EditFault` for the first row that is not as it is written; `first` is the line number of the first."""
    if list(rows) != list(usual):
        at = common_prefix(rows, usual)
        found = shorten(rows[at]) if at < len(rows) else "the end"
        expected = shorten(usual[at]) if at < len(usual) else "the end"
        raise EditFault(min(at, len(rows) - 1) + first, "form", f"found {found} where {expected} is usual")
