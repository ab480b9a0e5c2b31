"""Why lines arrive together: which lines of an edit cannot live without which others of it.

Owns reading a program's needs off in the states of one edit sequence. That the edits keep to the needs is
not taken for granted: whoever drew them, what the analysis knows of their lines is told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lintseq.edits import INITIAL
from lintseq.needs.graph import NO_UNIT, Analysis, Needs

_LARGEST = 2000
"""In an edit of more units nobody looks for the one that all others need."""
_CLAUSES = 16
"""What junctions of junctions say is spelled out in so many clauses, or else in one that says less."""

Clause = frozenset[int]
"""Units of which one has to live."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A line of an edit and the others of it of which it needs one; indices of the program."""

    line: int
    others: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why the lines of each edit came together, as far as the analysis knows."""

    heads: tuple[int, ...]
    """For each line the one that speaks for it, the first of its unit; -1 for a line that goes with nothing
    that came in the same edit."""
    edits: tuple[tuple[Reason, ...], ...]
    """The reasons in each edit, by line. Needs that a line of an earlier edit meets are no reasons."""
    causes: tuple[int, ...]
    """For each edit the line that all its other units need, directly or through others; -1 if there is none, or
    nothing else."""


def reasons_of(analysis: Analysis, arrivals: Sequence[int]) -> Reasons:
    """Return why lines came together in the sequence that has these arrivals."""
    needs = analysis.needs
    came, head = _units(analysis, arrivals)
    lines = [
        head[unit] if unit != NO_UNIT and came[unit] == arrival else -1
        for unit, arrival in zip(analysis.anchor_of, arrivals, strict=True)
    ]
    members: list[list[int]] = [[] for _ in range(max(came, default=INITIAL) + 1)]
    for unit, edit in enumerate(came):
        if edit != INITIAL:
            members[edit].append(unit)
    found: list[tuple[Reason, ...]] = []
    causes: list[int] = []
    demands = _Demands(needs)
    living = _Living(needs)
    for edit in range(len(members) - 1, -1, -1):
        clauses = {unit: _within(demands.of(unit, living), living, came, edit, unit) for unit in members[edit]}
        cause = _cause(clauses)
        found.append(tuple(_said(clauses, head)))
        causes.append(head[cause] if cause >= 0 else -1)
        living.bury(members[edit])
    without = max(arrivals, default=INITIAL) + 1 - len(members)  # edits of comments alone
    return Reasons(tuple(lines), (*reversed(found), *[()] * without), (*reversed(causes), *[-1] * without))


def _units(analysis: Analysis, arrivals: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return for each unit the edit that makes it whole, and its first line in that edit."""
    came = [INITIAL] * analysis.needs.units
    for line, unit in enumerate(analysis.unit_of):
        if unit != NO_UNIT:
            came[unit] = max(came[unit], arrivals[line])
    head = [-1] * analysis.needs.units
    for line, unit in enumerate(analysis.unit_of):
        if unit != NO_UNIT and head[unit] < 0 and arrivals[line] == came[unit]:
            head[unit] = line
    return came, head


class _Living:
    """Which nodes live while the edits of a sequence are undone, last to first."""

    def __init__(self, needs: Needs) -> None:
        self.needs = needs
        self.dead = bytearray(len(needs.dependents))
        self.remaining = needs.clause_size.copy()

    def bury(self, units: Iterable[int]) -> None:
        """Let exactly these units die, and the junctions that die with them."""
        needs, dead = self.needs, self.dead
        stack = list(units)
        for unit in stack:
            dead[unit] = 1
        while stack:
            node = stack.pop()
            dying = list(needs.dependents[node])
            for clause in needs.clauses_of[node]:
                self.remaining[clause] -= 1
                if not self.remaining[clause]:
                    dying.append(needs.clause_node[clause])
            for other in dying:
                if other >= needs.units and not dead[other]:
                    dead[other] = 1
                    stack.append(other)


class _Demands:
    """What each unit needs, as clauses of units: in every clause at least one unit has to remain."""

    def __init__(self, needs: Needs) -> None:
        nodes = len(needs.dependents)
        self._parents: list[list[int]] = [[] for _ in range(nodes)]
        for node, dependents in enumerate(needs.dependents):
            for dependent in dependents:
                self._parents[dependent].append(node)
        members: list[list[int]] = [[] for _ in needs.clause_node]
        for node, clauses in enumerate(needs.clauses_of):
            for clause in clauses:
                members[clause].append(node)
        self._clauses: list[list[tuple[list[int], int]]] = [[] for _ in range(nodes)]
        for clause, node in enumerate(needs.clause_node):
            self._clauses[node].append((members[clause], needs.clause_guard[clause]))
        self._spelled: list[list[Clause]] = [[frozenset((unit,))] for unit in range(needs.units)]
        for junction in range(needs.units, nodes):  # what a junction stands for was there before it
            self._spelled.append(list(dict.fromkeys(self._spell(junction))))

    def of(self, unit: int, living: _Living) -> list[Clause]:
        """Return what a unit needs while its guards live."""
        return self._spell(unit, living)

    def _spell(self, node: int, living: _Living | None = None) -> list[Clause]:
        clauses = [clause for parent in self._parents[node] for clause in self._spelled[parent]]
        for members, guard in self._clauses[node]:
            if living is None or guard < 0 or not living.dead[guard]:
                clauses += _any_of([self._spelled[member] for member in members])
        return clauses


def _any_of(demands: Sequence[Sequence[Clause]]) -> list[Clause]:
    """Return the clauses that say: one of these demands is met."""
    clauses: list[Clause] = [frozenset()]
    for demand in demands:
        clauses = [clause | other for clause in clauses for other in demand]
        if len(clauses) > _CLAUSES:  # less is said then, and nothing that is not so
            clauses = [frozenset().union(*clauses)]
    return clauses


def _within(clauses: Iterable[Clause], living: _Living, came: Sequence[int], edit: int, unit: int) -> list[Clause]:
    """Return the clauses that only units of this edit can meet, the tightest alone."""
    kept: set[Clause] = set()
    for clause in clauses:
        alive = frozenset(other for other in clause if not living.dead[other])
        if alive and unit not in alive and all(came[other] == edit for other in alive):
            kept.add(alive)
    return [clause for clause in kept if not any(other < clause for other in kept)]


def _said(clauses: dict[int, list[Clause]], head: Sequence[int]) -> list[Reason]:
    reasons = {
        Reason(head[unit], tuple(sorted(head[other] for other in clause)))
        for unit, demanded in clauses.items()
        for clause in demanded
    }
    return sorted(reasons, key=lambda reason: (reason.line, reason.others))


def _cause(clauses: dict[int, list[Clause]]) -> int:
    """Return the first unit without which none of the others could live; -1 if there is none."""
    if not 1 < len(clauses) <= _LARGEST:
        return -1
    needing: dict[int, list[tuple[int, Clause]]] = {unit: [] for unit in clauses}
    for unit, demanded in clauses.items():
        for clause in demanded:
            for other in clause:
                needing[other].append((unit, clause))
    beneath: set[int] = set()  # what goes with one that is no cause is none itself
    for unit in clauses:
        if unit not in beneath:
            gone = _going_with(unit, needing)
            if len(gone) == len(clauses):
                return unit
            beneath |= gone
    return -1


def _going_with(unit: int, needing: dict[int, list[tuple[int, Clause]]]) -> set[int]:
    gone = {unit}
    stack = [unit]
    while stack:
        for other, clause in needing[stack.pop()]:
            if other not in gone and clause <= gone:
                gone.add(other)
                stack.append(other)
    return gone
