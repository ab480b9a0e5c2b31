"""Why lines arrive together: which lines of an edit need which others of it.

Works for any edit sequence, whether or not it was drawn by these needs.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lintseq.edits import INITIAL
from lintseq.needs.graph import Analysis, Needs, Removals

_LARGEST = 2000
"""In an edit of more units, the one that all others need is not looked for."""
_CLAUSES = 16
"""Junctions of junctions are spelled out in at most this many clauses, or else in a single one that says less."""

Clause = frozenset[int]
"""Units of which at least one has to remain."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A line of an edit, and the others of the edit of which it needs at least one; indices of the program."""

    line: int
    others: tuple[int, ...]
    purposes: tuple[str, ...] = ()
    """What the line needs of the others; none if only the lines together make sense."""

    @property
    def purpose(self) -> str:
        """What the line needs of the others, in words: "its header and `area`"; "" if that is unknown."""
        words = [purpose if _is_phrase(purpose) else f"`{purpose}`" for purpose in self.purposes]
        return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why the lines of each edit arrive together, as far as the analysis can tell."""

    heads: tuple[int | None, ...]
    """For each line the first line of its unit; None for a line that travels with nothing in its edit."""
    edits: tuple[tuple[Reason, ...], ...]
    """The reasons in each edit, by line. Needs that an earlier edit meets are no reasons."""
    causes: tuple[int | None, ...]
    """For each edit the line that all its other units need, directly or through others; None if there is none,
    or nothing else."""


def reasons_of(analysis: Analysis, arrivals: Sequence[int]) -> Reasons:
    """Return why lines arrive together in the sequence that has these arrivals."""
    edit_of, head_of = _units(analysis, arrivals)
    heads = [
        head_of[unit] if unit is not None and edit_of[unit] == arrival else None
        for unit, arrival in zip(analysis.anchor_of, arrivals, strict=True)
    ]
    units_of: list[list[int]] = [[] for _ in range(max(edit_of, default=INITIAL) + 1)]
    for unit, edit in enumerate(edit_of):
        if edit != INITIAL:
            units_of[edit].append(unit)
    reasons: list[tuple[Reason, ...]] = []
    causes: list[int | None] = []
    demands = _Demands(analysis.needs)
    removals = analysis.needs.start()
    for units in reversed(units_of):
        together = frozenset(units)
        within = {unit: _within(unit, demands.of(unit, removals), removals, together) for unit in units}
        cause = _cause(within)
        causes.append(None if cause is None else head_of[cause])
        reasons.append(_sorted_reasons(within, head_of))
        removals.remove_only(units)
    comments_only = max(arrivals, default=INITIAL) + 1 - len(units_of)  # edits of comments and blank lines
    reasons = [*reversed(reasons), *[()] * comments_only]
    causes = [*reversed(causes), *[None] * comments_only]
    return Reasons(tuple(heads), tuple(reasons), tuple(causes))


def _units(analysis: Analysis, arrivals: Sequence[int]) -> tuple[list[int], dict[int, int]]:
    """Return for each unit the edit that completes it, and its first line in that edit."""
    edit_of = [INITIAL] * analysis.needs.units
    for line, unit in enumerate(analysis.unit_of):
        if unit is not None:
            edit_of[unit] = max(edit_of[unit], arrivals[line])
    head_of: dict[int, int] = {}
    for line, unit in enumerate(analysis.unit_of):
        if unit is not None and arrivals[line] == edit_of[unit]:
            head_of.setdefault(unit, line)
    return edit_of, head_of


class _Demands:
    """What each unit needs, as clauses of units."""

    def __init__(self, needs: Needs) -> None:
        nodes = len(needs.dependents)
        self._parents: list[list[tuple[int, str]]] = [[] for _ in range(nodes)]
        for node, dependents in enumerate(needs.dependents):
            for dependent, purpose in zip(dependents, needs.purposes[node], strict=True):
                self._parents[dependent].append((node, purpose))
        members: list[list[int]] = [[] for _ in needs.clause_node]
        for node, clauses in enumerate(needs.clauses_of):
            for clause in clauses:
                members[clause].append(node)
        self._clauses: list[list[tuple[list[int], int | None, str]]] = [[] for _ in range(nodes)]
        for clause, node in enumerate(needs.clause_node):
            self._clauses[node].append((members[clause], needs.clause_guard[clause], needs.clause_purpose[clause]))
        self._spelled: list[list[Clause]] = [[frozenset((unit,))] for unit in range(needs.units)]
        nothing_removed = needs.start()
        for junction in range(needs.units, nodes):  # a junction's nodes precede it
            self._spelled.append(list(dict.fromkeys(clause for clause, _ in self.of(junction, nothing_removed))))

    def of(self, node: int, removals: Removals) -> Iterator[tuple[Clause, str]]:
        """Yield what a node needs and for what purpose, leaving out the clauses whose guards are removed."""
        for parent, purpose in self._parents[node]:
            yield from ((clause, purpose) for clause in self._spelled[parent])
        for members, guard, purpose in self._clauses[node]:
            if guard is None or not removals.removed[guard]:
                yield from ((clause, purpose) for clause in _any_of([self._spelled[member] for member in members]))


def _any_of(demands: Sequence[Sequence[Clause]]) -> list[Clause]:
    """Return the clauses that say: one of these demands is met."""
    clauses: list[Clause] = [frozenset()]
    for demand in demands:
        clauses = [clause | other for clause in clauses for other in demand]
        if len(clauses) > _CLAUSES:  # says less, and nothing untrue
            clauses = [frozenset().union(*clauses)]
    return clauses


def _within(
    unit: int, demands: Iterable[tuple[Clause, str]], removals: Removals, together: frozenset[int]
) -> dict[Clause, set[str]]:
    """Return the clauses of a unit that only others of its edit can meet, without those that others imply.

    Each has its purposes.
    """
    kept: dict[Clause, set[str]] = {}
    for clause, purpose in demands:
        present = frozenset(other for other in clause if not removals.removed[other])
        if present and present <= together and unit not in present:
            kept.setdefault(present, set()).add(purpose)
    return {clause: purposes for clause, purposes in kept.items() if not any(other < clause for other in kept)}


def _sorted_reasons(within: Mapping[int, Mapping[Clause, set[str]]], head_of: Mapping[int, int]) -> tuple[Reason, ...]:
    reasons = {
        Reason(head_of[unit], tuple(sorted(head_of[other] for other in clause)), _sorted_purposes(purposes))
        for unit, clauses in within.items()
        for clause, purposes in clauses.items()
    }
    return tuple(sorted(reasons, key=lambda reason: (reason.line, reason.others)))


def _sorted_purposes(purposes: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(filter(None, purposes), key=lambda purpose: (not _is_phrase(purpose), purpose)))


def _is_phrase(purpose: str) -> bool:
    """Tell a purpose in words from the name of what is needed."""
    return " " in purpose


def _cause(within: Mapping[int, Collection[Clause]]) -> int | None:
    """Return the first unit without which no other could remain, if there is one."""
    if not 1 < len(within) <= _LARGEST:
        return None
    needed_by: dict[int, list[tuple[int, Clause]]] = {unit: [] for unit in within}
    for unit, clauses in within.items():
        for clause in clauses:
            for other in clause:
                needed_by[other].append((unit, clause))
    ruled_out: set[int] = set()  # units removed along with a unit that is not the cause are not the cause either
    for unit in within:
        if unit not in ruled_out:
            closure = _closure(unit, needed_by)
            if len(closure) == len(within):
                return unit
            ruled_out |= closure
    return None


def _closure(unit: int, needed_by: dict[int, list[tuple[int, Clause]]]) -> set[int]:
    closure = {unit}
    stack = [unit]
    while stack:
        for other, clause in needed_by[stack.pop()]:
            if other not in closure and clause <= closure:
                closure.add(other)
                stack.append(other)
    return closure
