"""Names: which units bind them, and what each use needs of those."""

from lintseq.languages.python.scopes import UNBOUND, Binding, Facts, Presence, Scope, Value
from lintseq.languages.python.syntax import BUILTINS
from lintseq.needs.graph import NO_NODE, NeedsBuilder


class Names:
    """The scopes of a program, and the current position of the walk over it."""

    def __init__(self, builder: NeedsBuilder) -> None:
        self.builder = builder
        self.need = builder.need
        self.module = Scope("module", None)
        self.scope = self.module
        self.facts = Facts()
        self.comprehension_names: list[set[str]] = []
        """The targets of the comprehensions around the current expression."""
        self.later: list[tuple[Scope, str, int, int]] = []
        """Uses evaluated after everything around them is defined, if at all: scope, name, unit, and for names not yet
        bound there what postpones the evaluation, or `NO_NODE`."""
        self.star_imports: list[int] = []
        self.handlers: list[int] = []
        """The handlers of `NameError` around the current statement."""

    def bind(self, name: str, unit: int, value: Value | None = None) -> None:
        scope = self.scope
        if name in scope.outer:
            owner, declaration = scope.outer[name]
            node = self.builder.all_of(unit, declaration)
            owner.bindings.setdefault(name, []).append(Binding(node, value))
            owner.remote.setdefault(name, []).append((node, scope))
        else:
            bound = scope.bindings.get(name)
            if bound is None:
                scope.bindings[name] = [Binding(unit, value)]
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
                scope.layers[-1][name] = (self.builder.any_of((must, unit)) if must >= 0 else unit, either)

    def need_bound(self, unit: int, presence: Presence) -> None:
        """A use needs its name bound on every path, if it ever was, and on at least one.

        The second does not follow from the first: if all paths leave, the name counts as bound on every path.
        """
        must, may = presence
        self.need(unit, may)
        if must >= 0 and must != may:
            self.need(unit, must)

    def use(self, name: str, unit: int) -> None:
        if self.comprehension_names and any(name in names for names in self.comprehension_names):
            return
        scope: Scope = self.scope
        while True:
            for layer in reversed(scope.layers):
                if name in layer:
                    self.need_bound(unit, layer[name])
                    if name in scope.outer:
                        scope.pending.append((name, unit, NO_NODE))
                    return
            if scope.kind != "class" or scope.parent is None:
                break
            scope = scope.parent
            while scope.kind == "class" and scope.parent is not None:
                scope = scope.parent
        scope.pending.append((name, unit, self.handlers[-1] if self.handlers else NO_NODE))

    def use_later(self, name: str, unit: int) -> None:
        """Record a use that is evaluated after everything around it is defined, if at all."""
        self.later.append((self.scope, name, unit, NO_NODE))

    def use_postponed(self, name: str, unit: int, postponed: int) -> None:
        """Record a use that is evaluated later while `postponed` remains, and at its position otherwise."""
        scope = self.scope
        before = scope.lookup(name) or scope.around_classes().lookup(name)
        if before is not None:
            must, may = before
            now = self.builder.all_of(must, may) if must >= 0 else postponed
            self.need(unit, self.builder.any_of((now, postponed)))
        self.later.append((scope, name, unit, postponed if before is None else NO_NODE))

    def declare(self, name: str, owner: Scope, unit: int) -> None:
        """Record a global or nonlocal name: treated as bound here while the declaration remains."""
        self.scope.outer[name] = (owner, unit)
        self.scope.layers[-1][name] = (unit, unit)

    def presence(self, name: str) -> Presence:
        return self.scope.lookup(name) or UNBOUND

    # At the end

    def settle(self) -> None:
        """Resolve the names that were not bound where they were used, now that every scope is complete."""
        for scope in self.facts.scopes:
            for name, unit, handler in dict.fromkeys(scope.pending):
                node = self._find_outside(scope, name) if name in scope.outer else self._find(scope, name)
                if node != NO_NODE and name in scope.bindings:
                    # Used before it is bound here: the line that uses it cannot be the one that binds it.
                    self.builder.need_any(unit, [bound for bound, _ in scope.bindings[name] if bound != unit])
                else:
                    self.need_found(node, name, unit)
                if handler != NO_NODE and (name in scope.bindings or (node == NO_NODE and name not in BUILTINS)):
                    self.need(unit, handler)
            scope.pending.clear()
        for scope, name, unit, postponed in dict.fromkeys(self.later):
            # A class that has a member with the name of a builtin hardly means that.
            seen_from = scope.around_classes() if name in BUILTINS else scope
            self.need_found(self._find(seen_from, name), name, unit)
            owner = seen_from.resolve(name) if postponed != NO_NODE and name not in BUILTINS else None
            if owner is not None:
                must, _ = owner.lookup(name) or UNBOUND
                if must == NO_NODE or owner in (scope, scope.around_classes()):
                    self.need(unit, postponed)

    def need_found(self, node: int, name: str, unit: int) -> None:
        if node != NO_NODE:
            self.need(unit, node)
        elif name not in BUILTINS:
            for star in self.star_imports:  # any of them may provide the name
                self.need(unit, star)

    def _find_outside(self, scope: Scope, name: str) -> int:
        """Return the node of a name declared global or nonlocal: its bindings elsewhere, if there are any."""
        owner, _ = scope.outer[name]
        own = {node for node, home in owner.remote.get(name, ()) if home is scope}
        others = [node for node, _ in owner.bindings.get(name, ()) if node not in own]
        return self.builder.any_of(others) if others else self._find(scope, name)

    def _find(self, scope: Scope, name: str) -> int:
        """Return the node of `name` as seen from a function in `scope` or from its end; `NO_NODE` if it has none."""
        owner = scope.resolve(name)
        if owner is None:
            return NO_NODE
        if name not in owner.found:
            presence = owner.lookup(name)
            nodes = [node for node, _ in owner.bindings[name]]
            if presence is not None and presence[0] != NO_NODE:
                nodes = [self.builder.all_of(*presence), *(remote for remote, _ in owner.remote.get(name, ()))]
            owner.found[name] = self.builder.any_of(nodes)
        return owner.found[name]
