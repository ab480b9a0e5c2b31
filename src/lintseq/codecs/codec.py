"""What a format of edit sequences is: the text of one edit, and how the texts of edits make a sequence.

Every format shares the outer shape: each edit is led by `<|diff|>`, every edit but the first on a new line,
and the text ends in a newline exactly when the program does. So an edit text never holds a line that starts
with `<|diff|>`, and no newline at its end but one that belongs to it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lintseq.codecs.resolution import EditFault, Note, Resolution
from lintseq.edits import THERE, Edit, EditSequence
from lintseq.errors import MalformedEditError
from lintseq.program import Program

SEPARATOR = "<|diff|>"

NOTHING = Program(())
"""What a sequence starts from if nothing else is said."""


@dataclass(frozen=True, slots=True)
class Codec:
    """A format: a name, and what it takes to write an edit down and to read it back."""

    name: str

    edit_texts: Callable[[EditSequence], list[str]]
    """One text for each edit, as records hold them."""

    read_edit: Callable[[str, Sequence[str]], Edit]
    """The insertion that an edit text makes in a state (its lines), where the text is as `edit_texts` writes it;
    raises `EditFault` where it is not."""

    read_any: Callable[[str, Program], Resolution]
    """What `resolve` gives."""

    def encode(self, sequence: EditSequence) -> str:
        """Return the whole sequence as one text, as a model is taught to write it."""
        edits = self.edit_texts(sequence)
        text = join_edits(edits)
        return text + "\n" if edits and sequence.program.final_newline else text

    def parse(self, text: str, start: Program = NOTHING) -> EditSequence:
        """Return the sequence that `encode` wrote as `text`; the separator before the first edit may be absent.

        Raises `MalformedEditError` for the first thing that `encode` would not have written; it counts edits
        from 1 and lines of the text from 1.
        """
        body = text.removeprefix(SEPARATOR)
        growth = _Growth(self, start)
        lineno = 1
        for edit in split_edits(text):
            growth.read(edit, lineno)
            lineno += edit.count("\n") + 1
        return growth.sequence(final_newline=body.endswith("\n") if body else start.final_newline)

    def parse_edits(
        self, edits: Sequence[str], start: Program = NOTHING, *, final_newline: bool = False
    ) -> EditSequence:
        """Return the sequence whose `edit_texts` are `edits`, as records hold them.

        Edit texts do not say whether the program ends in a newline, so `final_newline` does. Raises
        `MalformedEditError`, which counts edits from 1 and the lines of each edit from 1.
        """
        growth = _Growth(self, start)
        for edit in edits:
            growth.read(edit, 1)
        return growth.sequence(final_newline=final_newline)

    def resolve(self, text: str, start: Program = NOTHING) -> Resolution:
        """Return the program that any text writes on `start`, and what was ignored or repaired; never raises."""
        return self.read_any(text, start)

    def resolve_strict(self, text: str, start: Program = NOTHING) -> Program:
        """Return the program that `text` writes; raises `MalformedEditError` as `parse` does."""
        return self.parse(text, start).program


def join_edits(edits: Sequence[str]) -> str:
    """Return edit texts as one text, without what tells whether the program ends in a newline."""
    return SEPARATOR + f"\n{SEPARATOR}".join(edits)


def split_edits(text: str) -> list[str]:
    """Return the edit texts in a sequence text."""
    body = text.removeprefix(SEPARATOR)
    return body.removesuffix("\n").split(f"\n{SEPARATOR}") if body else []


class _Growth:
    """Applies edit texts one after the other, remembering which edit each line came with."""

    def __init__(self, codec: Codec, start: Program) -> None:
        self.codec = codec
        self.lines = list(start.lines)
        self.arrivals = [THERE] * len(self.lines)
        self.edits = 0

    def read(self, edit: str, lineno: int) -> None:
        """Apply one edit, whose first line is line `lineno` of the text."""
        self.edits += 1
        try:
            hunks = self.codec.read_edit(edit, self.lines).hunks
        except EditFault as fault:
            note = Note(self.edits, lineno + fault.line - 1, fault.reason, fault.detail)
            raise MalformedEditError(str(note)) from None
        for hunk in reversed(hunks):
            at = hunk.position
            self.lines[at:at] = hunk.lines
            self.arrivals[at:at] = [self.edits - 1] * len(hunk.lines)

    def sequence(self, *, final_newline: bool) -> EditSequence:
        lines = tuple(self.lines)
        return EditSequence(Program(lines, final_newline and bool(lines)), tuple(self.arrivals))
