"""What a format of edit sequences is: the text of one edit, and how the texts of edits make a sequence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lintseq.codecs.resolution import Resolution
from lintseq.codecs.text import SEPARATOR, join_edits, split_edits
from lintseq.edits import INITIAL, Edit, EditSequence
from lintseq.errors import EditFault, MalformedEditError
from lintseq.program import Program

NOTHING = Program(())
"""The start of a sequence that names no other."""


@dataclass(frozen=True, slots=True)
class Codec:
    """A format: a name, and how it writes and reads the text of one edit."""

    name: str

    write_edits: Callable[[EditSequence], list[str]]
    """Return one text for each edit, as records hold them."""

    read_edit: Callable[[str, Sequence[str]], Edit]
    """Return the insertion that an edit text makes in a state (its lines); raises `EditFault` for a text that
    `write_edits` would not have written."""

    read_any: Callable[[str, Program], Resolution]
    """What `resolve` gives."""

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
        body = text.removeprefix(SEPARATOR)
        reading = _Reading(self, start)
        lineno = 1
        for edit in split_edits(text):
            reading.apply(edit, lineno)
            lineno += edit.count("\n") + 1
        return reading.sequence(final_newline=body.endswith("\n") if body else start.final_newline)

    def read_edits(
        self, edits: Sequence[str], start: Program = NOTHING, *, final_newline: bool = False
    ) -> EditSequence:
        """Return the sequence whose `write_edits` are `edits`, as records hold them.

        Edit texts do not say whether the program ends in a newline, so `final_newline` does. Raises
        `MalformedEditError`, which counts edits from 1 and the lines of each edit from 1.
        """
        reading = _Reading(self, start)
        for edit in edits:
            reading.apply(edit, 1)
        return reading.sequence(final_newline=final_newline)

    def resolve(self, text: str, start: Program = NOTHING) -> Resolution:
        """Return the program that any text writes on `start`, and what was ignored or repaired; never raises."""
        return self.read_any(text, start)


class _Reading:
    """Applies edit texts one after the other and remembers which edit inserted each line."""

    def __init__(self, codec: Codec, start: Program) -> None:
        self.codec = codec
        self.lines = list(start.lines)
        self.arrivals = [INITIAL] * len(self.lines)
        self.edits: list[Edit] = []

    def apply(self, text: str, lineno: int) -> None:
        """Apply one edit, whose first line is line `lineno` of the whole text."""
        try:
            edit = self.codec.read_edit(text, self.lines)
        except EditFault as fault:
            where = f"edit {len(self.edits) + 1}, line {lineno + fault.line - 1}"
            raise MalformedEditError(f"{where}: {fault.reason}: {fault.detail}") from None
        for hunk in reversed(edit.hunks):
            at = hunk.position
            self.lines[at:at] = hunk.lines
            self.arrivals[at:at] = [len(self.edits)] * len(hunk.lines)
        self.edits.append(edit)

    def sequence(self, *, final_newline: bool) -> EditSequence:
        lines = tuple(self.lines)
        return EditSequence(Program(lines, final_newline and bool(lines)), tuple(self.arrivals))
