"""Needs: what must go with what, as an and/or graph over the units of a program.

A node is a unit (it has lines) or a junction (it has none, and stands for "any of these" or "all of
these" where several units share such a condition). Knows nothing of Python.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Needs:
    """The finished graph: nodes `0 .. units-1` are units, the rest junctions.

    `dependents[v]` die with `v`. `clauses_of[v]` are the "any of" clauses that count `v`; clause `c` kills
    `clause_node[c]` when the last of its `clause_size[c]` nodes dies, but if `clause_guard[c]` is a node
    (not -1) only while that node lives.
    """

    units: int
    dependents: list[list[int]]
    clauses_of: list[list[int]]
    clause_node: list[int]
    clause_size: list[int]
    clause_guard: list[int]

    def start(self) -> "Deaths":
        """Return the bookkeeping of one walk in which nothing has died yet."""
        return Deaths(self, bytearray(len(self.dependents)), self.clause_size.copy())

    def taught(self, lessons: Iterable[tuple[int, Sequence[int]]]) -> "Needs":
        """Return these needs and more: each lesson is a unit and the units of which it needs one."""
        added = list(lessons)
        clauses_of = list(self.clauses_of)
        for number, (_, others) in enumerate(added, start=len(self.clause_node)):
            for other in others:
                clauses_of[other] = [*clauses_of[other], number]
        return replace(
            self,
            clauses_of=clauses_of,
            clause_node=self.clause_node + [node for node, _ in added],
            clause_size=self.clause_size + [len(others) for _, others in added],
            clause_guard=self.clause_guard + [-1] * len(added),
        )


@dataclass(slots=True)
class Deaths:
    """Who is dead so far in one walk."""

    needs: Needs
    dead: bytearray
    remaining: list[int]

    def continued(self, taught: Needs) -> "Deaths":
        """Return the bookkeeping of this walk under needs that were taught more."""
        remaining = self.remaining + taught.clause_size[len(self.remaining) :]
        for node, dead in enumerate(self.dead):
            if dead:
                for clause in taught.clauses_of[node]:
                    if clause >= len(self.remaining):
                        remaining[clause] -= 1
        return Deaths(taught, self.dead, remaining)

    def kill(self, unit: int) -> list[int]:
        """Kill a living unit and all that cannot live without it; return the units that died.

        The least fixed point of counters reaching zero: the cost is linear in the needs touched. Guarded
        clauses fire last, when it is known whether the guard has survived.
        """
        needs, dead, remaining = self.needs, self.dead, self.remaining
        dependents, clauses_of = needs.dependents, needs.clauses_of
        units = needs.units
        dead[unit] = 1
        if not dependents[unit] and not clauses_of[unit]:
            return [unit]
        stack = [unit]
        died: list[int] = []
        waiting: list[int] = []
        while True:
            while stack:
                node = stack.pop()
                if node < units:
                    died.append(node)
                for dependent in dependents[node]:
                    if not dead[dependent]:
                        dead[dependent] = 1
                        stack.append(dependent)
                for clause in clauses_of[node]:
                    remaining[clause] -= 1
                    if not remaining[clause]:
                        dependent = needs.clause_node[clause]
                        if needs.clause_guard[clause] >= 0:
                            waiting.append(clause)
                        elif not dead[dependent]:
                            dead[dependent] = 1
                            stack.append(dependent)
            if not waiting:
                return died
            clause = waiting.pop()
            dependent = needs.clause_node[clause]
            if not dead[dependent] and not dead[needs.clause_guard[clause]]:
                dead[dependent] = 1
                stack.append(dependent)


@dataclass(slots=True)
class NeedsBuilder:
    """Collects needs; repeated and self-evident ones are dropped."""

    units: int
    _dependents: list[list[int]] = field(init=False)
    _clauses: list[tuple[int, tuple[int, ...], int]] = field(default_factory=list)
    _seen: set[object] = field(default_factory=set)
    _junctions: dict[object, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._dependents = [[] for _ in range(self.units)]

    def need(self, node: int, other: int) -> None:
        """`node` dies with `other`."""
        if node != other:
            dependents = self._dependents[other]
            # The needs of one line come in a row; a need that slips in twice does no harm.
            if not dependents or dependents[-1] != node:
                dependents.append(node)

    def need_any(self, node: int, others: Iterable[int], *, guard: int = -1) -> None:
        """`node` dies with the last of `others` (while `guard` lives, if given); no others, no need."""
        distinct = tuple(sorted(set(others)))
        if not distinct or node in distinct:
            return
        if len(distinct) == 1 and guard < 0:
            self.need(node, distinct[0])
            return
        key = (node, distinct, guard)
        if key not in self._seen:
            self._seen.add(key)
            self._clauses.append(key)

    def any_of(self, nodes: Iterable[int]) -> int:
        """Return a node that lives while any of `nodes` (at least one) lives."""
        distinct = tuple(sorted(set(nodes)))
        if len(distinct) == 1:
            return distinct[0]
        key = ("any", distinct)
        if key not in self._junctions:
            self._junctions[key] = junction = self._junction()
            self._clauses.append((junction, distinct, -1))
        return self._junctions[key]

    def all_of(self, first: int, second: int) -> int:
        """Return a node that lives while both nodes live."""
        if first == second:
            return first
        key = ("all", min(first, second), max(first, second))
        if key not in self._junctions:
            self._junctions[key] = junction = self._junction()
            self.need(junction, first)
            self.need(junction, second)
        return self._junctions[key]

    def _junction(self) -> int:
        self._dependents.append([])
        return len(self._dependents) - 1

    def finish(self) -> Needs:
        nothing: list[int] = []  # shared by the many nodes that no clause counts
        clauses_of = [nothing] * len(self._dependents)
        for number, (_, others, _) in enumerate(self._clauses):
            for other in others:
                if clauses_of[other]:
                    clauses_of[other].append(number)
                else:
                    clauses_of[other] = [number]
        return Needs(
            self.units,
            self._dependents,
            clauses_of,
            [node for node, _, _ in self._clauses],
            [len(others) for _, others, _ in self._clauses],
            [guard for _, _, guard in self._clauses],
        )
