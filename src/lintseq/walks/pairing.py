"""Which units of two versions of a program correspond, and how their lines merge."""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property

from lintseq.needs import Analysis
from lintseq.program import Program

_LARGEST = 1_000_000
"""Two lists of units or lines with a larger product of lengths are only compared at their ends."""
_SIMILAR = 0.5
"""The least share of words in common of two units that are taken for versions of each other."""
_WORDS = re.compile(r"\w+|[^\w\s]")

ROOT = -1
"""The parent of the units that are nested in none."""


@dataclass(eq=False)
class Version:
    """One of the versions, and its units."""

    program: Program
    analysis: Analysis

    @cached_property
    def lines_of(self) -> list[list[int]]:
        """The lines of each unit."""
        found: list[list[int]] = [[] for _ in range(self.analysis.needs.units)]
        for line, unit in enumerate(self.analysis.unit_of):
            if unit is not None:
                found[unit].append(line)
        return found

    @cached_property
    def children(self) -> dict[int, list[int]]:
        """The units nested in each unit, or in none, in order."""
        found = defaultdict[int, list[int]](list)
        for unit in sorted((unit for unit, lines in enumerate(self.lines_of) if lines), key=self.first_line):
            parent = self.analysis.parent_of[unit]
            found[ROOT if parent is None else parent].append(unit)
        return found

    def first_line(self, unit: int) -> int:
        return self.lines_of[unit][0]

    @cached_property
    def texts(self) -> list[str]:
        """The text of each unit, without what is nested in it."""
        lines = self.program.lines
        return ["\n".join([lines[line] for line in own]) for own in self.lines_of]

    @cached_property
    def whole(self) -> list[Hashable]:
        """A key of each unit, equal for those with the same text and the same units nested in them."""
        keys: list[Hashable] = list(self.texts)
        for unit in self.from_leaves:
            nested = self.children.get(unit)
            if nested:
                keys[unit] = hash((self.texts[unit], *[keys[child] for child in nested]))
        return keys

    @cached_property
    def from_leaves(self) -> list[int]:
        """The units, each below all that are nested in it."""
        order = list(self.children.get(ROOT, ()))
        for unit in order:  # grows during the iteration
            order += self.children.get(unit, ())
        return order[::-1]

    def words(self, unit: int) -> set[str]:
        """Return the words of a unit; of a header also those of the first units nested in it."""
        found = set(_WORDS.findall(self.texts[unit]))
        for child in self.children.get(unit, ())[:8]:
            found.update(_WORDS.findall(self.texts[child]))
        return found

    def kind(self, unit: int) -> str:
        return self.analysis.kind_of[unit]


@dataclass(eq=False)
class Pairing:
    """Units of the old version and those of the new one that they correspond to."""

    old: Version
    new: Version
    pairs: dict[int, int] = field(default_factory=dict)
    """By unit of the old version, that of the new one."""
    gaps: list[tuple[list[int], list[int]]] = field(default_factory=list)
    """Units between two pairs, or around one, that were replaced as a whole: of the old version, of the new one."""

    @classmethod
    def of(cls, old: Version, new: Version) -> "Pairing":
        pairing = cls(old, new)
        stack = [(ROOT, ROOT)]
        while stack:
            stack += pairing.pair_children(*stack.pop())
        return pairing

    @cached_property
    def kept(self) -> set[int]:
        """The units of the old version whose text is the same in the new one."""
        return {a for a, b in self.pairs.items() if self.old.texts[a] == self.new.texts[b]}

    def pair_children(self, parent: int, other: int) -> Iterable[tuple[int, int]]:
        """Pair the units nested in two units that correspond; return the pairs."""
        old, new = self.old, self.new
        found: list[tuple[int, int]] = []
        gaps = [(old.children.get(parent, []), new.children.get(other, []))]
        for pairs in (
            _by_key(old.whole.__getitem__, new.whole.__getitem__),
            _by_key(lambda unit: (old.kind(unit), old.texts[unit]), lambda unit: (new.kind(unit), new.texts[unit])),
            _by_key(_definition(old), _definition(new)),
            self.similar,
        ):
            gaps = [inner for gap in gaps for inner in _divide(*gap, pairs, found)]
        self.gaps += [gap for gap in gaps if gap[0] and gap[1]]
        self.pairs.update(found)
        return found

    def similar(self, some: list[int], others: list[int]) -> list[tuple[int, int]]:
        """Return the indices of units that are similar enough, such that their similarity is the largest in total."""
        if not some or not others or len(some) * len(others) > 900:
            return []
        best = [[0.0] * (len(others) + 1) for _ in range(len(some) + 1)]
        words, other_words = [*map(self.old.words, some)], [*map(self.new.words, others)]
        alike: dict[tuple[int, int], float] = {}
        for i in reversed(range(len(some))):
            for j in reversed(range(len(others))):
                best[i][j] = max(best[i + 1][j], best[i][j + 1])
                if first_word(self.old.kind(some[i])) == first_word(self.new.kind(others[j])):
                    shared = len(words[i] & other_words[j]) / max(len(words[i]), len(other_words[j]), 1)
                    if shared >= _SIMILAR and (value := shared + best[i + 1][j + 1]) > best[i][j]:
                        best[i][j] = value
                        alike[i, j] = value
        pairs = []
        i = j = 0
        while i < len(some) and j < len(others):
            if alike.get((i, j)) == best[i][j]:
                pairs.append((i, j))
                i, j = i + 1, j + 1
            elif best[i + 1][j] >= best[i][j + 1]:
                i += 1
            else:
                j += 1
        return pairs

    # Lines

    def merge(self) -> list[tuple[int | None, int | None]]:
        """Return the lines of both versions in one order, as (line of the old version, line of the new one).

        A kept line has both. The new lines of a pair of units follow its old ones.
        """
        merged: list[tuple[int | None, int | None]] = []
        at, other_at = 0, 0
        for old, new in [
            *self._anchors(),
            (range(len(self.old.program.lines), 0), range(len(self.new.program.lines), 0)),
        ]:
            merged += self._between(range(at, old.start), range(other_at, new.start))
            merged += _together(self.old.program.lines, self.new.program.lines, old, new)
            at, other_at = max(old.stop, old.start), max(new.stop, new.start)
        return merged

    def _anchors(self) -> list[tuple[range, range]]:
        """Return ranges of lines that correspond, in order."""
        found: list[tuple[range, range]] = []
        for a, b in sorted(self.pairs.items(), key=lambda pair: self.old.first_line(pair[0])):
            own, others = self.old.lines_of[a], self.new.lines_of[b]
            if a in self.kept:
                found += [(range(i, i + 1), range(j, j + 1)) for i, j in zip(own, others, strict=True)]
                continue
            head, tail = _split(own, self._first_nested(self.old, a))
            other_head, other_tail = _split(others, self._first_nested(self.new, b))
            if (
                bool(tail) != bool(other_tail)
                and self.old.program.lines[own[-1]] == self.new.program.lines[others[-1]]
            ):
                head, tail = _without_last(head, tail)
                other_head, other_tail = _without_last(other_head, other_tail)
            found.append((_span(head), _span(other_head)))
            if tail and other_tail:
                found.append((_span(tail), _span(other_tail)))
        found.sort(key=lambda pair: pair[0].start)
        ordered: list[tuple[range, range]] = []
        at = other_at = 0
        for old, new in found:  # elements of several constructs of one unit may cross
            if old.start >= at and new.start >= other_at:
                ordered.append((old, new))
                at, other_at = old.stop, new.stop
        return ordered

    @staticmethod
    def _first_nested(version: Version, unit: int) -> int:
        nested = version.children.get(unit)
        return version.first_line(nested[0]) if nested else len(version.program.lines)

    def _between(self, old: range, new: range) -> Iterator[tuple[int | None, int | None]]:
        """Merge lines of units without a counterpart, and the comments and blank lines among them.

        Lines in a block come before those around it.
        """
        levels, other_levels = self._levels(self.old, old), self._levels(self.new, new)
        for level in sorted({*levels, *other_levels}, reverse=True):
            some, others = levels.get(level, range(0)), other_levels.get(level, range(0))
            keys = [self._key(self.old, line, line) for line in some]
            other_keys = [self._key(self.new, line, ~line) for line in others]
            pairs = match_from_end(keys, other_keys)
            yield from merged(some.start, others.start, len(some), len(others), pairs)

    @staticmethod
    def _key(version: Version, line: int, code: int) -> Hashable:
        """Return by what a line without a counterpart is merged: its text, unless it is code, which has no equal."""
        return version.program.lines[line] if version.analysis.unit_of[line] is None else code

    def _levels(self, version: Version, lines: range) -> dict[int, range]:
        """Return the lines by how many units they are nested in that have a counterpart."""
        found: dict[int, range] = {}
        level = len(version.program.lines)
        for line in lines:
            unit = version.analysis.anchor_of[line]
            is_inside = version.analysis.unit_of[line] is not None and unit in self._counterparts[version]
            level = min(level, 0 if unit is None else self._level(version, unit) + is_inside)
            found[level] = range(found[level].start if level in found else line, line + 1)
        return found

    def _level(self, version: Version, unit: int) -> int:
        known = self._level_of[version]
        path = []
        above: int | None = unit
        while above is not None and above not in known:
            path.append(above)
            above = version.analysis.parent_of[above]
        for inner in reversed(path):
            parent = version.analysis.parent_of[inner]
            known[inner] = 0 if parent is None else known[parent] + (parent in self._counterparts[version])
        return known[unit]

    @cached_property
    def _level_of(self) -> dict[Version, dict[int, int]]:
        return {self.old: {}, self.new: {}}

    @cached_property
    def _counterparts(self) -> dict[Version, Set[int]]:
        """The units of each version that have a counterpart."""
        return {self.old: self.pairs.keys(), self.new: {*self.pairs.values()}}


def _together(
    lines: Sequence[str], others: Sequence[str], old: range, new: range
) -> Iterator[tuple[int | None, int | None]]:
    pairs = match(lines[old.start : old.stop], others[new.start : new.stop])
    return merged(old.start, new.start, max(len(old), 0), max(len(new), 0), pairs)


def merged(
    start: int, other_start: int, count: int, other_count: int, pairs: Sequence[tuple[int, int]]
) -> Iterator[tuple[int | None, int | None]]:
    """Yield the lines of two ranges, those of a pair together and otherwise the old ones first."""
    at = other_at = 0
    for i, j in [*pairs, (count, other_count)]:
        yield from ((start + line, None) for line in range(at, i))
        yield from ((None, other_start + line) for line in range(other_at, j))
        if i < count:
            yield start + i, other_start + j
        at, other_at = i + 1, j + 1


def _divide(
    some: list[int],
    others: list[int],
    pairs: Callable[[list[int], list[int]], list[tuple[int, int]]],
    found: list[tuple[int, int]],
) -> Iterator[tuple[list[int], list[int]]]:
    """Add pairs of units to `found`; yield the units before, between and after them."""
    at = other_at = 0
    for i, j in [*pairs(some, others), (len(some), len(others))]:
        if at < i or other_at < j:
            yield some[at:i], others[other_at:j]
        if i < len(some):
            found.append((some[i], others[j]))
        at, other_at = i + 1, j + 1


def _by_key(
    key: Callable[[int], Hashable], other_key: Callable[[int], Hashable]
) -> Callable[[list[int], list[int]], list[tuple[int, int]]]:
    """Return a function that pairs units with equal keys; a key of None has no equal."""

    def pairs(some: list[int], others: list[int]) -> list[tuple[int, int]]:
        return match([*map(key, some)], [*map(other_key, others)]) if some and others else []

    return pairs


def _definition(version: Version) -> Callable[[int], Hashable]:
    """Return a function that gives the kind and name of a definition, or the names that another unit binds."""

    def key(unit: int) -> Hashable:
        kind = version.kind(unit)
        if " " in kind:
            return (kind, unit in version.children)  # a body on the header's own lines is a part of it
        names = version.analysis.provides.get(unit)
        return (first_word(kind), frozenset(names)) if names else (version, unit)

    return key


def match_from_end(some: Sequence[Hashable], others: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return what `match` does, but prefer the last of several equal items: blank lines belong to what follows."""
    pairs = match(some[::-1], others[::-1])
    return [(len(some) - 1 - i, len(others) - 1 - j) for i, j in reversed(pairs)]


def match(some: Sequence[Hashable], others: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return the indices of items that correspond in two lists, in order."""
    start = 0
    size = min(len(some), len(others))
    while start < size and some[start] == others[start]:
        start += 1
    end = 0
    while end < size - start and some[-1 - end] == others[-1 - end]:
        end += 1
    pairs = [(index, index) for index in range(start)]
    rest, other_rest = some[start : len(some) - end], others[start : len(others) - end]
    if rest and other_rest and len(rest) * len(other_rest) <= _LARGEST:
        matcher = SequenceMatcher(None, rest, other_rest, autojunk=False)
        for i, j, length in matcher.get_matching_blocks():
            pairs += [(start + i + k, start + j + k) for k in range(length)]
    return pairs + [(len(some) - k, len(others) - k) for k in range(end, 0, -1)]


def _split(lines: list[int], middle: int) -> tuple[list[int], list[int]]:
    """Return the lines before a line, and the last run of those after it."""
    head = [line for line in lines if line < middle]
    tail = [line for line in lines if line > middle]
    start = len(tail)
    while start > 0 and (start == len(tail) or tail[start - 1] + 1 == tail[start]):
        start -= 1
    return head or lines[:1], tail[start:]


def _without_last(head: list[int], tail: list[int]) -> tuple[list[int], list[int]]:
    """Return lines with the last of `head`, if there are more, as their tail, if they have none."""
    return (head, tail) if tail or len(head) < 2 else (head[:-1], head[-1:])


def _span(lines: Sequence[int]) -> range:
    return range(lines[0], lines[-1] + 1)


def first_word(kind: str) -> str:
    """Return a kind of unit without the name that it defines."""
    return kind.partition(" ")[0]
