"""The exact text of a program, as lines. `lintseq.program.markdown` finds programs in Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Program:
    """A source text split on `\\n` only: a `\\r` or a form feed stays in its line.

    `text == "\\n".join(lines)`, plus a final `\\n` if `final_newline`. The empty text has no lines.
    """

    lines: tuple[str, ...]
    """The text, split at line feeds."""
    final_newline: bool = False
    """Whether the text ends in a newline."""

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the program with this text."""
        if not text:
            return cls((), False)
        lines = text.split("\n")
        if lines[-1]:
            return cls(tuple(lines), False)
        return cls(tuple(lines[:-1]), True)

    @property
    def text(self) -> str:
        """The exact text."""
        return self.render(self.lines)

    def render(self, lines: Sequence[str]) -> str:
        """Return the text of a state: some of the program's lines, with a final newline if the program has one.

        In a program without one, a state that would end in half a line ending, the `\\r` of a `\\r\\n`, gets the rest.
        """
        body = "\n".join(lines)
        return body + "\n" if self._ends_line(lines) else body

    def state(self, lines: Sequence[str]) -> "Program":
        """Return a state, some of the program's lines, as a program whose text is `render(lines)`."""
        return Program(tuple(lines), self._ends_line(lines))

    def _ends_line(self, lines: Sequence[str]) -> bool:
        if not lines:
            return False
        halved = lines[-1].endswith("\r") and not (self.lines and self.lines[-1].endswith("\r"))
        return self.final_newline or halved
