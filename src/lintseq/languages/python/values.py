"""Values of expressions, as far as they can be inferred from the program itself.

Infers little: instances and classes defined here, functions and what they return, literals. Imports are never
looked at.
"""

import ast
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lintseq.languages.python.scopes import (
    Binding,
    Caught,
    Class,
    Element,
    Entered,
    Function,
    Instance,
    Member,
    Scope,
    Unpacked,
    Value,
)
from lintseq.languages.python.syntax import last_name

DEPTH = 8
"""How many expressions deep to look."""
_VALUES = 100
"""What may have more values than this is unknown, as for pylint."""
_FEW = 7
"""Of what a name is bound to, only the part above a use counts if there are no more than this."""
ANCESTORS = 20
"""How many ancestors of a class to look at."""


@dataclass(frozen=True, slots=True)
class Builtin:
    """A value of a built-in type; `display` is the list or tuple display that it comes from, unless that is empty."""

    type: type
    display: ast.List | ast.Tuple | None = None
    scope: Scope | None = None
    """The scope of the display."""


class Source(NamedTuple):
    """One value that an expression may have, and the node that gives it that value."""

    node: int
    value: Value | None
    scope: Scope


class Sources(NamedTuple):
    """Where the value of an expression is from."""

    key: object
    """Equal for expressions with the same sources."""
    found: list[Source]
    results_of: Sequence[Function] = ()
    """The functions of which it is the result, if it is one."""


Inferred = Instance | Class | Function | Builtin
Guess = tuple[Inferred | None, ...]
"""Everything that an expression may evaluate to, with None for what the program does not tell; empty only for what
takes its value from itself."""

UNKNOWN: Guess = (None,)
_UNBOUND = [Binding(0, None)]

_BUILTIN_TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        list, dict, set, frozenset, tuple, str, bytes, bytearray, int, float, complex, bool,
        map, filter, zip, enumerate, range, reversed,
    )
}  # fmt: skip
_DISPLAYS: dict[type[ast.AST], Guess] = {
    ast.ListComp: (Builtin(list),),
    ast.Dict: (Builtin(dict),),
    ast.DictComp: (Builtin(dict),),
    ast.Set: (Builtin(set),),
    ast.SetComp: (Builtin(set),),
    ast.JoinedStr: (Builtin(str),),
}
_OPAQUE = frozenset({ast.Subscript, ast.BinOp, ast.Compare, ast.BoolOp, ast.Await, ast.Starred})
_GETTERS = frozenset({"property", "cached_property"})
_ENUMS = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"})


Candidate = tuple[Value | None, Scope]
"""A value that something may have, and the scope that it is from."""


@dataclass(slots=True)
class _Candidates:
    """What something may be: the guesses at its candidates, each of which is looked at until its guess is final."""

    open: list[Candidate]
    found: dict[Inferred | None, None] = field(default_factory=dict)
    guess: Guess = ()


class Inference:
    """Guesses the values of one program's expressions, and remembers them."""

    def __init__(self, unit_of: Mapping[int, int], stores: Iterable[tuple[int, ast.Attribute, Scope]]) -> None:
        self._unit_of = unit_of
        self._stores = defaultdict[str, list[tuple[int, ast.Attribute, Scope]]](list)
        for store in stores:
            if store[2].receiver_of(store[1].value) is None:
                self._stores[store[1].attr].append(store)
        self._outside: dict[str, dict[Inferred | None, list[Source]]] = {}
        self._guesses: dict[int, Guess] = {}
        self._open: set[int] = set()
        """The values that are being guessed at."""
        self._candidates: dict[Hashable, _Candidates] = {}
        self._orders: dict[Class, list[Class]] = {}
        self._lengths: dict[ast.AST, int | None] = {}
        """By display, how many elements it has; None if some of them are unpacked."""
        self._sources: dict[object, Sources | None] = {}

    def infer(self, value: Value | None, scope: Scope) -> tuple[Inferred, ...] | None:
        """Return everything that a value may be, or None if any of it is unknown."""
        guess = self.guess(value, scope, DEPTH)
        if guess is UNKNOWN:  # the most common case, at less cost
            return None
        known = tuple([part for part in guess if part is not None])
        return known if known and len(known) == len(guess) else None

    def guess(self, value: Value | None, scope: Scope, depth: int = DEPTH) -> Guess:
        """Return the possible values, as far as they can be inferred."""
        if isinstance(value, Class | Instance | Function):  # linters look through decorators
            return (value,)
        if depth == 0 or value is None:
            return UNKNOWN
        key = id(value)
        if key not in self._guesses:
            self._guesses[key] = ()  # what an expression takes from itself adds nothing
            self._open.add(key)
            found = self._guess(value, scope, depth - 1)
            self._guesses[key] = found if len(found) <= _VALUES else UNKNOWN
            self._open.discard(key)
        return self._guesses[key]

    def _guess_any(self, key: Hashable, candidates: Iterable[Candidate], depth: int) -> Guess:
        """Return everything that any of the candidates, the same for each use of `key`, may be."""
        if depth == 0:
            return UNKNOWN
        if key not in self._candidates:
            self._candidates[key] = _Candidates(list(candidates))
        known = self._candidates[key]
        if known.open:
            guesses = [(part, self.guess(*part, depth)) for part in known.open]
            known.open = [part for part, _ in guesses if id(part[0]) in self._open]
            known.found.update(dict.fromkeys(value for _, guess in guesses for value in guess))
            known.guess = tuple(known.found) if len(known.found) <= _VALUES else UNKNOWN
        return known.guess

    def is_opaque(self, value: ast.expr, scope: Scope) -> bool:
        """Tell, at little cost, whether an expression is one of the many about which nothing can be known."""
        while type(value) is ast.Attribute:
            value = value.value
        if type(value) is ast.Name:
            owner = scope.resolve(value.id)
            if owner is None:
                return True
            bound = owner.bindings[value.id]
            return len(bound) == 1 and bound[0].value is None
        return type(value) in _OPAQUE

    def reaching(self, use: ast.Name, scope: Scope) -> tuple[Scope, list[Binding]]:
        """Return what a name may be bound to where it is used, and in which scope.

        As for linters, only what is above counts in the scope of the use, even in a loop, unless there is nothing.
        """
        owner, unit = scope.resolve(use.id), self._unit_of.get(use.lineno - 1)
        if owner is scope and scope.kind == "class" and unit is not None and scope.bindings[use.id][0].node >= unit:
            owner = scope.around_classes().resolve(use.id)
        if owner is None:
            return scope, _UNBOUND
        bound = owner.bindings[use.id]
        if 1 < len(bound) <= _FEW:
            others = [part for part in bound if not contains(part.value, use)]
            above = [part for part in others if unit is None or part.node <= unit] if owner is scope else others
            return owner, above or bound
        return owner, bound

    def set_from_outside(self, value: Inferred, name: str) -> list[Source]:
        """Return the unit and the receiver of each `<value>.name = ...` outside the class."""
        if name not in self._outside:
            found = defaultdict[Inferred | None, list[Source]](list)
            for unit, target, scope in self._stores.get(name, ()):
                for part in self.guess(target.value, scope):
                    found[part].append(Source(unit, target.value, scope))
            self._outside[name] = found
        return self._outside[name].get(value, []) if name in self._stores else []

    def _guess(self, value: ast.expr | Element | Unpacked | Entered | Caught, scope: Scope, depth: int) -> Guess:
        match value:
            case ast.Name(id=name):
                owner, bound = self.reaching(value, scope)
                if len(bound) == 1:
                    return self.guess(bound[0].value, owner, depth)
                return self._guess_any(_key(owner, name, bound), ((value, owner) for _, value in bound), depth)
            case ast.Call():
                return self._guess_call(value, scope, depth)
            case ast.Attribute():
                return self._guess_attribute(value, scope, depth)
            case ast.Constant(value=constant) if constant is not ...:
                return (Builtin(type(constant)),)
            case ast.List(elts=elts) | ast.Tuple(elts=elts):
                kind = list if isinstance(value, ast.List) else tuple
                return (Builtin(kind, value, scope) if elts else Builtin(kind),)
            case ast.NamedExpr(value=inner):
                return self.guess(inner, scope, depth)
            case ast.IfExp(body=body, orelse=orelse):
                return _union((self.guess(body, scope, depth), self.guess(orelse, scope, depth)))
            case ast.expr():
                return _DISPLAYS.get(type(value), UNKNOWN)
            case Element(iterable=iterable):
                return self._guess_element(iterable, scope, depth)
            case Unpacked(whole=whole):
                return self._guess_unpacked(value, self.guess(whole, scope, depth), depth)
            case Entered(manager=manager):
                return self._guess_entered(manager, scope, depth)
            case Caught(type=caught):
                return self._guess_caught(caught, scope, depth)

    def _guess_element(self, iterable: ast.expr, scope: Scope, depth: int) -> Guess:
        match self.guess(iterable, scope, depth):
            case (Builtin(display=ast.expr() as display, scope=Scope() as home),):
                return self._guess_any(display, ((element, home) for element in display.elts), depth)
        return UNKNOWN

    def _guess_unpacked(self, value: Unpacked, wholes: Guess, depth: int) -> Guess:
        elements: list[Candidate] = []
        for whole in wholes:
            match whole:
                case Builtin(display=ast.expr() as display, scope=Scope() as home) if self._has(display, value.count):
                    elements.append((display.elts[value.index], home))
                case _:
                    return UNKNOWN
        return self._guess_any(value, elements, depth)

    def _has(self, display: ast.List | ast.Tuple, count: int) -> bool:
        """Tell whether a display certainly has `count` elements."""
        if display not in self._lengths:
            starred = any(isinstance(element, ast.Starred) for element in display.elts)
            self._lengths[display] = None if starred else len(display.elts)
        return self._lengths[display] == count

    def _guess_caught(self, caught: ast.expr | None, scope: Scope, depth: int) -> Guess:
        if caught is None:
            return UNKNOWN
        kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
        guess = _union(self.guess(kind, scope, depth) for kind in kinds)
        return tuple(Instance(part) if isinstance(part, Class) else None for part in guess)

    def _guess_entered(self, manager: ast.expr, scope: Scope, depth: int) -> Guess:
        match self.guess(manager, scope, depth):
            case (Instance(of=owner),):
                methods = self.methods(owner, "__enter__")
                return self._guess_result(methods[0], depth) if methods else UNKNOWN
        return UNKNOWN

    def _guess_attribute(self, node: ast.Attribute, scope: Scope, depth: int) -> Guess:
        if is_super(node.value):
            return self._guess_inherited(node, scope)
        parts: list[Guess] = []
        bases = self.guess(node.value, scope, depth)
        for base in bases:
            if isinstance(base, Builtin) and base.type is type(None):
                continue
            if not isinstance(base, Instance | Class):
                return UNKNOWN
            owner = base.of if isinstance(base, Instance) else base
            if node.attr == "__class__" and isinstance(base, Instance):
                parts.append((owner,))
                continue
            holder = next((near for near in self.order(owner) if node.attr in near.members), None)
            if holder is not None:
                candidates = self._of_member(base, owner, holder, node.attr)
                parts.append(self._guess_any((base, node.attr), candidates, depth))
        return _union(parts) if parts or not bases else UNKNOWN

    def _of_member(self, base: Instance | Class, owner: Class, holder: Class, name: str) -> Iterator[Candidate]:
        for _, value, method, _ in holder.members[name]:
            if isinstance(value, Function) and is_getter(value):
                yield from self._results(value)
            elif method is None and isinstance(base, Class) and isinstance(value, ast.expr) and is_enum(holder):
                yield Instance(holder), owner.scope
            else:
                yield value, method.scope if method is not None else owner.scope

    def _guess_inherited(self, node: ast.Attribute, scope: Scope) -> Guess:
        """Return what `super().name` is: the method of the nearest ancestor here that has it."""
        for ancestor in self.ancestors_of_method(node.value, scope):
            for function in ancestor.own_methods(node.attr):
                return self.guess(function, scope)
        return UNKNOWN

    def _guess_call(self, call: ast.Call, scope: Scope, depth: int) -> Guess:
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name in _BUILTIN_TYPES and scope.resolve(name) is None:
            return (Builtin(_BUILTIN_TYPES[name]),)
        if name == "getattr" and len(call.args) == 3:
            return self.guess(call.args[2], scope, depth)
        if name == "type" and len(call.args) == 1:
            instances = self.guess(call.args[0], scope, depth)
            return tuple(part.of if isinstance(part, Instance) else None for part in instances)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "__new__" and call.args:
            made = self.guess(call.args[0], scope, depth)
            return tuple(Instance(part) if isinstance(part, Class) else None for part in made)
        parts: list[Guess] = []
        for callee in self.guess(call.func, scope, depth):
            match callee:
                case Class() if not callee.node.keywords and "__new__" not in callee.members:
                    parts.append((Instance(callee),))
                case Function():
                    parts.append(self._guess_result(callee, depth))
                case _:
                    return UNKNOWN
        return _union(parts)

    def _guess_result(self, function: Function, depth: int) -> Guess:
        """Return what a call of a plain function may return."""
        return self._guess_any(function, self._results(function), depth)

    def _results(self, function: Function) -> Iterator[Candidate]:
        if function.yields or isinstance(function.node, ast.AsyncFunctionDef) or not function.returns:
            yield None, function.scope
        else:
            yield from ((value, function.scope) for _, value in function.returns)

    def sources(self, value: Value | None, scope: Scope) -> "Sources | None":
        """Return where the value of a name, a member or a call is from.

        None if the program does not tell, or if it can only be one thing that needs nothing else.
        """
        key: object
        match value:
            case ast.Name(id=name):
                owner, bound = self.reaching(value, scope)
                if not _is_plain(bound):
                    key = _key(owner, name, bound)
                    if key not in self._sources:
                        self._sources[key] = Sources(key, [Source(*part, owner) for part in bound])
                    return self._sources[key]
            case ast.Attribute(value=base, attr=name):
                cls = scope.receiver_of(base)
                if cls is None:
                    match self.infer(base, scope):
                        case (Instance(of=cls) | (Class() as cls),):
                            pass
                        case _:
                            return None
                key = (id(cls), name)
                if key not in self._sources:
                    self._sources[key] = self._member_sources(key, cls, name)
                return self._sources[key]
            case Unpacked(whole=whole):
                sources = self.sources(whole, scope)
                if sources is not None:
                    found = [Source(node, _element(part, value), home) for node, part, home in sources.found]
                    return Sources((value.index, value.count, sources.key), found, sources.results_of)
            case ast.Call(func=func):
                callees = [callee for callee in self.infer(func, scope) or () if isinstance(callee, Function)]
                if callees:
                    return self._result_sources(callees)
        return None

    def _member_sources(self, key: object, cls: Class, name: str) -> "Sources | None":
        members = self.members(cls, name)
        if members and isinstance(members[0].value, Function) and is_getter(members[0].value):
            return self._result_sources([members[0].value])
        outside = [
            Source(unit, None, cls.scope)
            for near in (self.order(cls) if name in self._stores else ())
            for part in (near, Instance(near))
            for unit, _, _ in self.set_from_outside(part, name)
        ]
        if _is_plain(members) and not outside:
            return None
        homes = [member.method.scope if member.method else cls.scope for member in members]
        found = [Source(*member[:2], home) for member, home in zip(members, homes, strict=True)]
        return Sources(key, found + outside)

    def _result_sources(self, functions: Sequence[Function]) -> "Sources | None":
        key = tuple(map(id, functions))
        if key not in self._sources:
            found: list[Source] = []
            for function in functions:
                if function.returns and not function.yields:
                    found += [Source(unit, value, function.scope) for unit, value in function.returns]
                else:
                    found += [Source(unit, None, function.scope) for unit in function.results]
            self._sources[key] = Sources(key, found, functions)
        return self._sources[key]

    # Classes

    def order(self, owner: Class) -> list[Class]:
        """Return a class and its ancestors in the program, nearest first."""
        if owner not in self._orders:
            self._orders[owner] = [owner]  # in case it is among its own ancestors
            classes = {owner: None}
            for base in owner.bases:
                match self.infer(base, owner.outer):
                    case (Class() as parent,) if len(classes) <= ANCESTORS:
                        classes.update(dict.fromkeys(self.order(parent)))
            self._orders[owner] = list(classes)[: ANCESTORS + 1]
        return self._orders[owner]

    def metaclass(self, owner: Class) -> Class | None:
        """Return the metaclass of a class, if it is defined here."""
        for near in self.order(owner):
            for keyword in near.node.keywords:
                if keyword.arg == "metaclass":
                    match self.infer(keyword.value, near.outer):
                        case (Class() as found,):
                            return found
        return None

    def members(self, owner: Class, name: str) -> list[Member]:
        """Return where a class and its ancestors here get a member."""
        return [member for near in self.order(owner) for member in near.members.get(name, ())]

    def methods(self, owner: Class, name: str) -> list[Function]:
        """Return the functions that `name` may be in a class, nearest first."""
        return [member.value for member in self.members(owner, name) if isinstance(member.value, Function)]

    def ancestors_of_method(self, call: ast.expr, scope: Scope) -> list[Class]:
        """Return the ancestors here that a call of `super` in a method stands for, nearest first."""
        if isinstance(call, ast.Call) and call.args:
            match self.infer(call.args[0], scope):
                case (Class() as below,):
                    return self.order(below)[1:]
            return []
        owner = self.class_of_method(scope)
        return [] if owner is None else self.order(owner)[1:]

    @staticmethod
    def class_of_method(scope: Scope) -> Class | None:
        """Return the class of the method that a scope is that of, or in; None if there is none."""
        for holder in scope.with_parents():
            if holder.function is not None and holder.function.owner is not None:
                return holder.function.owner
        return None


def contains(value: Value | None, use: ast.expr) -> bool:
    """Tell whether a use is in a value."""
    if not isinstance(value, ast.expr):
        return False
    start, end = (value.lineno, value.col_offset), (value.end_lineno or 0, value.end_col_offset or 0)
    return start <= (use.lineno, use.col_offset) < end


def _element(display: Value | None, target: Unpacked) -> Value | None:
    """Return the element of a display that a target gets, if that is certain."""
    if not isinstance(display, ast.List | ast.Tuple) or len(display.elts) != target.count:
        return None
    element = display.elts[target.index]
    return None if any(isinstance(element, ast.Starred) for element in display.elts) else element


def _key(owner: Scope, name: str, bound: Sequence[Binding]) -> Hashable:
    """Return a key for what `reaching` has found."""
    return owner, name, *[part.node for part in bound[: _FEW + 1]]


def _is_plain(bound: Sequence[Binding | Member]) -> bool:
    """Tell whether there is a single value that is no expression, such as a parameter or a function."""
    return len(bound) == 1 and not isinstance(bound[0].value, ast.expr | Unpacked)


def is_getter(function: Function) -> bool:
    return not function.decorators.isdisjoint(_GETTERS)


def is_enum(owner: Class) -> bool:
    return any(last_name(base) in _ENUMS for base in owner.bases)


def is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def _union(parts: Iterable[Guess]) -> Guess:
    return tuple(dict.fromkeys(value for part in parts for value in part))
