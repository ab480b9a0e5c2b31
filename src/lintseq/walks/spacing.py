"""Blank lines: when each run of them arrives, given when all other lines do."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Self

_Run = tuple[int, int]
"""The first of some blank lines, and the line below them."""


@dataclass(frozen=True, slots=True)
class Spacing:
    """The rule by which the blank lines of one program arrive.

    A run of blank lines separates lines of a block: all that have the indentation of the line below it, as far as no
    line is indented less. It separates those above it, back to a longer run, from those below it, up to one that is as
    long, and arrives as soon as one of each is there. So in every state two lines of a block have between them the
    longest run that the program has there, and nothing starts or ends with blank lines, neither a state nor a block,
    unless the program has it so. A run at the top of the program arrives with the line below it, one at the end with
    the line above.

    Lines that arrive together have the same key. Arrivals are values: first those of the keys, then those that follow.
    """

    lines: int
    of_line: "itemgetter[Any]"
    """Selects the value of each line."""
    firsts: "list[itemgetter[Any]]" = field(default_factory=list)
    """One value each: the first arrival among several keys."""
    groups: list[tuple[int, list[int]]] = field(default_factory=list)
    """Runs of equal length: the value of what is above the first, and of what is below each; each run has a value."""
    blank: frozenset[int] = frozenset()
    """The blank lines."""

    @classmethod
    def of(cls, lines: Sequence[str], unit_of: Sequence[int | None], key_of: Sequence[int], keys: int) -> Self:
        """Return the rule for a program, whose lines have `keys` different keys."""
        values = list(key_of)
        blank = frozenset([line for line, unit in enumerate(unit_of) if unit is None and not lines[line].strip()])
        if not blank:
            return cls.none(key_of)
        found = [group for block in _blocks(lines, unit_of, values, blank) for group in block.groups()]
        firsts: list[itemgetter[Any]] = []
        groups: list[tuple[int, list[int]]] = []
        for _, parts in found:
            group = []
            for part in map(dict.fromkeys, parts):
                group.append(next(iter(part)) if len(part) == 1 else keys + len(firsts))
                if len(part) > 1:
                    firsts.append(itemgetter(*part))
            groups.append((group[0], group[1:]))
        runs = [run for some, _ in found for run in some]
        for value, (start, end) in enumerate(runs, start=keys + len(firsts)):
            values[start:end] = [value] * (end - start)
        return cls(len(values), itemgetter(*values), firsts, groups, blank)

    @classmethod
    def none(cls, key_of: Sequence[int]) -> Self:
        """Return the rule by which blank lines arrive as their keys do."""
        return cls(len(key_of), itemgetter(*key_of))

    def arrivals(self, of_key: list[int]) -> tuple[int, ...]:
        """Return the arrival of each line, given that of each key."""
        values = of_key + [min(keys(of_key)) for keys in self.firsts]
        for above, parts in self.groups:
            first = values[above]
            for part in parts:
                arrival = values[part]
                if arrival < first:
                    values.append(first)
                    first = arrival
                else:
                    values.append(arrival)
        found = self.of_line(values)
        return found if isinstance(found, tuple) else (found,)

    def state(self, present: Iterable[int]) -> list[int]:
        """Return the lines of a state, given those that are not blank; others are ignored."""
        absent = [1] * self.lines
        for line in present:
            absent[line] = 0
        return [line for line, missing in enumerate(self.arrivals(absent)) if not missing]


@dataclass(slots=True)
class _Block:
    """Lines of the same indentation, none between them indented less, and the runs of blank lines above them."""

    indentation: int
    runs: list[_Run] = field(default_factory=list)
    parts: list[list[int]] = field(default_factory=lambda: [[]])
    """The keys of the lines above the first run, between each and the next, and below the last."""

    def groups(self) -> Iterator[tuple[list[_Run], list[list[int]]]]:
        """Yield the runs of each length, as far as no longer one is between them, and the parts that they separate."""
        for length in sorted({end - start for start, end in self.runs}):
            runs, parts = list[_Run](), [self.parts[0].copy()]
            for run, part in zip(self.runs, self.parts[1:], strict=True):
                if run[1] - run[0] < length:
                    parts[-1] += part
                elif run[1] - run[0] == length:
                    runs.append(run)
                    parts.append(part.copy())
                else:
                    if runs:
                        yield runs, parts
                    runs, parts = [], [part.copy()]
            if runs:
                yield runs, parts


def _blocks(
    lines: Sequence[str], unit_of: Sequence[int | None], key_of: list[int], blank: frozenset[int]
) -> list[_Block]:
    """Return the blocks that have runs of blank lines; those at the top and at the end of the program get a key."""
    spaced: list[_Block] = []
    block = _Block(-1)
    stack = [block]
    start = 0  # the line below the last that is not blank
    previous = None  # its unit
    following = 0  # the next line of code
    for line, unit in enumerate(unit_of):
        if unit is None and line in blank:
            previous = None
        elif unit is None or unit != previous:  # others continue the line above
            indentation, previous = _indentation(lines[line]), unit
            if unit is None:  # a comment at the margin does not end the block of what follows it
                following = max(following, line)
                while following < len(lines) and unit_of[following] is None:
                    following += 1
                if following < len(lines):
                    indentation = max(indentation, _indentation(lines[following]))
            if indentation != block.indentation:
                while stack[-1].indentation > indentation:
                    stack.pop()
                if stack[-1].indentation < indentation:
                    stack.append(_Block(indentation))
                block = stack[-1]
            if start == 0 < line:
                key_of[:line] = [key_of[line]] * line
            elif start < line:
                if not block.runs:
                    spaced.append(block)
                    block.parts[0] = block.parts[0] or [key_of[start - 1]]
                block.runs.append((start, line))
                block.parts.append([])
            block.parts[-1].append(key_of[line])
            start = line + 1
        else:
            if key_of[line] != key_of[start - 1]:
                block.parts[-1].append(key_of[line])
            start = line + 1
    key_of[start:] = [key_of[start - 1]] * (len(lines) - start)
    return spaced


def _indentation(line: str) -> int:
    expanded = line.expandtabs(8) if "\t" in line else line
    return len(expanded) - len(expanded.lstrip(" "))
