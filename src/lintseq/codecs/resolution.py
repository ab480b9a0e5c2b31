"""The result of reading a model's text: the program, the states on the way, notes on what was ignored or repaired."""

from collections.abc import Iterator
from dataclasses import dataclass

from lintseq.edits import Edit
from lintseq.program import Program


@dataclass(frozen=True, slots=True)
class Note:
    """One irregularity in a text; `str(note)` is one readable line."""

    edit: int
    """Which edit of the text, from 1; 0 is the text before the first."""

    line: int
    """Which line of the text, from 1."""

    reason: str
    """A short machine-readable word."""

    detail: str
    """What was found and how it was read, for people."""

    def __str__(self) -> str:
        return f"edit {self.edit}, line {self.line}: {self.reason}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Splice:
    """The replacement of `removed` lines of a state, from index `position` on, by `lines`."""

    position: int
    removed: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resolution:
    """The program that a text writes; any text has one."""

    program: Program
    """The state after the last edit."""

    start: Program
    """The state before the first edit."""

    changes: tuple[tuple[Splice, ...], ...]
    """For each edit of the text, its splices, each in the state that the one before it left; none if it changed
    nothing."""

    notes: tuple[Note, ...] = ()
    """In the order of the text's lines; none means that the text was exactly as `write` writes it."""

    @property
    def text(self) -> str:
        """The program's text."""
        return self.program.text

    @property
    def edits_applied(self) -> int:
        """How many edits changed the state."""
        return sum(map(bool, self.changes))

    def states(self) -> Iterator[Program]:
        """Yield the state after each edit, including those that changed nothing; the last is the program."""
        lines = list(self.start.lines)
        for change in self.changes:
            for splice in change:
                lines[splice.position : splice.position + splice.removed] = splice.lines
            yield self.program.state(lines)


def splices(edit: Edit) -> tuple[Splice, ...]:
    """Return the hunks of an edit as splices: from the last to the first, so that positions stay valid."""
    return tuple(Splice(hunk.position, hunk.removed, hunk.lines) for hunk in reversed(edit.hunks))
