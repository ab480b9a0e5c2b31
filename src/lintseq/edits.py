"""Edits and edit sequences; applying and replaying them."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from lintseq.errors import MalformedEditError
from lintseq.program import Program


@dataclass(frozen=True, slots=True)
class Hunk:
    """A contiguous run of inserted lines, `position` lines into the state before the edit."""

    position: int
    """How many lines of the state before the edit precede the new lines."""
    lines: tuple[str, ...]
    """The new lines, without line ends."""


@dataclass(frozen=True, slots=True)
class Edit:
    """An insertion: hunks at strictly increasing positions."""

    hunks: tuple[Hunk, ...]
    """In the order of their positions."""


def apply(edit: Edit, state: Sequence[str]) -> list[str]:
    """Return the lines of `state` with the hunks of `edit` inserted.

    Raises `MalformedEditError` if a hunk lies outside the state or before its predecessor.
    """
    result: list[str] = []
    done = 0
    for number, hunk in enumerate(edit.hunks):
        if not (done < hunk.position or number == 0) or not 0 <= hunk.position <= len(state):
            raise MalformedEditError(
                f"hunk {number} inserts after line {hunk.position}, but the state has {len(state)} lines"
                f" and {done} of them are behind it"
            )
        result += state[done : hunk.position]
        result += hunk.lines
        done = hunk.position
    result += state[done:]
    return result


def replay(edits: Iterable[Edit], start: Sequence[str] = ()) -> list[str]:
    """Return the lines of the state after `edits`, applied in order to the lines of `start`.

    Raises `MalformedEditError` for the first edit that does not fit its state.
    """
    state = list(start)
    for edit in edits:
        state = apply(edit, state)
    return state


INITIAL = -1
"""The arrival of a line of the start state: arrivals are in order, and it comes before edit 0."""


@dataclass(frozen=True, slots=True)
class EditSequence:
    """The edits of one draw, from the start state (nothing, or a state on the way) to the program.

    Stored as the program and, for each of its lines, the index of the edit that inserts it (`INITIAL` for a line of
    the start state). So each line arrives exactly once, states only grow, and replaying gives the program.
    """

    program: Program
    """The text after the last edit."""
    arrivals: tuple[int, ...]
    """For each line of the program, the index of the edit that inserts it, or `INITIAL`."""

    def __post_init__(self) -> None:
        if len(self.arrivals) != len(self.program.lines):
            raise ValueError(f"{len(self.arrivals)} arrivals for {len(self.program.lines)} lines")
        edits = set(self.arrivals) - {INITIAL}
        if edits and (min(edits) != 0 or max(edits) != len(edits) - 1):
            raise ValueError(f"edits must be numbered from 0 without gaps, not {sorted(edits)[:9]}")

    @classmethod
    def undoing(cls, program: Program, deletions: Sequence[Iterable[int]]) -> Self:
        """Return the sequence that undoes `deletions`: line indices, in the order of deletion."""
        arrivals = [INITIAL] * len(program.lines)
        for number, deletion in enumerate(reversed(deletions)):
            for index in deletion:
                arrivals[index] = number
        if INITIAL in arrivals:
            raise ValueError(f"line {arrivals.index(INITIAL)} is in no deletion")
        return cls(program, tuple(arrivals))

    def __len__(self) -> int:
        """The number of edits."""
        return max(self.arrivals, default=INITIAL) + 1

    @property
    def start(self) -> Program:
        """The state that the edits start from."""
        return self.program.state([self.program.lines[index] for index in self.present()])

    def present(self) -> list[int]:
        """Return the indices of the lines of the start state, in order."""
        if INITIAL not in self.arrivals:
            return []
        return [index for index, number in enumerate(self.arrivals) if number == INITIAL]

    def after(self, edits: int) -> "EditSequence":
        """Return the sequence without its first `edits` edits, which starts from the state after them."""
        return EditSequence(self.program, tuple(max(number - edits, INITIAL) for number in self.arrivals))

    def with_readable_start(self) -> "EditSequence":
        """Return the sequence with a start state that can be read back from its text.

        If the program has no final newline, empty lines at the end of the start state would read as a final newline.
        They arrive with the first edit instead.
        """
        present = self.present()
        if self.program.final_newline or not len(self) or not present or self.program.lines[present[-1]]:
            return self
        arrivals = list(self.arrivals)
        while present and not self.program.lines[present[-1]]:
            arrivals[present.pop()] = 0
        return EditSequence(self.program, tuple(arrivals))

    def first(self, edits: int) -> "EditSequence":
        """Return only the first `edits` edits, whose program is the state after them."""
        kept = [(line, n) for line, n in zip(self.program.lines, self.arrivals, strict=True) if n < edits]
        return EditSequence(self.program.state([line for line, _ in kept]), tuple(n for _, n in kept))

    def inserted(self) -> list[list[int]]:
        """Return, for each edit, the indices of the lines that it inserts, in order."""
        edits: list[list[int]] = [[] for _ in range(len(self))]
        for index, number in enumerate(self.arrivals):
            if number != INITIAL:
                edits[number].append(index)
        return edits

    def placements(self) -> Iterator[list[tuple[int, list[int]]]]:
        """Yield, for each edit, its hunks as (position in the state before, line indices)."""
        present = self.present()
        for indices in self.inserted():
            hunks: list[tuple[int, list[int]]] = []
            done, count = 0, len(indices)
            while done < count:
                # All lines that go before the same present line make one hunk.
                at = bisect_left(present, indices[done])
                end = bisect_left(indices, present[at], done) if at < len(present) else count
                run = indices[done:end]
                hunks.append((at - done, run))
                present[at:at] = run
                done = end
            yield hunks

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Each edit with its hunks, computed anew at each access."""
        lines = self.program.lines
        return tuple(
            Edit(tuple(Hunk(position, tuple(lines[i] for i in indices)) for position, indices in hunks))
            for hunks in self.placements()
        )

    def states(self) -> Iterator[str]:
        """Yield the text after each edit; the last one is the program."""
        lines, arrivals = self.program.lines, self.arrivals
        for number in range(len(self)):
            yield self.program.render([line for line, n in zip(lines, arrivals, strict=True) if n <= number])
