"""Edits and edit sequences; applying and replaying them."""

import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

from lintseq.errors import MalformedEditError
from lintseq.program import Program


@dataclass(frozen=True, slots=True)
class Hunk:
    """A contiguous change of a state: after `position` lines, some are removed and new ones take their place."""

    position: int
    """How many lines of the state before the edit precede the change."""
    lines: tuple[str, ...]
    """The new lines, without line ends."""
    removed: int = 0
    """How many lines of the state before the edit are removed."""

    @property
    def end(self) -> int:
        """How many lines of the state before the edit precede the first one behind the change."""
        return self.position + self.removed


@dataclass(frozen=True, slots=True)
class Edit:
    """A step from one state to the next: hunks with at least one kept line between each and the next."""

    hunks: tuple[Hunk, ...]
    """In the order of their positions, all of which count in the state before the edit."""


def apply(edit: Edit, state: Sequence[str]) -> list[str]:
    """Return the lines of `state` after `edit`.

    Raises `MalformedEditError` if a hunk lies outside the state, or not behind its predecessor.
    """
    check_fits(edit, len(state))
    result: list[str] = []
    done = 0
    for hunk in edit.hunks:
        result += state[done : hunk.position]
        result += hunk.lines
        done = hunk.position + hunk.removed
    result += state[done:]
    return result


def check_fits(edit: Edit, size: int) -> None:
    """Raise `MalformedEditError` for a hunk outside a state of `size` lines, or not behind its predecessor."""
    done = 0
    for number, hunk in enumerate(edit.hunks):
        end = hunk.position + hunk.removed
        if not (done < hunk.position or number == 0) or not 0 <= hunk.position <= end <= size:
            removes = f" and removes {hunk.removed}" if hunk.removed else ""
            raise MalformedEditError(
                f"hunk {number} starts after line {hunk.position}{removes}, but the state has {size} lines"
                f" and {done} of them are behind it"
            )
        done = end


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
STAYS = sys.maxsize
"""The departure of a line of the program: departures are in order, and it comes after every edit."""


@dataclass(frozen=True, slots=True)
class EditSequence:
    """The edits of one draw, from the start state (nothing, an older version, a state on the way) to the program.

    Stored as the lines of all states and, for each, the index of the edit that inserts it and of the one that removes
    it. So each line arrives at most once and departs at most once, and replaying gives the program.
    """

    merged: Program
    """The lines of all states, in their order; the program itself if nothing departs. Its final newline is the
    program's."""
    arrivals: tuple[int, ...]
    """For each of these lines, the index of the edit that inserts it, or `INITIAL`."""
    departures: tuple[int, ...] = ()
    """For each, the index of the edit that removes it, or `STAYS`; empty if nothing departs."""
    start_newline: bool | None = None
    """Whether the start state ends in a newline; None stands for what it would be as a state of the program."""

    def __post_init__(self) -> None:
        count = len(self.merged.lines)
        if len(self.arrivals) != count or len(self.departures) not in (0, count):
            raise ValueError(f"{len(self.arrivals)} arrivals and {len(self.departures)} departures for {count} lines")
        edits = {*self.arrivals, *self.departures} - {INITIAL, STAYS}
        if edits and (min(edits) != 0 or max(edits) != len(edits) - 1):
            raise ValueError(f"edits must be numbered from 0 without gaps, not {sorted(edits)[:9]}")
        if any(arrival >= departure for arrival, departure in zip(self.arrivals, self.departures, strict=False)):
            raise ValueError("a line departs before it arrives")
        if self.departures and min(self.departures) == STAYS:
            object.__setattr__(self, "departures", ())
        if self.start_newline is None:
            object.__setattr__(self, "start_newline", self._as_start(None).final_newline)

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

    @classmethod
    def of(cls, edits: Iterable[Edit], start: Program, *, final_newline: bool) -> Self:
        """Return the sequence of these edits from `start`; `final_newline` tells how the program ends.

        Where an edit replaces lines, the new ones stand below the old ones. Raises `MalformedEditError` for the first
        edit that does not fit its state.
        """
        lines = list(start.lines)
        arrivals, departures = [INITIAL] * len(lines), [STAYS] * len(lines)
        state = list(range(len(lines)))
        gone_above: dict[int, list[int]] = {}  # by line of the state (-1: its end), the removed lines above it
        for number, edit in enumerate(edits):
            check_fits(edit, len(state))
            for hunk in reversed(edit.hunks):
                span = slice(hunk.position, hunk.position + hunk.removed)
                new = range(len(lines), len(lines) + len(hunk.lines))
                lines += hunk.lines
                arrivals += [number] * len(new)
                departures += [STAYS] * len(new)
                gone: list[int] = []
                for index in state[span]:
                    departures[index] = number
                    gone += [*gone_above.pop(index, ()), index]
                if gone:
                    below = new[0] if new else state[span.stop] if span.stop < len(state) else -1
                    gone_above[below] = gone + gone_above.get(below, [])
                state[span] = new
        order = [other for index in state for other in (*gone_above.get(index, ()), index)]
        order += gone_above.get(-1, ())
        final_newline = final_newline and bool(state)
        merged = Program(tuple([lines[index] for index in order]), final_newline)
        times = tuple([arrivals[index] for index in order]), tuple([departures[index] for index in order])
        return cls(merged, *times, start.final_newline)

    def __len__(self) -> int:
        """The number of edits."""
        last = max(self.arrivals, default=INITIAL)
        return max([last, *[number for number in self.departures if number != STAYS]]) + 1

    @property
    def lines_inserted(self) -> int:
        """The number of lines that all edits insert."""
        return len(self.arrivals) - self.arrivals.count(INITIAL)

    @property
    def program(self) -> Program:
        """The text after the last edit."""
        if not self.departures:
            return self.merged
        staying = [line for line, n in zip(self.merged.lines, self.departures, strict=True) if n == STAYS]
        return Program(tuple(staying), self.merged.final_newline)

    @property
    def start(self) -> Program:
        """The state that the edits start from."""
        return self._as_start(self.start_newline)

    def _as_start(self, final_newline: bool | None) -> Program:
        lines = tuple([self.merged.lines[index] for index in self.present()])
        return self.program.state(lines) if final_newline is None else Program(lines, final_newline)

    def present(self) -> list[int]:
        """Return the indices of the lines of the start state, in order."""
        if INITIAL not in self.arrivals:
            return []
        return [index for index, number in enumerate(self.arrivals) if number == INITIAL]

    def visible_at(self, edit: int) -> list[int]:
        """Return the indices of the lines of the state after an edit, and of those that it removes, in order."""
        times = zip(self.arrivals, self._departures(), strict=True)
        return [index for index, (arrival, departure) in enumerate(times) if arrival <= edit <= departure]

    def after(self, edits: int) -> "EditSequence":
        """Return the sequence without its first `edits` edits, which starts from the state after them."""
        if not edits:
            return self
        kept = [index for index, number in enumerate(self._departures()) if number >= edits]
        return self._selected(
            kept,
            [max(self.arrivals[index] - edits, INITIAL) for index in kept],
            [number if number == STAYS else number - edits for number in map(self._departures().__getitem__, kept)],
        )

    def with_readable_start(self) -> "EditSequence":
        """Return the sequence with a start state that can be read back from its text.

        If a state has no final newline, empty lines at its end would read as one. They arrive with the first edit
        instead, or are left out if they depart later, and so are edits that do nothing else.
        """
        present = self.present()
        if self.start_newline or not len(self) or not present or self.merged.lines[present[-1]]:
            return self
        arrivals, departures = list(self.arrivals), self._departures()
        left_out = set[int]()
        while present and not self.merged.lines[present[-1]]:
            index = present.pop()
            arrivals[index] = 0
            left_out |= {index} if departures[index] != STAYS else set()
        kept = [index for index in range(len(arrivals)) if index not in left_out]
        times = [arrivals[index] for index in kept], [departures[index] for index in kept]
        numbers = sorted({*times[0], *times[1]} - {INITIAL, STAYS})
        rank = {INITIAL: INITIAL, STAYS: STAYS, **{number: rank for rank, number in enumerate(numbers)}}
        return self._selected(kept, *[[rank[number] for number in part] for part in times])

    def with_readable_end(self) -> "EditSequence":
        """Return the sequence with a program that can be read back from its text: after an empty line, it ends in a
        newline."""
        lines = self.program.lines
        if self.merged.final_newline or not lines or lines[-1]:
            return self
        return replace(self, merged=replace(self.merged, final_newline=True))

    def first(self, edits: int) -> "EditSequence":
        """Return only the first `edits` edits, whose program is the state after them."""
        kept = [index for index, number in enumerate(self.arrivals) if number < edits]
        departures = [STAYS if number >= edits else number for number in map(self._departures().__getitem__, kept)]
        staying = [self.merged.lines[i] for i, n in zip(kept, departures, strict=True) if n == STAYS]
        merged = Program(tuple([self.merged.lines[i] for i in kept]), self.program.state(staying).final_newline)
        return EditSequence(merged, tuple([self.arrivals[i] for i in kept]), tuple(departures), self.start_newline)

    def _departures(self) -> Sequence[int]:
        return self.departures or [STAYS] * len(self.arrivals)

    def _selected(self, lines: Sequence[int], arrivals: Sequence[int], departures: Sequence[int]) -> "EditSequence":
        merged = Program(tuple([self.merged.lines[index] for index in lines]), self.merged.final_newline)
        return EditSequence(merged, tuple(arrivals), tuple(departures))

    def inserted(self) -> list[list[int]]:
        """Return, for each edit, the indices of the lines that it inserts, in order."""
        return self._by_edit(self.arrivals)

    def removed(self) -> list[list[int]]:
        """Return, for each edit, the indices of the lines that it removes, in order."""
        return self._by_edit(self.departures)

    def _by_edit(self, numbers: Sequence[int]) -> list[list[int]]:
        edits: list[list[int]] = [[] for _ in range(len(self))]
        for index, number in enumerate(numbers):
            if number not in (INITIAL, STAYS):
                edits[number].append(index)
        return edits

    def placements(self) -> Iterator[list[tuple[int, int, list[int]]]]:
        """Yield, for each edit, its hunks as (position in the state before, lines removed, indices of the new lines).

        Changes with no kept line between them make one hunk.
        """
        present = self.present()
        for inserted, removed in zip(self.inserted(), self.removed(), strict=True):
            changed = sorted(inserted + removed) if removed else inserted
            hunks: list[tuple[int, int, list[int]]] = []
            done, count, size = 0, len(changed), len(present)
            position = end = -1
            while done < count:
                at = bisect_left(present, changed[done])
                if at != end:
                    position = end = at
                    hunks.append((at, 0, []))
                _, gone, new = hunks[-1]
                if at < size and present[at] == changed[done]:
                    end = at + 1
                    hunks[-1] = position, gone + 1, new
                    done += 1
                else:  # all new lines that go before the same present line
                    stop = bisect_left(changed, present[at], done) if at < size else count
                    new += changed[done:stop]
                    done = stop
            for position, gone, new in reversed(hunks):
                present[position : position + gone] = new
            yield hunks

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Each edit with its hunks, computed anew at each access."""
        lines = self.merged.lines
        return tuple(
            Edit(tuple(Hunk(position, tuple([lines[i] for i in new]), gone) for position, gone, new in hunks))
            for hunks in self.placements()
        )

    def states(self) -> Iterator[str]:
        """Yield the text after each edit; the last one is the program."""
        program, times = self.program, list(zip(self.merged.lines, self.arrivals, self._departures(), strict=True))
        for number in range(len(self)):
            yield program.render([line for line, arrival, departure in times if arrival <= number < departure])
