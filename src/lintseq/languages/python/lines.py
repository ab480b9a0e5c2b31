"""Lines as Python counts them, and runs of them that cannot be separated.

Python also ends a line at a lone `\\r`, where a `Program` does not, and a backslash joins a line with the next one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lintseq.needs import NeedsBuilder
from lintseq.program import Program


@dataclass(frozen=True, slots=True)
class SourceLines:
    """The lines of a program as Python counts them."""

    texts: Sequence[str]
    runs: Sequence[range]
    """The runs of lines that can only stay or go together."""
    line_of: Sequence[int] | None = None
    """For each line, the line of the program that holds it; None if they are the same."""

    @classmethod
    def of(cls, program: Program) -> "SourceLines":
        text = program.text
        if "\r" not in text and "\\\n" not in text:
            return cls(program.lines, ())
        parts = [line.removesuffix("\r").split("\r") for line in program.lines]
        texts = [part for line in parts for part in line]
        line_of = [index for index, line in enumerate(parts) for _ in line]
        runs = tuple(_runs(texts, line_of, final_newline=program.final_newline))
        return cls(texts, runs, line_of if len(texts) > len(parts) else None)

    def tie(self, unit_of: dict[int, int], anchor_of: list[int | None], builder: NeedsBuilder) -> None:
        """Let the units on the lines of each run need each other; a line without one joins those around it."""
        for run in self.runs:
            units = list(dict.fromkeys(unit_of[line] for line in run if line in unit_of))
            for unit, other in zip(units, [*units[1:], *units[:1]], strict=True):
                builder.need(unit, other)
            for line in run:
                if not units:
                    anchor_of[line] = anchor_of[run[-1]]
                elif line not in unit_of:
                    unit_of[line] = anchor_of[line] = units[0]

    def of_program(self, values: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the value of each line of the program: that of the first line in it that is not None."""
        if self.line_of is None:
            return tuple(values)
        found: list[int | None] = [None] * (self.line_of[-1] + 1)
        for line, value in zip(reversed(self.line_of), reversed(values), strict=True):
            if value is not None:
                found[line] = value
        return tuple(found)


def _runs(texts: Sequence[str], line_of: Sequence[int], *, final_newline: bool) -> Iterator[range]:
    start, joined = 0, False
    for line, text in enumerate(texts):
        # Without a final newline, a blank line that ends a state would leave the backslash above it at the end.
        joined = _is_continued(text) or (joined and not final_newline and not text.strip())
        last = line + 1 == len(texts)
        if last or not (joined or line_of[line] == line_of[line + 1]):
            if line > start:
                yield range(start, line + 1)
            start = line + 1


def _is_continued(text: str) -> bool:
    """Tell whether a backslash joins a line with the next one; a backslash in a comment behind code counts too."""
    return text.endswith("\\") and not text.lstrip().startswith("#")
