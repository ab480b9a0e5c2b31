"""Atoms of change between two versions of a program, and what they need of each other.

An atom is the smallest change that makes sense alone: a unit that arrives or departs, or units of the old version
together with those that replace them. In every state on the way an atom is old or new, and the needs of both versions
say which combinations are clean. A walk from the new version to the old one "removes" atoms: each is new until then.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, groupby

from lintseq.edits import INITIAL, STAYS
from lintseq.needs import BODY, HEADER, PART, PLACEHOLDER, RESULT, Needs, NeedsBuilder
from lintseq.needs.graph import member
from lintseq.needs.signatures import Call, Signature
from lintseq.program import Program
from lintseq.walks.pairing import ROOT, Pairing, Version, first_word, match, merged
from lintseq.walks.spacing import Spacing

Item = tuple[bool, int]
"""Whether a unit is of the old version, and the unit."""
Clause = frozenset[int]
"""Literals, of which one has to hold: `atom` says that it is new, `~atom` that it is old."""
_CLAUSES = 24
"""A condition of more clauses is replaced by a stricter one of a single clause each way."""
_PARTS = 50
"""How many parts of a statement, or uses of a name, are compared with another."""
_MOVED = 6
"""The least length of a statement's text by which it is found elsewhere."""


@dataclass(frozen=True)
class Changes:
    """The atoms between two versions, on the lines of both, merged."""

    merged: Program
    arrives: tuple[bool, ...]
    """Whether each line is missing from the old version."""
    departs: tuple[bool, ...]
    """Whether each line is missing from the new version."""
    atom_of: tuple[int | None, ...]
    """The atom of each line; None for one that is kept."""
    code: list[int]
    """The lines that may be chosen: those of units that change, and one of each atom that has none, unless comments
    come first."""
    needs: Needs
    """The needs of the atoms, as units."""
    arriving: "Blanks"
    """The blank lines that are missing from the old version, in the new one."""
    departing: "Blanks"
    """Those that are missing from the new version, in the old one."""

    @classmethod
    def between(cls, old: Version, new: Version, comments: str = "attach") -> "Changes":
        """Return the atoms between two versions; `comments` is that of the sampling options."""
        return _ChangesMaker(old, new, comments).make()

    def without_needs(self) -> "Changes":
        """Return the same atoms, none of which needs another."""
        return replace(self, needs=NeedsBuilder(self.needs.units).finish())


@dataclass(frozen=True)
class Blanks:
    """Blank lines of one version that the other one does not have, and how they separate its lines."""

    spacing: Spacing
    """The rule of that version, whose lines have the key 0 if they are kept, or else 1 and their atom."""
    lines: list[tuple[int, int]]
    """Each of them, as a merged line and as a line of the version."""


class _Side:
    """One version, the atoms of its units, and the conditions under which its needs are met."""

    def __init__(self, version: Version, *, is_old: bool) -> None:
        self.version = version
        self.analysis = version.analysis
        self.is_old = is_old
        self.atom_of: dict[int, int] = {}
        """The atoms of units that change; others are there in every state."""
        self.site_of: dict[int, Item] = {}
        """By unit that changes, one of those that are in the same place, in either version."""
        self.counterpart: dict[int, int] = {}
        """By unit, the one in the other version that it is paired with."""
        self.other: _Side
        self._known: dict[tuple[int, str], list[Clause]] = {}

    def literal(self, unit: int) -> int:
        atom = self.atom_of[unit]
        return ~atom if self.is_old else atom

    @cached_property
    def units_in(self) -> dict[Item, list[int]]:
        found = defaultdict[Item, list[int]](list)
        for unit, site in self.site_of.items():
            found[site].append(unit)
        return found

    @cached_property
    def needed(self) -> list[list[tuple[int, str]]]:
        """For each node, the nodes that it is removed with, and for what it needs them."""
        needs = self.analysis.needs
        found: list[list[tuple[int, str]]] = [[] for _ in needs.dependents]
        for node, dependents in enumerate(needs.dependents):
            for dependent, purpose in zip(dependents, needs.purposes[node], strict=True):
                found[dependent].append((node, purpose))
        return found

    @cached_property
    def members(self) -> list[list[int]]:
        """The nodes that each clause counts."""
        needs = self.analysis.needs
        found: list[list[int]] = [[] for _ in needs.clause_node]
        for node, clauses in enumerate(needs.clauses_of):
            for clause in clauses:
                found[clause].append(node)
        return found

    @cached_property
    def clauses(self) -> dict[int, list[int]]:
        """The clauses that remove each node."""
        found = defaultdict[int, list[int]](list)
        for clause, node in enumerate(self.analysis.needs.clause_node):
            found[node].append(clause)
        return found

    @cached_property
    def uncertain(self) -> bytearray:
        """For each node, 1 if it is not the same in all states: units that change, and junctions that need them."""
        needs = self.analysis.needs
        found = bytearray(len(needs.dependents))
        stack = list(self.atom_of)
        for unit in stack:
            found[unit] = 1
        while stack:
            node = stack.pop()
            for other in [*needs.dependents[node], *(needs.clause_node[clause] for clause in needs.clauses_of[node])]:
                if other >= needs.units and not found[other]:
                    found[other] = 1
                    stack.append(other)
        return found

    @cached_property
    def implied(self) -> dict[int, list[tuple[int, str]]]:
        """For each unit, the nodes that it needs between versions, and for what."""
        found = defaultdict[int, list[tuple[int, str]]](list)
        for unit, other, purpose in self.analysis.implied:
            found[unit].append((other, purpose))
        return found

    def conditions(self, unit: int) -> dict[str, list[Clause]]:
        """Return the condition under which each need of a unit is met, by purpose; [] if it always is."""
        found: dict[str, list[Clause]] = {}
        implied = [(purpose, self.condition(other, purpose)) for other, purpose in self.implied.get(unit, ())]
        for purpose, clauses in chain(self._demands(unit, None), implied):
            found[purpose] = _all([found[purpose], clauses]) if purpose in found else clauses
        return found

    def _demands(self, node: int, purpose: str | None) -> Iterator[tuple[str, list[Clause]]]:
        """Yield the conditions of what a node needs; `purpose` is that of the unit whose need leads here."""
        needs, uncertain = self.analysis.needs, self.uncertain
        for other, own in self.needed[node]:
            what = own if purpose is None else purpose
            yield what, self.condition(other, what) if uncertain[other] else []
        for clause in self.clauses.get(node, ()):
            what = needs.clause_purpose[clause] if purpose is None else purpose
            members = self.members[clause]
            if not all(uncertain[member] for member in members):
                yield what, []
                continue
            guard = needs.clause_guard[clause]
            options = [self.condition(member, what) for member in members]
            if guard in self.atom_of and not self.other.units_in.get(self.site_of[guard]):
                options.append([frozenset((~self.literal(guard),))])
            yield what, _any(options)

    def condition(self, node: int, purpose: str) -> list[Clause]:
        """Return the condition under which what a node stands for is there, for a purpose."""
        key = (node, purpose)
        if key not in self._known:
            self._known[key] = []
            if node >= self.analysis.needs.units:
                found = _all([clauses for _, clauses in self._demands(node, purpose)])
            elif node not in self.atom_of or self.is_replaced(node, purpose):
                found = []
            else:
                found = [frozenset((self.literal(node),))]
            self._known[key] = found
        return self._known[key]

    def is_replaced(self, unit: int, purpose: str) -> bool:
        """Tell whether a unit that serves a purpose is replaced by one that serves it as well."""
        if purpose == HEADER:
            counterpart = self.counterpart.get(unit)
            return counterpart is not None and _same_header(self.version, unit, self.other.version, counterpart)
        others = self.other.units_in.get(self.site_of[unit], ())
        if purpose == BODY:
            parent = self.analysis.parent_of[unit]
            header = self.counterpart.get(ROOT if parent is None else parent)
            return any(self.other.analysis.parent_of[other] == header for other in others)
        provided = self.other.analysis.provides
        if purpose == RESULT:  # what is not defined here gives one
            names = self.analysis.provides.get(unit, set[str]())
            return not self.definition(unit) and any(
                not names.isdisjoint(provided.get(other, ())) and not self.other.definition(other) for other in others
            )
        if purpose.startswith("."):
            return any(not {purpose, member("")}.isdisjoint(provided.get(other, ())) for other in others)
        # A header also provides the parameters, and no function takes the place of a parameter or of an import.
        defined = self.defines(unit, purpose)
        return any(purpose in provided.get(o, ()) and self.other.defines(o, purpose) == defined for o in others)

    def scope_of(self, unit: int) -> int:
        """Return the header of the definition that a unit is in, at any depth."""
        parent = self.analysis.parent_of[unit]
        while parent is not None and not self.definition(parent):
            parent = self.analysis.parent_of[parent]
        return ROOT if parent is None else parent

    def definition(self, unit: int) -> str:
        """Return the keyword and the name of a definition; "" for other units."""
        kind = self.version.kind(unit)
        return kind if " " in kind and first_word(kind) != PART else ""

    def defines(self, unit: int, name: str) -> str:
        """Return the kind of definition of this name that a unit is; "" if it is none."""
        return kind if (kind := self.definition(unit)).endswith(f" {name}") else ""


def _same_header(version: Version, unit: int, other_version: Version, other: int) -> bool:
    """Tell whether what is nested in a header could be nested in another, which has nested units as well."""
    return first_word(version.kind(unit)) == first_word(other_version.kind(other)) and other in other_version.children


class _ChangesMaker:
    def __init__(self, old: Version, new: Version, comments: str) -> None:
        self.comments = comments
        self.old, self.new = _Side(old, is_old=True), _Side(new, is_old=False)
        self.old.other, self.new.other = self.new, self.old
        self.pairing = Pairing.of(old, new)
        self.lines = self.pairing.merge()
        self.filled: list[tuple[list[int], list[int]]] = []
        """Gaps in which units replace a placeholder, or one replaces them: it is there until the first is."""
        self._leader: dict[Item, Item] = {}

    def make(self) -> Changes:
        self.find_atoms()
        atom_of = self.without_equal_lines(self.atoms_of_lines())
        builder = NeedsBuilder(self.atoms)
        for clause, purpose in self.clauses():
            _add(builder, clause, purpose)
        return Changes(
            Program(tuple(map(self.text, range(len(self.lines)))), self.new.version.program.final_newline),
            tuple([i is None for i, _ in self.lines]),
            tuple([j is None for _, j in self.lines]),
            atom_of,
            self.choices(atom_of),
            builder.finish(),
            self.blanks(self.new, [j for _, j in self.lines], atom_of),
            self.blanks(self.old, [i for i, _ in self.lines], atom_of),
        )

    # Atoms

    def leader(self, item: Item) -> Item:
        path = []
        while (above := self._leader.setdefault(item, item)) != item:
            path.append(item)
            item = above
        for other in path:
            self._leader[other] = item
        return item

    def join(self, items: Sequence[Item]) -> None:
        """Let units be one atom."""
        for item in items[1:]:
            self._leader[self.leader(item)] = self.leader(items[0])

    def find_atoms(self) -> None:
        old, new = self.old.version, self.new.version
        pairs = self.pairing.pairs
        self.old.counterpart = {ROOT: ROOT, **pairs}
        self.new.counterpart = {ROOT: ROOT, **{b: a for a, b in pairs.items()}}
        together = {pair for pair in self.lines if None not in pair}
        kept = {
            a
            for a, b in pairs.items()
            if a in self.pairing.kept
            and all(pair in together for pair in zip(old.lines_of[a], new.lines_of[b], strict=True))
        }
        self.kept = sorted(kept)
        kept_new = {pairs[a] for a in kept}
        changed = [unit for unit, lines in enumerate(old.lines_of) if unit not in kept and lines]
        arriving = [unit for unit, lines in enumerate(new.lines_of) if unit not in kept_new and lines]
        for a, b in pairs.items():
            if a not in kept:
                self.join([(True, a), (False, b)])
        for departed, arrived in self.pairing.gaps:
            if self.is_filled(old, departed, new, arrived):
                self.filled.append((departed, arrived))
                continue
            self.join([*((True, unit) for unit in departed), *((False, unit) for unit in arrived)])
        items = [*((True, unit) for unit in changed), *((False, unit) for unit in arriving)]
        for is_old, unit in items:
            (self.old if is_old else self.new).site_of[unit] = self.leader((is_old, unit))
        self.join_moved(changed, arriving)
        position: dict[Item, int] = {}
        for number, (i, j) in enumerate(self.lines):
            for is_old, found in ((True, _unit(old, i)), (False, _unit(new, j))):
                if found is not None:
                    position.setdefault((is_old, found), number)
        number_of: dict[Item, int] = {}
        for item in sorted(items, key=position.__getitem__):
            atom = number_of.setdefault(self.leader(item), len(number_of))
            (self.old if item[0] else self.new).atom_of[item[1]] = atom
        self.atoms = len(number_of)

    @staticmethod
    def is_filled(old: Version, departed: list[int], new: Version, arrived: list[int]) -> bool:
        """Tell whether one version only has placeholders for what the other has."""
        return all(old.kind(unit) == PLACEHOLDER for unit in departed) or all(
            new.kind(unit) == PLACEHOLDER for unit in arrived
        )

    def join_moved(self, changed: Iterable[int], arriving: Iterable[int]) -> None:
        """Let units without a counterpart be one atom with the same text, or the same definition, elsewhere."""
        old, new = self.old.version, self.new.version
        for key in (_moved_text, self.named):
            found: list[dict[str, list[int]]] = []
            for version, units, pairs in ((old, changed, self.old.counterpart), (new, arriving, self.new.counterpart)):
                by_text: dict[str, list[int]] = defaultdict(list)
                for unit in units:
                    if unit not in pairs and (text := key(version, unit)):
                        by_text[text].append(unit)
                found.append(by_text)
            departed, arrived = found
            for text in sorted(departed.keys() & arrived.keys()):
                if len(departed[text]) == len(arrived[text]) == 1:
                    self.join([(True, departed[text][0]), (False, arrived[text][0])])

    def named(self, version: Version, unit: int) -> str:
        """Return what a unit defines, and where; "" if it has no name."""
        parent = version.analysis.parent_of[unit]
        owner: int | None = ROOT if parent is None else parent
        if version is self.new.version:
            owner = self.new.counterpart.get(ROOT if parent is None else parent)
        return f"{version.kind(unit)} {owner}" if " " in version.kind(unit) else ""

    # Lines

    def atoms_of_lines(self) -> tuple[int | None, ...]:
        """Return the atom of each merged line; comments and blank lines that change go with the code next to them."""
        old, new = self.old, self.new
        found: list[int | None] = []
        free: list[int] = []
        for number, (i, j) in enumerate(self.lines):
            side, line = (old, i) if j is None else (new, j)
            unit = _unit(side.version, line) if i is None or j is None else None
            found.append(None if unit is None else side.atom_of[unit])
            if unit is None and (i is None or j is None):
                free.append(number)
        if self.comments == "first" and free:
            for number in free:
                found[number] = self.atoms
            self.atoms += 1
            return tuple(found)
        for run in _runs(free):
            self.attach(run, found)
        return tuple(found)

    def without_equal_lines(self, atom_of: Sequence[int | None]) -> tuple[int | None, ...]:
        """Merge lines of an atom that are equal in both versions, and next to each other; return the atoms again."""
        old, new = self.old.version.program.lines, self.new.version.program.lines
        lines: list[tuple[int | None, int | None]] = []
        atoms: list[int | None] = []
        for atom, group in groupby(range(len(atom_of)), key=atom_of.__getitem__):
            run = [self.lines[number] for number in group]
            departing = [i for i, _ in run if i is not None]
            arriving = [j for _, j in run if j is not None]
            if atom is not None and _is_run(departing) and _is_run(arriving):
                pairs = match([old[i] for i in departing], [new[j] for j in arriving])
                run = [*merged(departing[0], arriving[0], len(departing), len(arriving), pairs)]
            lines += run
            atoms += [None if None not in pair else atom for pair in run]
        self.lines = lines
        return tuple(atoms)

    def attach(self, run: Sequence[int], found: list[int | None]) -> None:
        """Give comments and blank lines, a run of changed lines, the atom of the code next to them or a new one."""
        lines = self.lines
        anchors = set[int]()
        for number in run:
            i, j = lines[number]
            side, line = (self.old, i) if j is None else (self.new, j)
            unit = side.analysis.anchor_of[line] if line is not None else None
            if unit is not None and unit in side.atom_of:
                found[number] = side.atom_of[unit]
                anchors.add(side.atom_of[unit])
        rest = [number for number in run if found[number] is None]
        if not rest:
            return
        near = [found[number] for number in (run[-1] + 1, run[0] - 1) if 0 <= number < len(found)]
        atom = next((atom for atom in [*anchors, *near] if atom is not None), None)
        if atom is None and not any(self.text(number).strip() for number in rest):
            atom = self.nearest(rest[0], found)
        if atom is None:
            atom = self.atoms
            self.atoms += 1
        for number in rest:
            found[number] = atom

    def text(self, number: int) -> str:
        i, j = self.lines[number]
        if i is not None:
            return self.old.version.program.lines[i]
        return self.new.version.program.lines[j] if j is not None else ""

    @staticmethod
    def nearest(number: int, found: Sequence[int | None]) -> int | None:
        """Return the atom of the changed line that is nearest to a line; None if there is none."""
        changed = [other for other, atom in enumerate(found) if atom is not None]
        return found[min(changed, key=lambda other: abs(other - number))] if changed else None

    def blanks(self, side: _Side, lines: Sequence[int | None], atom_of: Sequence[int | None]) -> Blanks:
        """Return the blank lines that only one version has, unless they are a change of their own."""
        texts = side.version.program.lines
        keys = [0] * len(texts)
        found: list[tuple[int, int]] = []
        others = set[int]()
        for number, line in enumerate(lines):
            atom = atom_of[number]
            if line is not None and atom is not None:
                keys[line] = 1 + atom
                if side.analysis.unit_of[line] is None and not texts[line].strip():
                    found.append((number, line))
            if atom is not None and self.text(number).strip():
                others.add(atom)
        if self.comments == "first":
            return Blanks(Spacing.none(keys), [])
        spacing = Spacing.of(texts, side.analysis.unit_of, keys, self.atoms + 1)
        return Blanks(spacing, [pair for pair in found if atom_of[pair[0]] in others])

    def choices(self, atom_of: Sequence[int | None]) -> list[int]:
        """Return the changed lines of code, and the first line of each atom without code that may be chosen."""
        found, known = [], set[int]()
        for number, (i, j) in enumerate(self.lines):
            atom = atom_of[number]
            unit = _unit(self.old.version, i) if j is None else _unit(self.new.version, j)
            if atom is not None and unit is not None:
                found.append(number)
                known.add(atom)
        for number, atom in enumerate(atom_of):
            if atom is not None and atom not in known and (self.comments != "first" or not known):
                found.append(number)
                known.add(atom)
        return sorted(found)

    # Needs

    def clauses(self) -> Iterator[tuple[Clause, str]]:
        """Yield what has to hold in every state, with its purpose."""
        old, new = self.old, self.new
        for unit in self.kept:
            yield from self.of_kept(unit, self.pairing.pairs[unit])
        for side in (old, new):
            yield from self.of_changed(side)
            yield from self.of_calls(side)
            yield from self.of_definitions(side)
            for unit, other in side.analysis.declared:
                if unit in side.atom_of and other in side.atom_of:
                    yield frozenset((~side.literal(unit), side.literal(other))), ""
        yield from self.of_parts()
        yield from self.of_undefined()
        for departed, arrived in self.filled:
            for a in departed:
                yield from ((frozenset((old.atom_of[a], ~new.atom_of[b])), "") for b in arrived)
            for a in departed if self.old.version.kind(departed[0]) == PLACEHOLDER else ():
                yield frozenset((~old.atom_of[a], *(new.atom_of[b] for b in arrived))), ""
            for b in arrived if self.new.version.kind(arrived[0]) == PLACEHOLDER else ():
                yield frozenset((new.atom_of[b], *(~old.atom_of[a] for a in departed))), ""

    def of_kept(self, unit: int, other: int) -> Iterator[tuple[Clause, str]]:
        """Yield the needs of a unit that is kept: of each purpose, those of one version have to be met.

        What only one version needs, the other version of the unit does without.
        """
        old, new = self.old.conditions(unit), self.new.conditions(other)
        for purpose in sorted(old.keys() & new.keys()):
            yield from ((clause, purpose) for clause in _any([old[purpose], new[purpose]]))

    def of_changed(self, side: _Side) -> Iterator[tuple[Clause, str]]:
        """Yield the needs of the units of one version: they have to be met while these are there."""
        for unit in side.atom_of:
            for purpose, clauses in side.conditions(unit).items():
                what = _reversed(purpose) if side.is_old else purpose
                yield from ((clause | {~side.literal(unit)}, what) for clause in clauses)

    def of_parts(self) -> Iterator[tuple[Clause, str]]:
        """Yield that a part without a name does not follow one with a name of the other version."""
        named: dict[tuple[bool, int], list[int]] = defaultdict(list)
        seen = set[Item]()
        for i, j in self.lines:
            is_old = j is None
            side, line = (self.old, i) if is_old else (self.new, j)
            unit = _unit(side.version, line)
            if unit is None or unit not in side.atom_of or (is_old, unit) in seen:
                continue
            seen.add((is_old, unit))
            kind, parent = side.version.kind(unit), side.analysis.parent_of[unit]
            owner = side.counterpart.get(parent) if not is_old and parent is not None else parent
            if owner is None or first_word(kind) != PART:
                continue
            if kind != PART:
                named[is_old, owner].append(unit)
            else:
                for other in named[not is_old, owner][-_PARTS:]:
                    yield frozenset((~side.literal(unit), ~side.other.literal(other))), ""

    def of_undefined(self) -> Iterator[tuple[Clause, str]]:
        """Yield that a use of an undefined name only comes where one goes, so that there are never more of them."""
        departing, arriving = (defaultdict[str, Counter[int]](Counter) for _ in range(2))
        for side, uses in ((self.old, departing), (self.new, arriving)):
            for unit, name in side.analysis.undefined:
                if unit in side.atom_of:
                    uses[name][side.atom_of[unit]] += 1
        for name in arriving:
            both = departing[name] & arriving[name]
            pairs = zip((departing[name] - both).elements(), (arriving[name] - both).elements(), strict=False)
            yield from ((frozenset((gone, ~come)), "") for gone, come in pairs)

    @staticmethod
    def called(side: _Side, call: Call) -> int | None:
        """Return the header of what a call calls where the other version of the program is there; None if unknown."""
        if call.owner is not None:
            name = side.version.kind(call.function)
            owner = side.counterpart.get(call.owner)
            for unit in side.other.version.children.get(owner, ()) if owner is not None else ():
                if side.other.version.kind(unit) == name:
                    return unit
        return side.counterpart.get(call.function)

    def of_definitions(self, side: _Side) -> Iterator[tuple[Clause, str]]:
        """Yield that a definition and what binds its name in the other version exclude each other."""
        other = side.other
        bound: dict[tuple[int | None, str], list[int]] = defaultdict(list)
        for unit in other.atom_of:
            for name in other.analysis.provides.get(unit, ()):
                scope = other.scope_of(unit)
                if name.startswith(".") and scope != ROOT and first_word(other.version.kind(scope)) != "class":
                    bound[other.scope_of(scope), name[1:]].append(unit)  # an attribute hides a method of its name
                elif not other.definition(unit) or other.defines(unit, name):
                    bound[scope, name].append(unit)
        for unit in side.atom_of:
            _, _, name = side.version.kind(unit).partition(" ")
            owner = side.counterpart.get(side.scope_of(unit)) if name else None
            for another in bound.get((owner, name), ())[:_PARTS]:
                yield frozenset((~side.literal(unit), ~other.literal(another))), ""

    def of_calls(self, side: _Side) -> Iterator[tuple[Clause, str]]:
        """Yield that a call which the other version of a function does not accept needs this version of it."""
        other = side.other
        for call in side.analysis.calls:
            counterpart = self.called(side, call)
            if call.unit not in side.atom_of or counterpart is None:
                continue
            signature = other.analysis.signatures.get(counterpart)
            if signature is None or signature.accepts(call.arguments, call.keywords):
                continue
            own = side.analysis.signatures[call.function]
            units = _signature_units(side, call.function, own), _signature_units(other, counterpart, signature)
            for owner, unit in chain(*units):
                if unit in owner.atom_of:
                    literal = ~owner.atom_of[unit] if side.is_old else owner.atom_of[unit]
                    yield (
                        frozenset((~side.literal(call.unit), literal)),
                        "the call" if side.is_old else "the signature",
                    )


def _signature_units(side: _Side, header: int, signature: Signature) -> Iterator[tuple[_Side, int]]:
    """Yield the units that make the signature of a function, or of a data class."""
    yield side, header
    provides = side.analysis.provides
    is_class = first_word(side.definition(header)) == "class"
    for unit in side.version.children.get(header, ()):
        is_field = is_class and not signature.names.isdisjoint(provides.get(unit, ()))
        if is_field or first_word(side.version.kind(unit)) == PART:
            yield side, unit


def _unit(version: Version, line: int | None) -> int | None:
    return None if line is None else version.analysis.unit_of[line]


def _moved_text(version: Version, unit: int) -> str:
    text = version.texts[unit].strip()
    return text if len(text) >= _MOVED and not version.kind(unit) else ""


def _is_run(numbers: Sequence[int]) -> bool:
    return bool(numbers) and numbers[-1] - numbers[0] == len(numbers) - 1


def _runs(numbers: Iterable[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for number in numbers:
        if run and number != run[-1] + 1:
            yield run
            run = []
        run.append(number)
    if run:
        yield run


def _all(conditions: Iterable[Sequence[Clause]]) -> list[Clause]:
    return list(dict.fromkeys(clause for clauses in conditions for clause in clauses))


def _reversed(purpose: str) -> str:
    """Return what a unit that departs needs of one that departs with it, which needs the former for a purpose."""
    if purpose in (HEADER, BODY):
        return "its body" if purpose == HEADER else HEADER
    return f"the use of `{purpose}`" if purpose else ""


def _any(options: Sequence[list[Clause]]) -> list[Clause]:
    """Return the condition that one of several holds; of a long one, a stricter condition."""
    found: list[Clause] = [frozenset()]
    for clauses in sorted(options, key=len):
        if not clauses:
            return []
        joined = dict.fromkeys(clause | other for clause in found for other in clauses)
        combined = [clause for clause in joined if not any(~literal in clause for literal in clause)]
        if len(combined) > _CLAUSES:
            return min(options, key=len)
        found = combined
    return found


def _add(builder: NeedsBuilder, clause: Clause, purpose: str) -> None:
    """Add a clause to the needs of atoms, unless it always holds or both versions break it."""
    new = [literal for literal in clause if literal >= 0]
    old = sorted(~literal for literal in clause if literal < 0)
    if not new or not old or not set(new).isdisjoint(old):
        return
    first, *others = old
    guard: int | None = None
    for other in others:
        guard = builder.all_of(guard, other)
    builder.need_any(first, new, purpose, guard=guard)


def times(changes: Changes, edit_of: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return when each merged line arrives and departs, given the edit of each atom.

    Blank lines arrive when what they separate in the new version is there, and depart when what they separate in the
    old one is not.
    """
    arrivals, departures = [], []
    for arrives, departs, atom in zip(changes.arrives, changes.departs, changes.atom_of, strict=True):
        edit = INITIAL if atom is None else edit_of[atom]
        arrivals.append(edit if arrives else INITIAL)
        departures.append(edit if departs else STAYS)
    last = max(edit_of, default=INITIAL)
    for blanks, found, backward in ((changes.arriving, arrivals, False), (changes.departing, departures, True)):
        if blanks.lines:
            at = blanks.spacing.arrivals([INITIAL, *(last - edit if backward else edit for edit in edit_of)])
            for number, line in blanks.lines:
                if at[line] != INITIAL:  # otherwise it would be there before, where the other version has none
                    found[number] = last - at[line] if backward else at[line]
    return tuple(arrivals), tuple(departures)
