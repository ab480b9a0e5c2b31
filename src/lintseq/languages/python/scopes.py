"""Scopes, what the names in them are bound to, and everything else the walk over a program records.

Each kind of value that is not an assigned expression has a class: `Function`, `Class`, `Element` and so on.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal, NamedTuple

from lintseq.languages.python.syntax import last_name

Presence = tuple[int | None, int]
"""(must, may): the node that remains while a name is bound on every path that leads here, or None if it never
was, and the node that remains while it is bound on any path. Loops count as entered and `try` suites as completed, as
linters have it."""
UNBOUND = (None, None)


class Binding(NamedTuple):
    """One way in which a name gets its value."""

    node: int
    """The unit that binds it; for a binding from another scope, the junction of that unit and its declaration."""
    value: "Value | None"
    """None if nothing is known about the value: imports, parameters, augmented assignments."""


class Member(NamedTuple):
    """One way in which a class or its instances get a member."""

    unit: int
    value: "Value | None"
    method: "Function | None" = None
    """The method that assigns it; None for what the class body binds."""
    lineno: int = 0


@dataclass(slots=True, eq=False)
class Scope:
    """A module, class or function and the names bound in it."""

    kind: Literal["module", "class", "function"]
    parent: "Scope | None"
    layers: list[dict[str, Presence]] = field(default_factory=lambda: [{}])
    """Where the walk is: the names bound so far, one layer for each branch that is open."""
    earlier: dict[tuple[str, Presence | tuple[None, None]], int] = field(default_factory=dict)
    """In an `if` in a loop, by name and its presence before, the node that remains while it is bound before or in a
    branch above, which an earlier iteration may have taken."""
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    pending: list[tuple[str, int, int | None]] = field(default_factory=list)
    """Uses to resolve at the end: name, unit, and the handler of `NameError` around the use, or None."""
    outer: dict[str, "tuple[Scope, int]"] = field(default_factory=dict)
    """Names declared global or nonlocal here: the scope they belong to and the unit that declares them."""
    sure: dict[str, list[int]] = field(default_factory=dict)
    """The uses of names on paths that bind them."""
    tests: dict[str, ast.expr] = field(default_factory=dict)
    """By name, the test of the last `if` in which it is bound."""
    declared: dict[str, list[int]] = field(default_factory=dict)
    """The units that make a name one of this scope without binding it: annotations without a value, and `del`."""
    remote: dict[str, dict["Scope", list[int]]] = field(default_factory=dict)
    """Nodes of bindings made in functions that declare the name global or nonlocal, by the scopes of those."""
    function: "Function | None" = None
    owner: "Class | None" = None
    """The class, if this is the scope of a class body."""
    receiver: str = ""
    """The name of the first parameter of a method."""
    found: dict[str, int] = field(default_factory=dict)
    """The nodes of names looked up from inner scopes."""

    def lookup(self, name: str) -> Presence | None:
        for layer in reversed(self.layers):
            presence = layer.get(name)
            if presence is not None:
                return presence
        return None

    def with_parents(self) -> "Iterator[Scope]":
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def around_classes(self) -> "Scope":
        """Return this scope, or the nearest around it if it is that of a class: what functions in it see."""
        scope = self
        while scope.kind == "class" and scope.parent is not None:
            scope = scope.parent
        return scope

    def resolve(self, name: str) -> "Scope | None":
        """Return the scope that binds `name` as seen from here, by Python's rules; None if no scope does."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.outer:
                owner, _ = scope.outer[name]
                return owner if name in owner.bindings else None
            if name in scope.bindings and (scope is self or scope.kind != "class"):
                return scope
            scope = scope.parent
        return None

    def enclosing(self, name: str) -> "Scope | None":
        """Return the function around this scope that a nonlocal `name` belongs to."""
        scope = self.parent
        while scope is not None and not (
            scope.kind == "function" and (name in scope.bindings or name in scope.declared)
        ):
            scope = scope.parent
        return scope

    def own(self, name: str) -> Iterator[int]:
        """Yield the nodes that make `name` one of this scope, where it is not declared in another."""
        remote = set(chain(*self.remote.get(name, {}).values()))
        yield from (node for node, _ in self.bindings.get(name, ()) if node not in remote)
        yield from self.declared.get(name, ())

    def receiver_of(self, base: ast.expr) -> "Class | None":
        """Return the class whose method has `base` as its first parameter, seen from here; None otherwise."""
        if not isinstance(base, ast.Name):
            return None
        scope: Scope | None = self
        while scope is not None and scope.kind == "function":
            if scope.receiver == base.id and len(scope.bindings[base.id]) == 1:
                return scope.function.owner if scope.function is not None else None
            if base.id in scope.bindings:
                return None
            scope = scope.parent
        return None


@dataclass(slots=True, eq=False)
class Definition:
    """A function or class defined in the program, with its unit and the scope of its body."""

    node: ast.AST
    unit: int
    scope: Scope
    decorators: frozenset[str] = field(init=False)
    """The names of its decorators, without their arguments."""

    def __post_init__(self) -> None:
        decorators: list[ast.expr] = getattr(self.node, "decorator_list", [])
        self.decorators = frozenset(
            last_name(item.func if isinstance(item, ast.Call) else item) for item in decorators
        )


@dataclass(slots=True, eq=False)
class Function(Definition):
    """As a value, the function itself."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    owner: "Class | None"
    """The class in whose body it is defined."""
    returns: list[tuple[int, ast.expr]] = field(default_factory=list)
    """(unit, value) of each `return` with a value other than None."""
    yields: list[int] = field(default_factory=list)
    """The units of its `yield` expressions."""
    raises: list[int] = field(default_factory=list)
    """The units of each `raise` that is not nested: without a result, linters take the function for abstract."""

    @property
    def results(self) -> list[int]:
        """The units without which a call has no result."""
        return self.yields or [unit for unit, _ in self.returns] or self.raises


@dataclass(slots=True, eq=False)
class Class(Definition):
    """As a value, the class itself."""

    node: ast.ClassDef
    outer: Scope
    members: dict[str, list[Member]] = field(default_factory=dict)

    @property
    def bases(self) -> list[ast.expr]:
        """The bases, without the type arguments of generic ones."""
        return [base.value if isinstance(base, ast.Subscript) else base for base in self.node.bases]

    def add(self, name: str, member: Member) -> None:
        self.members.setdefault(name, []).append(member)

    def own_methods(self, name: str) -> list[Function]:
        """Return the functions that the class itself has under this name."""
        return [member.value for member in self.members.get(name, ()) if isinstance(member.value, Function)]


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance of a class defined in the program."""

    of: Class


@dataclass(frozen=True, slots=True)
class Element:
    iterable: ast.expr


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What `..., NAME, ... = WHOLE` binds, by its index among `count` targets."""

    whole: ast.expr
    index: int
    count: int


@dataclass(frozen=True, slots=True)
class Entered:
    """What `with MANAGER as NAME` binds."""

    manager: ast.expr


@dataclass(frozen=True, slots=True)
class Caught:
    """What `except TYPE as NAME` binds."""

    type: ast.expr | None


Value = ast.expr | Function | Class | Instance | Element | Unpacked | Entered | Caught
"""What a name is bound to: the assigned expression, or one of the kinds above."""

OperationKind = Literal[
    "getitem", "setitem", "delitem", "iterate", "iterate async", "contains", "reverse", "mapping", "call", "negate",
    "plus", "invert", "assign", "with", "with async", "attribute", "raise", "number", "iterator", "bool", "int", "str",
    "bytes", "anything",
]  # fmt: skip


class Operation(NamedTuple):
    """An operation that the value of an expression has to support."""

    unit: int
    kind: OperationKind
    operand: ast.expr
    scope: Scope


@dataclass(slots=True)
class Facts:
    """What the walk records for the analysis of members: (unit, expression, its scope) and the like."""

    classes: list[Class] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    attributes: list[tuple[int, ast.Attribute, Scope]] = field(default_factory=list)
    stores: list[tuple[int, ast.Attribute, Scope]] = field(default_factory=list)
    """Attributes that are assigned."""
    calls: list[tuple[int, ast.Call, Scope]] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    conditionals: list[ast.If | ast.IfExp] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)

    def release(self) -> None:
        """Break the reference cycles, so that scopes, functions and classes are freed without the collector."""
        for owner in self.classes:
            owner.members.clear()
        for scope in self.scopes:
            scope.bindings.clear()
            scope.function = scope.owner = None
