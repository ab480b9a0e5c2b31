"""Names: which units bind them, and what each use needs of those."""

import ast
from bisect import bisect
from collections.abc import Container, Iterable
from itertools import chain

from lintseq.languages.python.builtin_calls import builtin_takes
from lintseq.languages.python.scopes import UNBOUND, Binding, Definition, Facts, Presence, Scope, Value
from lintseq.languages.python.syntax import BUILTINS
from lintseq.needs.graph import NeedsBuilder, Runs


class Names:
    """The scopes of a program, and the current position of the walk over it."""

    def __init__(self, builder: NeedsBuilder) -> None:
        self.builder = builder
        self.need = builder.need
        self.module = Scope("module", None)
        self.scope = self.module
        self.facts = Facts()
        self.comprehension_names: list[set[str]] = []
        """The targets of the comprehensions and the type parameters around the current expression."""
        self.later: list[tuple[Scope, str, int, int | None]] = []
        """Uses evaluated after everything around them is defined, if at all: scope, name, unit, and for names not yet
        bound there what postpones the evaluation, or None."""
        self.builtin_calls: list[tuple[Scope, str, ast.Call, int, Presence | None]] = []
        """Calls of what may be a builtin function: scope, name, call, unit, and what binds the name in the scope."""
        self.exported: list[tuple[str, int]] = []
        """The names in `__all__`."""
        self.nonlocals: list[tuple[Scope, str, int]] = []
        """The names declared nonlocal: scope, name, unit."""
        self.declared: list[tuple[int, int]] = []
        """Units that bind a name of another scope, and the unit that declares it."""
        self.undefined: list[tuple[int, str]] = []
        """The uses of names that nothing binds: unit, name."""
        self.star_imports: dict[int, tuple[int | None, int]] = {}
        """By unit, in order, the nodes that remain while all star imports so far remain that may provide any name, and
        while any star import so far remains."""
        self._runs: dict[tuple[Scope, str], Runs[int]] = {}
        self._outside: dict[tuple[Scope, str], int | None] = {}
        self.handlers: list[int] = []
        """The handlers of `NameError` around the current statement."""
        self.loops = 0
        """How many loops the walk is in, inside the current function or class."""
        self.imports: dict[str, list[tuple[Scope, int]]] = {}
        """By name, the scopes and units that import it."""
        self.loop_targets: list[tuple[Scope, str, int]] = []
        """The targets of `for` statements: scope, name, unit."""
        self.tests: list[ast.expr] = []
        """The tests of the `if` statements around the current statement."""
        self.maybe_unbound: Container[str] = ()
        """In a `finally` suite, the names that the interrupted suite may not have bound."""
        self.unsure: list[tuple[Scope, str, int, int, bool]] = []
        """The uses of names that some paths do not bind: scope, name, unit, how many sure uses there are before, and
        whether they are in a loop."""

    def bind(self, name: str, unit: int, value: Value | None = None) -> None:
        scope = self.scope
        if name in scope.outer:
            owner, declaration = scope.outer[name]
            node = self.builder.all_of(unit, declaration)
            self.declared.append((unit, declaration))
            owner.bindings.setdefault(name, []).append(Binding(node, value))
            owner.remote.setdefault(name, {}).setdefault(scope, []).append(node)
        else:
            bound = scope.bindings.get(name)
            if bound is None:
                scope.bindings[name] = [Binding(unit, value)]
            elif bound[0].node in self.star_imports and unit not in self.star_imports:
                # What a star import happens to provide is not meant from here on.
                scope.bindings[name] = [Binding(unit, value)]
                scope.layers[-1].pop(name, None)
            else:
                bound.append(Binding(unit, value))
        before = scope.lookup(name)
        if before is None:
            scope.layers[-1][name] = (unit, unit)
        else:
            must, may = before
            either = self.builder.any_of((may, unit))
            if must == may:
                scope.layers[-1][name] = (either, either)
            else:
                scope.layers[-1][name] = (self.builder.any_of((must, unit)), either)

    def bind_star(self, names: Iterable[str] | None, unit: int) -> None:
        """Bind what a star import provides: these names, or None if it may be any."""
        before, any_before = next(reversed(self.star_imports.values()), (None, unit))
        if names is None:
            before = self.builder.all_of(before, unit)
        self.star_imports[unit] = before, self.builder.any_of((any_before, unit))
        for name in names or ():
            self.bind(name, unit)

    def need_bound(self, unit: int, presence: Presence, name: str) -> None:
        """A use needs its name bound on every path, if it ever was, and on at least one.

        The second does not follow from the first: if all paths leave, the name counts as bound on every path.
        """
        must, may = presence
        self.need(unit, may, name)
        if must != may:
            self.need(unit, must, name)

    def use_bound(self, scope: Scope, name: str, unit: int, presence: Presence) -> None:
        """A use of a name of the current scope.

        If some paths do not bind the name, the use needs what silences linters. The same condition around the use and
        the binding does, too.
        """
        self.need_bound(unit, presence, name)
        is_sure = presence[0] is not None and name not in self.maybe_unbound
        if is_sure or (name in scope.tests and ast.dump(scope.tests[name]) in map(ast.dump, self.tests)):
            if len(scope.layers) > 1:
                scope.sure.setdefault(name, []).append(unit)
        else:
            self.unsure.append((scope, name, unit, len(scope.sure.get(name, ())), self.loops > 0))

    def use(self, name: str, unit: int) -> None:
        if self.comprehension_names and any(name in names for names in self.comprehension_names):
            return
        scope: Scope = self.scope
        while True:
            for layer in reversed(scope.layers):
                if name in layer:
                    either = scope.earlier.get((name, layer[name]))
                    self.use_bound(scope, name, unit, layer[name] if either is None else (either, either))
                    if name in scope.outer:
                        scope.pending.append((name, unit, None))
                    return
            if scope.kind != "class" or scope.parent is None:
                break
            scope = scope.parent
            while scope.kind == "class" and scope.parent is not None:
                scope = scope.parent
        if name in scope.bindings:  # on other paths, which linters do not tell apart
            earlier = self.bindings(scope, name)
            self.builder.need(unit, earlier.run(0, len(earlier.nodes)), name)
        scope.pending.append((name, unit, self.handlers[-1] if self.handlers else None))

    def use_later(self, name: str, unit: int) -> None:
        """Record a use that is evaluated after everything around it is defined, if at all."""
        if not any(name in names for names in self.comprehension_names):
            self.later.append((self.scope, name, unit, None))

    def use_postponed(self, name: str, unit: int, postponed: int) -> None:
        """Record a use that is evaluated later while `postponed` remains, and at its position otherwise."""
        if any(name in names for names in self.comprehension_names):
            return
        scope = self.scope
        before = scope.lookup(name) or scope.around_classes().lookup(name)
        if before is not None:
            must, may = before
            now = postponed if must is None else self.builder.all_of(must, may)
            self.need(unit, self.builder.any_of((now, postponed)))
        self.later.append((scope, name, unit, postponed if before is None else None))

    def declare(self, name: str, owner: Scope, unit: int) -> None:
        """Record a global or nonlocal name: treated as bound here while the declaration remains."""
        self.scope.outer[name] = (owner, unit)
        self.scope.layers[-1][name] = (unit, unit)

    def presence(self, name: str) -> Presence | tuple[None, None]:
        return self.scope.lookup(name) or UNBOUND

    # At the end

    def settle(self) -> None:
        """Resolve the names that were not bound where they were used, now that every scope is complete."""
        for scope, name, call, unit, before in self.builtin_calls:
            self.settle_builtin_call(scope, name, call, unit, before)
        for scope in self.facts.scopes:
            for name, unit, handler in dict.fromkeys(scope.pending):
                if name in scope.bindings:
                    self.need_early(scope, name, unit)
                    unbound = True
                else:
                    node = self._find_outside(scope, name) if name in scope.outer else self._find(scope, name)
                    self.need_found(node, name, unit)
                    owner = scope.resolve(name)
                    if owner is not None and owner.layers[-1].get(name, (unit,))[0] is None:
                        self.unsure.append((owner, name, unit, bisect(owner.sure.get(name, ()), unit), False))
                    unbound = node is None and name not in BUILTINS
                if unbound:
                    self.need(unit, handler, name)
            scope.pending.clear()
        self.silence()
        for scope, name, unit in self.loop_targets:
            if name in self.imports:
                self.hide_imports(scope, name, unit)
        for later in dict.fromkeys(self.later):
            self.settle_later(*later)
        for scope, name, unit in self.nonlocals:
            owner = scope.enclosing(name)
            if owner is not None:
                self.builder.need_shared(unit, ("nonlocal", owner, name), owner.own(name), name)
        for name, unit in self.exported:
            node = self._find(self.module, name)
            if name in self.module.declared:
                node = self.builder.any_of([*self.module.declared[name], node])
            self.need_found(node, name, unit)

    def hide_imports(self, scope: Scope, name: str, unit: int) -> None:
        """A loop variable needs what hides an import of its name, as pyflakes takes that for shadowed."""
        hiding: list[int] = []
        for around in scope.with_parents():
            bound = [node for node, _ in around.bindings.get(name, ()) if around is not scope or node < unit]
            imports = [node for owner, node in self.imports[name] if owner is around and node in bound]
            others = [node for node in bound if node not in imports]
            for node in imports:
                self.builder.need_any(unit, [*hiding, *(other for other in others if other > node)], guard=node)
            hiding += others

    def silence(self) -> None:
        """Of the uses of a name that some paths do not bind, linters judge the first: it needs to be a sure one.

        An annotation of the name is also enough, or in a loop a binding below.
        """
        runs: dict[tuple[Scope, str], Runs[int]] = {}
        for scope, name, unit, count, in_loop in dict.fromkeys(self.unsure):
            if (scope, name) not in runs:
                runs[scope, name] = Runs(scope.sure.get(name, ()), lambda *pair: self.builder.any_of(pair))
            others = scope.declared.get(name, []).copy()
            if count:
                others.append(runs[scope, name].run(0, count))
            if in_loop and not scope.outer:
                others += [node for node, _ in scope.bindings[name] if node > unit]
            self.builder.need_any(unit, others, name)

    def settle_builtin_call(self, scope: Scope, name: str, call: ast.Call, unit: int, before: Presence | None) -> None:
        """A call needs what has the name of a builtin function only if the builtin could not take its place."""
        owner = scope.resolve(name)
        if owner is None:
            return
        bound = owner.bindings[name]
        is_defined = any(isinstance(value, Definition) for _, value in bound)
        is_taken = builtin_takes(name, call)
        if is_defined or (len(bound) > 1 and owner is scope) or not is_taken:
            if before is not None:
                _, may = before
                # On paths that do not bind it, a module has the builtin; a function would have nothing.
                sure = (may, may) if is_taken and owner is scope is self.module else before
                self.need_bound(unit, sure, name)
            if before is None or name in scope.outer:
                scope.pending.append((name, unit, None))

    def need_early(self, scope: Scope, name: str, unit: int) -> None:
        """A use before its name is bound in the scope means that of an outer scope, as linters have it.

        If there is none, it needs another line to bind it here: it cannot be the one that binds it.
        """
        outside = self._find(scope.parent.around_classes(), name) if scope.parent is not None else None
        if outside is None:
            self.builder.need_any(unit, self._all_but(scope, name, [unit]), name)
        self.need_found(outside, name, unit)

    def settle_later(self, scope: Scope, name: str, unit: int, postponed: int | None) -> None:
        # A class that has a member with the name of a builtin hardly means that.
        seen_from = scope.around_classes() if name in BUILTINS else scope
        self.need_found(self._find(seen_from, name), name, unit)
        owner = seen_from.resolve(name) if postponed is not None and name not in BUILTINS else None
        if owner is not None:
            must, _ = owner.lookup(name) or UNBOUND
            if must is None or owner in (scope, scope.around_classes()):
                self.need(unit, postponed)

    def need_found(self, node: int | None, name: str, unit: int) -> None:
        if node is not None:
            self.need(unit, node, name)
        elif name not in BUILTINS:
            self.undefined.append((unit, name))
            if self.star_imports:
                stars = [*self.star_imports]
                above = bisect(stars, unit) or len(stars)
                unknown, any_star = self.star_imports[stars[above - 1]]
                # Where no module has it, to linters any may.
                self.need(unit, any_star if unknown is None else unknown, name)

    def _find_outside(self, scope: Scope, name: str) -> int | None:
        """Return the node of a name declared global or nonlocal: its bindings elsewhere, if there are any."""
        if (scope, name) not in self._outside:
            owner, _ = scope.outer[name]
            others = self._all_but(owner, name, owner.remote.get(name, {}).get(scope, ()))
            self._outside[scope, name] = self.builder.any_of(others) if others else self._find(scope, name)
        return self._outside[scope, name]

    def bindings(self, scope: Scope, name: str) -> Runs[int]:
        """Return the nodes that bind a name in a scope so far."""
        if (scope, name) not in self._runs:
            self._runs[scope, name] = Runs((), lambda *pair: self.builder.any_of(pair))
        runs, bound = self._runs[scope, name], scope.bindings.get(name, [])
        runs.nodes += [node for node, _ in bound[len(runs.nodes) :]]
        return runs

    def _all_but(self, scope: Scope, name: str, nodes: Iterable[int]) -> list[int]:
        """Return nodes for all bindings of a name, now complete, but these."""
        runs = self.bindings(scope, name)
        dropped = sorted({index for node in nodes for index in runs.indices.get(node, ())})
        return runs.all_but((index, index + 1) for index in dropped)

    def _find(self, scope: Scope, name: str) -> int | None:
        """Return the node of `name` as seen from a function in `scope` or from its end; None if it has none."""
        owner = scope.resolve(name)
        if owner is None:
            return None
        if name not in owner.found:
            presence = owner.lookup(name)
            nodes = [node for node, _ in owner.bindings[name]]
            if presence is not None and presence[0] is not None:
                nodes = [self.builder.all_of(*presence), *chain(*owner.remote.get(name, {}).values())]
            owner.found[name] = self.builder.any_of(nodes)
        return owner.found[name]
