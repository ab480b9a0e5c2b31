"""Needs: what must be removed together, as an and/or graph over the units of a program.

A node is a unit (it has lines) or a junction (it has none, and stands for "any of these" or "all of
these" where several units share such a condition). Independent of the programming language.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

from lintseq.needs.signatures import Call, Signature

Node = TypeVar("Node", bound=int | None)

HEADER = "its header"
"""The purpose of a unit's need of the unit it is nested in."""
BODY = "a body"
"""The purpose of a header's need of any unit nested in it."""
PART = "part"
"""The kind of a unit that is a part of a statement or of a header."""
PLACEHOLDER = "placeholder"
"""The kind of a unit that stands for a body that is not written yet."""


RESULT = "a result"
"""The purpose of needing that a function returns something."""


def member(name: str) -> str:
    """Return the purpose of needing what makes a member of an object; that of a name is the name itself."""
    return f".{name}"


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything a walk needs from the analysis of a program."""

    unit_of: tuple[int | None, ...]
    """The unit of each line; None for blank lines and comments."""
    anchor_of: tuple[int | None, ...]
    """The unit that each line is removed with: for code its own unit, for blank lines and comments the one they
    travel with; None for lines that stay until the end of a walk."""
    needs: "Needs"
    parent_of: tuple[int | None, ...] = ()
    """The unit that each unit is nested in; None for none."""
    kind_of: tuple[str, ...] = ()
    """What each unit is: "" for a simple statement, otherwise a word that tells what may stand in its place, followed
    by the name that it defines, if any."""
    provides: Mapping[int, Set[str]] = field(default_factory=dict)
    """By unit, the purposes that it serves: the names that it binds and the members that it makes."""
    signatures: Mapping[int, Signature] = field(default_factory=dict)
    """By unit of a header, the signature of the function."""
    calls: Sequence[Call] = ()
    """The calls of these functions."""
    declared: Sequence[tuple[int, int]] = ()
    """Units that would mean something else without another: (unit, other). They are clean, so it is no need."""
    implied: Sequence[tuple[int, int, str]] = ()
    """Needs that the program always meets where it meets the others, but not next to another version: (unit, other,
    purpose)."""
    undefined: Sequence[tuple[int, str]] = ()
    """The uses of names that nothing provides, or at most a star import: (unit, name)."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The finished graph: nodes `0 .. units-1` are units, the rest junctions.

    `dependents[v]` are removed with `v`, which they need for `purposes[v]`. `clauses_of[v]` are the "any of" clauses
    that count `v`; clause `c` removes
    `clause_node[c]` together with the last of its `clause_size[c]` nodes, but if `clause_guard[c]` is a node (not
    None) only while that node remains; it is needed for `clause_purpose[c]`.

    A purpose says what for, such as the name that a use needs bound. "" if only the units together make sense.
    """

    units: int
    dependents: list[list[int]]
    purposes: list[list[str]]
    clauses_of: list[list[int]]
    clause_node: list[int]
    clause_size: list[int]
    clause_guard: list[int | None]
    clause_purpose: list[str]

    def start(self) -> "Removals":
        """Return the bookkeeping of a walk that has removed nothing yet."""
        return Removals(self, bytearray(len(self.dependents)), self.clause_size.copy())


@dataclass(slots=True)
class Removals:
    """What one walk has removed so far."""

    needs: Needs
    removed: bytearray
    """For each node, 1 if it is removed."""
    remaining: list[int]
    """For each clause, how many of its nodes remain."""

    def remove(self, unit: int) -> list[int]:
        """Remove a remaining unit and everything that needs it; return the units removed.

        This is the least fixed point of counters reaching zero: its cost is linear in the needs touched. Guarded
        clauses fire last, when it is known whether their guards remain.
        """
        needs, removed, remaining = self.needs, self.removed, self.remaining
        dependents, clauses_of = needs.dependents, needs.clauses_of
        units = needs.units
        removed[unit] = 1
        if not dependents[unit] and not clauses_of[unit]:
            return [unit]
        stack = [unit]
        closure: list[int] = []
        waiting: list[tuple[int, int]] = []
        while True:
            while stack:
                node = stack.pop()
                if node < units:
                    closure.append(node)
                for dependent in dependents[node]:
                    if not removed[dependent]:
                        removed[dependent] = 1
                        stack.append(dependent)
                for clause in clauses_of[node]:
                    remaining[clause] -= 1
                    if not remaining[clause]:
                        dependent = needs.clause_node[clause]
                        guard = needs.clause_guard[clause]
                        if guard is not None:
                            waiting.append((dependent, guard))
                        elif not removed[dependent]:
                            removed[dependent] = 1
                            stack.append(dependent)
            if not waiting:
                return closure
            dependent, guard = waiting.pop()
            if not removed[dependent] and not removed[guard]:
                removed[dependent] = 1
                stack.append(dependent)

    def remove_only(self, units: Iterable[int]) -> None:
        """Remove exactly these units, even if others need them, and the junctions that cannot remain without them."""
        needs, removed = self.needs, self.removed
        stack = list(units)
        for unit in stack:
            removed[unit] = 1
        while stack:
            node = stack.pop()
            others = list(needs.dependents[node])
            for clause in needs.clauses_of[node]:
                self.remaining[clause] -= 1
                if not self.remaining[clause]:
                    others.append(needs.clause_node[clause])
            for other in others:
                if other >= needs.units and not removed[other]:
                    removed[other] = 1
                    stack.append(other)


@dataclass(slots=True)
class NeedsBuilder:
    """Collects needs; repeated and trivial ones are dropped. None in place of another node counts for nothing."""

    units: int
    _dependents: list[list[int]] = field(init=False)
    _purposes: list[list[str]] = field(init=False)
    _clauses: list[tuple[int, tuple[int, ...], int | None, str]] = field(default_factory=list)
    _seen: set[object] = field(default_factory=set)
    _junctions: dict[object, int] = field(default_factory=dict)
    _shared: dict[Hashable, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._dependents = [[] for _ in range(self.units)]
        self._purposes = [[] for _ in range(self.units)]

    def need(self, node: int, other: int | None, purpose: str = "") -> None:
        """`node` is removed with `other`."""
        if other is not None and node != other:
            dependents, purposes = self._dependents[other], self._purposes[other]
            # The needs of one line come in a row; a repeated need does no harm.
            if not dependents or dependents[-1] != node or purposes[-1] != purpose:
                dependents.append(node)
                purposes.append(purpose)

    def need_any(
        self, node: int, others: Iterable[int | None], purpose: str = "", *, guard: int | None = None
    ) -> None:
        """`node` is removed with the last of `others` (while `guard`, if any, remains); no others, no need."""
        distinct = _distinct(others)
        if not distinct or node in distinct:
            return
        if len(distinct) == 1 and guard is None:
            self.need(node, distinct[0], purpose)
            return
        key = (node, distinct, guard, purpose)
        if key not in self._seen:
            self._seen.add(key)
            self._clauses.append(key)

    def need_guarded(
        self, node: int, key: Hashable, clauses: Iterable[tuple[Sequence[int], int | None]], purpose: str = ""
    ) -> None:
        """`node` needs any of the nodes of each clause while the clause's guard remains.

        As for `need_shared`, the clauses are the same for each use of `key`.
        """
        if key not in self._shared:
            self._shared[key] = None
            if found := [(nodes, guard) for nodes, guard in clauses if nodes]:
                self._shared[key] = junction = self._junction()
                for nodes, guard in found:
                    self.need_any(junction, nodes, guard=guard)
        self.need(node, self._shared[key], purpose)

    def need_shared(self, node: int, key: Hashable, others: Iterable[int], purpose: str = "") -> None:
        """`node` needs any of `others`: the same for each use of `key`, and read only for the first."""
        if key not in self._shared:
            found = list(others)
            self._shared[key] = self.any_of(found) if found else None
        self.need(node, self._shared[key], purpose)

    def any_of(self, nodes: Iterable[int | None]) -> int:
        """Return a node that remains while any of `nodes` (at least one) remains."""
        distinct = _distinct(nodes)
        if len(distinct) == 1:
            return distinct[0]
        key = ("any", distinct)
        if key not in self._junctions:
            self._junctions[key] = junction = self._junction()
            self._clauses.append((junction, distinct, None, ""))
        return self._junctions[key]

    def all_of(self, first: int | None, second: int) -> int:
        """Return a node that remains while both nodes remain."""
        if first is None or first == second:
            return second
        key = ("all", min(first, second), max(first, second))
        if key not in self._junctions:
            self._junctions[key] = junction = self._junction()
            self.need(junction, first)
            self.need(junction, second)
        return self._junctions[key]

    def _junction(self) -> int:
        self._dependents.append([])
        self._purposes.append([])
        return len(self._dependents) - 1

    def finish(self) -> Needs:
        nothing: list[int] = []  # shared by the many nodes that no clause counts
        clauses_of = [nothing] * len(self._dependents)
        for number, (_, others, _, _) in enumerate(self._clauses):
            for other in others:
                if clauses_of[other]:
                    clauses_of[other].append(number)
                else:
                    clauses_of[other] = [number]
        return Needs(
            self.units,
            self._dependents,
            self._purposes,
            clauses_of,
            [node for node, _, _, _ in self._clauses],
            [len(others) for _, others, _, _ in self._clauses],
            [guard for _, _, guard, _ in self._clauses],
            [purpose for _, _, _, purpose in self._clauses],
        )


def _distinct(nodes: Iterable[int | None]) -> tuple[int, ...]:
    return tuple(sorted({node for node in nodes if node is not None}))


class Runs(Generic[Node]):
    """Joins runs of a sequence of nodes. Runs share their parts, so that many long runs take few new nodes."""

    def __init__(self, nodes: Iterable[Node], join: Callable[[Node, Node], Node]) -> None:
        self.nodes = list(nodes)
        """More may be added at the end."""
        self._join = join
        self._joined: dict[tuple[int, int], Node] = {}

    def run(self, start: int, end: int) -> Node:
        """Return the node that joins `nodes[start:end]`, at least one."""
        if end - start == 1:
            return self.nodes[start]
        if (start, end) not in self._joined:
            zeros = (start ^ (end - 1)).bit_length() - 1
            middle = (end - 1) >> zeros << zeros  # the roundest number between: its neighbors are in many runs
            self._joined[start, end] = self._join(self.run(start, middle), self.run(middle, end))
        return self._joined[start, end]

    def all_but(self, dropped: Iterable[tuple[int, int]]) -> list[Node]:
        """Return a node for each run between some ranges, which are in order and disjoint."""
        starts, ends = [0], []
        for start, end in dropped:
            starts.append(end)
            ends.append(start)
        ends.append(len(self.nodes))
        return [self.run(start, end) for start, end in zip(starts, ends, strict=True) if start < end]

    @cached_property
    def indices(self) -> dict[Node, list[int]]:
        """Where each node is."""
        found: dict[Node, list[int]] = {}
        for index, node in enumerate(self.nodes):
            found.setdefault(node, []).append(index)
        return found
