"""Needs of members and of the operations that values have to support.

An expression about which anything is unknown raises no need.
"""

import ast
import builtins
from collections.abc import Sequence

from lintseq.languages.python.calls import CallNeeds
from lintseq.languages.python.scopes import Class, Facts, Function, Instance, Member, OperationKind, Scope, Value
from lintseq.languages.python.syntax import last_name
from lintseq.languages.python.values import Builtin, Inference, Inferred, is_super
from lintseq.needs.graph import NeedsBuilder

_PROVIDERS: dict[OperationKind, tuple[str, ...]] = {
    "getitem": ("__getitem__",),
    "setitem": ("__setitem__",),
    "delitem": ("__delitem__",),
    "iterate": ("__iter__", "__getitem__"),
    "contains": ("__contains__", "__iter__", "__getitem__"),
    "reverse": ("__reversed__", "__getitem__"),
    "call": ("__call__",),
    "negate": ("__neg__",),
    "assign": (),
    "with": ("__enter__", "__exit__"),
}
"""The special methods that support an operation, in the order in which Python looks for them."""
_RESULT_REQUIRED = frozenset(
    {
        *("__len__", "__bool__", "__index__", "__hash__", "__length_hint__"),
        *("__repr__", "__str__", "__bytes__", "__format__", "__getnewargs__", "__getnewargs_ex__"),
        *("__iter__", "__enter__"),
    }
)
_BUILTIN_CLASSES = frozenset(name for name, value in vars(builtins).items() if isinstance(value, type))
_BASES_WITHOUT_INIT = frozenset({"ABC", "Enum", "Protocol", "Generic", "NamedTuple"})


class MemberNeeds:
    """Adds the needs that the facts of one program give rise to."""

    def __init__(self, facts: Facts, builder: NeedsBuilder, unit_of: Sequence[int]) -> None:
        self.facts = facts
        self.builder = builder
        self.inference = Inference()
        self.calls = CallNeeds(self.inference, builder, unit_of)
        self.initializer_calls: dict[int, list[tuple[int, ast.expr]]] = {}
        """By function, its calls `X.__init__(...)`: unit and X."""

    def add(self) -> None:
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
        if is_super(base):
            if node.attr != "__init__":  # `object` has that too
                ancestors = inference.ancestors_of_method(scope)
                self.builder.need_any(unit, [m.unit for near in ancestors for m in near.members.get(node.attr, ())])
            return
        if inference.is_opaque(base, scope):
            return
        makers: list[int] = []
        for value in inference.guess(base, scope):
            match value:
                case Instance() | Class():
                    owner = value.of if isinstance(value, Instance) else value
                    named = inference.members(owner, node.attr)
                    makers += () if named else self.set_from_outside(value, node.attr)
                    makers += [member.unit for member in _not_after(named, node, scope)]
                    for hook in ("__getattr__", "__getattribute__"):
                        makers += inference.units(owner, hook)
                case Function():
                    makers += self.set_from_outside(value, node.attr)
                case Builtin(type=kind) if kind is not type(None) and hasattr(kind, node.attr):
                    return
        self.builder.need_any(unit, makers)
        self.alternatives(unit, "attribute", base, scope, node.attr)

    def set_from_outside(self, value: Inferred, name: str) -> list[int]:
        """Return the units with `<value>.name = ...` outside the class."""
        return [
            unit
            for unit, target, scope in self.facts.stores
            if target.attr == name and value in self.inference.guess(target.value, scope)
        ]

    def store(self, unit: int, node: ast.Attribute, scope: Scope) -> None:
        """Assigning to a property needs its setter."""
        for value in self.inference.infer(node.value, scope) or ():
            if isinstance(value, Instance):
                functions = self.inference.methods(value.of, node.attr)
                self.builder.need_any(unit, [f.unit for f in functions if "setter" in f.decorators])

    def initializers(self, owner: Class) -> None:
        """`__init__` of a subclass needs its call of the ancestor's `__init__`, while the ancestor has one."""
        for function in owner.own_methods("__init__"):
            calls = self.initializer_calls.get(id(function), [])
            for base in owner.node.bases if calls else ():
                makers = [unit for unit, receiver in calls if isinstance(receiver, ast.Call) or _same(receiver, base)]
                match self.inference.infer(base, owner.outer):
                    case (Class() as ancestor,):
                        if self.foreign_bases(ancestor) <= _BUILTIN_CLASSES:
                            for inherited in self.inference.methods(ancestor, "__init__")[:1]:
                                self.builder.need_any(function.unit, makers, guard=inherited.unit)
                        else:
                            self.builder.need_any(function.unit, makers)
                    case _ if last_name(base) not in _BUILTIN_CLASSES | _BASES_WITHOUT_INIT:
                        self.builder.need_any(function.unit, makers)

    def foreign_bases(self, owner: Class) -> set[str]:
        """Return the names of the bases of a class and its ancestors that are not defined here."""
        return {
            last_name(base)
            for near in self.inference.order(owner)
            for base in near.node.bases
            if not isinstance((self.inference.infer(base, near.outer) or (None,))[0], Class)
        }

    def results(self, function: Function) -> None:
        """A special method that has to return something needs a `return`, or a `yield`."""
        name = getattr(function.node, "name", "")
        if function.owner is not None and name in _RESULT_REQUIRED:
            self.builder.need_any(function.unit, function.yields or [unit for unit, _ in function.returns])
            if name == "__iter__":
                for unit, value in function.returns:
                    if function.scope.receiver_of(value) is function.owner:
                        methods = self.inference.methods(function.owner, "__next__")
                        self.builder.need_any(unit, [method.unit for method in methods])

    # Operations

    def called(self, unit: int, call: ast.Call, scope: Scope) -> None:
        if isinstance(call.func, ast.Name):
            if call.func.id == "reversed" and len(call.args) == 1:
                self.operation(unit, "reverse", call.args[0], scope)
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
            case (Class() as owner,) if kind == "getitem":
                self.builder.need_any(unit, self.inference.units(owner, "__class_getitem__"))
        if isinstance(value, ast.Call):
            self.used_result(unit, kind, value, scope)
        else:
            self.alternatives(unit, kind, value, scope, "")

    def supported(self, unit: int, kind: OperationKind, owner: Class) -> None:
        providers = [makers for name in _PROVIDERS[kind] if (makers := self.inference.units(owner, name))]
        for makers in providers if kind == "with" else providers[:1]:
            self.builder.need_any(unit, makers)

    def used_result(self, unit: int, kind: OperationKind, call: ast.Call, scope: Scope) -> None:
        """A result that is used needs a `return`, or a `yield`."""
        for callee in self.inference.infer(call.func, scope) or ():
            if not isinstance(callee, Function) or (
                kind == "assign" and isinstance(callee.node, ast.AsyncFunctionDef)
            ):
                continue
            able = [source for source, value in callee.returns if self.able(kind, value, callee.scope, "")]
            self.builder.need_any(unit, callee.yields or able)

    def alternatives(self, unit: int, kind: OperationKind, value: ast.expr, scope: Scope, attr: str) -> None:
        """Of the values that a name or member may have, at least one that supports the operation has to remain."""
        bound: list[tuple[int, Value | None, Scope]] = []
        match value:
            case ast.Name(id=variable):
                owner = scope.resolve(variable)
                if owner is not None:
                    bound = [(node, assigned, owner) for node, assigned in owner.bindings[variable]]
            case ast.Attribute(value=base, attr=member):
                found = scope.receiver_of(base)
                if found is not None:
                    bound = [
                        (node, assigned, method.scope if method is not None else found.scope)
                        for node, assigned, method, _ in self.inference.members(found, member)
                    ]
        if len(bound) > 1:
            able = [node for node, assigned, home in bound if self.able(kind, assigned, home, attr)]
            if able and len(able) < len(bound):
                self.builder.need_any(unit, able)

    def able(self, kind: OperationKind, value: Value | None, scope: Scope, attr: str) -> bool:
        """Tell whether a value may support an operation."""
        inferred = self.inference.infer(value, scope)
        if inferred is None:
            return True
        return any(not isinstance(part, Builtin) or _builtin_supports(part.type, kind, attr) for part in inferred)


def _not_after(members: list[Member], node: ast.Attribute, scope: Scope) -> list[Member]:
    """Drop the assignments that follow a use in the same method, if others remain."""
    method = scope.function
    before = [m for m in members if m.method is None or m.method is not method or m.lineno <= node.lineno]
    return before or members


def _same(expression: ast.expr, other: ast.expr) -> bool:
    return ast.dump(expression) == ast.dump(other)


def _builtin_supports(type_: type, kind: OperationKind, attr: str) -> bool:
    if kind == "attribute":
        return type_ is type(None) or hasattr(type_, attr)
    return all(hasattr(type_, provider) for provider in _PROVIDERS[kind][:1])
