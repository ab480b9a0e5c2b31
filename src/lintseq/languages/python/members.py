"""Needs of members and of the operations that values have to support.

An expression about which anything is unknown raises no need.
"""

import ast
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

from lintseq.languages.python.calls import CallNeeds
from lintseq.languages.python.guards import Guards
from lintseq.languages.python.scopes import Class, Facts, Function, Instance, Member, OperationKind, Scope, Value
from lintseq.languages.python.syntax import BUILTIN_CLASSES, MEMBERS, last_name
from lintseq.languages.python.values import Builtin, Inference, Inferred, Source, contains, is_super
from lintseq.needs.graph import RESULT, NeedsBuilder, Runs, member

_PROVIDERS: dict[OperationKind, tuple[str, ...]] = {
    "getitem": ("__getitem__",),
    "setitem": ("__setitem__",),
    "delitem": ("__delitem__",),
    "iterate": ("__iter__", "__getitem__"),
    "contains": ("__contains__", "__iter__", "__getitem__"),
    "reverse": ("__reversed__", "__getitem__"),
    "call": ("__call__",),
    "mapping": ("keys", "__getitem__"),
    "negate": ("__neg__",),
    "plus": ("__pos__",),
    "invert": ("__invert__",),
    "assign": (),
    "with": ("__enter__", "__exit__"),
    "with async": ("__aenter__", "__aexit__"),
    "iterate async": ("__aiter__",),
    "raise": ("__traceback__",),
    "number": ("__int__",),
    "iterator": ("__next__",),
}
"""The special methods that support an operation, in the order in which Python looks for them."""
_TYPES: dict[OperationKind, type] = {"bool": bool, "int": int, "str": str, "bytes": bytes}
"""Operations that take a value of one type."""
_RESULTS: dict[str, OperationKind] = {
    **dict.fromkeys(("__len__", "__index__", "__hash__", "__length_hint__"), "int"),
    **dict.fromkeys(("__repr__", "__str__", "__format__"), "str"),
    "__bool__": "bool",
    "__bytes__": "bytes",
    "__iter__": "iterator",
}
"""What special methods have to return."""
_RESULT_REQUIRED = _RESULTS.keys() | {"__getnewargs__", "__getnewargs_ex__", "__enter__"}
_BASES_WITHOUT_INIT = frozenset({"ABC", "Enum", "Protocol", "Generic", "NamedTuple"})


class _Makers:
    """The units that make one member of a class."""

    def __init__(self, members: Sequence[Member], builder: NeedsBuilder) -> None:
        self.members = members
        self.any = builder.any_of([member.unit for member in members]) if members else None
        self._builder = builder
        self._without: dict[str, _Makers] = {}

    def defining(self, node: ast.Attribute, method: Function | None) -> int | None:
        """Return the node that makes a member for a use of it.

        Left out, if others remain, are assignments that only update the member and those that follow in the method.
        """
        if len(self.members) < 2:
            return self.any
        makers = self._without_updates(node)
        members = makers.members
        around = [index for index in makers._on_line.get(node.lineno, ()) if contains(members[index].value, node)]
        updates = [(index, index + 1) for index in around]
        own = makers._made_by.get(method, [])
        later = own[bisect_right(own, node.lineno, key=lambda index: members[index].lineno) :][:1]
        dropped = [*updates, *((first, own[-1] + 1) for first in later)]
        found = makers._runs.all_but(sorted(dropped)) or makers._runs.all_but(updates)
        return self._builder.any_of(found) if found else self.any

    def assigned_in(self, method: Function | None) -> bool:
        return method is not None and method in self._made_by

    def _without_updates(self, node: ast.Attribute) -> "_Makers":
        """Return what is left without assignments such as `self.n = self.n + 1`, if `node` is `self.n`."""
        text = ast.dump(node) if self._updates else ""
        if text not in self._updates:
            return self
        if text not in self._without:
            members = [member for index, member in enumerate(self.members) if index not in self._updates[text]]
            self._without[text] = _Makers(members, self._builder)
        return self._without[text]

    @cached_property
    def _runs(self) -> Runs[int]:
        return Runs((member.unit for member in self.members), lambda *pair: self._builder.any_of(pair))

    @cached_property
    def _made_by(self) -> dict[Function | None, list[int]]:
        found = defaultdict[Function | None, list[int]](list)
        for index, made in enumerate(self.members):
            if made.method is not None:
                found[made.method].append(index)
        return found

    @cached_property
    def _on_line(self) -> dict[int, list[int]]:
        """By line, the assignments of values that are written there."""
        found = defaultdict[int, list[int]](list)
        for index, (_, value, _, _) in enumerate(self.members):
            if isinstance(value, ast.expr):
                for line in range(value.lineno, (value.end_lineno or value.lineno) + 1):
                    found[line].append(index)
        return found

    @cached_property
    def _updates(self) -> dict[str, set[int]]:
        """By what is updated, as syntax, the assignments of an operation on it."""
        found = defaultdict[str, set[int]](set)
        for index, (_, value, _, _) in enumerate(self.members):
            if isinstance(value, ast.BinOp) and isinstance(value.left, ast.Attribute):
                found[ast.dump(value.left)].add(index)
        return found


class MemberNeeds:
    """Adds the needs that the facts of one program give rise to."""

    def __init__(self, facts: Facts, builder: NeedsBuilder, unit_of: Mapping[int, int]) -> None:
        self.facts = facts
        self.builder = builder
        self.inference = Inference(unit_of, facts.stores)
        self.calls = CallNeeds(self.inference, builder, unit_of)
        self.guards = Guards(facts.conditionals)
        self.supports: dict[tuple[OperationKind, str, object], int | None] = {}
        """By operation and source of a value, what `supporting` returns."""
        self.initializer_calls: dict[int, list[tuple[int, ast.expr]]] = {}
        """By function, its calls `X.__init__(...)`: unit and X."""
        self.unit_of = unit_of
        self.implied: list[tuple[int, int, str]] = []
        """The needs of members that matter only between versions: unit, other, purpose."""
        self._makers: dict[tuple[Class, str, Class | None, frozenset[str]], _Makers] = {}
        self._foreign: dict[Class, set[str]] = {}
        self._inherited: dict[Class, frozenset[str]] = {}
        self._outside: dict[tuple[Inferred, str], Runs[int]] = {}

    def add(self) -> None:
        for owner in self.facts.classes:
            self.inference.order(owner)  # the bases before what derives from them, so that no search goes deep
        for operation in self.facts.operations:
            self.operation(*operation)
        if self.facts.classes or self.facts.functions:
            for call in self.facts.calls:
                self.called(*call)
        for attribute in self.facts.attributes:
            self.attribute(*attribute)
        if self.facts.classes:
            for store in self.facts.stores:
                self.store(*store)
            for owner in self.facts.classes:
                self.initializers(owner)
        for function in self.facts.functions:
            self.results(function)

    # Members

    def attribute(self, unit: int, node: ast.Attribute, scope: Scope) -> None:
        """The use of a member needs at least one of the units that make it."""
        base, inference = node.value, self.inference
        if node.attr in MEMBERS["object"]:
            return
        if is_super(base):
            ancestors = inference.ancestors_of_method(base, scope)
            if (own := inference.class_of_method(scope)) is not None:
                self.inherited(unit, [own, *ancestors], node.attr, own)
            self.builder.need_any(
                unit, [m.unit for near in ancestors for m in near.members.get(node.attr, ())], member(node.attr)
            )
            return
        if inference.is_opaque(base, scope) or self.guards.tell_of(node):
            return
        makers: list[int | None] = []
        guess = inference.guess(base, scope)
        is_unknown = None in guess and not isinstance(base, ast.Call)  # results depend on arguments
        if is_unknown and len(guess) > 1:
            unknown = self.supporting("anything", base, scope, "")
            if unknown is None:
                return
            makers.append(unknown)
        for value in guess:
            match value:
                case Instance(of=owner) | (Class() as owner) if self.inherits(owner, node.attr):
                    return
                case Instance() | Class():
                    owner = value.of if isinstance(value, Instance) else value
                    if node.attr not in owner.members and owner.bases:
                        self.inherited(unit, inference.order(owner), node.attr)
                    metaclass = inference.metaclass(owner) if isinstance(value, Class) else None
                    named = self.makers(owner, node.attr, metaclass)
                    if isinstance(node.ctx, ast.Store) or named.assigned_in(scope.function):
                        declared = {f"self.{node.attr}", node.attr if isinstance(node.ctx, ast.Store) else ""}
                        named = self.makers(owner, node.attr, metaclass, frozenset(declared))
                    makers.append(named.defining(node, scope.function))
                    for near in inference.order(owner):
                        makers += self.set_from_outside(unit, near, node.attr)
                        if isinstance(value, Instance):
                            makers += self.set_from_outside(unit, Instance(near), node.attr)
                    hooks = [self.makers(owner, hook).any for hook in ("__getattr__", "__getattribute__")]
                    if not named.assigned_in(scope.function):  # it may not be used before it is assigned
                        makers += hooks
                case Function():
                    makers += self.set_from_outside(unit, value, node.attr)
                case Builtin(type=kind) if kind is not type(None) and node.attr in MEMBERS[kind.__name__]:
                    return
        self.builder.need_any(unit, makers, member(node.attr))
        self.require(unit, "attribute", base, scope, node.attr)

    def inherited(self, unit: int, classes: Sequence[Class], name: str, without: Class | None = None) -> None:
        """Between versions, the use of an inherited member needs the headers of the classes that lead to it."""
        for near in classes:
            if name in near.members and near is not without:
                return
            self.implied.append((unit, near.unit, member(name)))

    def makers(
        self, owner: Class, name: str, metaclass: Class | None = None, declared: frozenset[str] = frozenset()
    ) -> _Makers:
        """Return the units by which a class, its ancestors here and its metaclass get a member.

        Annotations without a value of what is `declared` do not count if others remain.
        """
        key = owner, name, metaclass, declared
        if key not in self._makers:
            inherited = self.inference.members(metaclass, name) if metaclass is not None else []
            members = self.inference.members(owner, name) + inherited
            if declared:
                scopes = [near.scope for near in self.inference.order(owner)]
                units = {unit for scope in scopes for part in declared for unit in scope.declared.get(part, ())}
                members = [member for member in members if member.unit not in units] or members
            self._makers[key] = _Makers(members, self.builder)
        return self._makers[key]

    def set_from_outside(self, unit: int, value: Inferred, name: str) -> list[int]:
        """Return nodes that remain while any `<value>.name = ...` outside the class does, except in this unit."""
        stores = self.inference.set_from_outside(value, name)
        if not stores:
            return []
        if (value, name) not in self._outside:
            nodes = (self.while_receiving(store, value) for store in stores)
            self._outside[value, name] = Runs(nodes, lambda *pair: self.builder.any_of(pair))
        # Of many, the own one makes no difference.
        own = [number for number, store in enumerate(stores) if store.node == unit] if len(stores) < 8 else ()
        return self._outside[value, name].all_but((index, index + 1) for index in own)

    def while_receiving(self, store: Source, value: Inferred) -> int:
        """Return the node that remains while an attribute is assigned, and what it is assigned to may be `value`."""
        sources = self.inference.sources(store.value, store.scope)
        parts = sources.found if sources is not None else ()
        makers = [part.node for part in parts if value in self.inference.guess(part.value, part.scope)]
        return self.builder.all_of(self.builder.any_of(makers) if makers else None, store.node)

    def store(self, unit: int, node: ast.Attribute, scope: Scope) -> None:
        """Assigning to a property needs its setter, and between versions any assignment the slots with its name."""
        receiver = scope.receiver_of(node.value)
        for slots in receiver.members.get("__slots__", ()) if receiver is not None else ():
            self.implied.append((unit, slots.unit, "its slots"))
        for value in self.inference.infer(node.value, scope) or ():
            if isinstance(value, Instance):
                functions = (member.value for member in self.makers(value.of, node.attr).members)
                setters = (f.unit for f in functions if isinstance(f, Function) and "setter" in f.decorators)
                self.builder.need_shared(unit, ("setters", value.of, node.attr), setters, member(node.attr))

    def initializers(self, owner: Class) -> None:
        """`__init__` of a subclass needs its call of the ancestor's `__init__`, while the ancestor has one."""
        for function in owner.own_methods("__init__"):
            calls = self.initializer_calls.get(id(function), [])
            for base in owner.bases if calls else ():
                makers = [unit for unit, receiver in calls if isinstance(receiver, ast.Call) or _same(receiver, base)]
                match self.inference.infer(base, owner.outer):
                    case (Class() as ancestor,):
                        if self.foreign_bases(ancestor) <= BUILTIN_CLASSES:
                            for inherited in self.inference.methods(ancestor, "__init__"):
                                self.builder.need_any(function.unit, makers, guard=inherited.unit)
                        else:
                            self.builder.need_any(function.unit, makers)
                    case _ if last_name(base) not in BUILTIN_CLASSES | _BASES_WITHOUT_INIT:
                        self.builder.need_any(function.unit, makers)

    def foreign_bases(self, owner: Class) -> set[str]:
        """Return the names of the bases of a class and its ancestors that are not defined here."""
        for near in (classes := self.inference.order(owner)):
            if near not in self._foreign:
                self._foreign[near] = {
                    last_name(base)
                    for base in near.bases
                    if not isinstance((self.inference.infer(base, near.outer) or (None,))[0], Class)
                }
        return set().union(*(self._foreign[near] for near in classes))

    def inherits(self, owner: Class, name: str) -> bool:
        """Tell whether a class gets a member from a built-in one."""
        if owner not in self._inherited:
            bases = self.foreign_bases(owner) & MEMBERS.keys()
            self._inherited[owner] = frozenset[str]().union(*(MEMBERS[base] for base in bases))
        return name in self._inherited[owner]

    def results(self, function: Function) -> None:
        """A special method that has to return something needs a `return`, or a `yield`."""
        name = getattr(function.node, "name", "")
        if function.owner is not None and name in _RESULT_REQUIRED:
            self.builder.need_any(function.unit, function.yields or [unit for unit, _ in function.returns])
            for unit, value in function.returns:
                if name in _RESULTS:
                    self.operation(unit, _RESULTS[name], value, function.scope)
            if name == "__iter__":
                for unit, value in function.returns:
                    if function.scope.receiver_of(value) is function.owner:
                        methods = self.inference.methods(function.owner, "__next__")
                        self.builder.need_any(unit, [method.unit for method in methods])

    # Operations

    def called(self, unit: int, call: ast.Call, scope: Scope) -> None:
        if isinstance(call.func, ast.Name) and call.func.id == "reversed" and len(call.args) == 1:
            self.operation(unit, "reverse", call.args[0], scope)
        if isinstance(call.func, ast.Name | ast.Attribute | ast.Call):
            self.operation(unit, "call", call.func, scope)
        self.calls.add(unit, call, scope)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "__init__":
            self.initializer_calls.setdefault(id(scope.function), []).append((unit, call.func.value))

    def operation(self, unit: int, kind: OperationKind, value: ast.expr, scope: Scope) -> None:
        """What is subscripted, iterated, entered, called or assigned has to support that."""
        if self.inference.is_opaque(value, scope):
            return
        match self.inference.infer(value, scope):
            case (Instance(of=owner),):
                self.supported(unit, kind, owner)
            case (Class() as owner,) if kind != "call":
                metaclass = self.inference.metaclass(owner)
                if metaclass is not None:
                    self.supported(unit, kind, metaclass)
                elif kind == "getitem":
                    self.builder.need(unit, self.makers(owner, "__class_getitem__").any)
        self.require(unit, kind, value, scope, "")

    def supported(self, unit: int, kind: OperationKind, owner: Class) -> None:
        if any(self.inherits(owner, name) for name in _PROVIDERS.get(kind, ())):
            return
        makers = [self.makers(owner, name).any for name in _PROVIDERS.get(kind, ())]
        providers = [maker for maker in makers if maker is not None]
        for maker in providers if kind in ("with", "with async", "mapping") else providers[:1]:
            self.builder.need(unit, maker)

    def require(self, unit: int, kind: OperationKind, value: ast.expr, scope: Scope, attr: str) -> None:
        if kind == "assign":
            self.assigned_result(unit, value, scope)
            return
        node = self.supporting(kind, value, scope, attr)
        if node is not None and not self.guards.hold(value):
            self.builder.need(unit, node)

    def assigned_result(self, unit: int, value: ast.expr, scope: Scope) -> None:
        """An assigned result needs a `return` in each function that may be called, as linters look only at the first.

        They look at none that is decorated or async.
        """
        sources = self.inference.sources(value, scope)
        functions = sources.results_of if sources is not None else ()
        if not any(function.decorators or isinstance(function.node, ast.AsyncFunctionDef) for function in functions):
            results = ((function.results, function.unit if len(functions) > 1 else None) for function in functions)
            self.builder.need_guarded(unit, ("assigned", *functions), results, RESULT)
        decorators = [item for function in functions for item in getattr(function.node, "decorator_list", ())]
        self.implied += [(unit, self.unit_of[item.lineno - 1], RESULT) for item in decorators]
        callee = value.func if isinstance(value, ast.Call) else None
        owner = scope.resolve(callee.id) if isinstance(callee, ast.Name) and not functions else None
        bound = owner.bindings[callee.id] if isinstance(callee, ast.Name) and owner is not None else []
        self.implied += [(unit, node, RESULT) for node, _ in bound[:1] if len(bound) == 1]

    def supporting(self, kind: OperationKind, value: Value | None, scope: Scope, attr: str) -> int | None:
        """Return the node that remains while an expression supports an operation; None if nothing changes that.

        Of the values of a name or member, at least one that supports it has to remain; of a result, one that is
        returned or yielded.
        """
        sources = self.inference.sources(value, scope)
        if sources is None:
            return None
        key = (kind, attr, sources.key)
        if key not in self.supports:
            self.supports[key] = None  # what takes its value from itself adds nothing
            able = [found for found in sources.found if self.able(kind, found.value, found.scope, attr)]
            nodes = [self.while_supporting(kind, found, attr) for found in able]
            # None has any attribute, for linters, so that nothing has to be returned.
            is_required = sources.results_of and kind != "attribute"
            if nodes and (is_required or nodes != [found.node for found in sources.found]):
                self.supports[key] = self.builder.any_of(nodes)
        return self.supports[key]

    def while_supporting(self, kind: OperationKind, found: Source, attr: str) -> int:
        return self.builder.all_of(self.supporting(kind, found.value, found.scope, attr), found.node)

    def able(self, kind: OperationKind, value: Value | None, scope: Scope, attr: str) -> bool:
        """Tell whether a value may support an operation."""
        inferred = self.inference.infer(value, scope)
        if inferred is None or kind == "anything":
            return inferred is None
        return any(not isinstance(part, Builtin) or _builtin_supports(part.type, kind, attr) for part in inferred)


def _same(expression: ast.expr, other: ast.expr) -> bool:
    return ast.dump(expression) == ast.dump(other)


def _builtin_supports(type_: type, kind: OperationKind, attr: str) -> bool:
    if kind == "attribute":
        return type_ is type(None) or attr in MEMBERS[type_.__name__]
    if kind in _TYPES:
        return issubclass(type_, _TYPES[kind])
    return any(provider in MEMBERS[type_.__name__] for provider in _PROVIDERS[kind])
