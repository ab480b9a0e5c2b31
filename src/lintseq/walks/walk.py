"""What all walks share: their random numbers, and the grouping of lines that are removed together."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import shake_128
from struct import unpack
from typing import Protocol, Self

from lintseq.edits import EditSequence
from lintseq.needs import Analysis
from lintseq.program import Program
from lintseq.walks.spacing import Spacing


class RandomStream:
    """The random numbers of one draw: a hash of (seed, id, draw)."""

    def __init__(self, seed: int, id: str | int, draw: int) -> None:
        self._hash = shake_128(f"{seed}\0{id}\0{draw}".encode(errors="surrogatepass"))

    def numbers(self, count: int) -> Sequence[int]:
        """Return the first `count` numbers of the stream, uniform in 0 .. 2**64 - 1."""
        numbers: Sequence[int] = unpack(f"<{count}Q", self._hash.digest(8 * count))
        return numbers


class Walk(Protocol):
    """One way to take a program apart."""

    @property
    def corrections(self) -> int:
        """The number of states that a linter had to correct, over all draws so far."""

    def sequence(self, stream: RandomStream) -> EditSequence:
        """Walk from the program back to nothing; return the edits that undo the steps."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which lines are removed together, apart from needs."""

    unit_of: tuple[int | None, ...]
    """The unit that each line is removed with; None if it stays until the end of a walk."""
    code: list[int]
    """The lines of code: the ones that may be chosen."""
    units: list[int]
    """The unit of each of these."""
    rest_apart: bool
    """Whether the lines that stay until the end are an edit of their own, or part of the first."""

    @classmethod
    def of(cls, analysis: Analysis, comments: str) -> Self:
        attach = comments == "attach"
        code = {line: unit for line, unit in enumerate(analysis.unit_of) if unit is not None}
        return cls(analysis.anchor_of if attach else analysis.unit_of, [*code], [*code.values()], not attach)

    def lines_of(self) -> defaultdict[int, list[int]]:
        """Return the lines that are removed with each unit."""
        lines = defaultdict[int, list[int]](list)
        for line, unit in enumerate(self.unit_of):
            if unit is not None:
                lines[unit].append(line)
        return lines

    def spacing(self, program: Program, analysis: Analysis, key_of: Sequence[int], keys: int) -> Spacing:
        """Return how the blank lines of a program arrive, whose lines have `keys` different keys."""
        if self.rest_apart:
            return Spacing.none(key_of)
        return Spacing.of(program.lines, analysis.unit_of, key_of, keys)

    def sequence(self, program: Program, steps: list[list[int]], spacing: Spacing) -> EditSequence:
        """Return the sequence that undoes `steps`, including the lines that stay until the end."""
        rest = [line for line, unit in enumerate(self.unit_of) if unit is None]
        if rest and self.rest_apart:
            steps.append(rest)
        else:
            steps[-1] += rest
        arrivals = EditSequence.undoing(program, steps).arrivals
        return EditSequence(program, spacing.arrivals(list(arrivals)))
