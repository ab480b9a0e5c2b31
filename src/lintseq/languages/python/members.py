"""Members, calls and results: the needs that take some knowledge of what an expression evaluates to.

Infers little and only from the file itself: instances and classes defined here, functions and what they
return, literals. An expression of which anything is unknown raises no need. Imports are never looked at.
"""

import ast
import builtins
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lintseq.languages.python.names import Class, Facts, Function, Marker, Scope, receiver_of, resolve_scope
from lintseq.needs.graph import NeedsBuilder

_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Instance:
    of: Class


@dataclass(frozen=True, slots=True)
class ClassObject:
    of: Class


@dataclass(frozen=True, slots=True)
class FunctionObject:
    of: Function


@dataclass(frozen=True, slots=True)
class Builtin:
    """A value of a built-in type; `elements` are the expressions in a list or tuple display."""

    type: type
    elements: tuple[ast.expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that this file does not tell."""


Known = Instance | ClassObject | FunctionObject | Builtin
Types = tuple[Known | Unknown, ...]
"""What an expression may evaluate to; nothing only for what takes its value from itself."""

UNKNOWN: Types = (Unknown(),)

_PROVIDERS = {
    "getitem": ("__getitem__",),
    "setitem": ("__setitem__",),
    "delitem": ("__delitem__",),
    "iterate": ("__iter__", "__getitem__"),
    "contains": ("__contains__", "__iter__", "__getitem__"),
    "reverse": ("__reversed__", "__getitem__"),
    "call": ("__call__",),
    "negate": ("__neg__",),
    "assign": (),
}
_RESULT_REQUIRED = frozenset(
    {
        *("__len__", "__bool__", "__index__", "__hash__", "__length_hint__"),
        *("__repr__", "__str__", "__bytes__", "__format__", "__getnewargs__", "__getnewargs_ex__"),
        *("__iter__", "__enter__"),
    }
)
_BUILTIN_TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        list, dict, set, frozenset, tuple, str, bytes, bytearray, int, float, complex, bool,
        map, filter, zip, enumerate, range, reversed,
    )
}  # fmt: skip
_OPAQUE = frozenset({ast.Subscript, ast.BinOp, ast.Compare, ast.BoolOp, ast.IfExp, ast.Await, ast.Starred})
_GETTERS = frozenset({"property", "cached_property"})
_TRANSPARENT = frozenset(
    {"staticmethod", "classmethod", "contextmanager", "asynccontextmanager", "cache", "lru_cache"}
)
"""Decorators that leave what a call of the function takes and gives as it is."""


def add_member_needs(facts: Facts, builder: NeedsBuilder, units: Sequence[int]) -> None:
    """Add to `builder` every need that `facts` gives rise to."""
    Members(facts, builder, units).run()


class Members:
    def __init__(self, facts: Facts, builder: NeedsBuilder, units: Sequence[int]) -> None:
        self.facts = facts
        self.builder = builder
        self.units = units
        self.memo: dict[int, Types] = {}
        self.orders: dict[int, tuple[list[Class], bool]] = {}
        self.initializer_calls: dict[int, list[tuple[int, ast.expr]]] = {}

    def run(self) -> None:
        for unit, name, value, scope in self.facts.operations:
            self.operation(unit, name, value, scope)
        if self.facts.classes or self.facts.functions:
            for unit, call, scope in self.facts.calls:
                self.call(unit, call, scope)
                if isinstance(call.func, ast.Attribute) and call.func.attr == "__init__":
                    self.initializer_calls.setdefault(id(scope.function), []).append((unit, call.func.value))
        for unit, attribute, scope in self.facts.attributes:
            self.attribute(unit, attribute, scope)
        if self.facts.classes:
            for unit, attribute, scope in self.facts.stores:
                self.store(unit, attribute, scope)
            for found in self.facts.classes.values():
                self.initializers(found)
        for function in self.facts.functions:
            self.results(function)

    # Inference

    def infer(self, node: object, scope: Scope) -> tuple[Known, ...] | None:
        """Return what an expression (or a marker) evaluates to, or None if anything of that is unknown."""
        types = self.guess(node, scope, _DEPTH)
        known = tuple(one for one in types if not isinstance(one, Unknown))
        return known if known and len(known) == len(types) else None

    def guess(self, node: object, scope: Scope, depth: int) -> Types:
        """Return all that an expression (or a marker) may evaluate to, as far as this file tells."""
        if depth == 0 or node is None:
            return UNKNOWN
        key = id(node)
        if key not in self.memo:
            self.memo[key] = ()  # what an expression takes from itself adds nothing
            self.memo[key] = self.guess_anew(node, scope, depth - 1)
        return self.memo[key]

    def guess_anew(self, node: object, scope: Scope, depth: int) -> Types:
        match node:
            case Marker(kind="function", payload=Function() as function):
                return (FunctionObject(function),) if function.decorators <= _TRANSPARENT else UNKNOWN
            case Marker(kind="class", payload=Class() as found) | Marker(kind="cls", payload=Class() as found):
                return (ClassObject(found),)
            case Marker(kind="self", payload=Class() as found):
                return (Instance(found),)
            case Marker(kind="caught", payload=ast.expr() as caught):
                return self.guess_caught(caught, scope, depth)
            case Marker(kind="element", payload=ast.expr() as iterated):
                return self.guess_element(iterated, scope, depth)
            case Marker(kind="entered", payload=ast.expr() as manager):
                return self.guess_entered(manager, scope, depth)
            case ast.Constant(value=value) if value is not ...:
                return (Builtin(type(value)),)
            case ast.List(elts=elts) | ast.Tuple(elts=elts):
                return (Builtin(list if isinstance(node, ast.List) else tuple, tuple(elts)),)
            case ast.ListComp():
                return (Builtin(list),)
            case ast.Dict() | ast.DictComp():
                return (Builtin(dict),)
            case ast.Set() | ast.SetComp():
                return (Builtin(set),)
            case ast.JoinedStr():
                return (Builtin(str),)
            case ast.NamedExpr(value=value):
                return self.guess(value, scope, depth)
            case ast.Name(id=name):
                return self.guess_name(name, scope, depth)
            case ast.Attribute():
                return self.guess_attribute(node, scope, depth)
            case ast.Call():
                return self.guess_call(node, scope, depth)
        return UNKNOWN

    def is_opaque(self, value: ast.expr, scope: Scope) -> bool:
        """Tell, at little cost, whether an expression is one of the many of which nothing can be known."""
        while type(value) is ast.Attribute:
            value = value.value
        if type(value) is ast.Name:
            owner = resolve_scope(scope, value.id)
            if owner is None:
                return True
            bound = owner.bindings[value.id]
            return len(bound) == 1 and bound[0][1] is None
        return type(value) in _OPAQUE

    def union(self, parts: Iterable[Types]) -> Types:
        return tuple(dict.fromkeys(one for part in parts for one in part))

    def guess_name(self, name: str, scope: Scope, depth: int) -> Types:
        owner = resolve_scope(scope, name)
        if owner is None:
            return UNKNOWN
        return self.union(self.guess(value, owner, depth) for _, value in owner.bindings[name])

    def guess_element(self, iterated: ast.expr, scope: Scope, depth: int) -> Types:
        match self.guess(iterated, scope, depth):
            case (Builtin(elements=(_, *_) as elements),):
                return self.union(self.guess(element, scope, depth) for element in elements)
        return UNKNOWN

    def guess_caught(self, caught: ast.expr, scope: Scope, depth: int) -> Types:
        """Return what an `except` clause binds to its name."""
        kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
        types = self.union(self.guess(kind, scope, depth) for kind in kinds)
        return tuple(Instance(one.of) if isinstance(one, ClassObject) else Unknown() for one in types)

    def guess_entered(self, manager: ast.expr, scope: Scope, depth: int) -> Types:
        match self.guess(manager, scope, depth):
            case (Instance(of=found),):
                methods = self.methods(found, "__enter__")
                return self.guess_result(methods[0], depth) if methods else UNKNOWN
        return UNKNOWN

    def guess_attribute(self, node: ast.Attribute, scope: Scope, depth: int) -> Types:
        if _is_super(node.value):
            return self.guess_inherited(node.attr, scope)
        parts: list[Types] = []
        for one in self.guess(node.value, scope, depth):
            if not isinstance(one, Instance | ClassObject):
                return UNKNOWN
            holder = next((near for near in self.order(one.of)[0] if node.attr in near.members), None)
            if holder is None:
                return UNKNOWN
            for _, value, function, _ in holder.members[node.attr]:
                if isinstance(value, Marker) and isinstance(value.payload, Function) and _is_getter(value.payload):
                    parts.append(self.guess_result(value.payload, depth))
                else:
                    home = function.scope if function is not None else one.of.scope
                    parts.append(self.guess(value, home, depth))
        return self.union(parts)

    def guess_inherited(self, name: str, scope: Scope) -> Types:
        """Return what `super().name` is: the method of the nearest ancestor here that has one."""
        for one in self.ancestors_of_method(scope):
            for function in _own_methods(one, name):
                return (FunctionObject(function),) if function.decorators <= _TRANSPARENT else UNKNOWN
        return UNKNOWN

    def guess_call(self, call: ast.Call, scope: Scope, depth: int) -> Types:
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name in _BUILTIN_TYPES and resolve_scope(scope, name) is None:
            return (Builtin(_BUILTIN_TYPES[name]),)
        parts: list[Types] = []
        for one in self.guess(call.func, scope, depth):
            match one:
                case ClassObject(of=found) if not _makes_other_things(found):
                    parts.append((Instance(found),))
                case FunctionObject(of=function):
                    parts.append(self.guess_result(function, depth))
                case _:
                    return UNKNOWN
        return self.union(parts)

    def guess_result(self, function: Function, depth: int) -> Types:
        """Return what a call of a plain function may give."""
        if function.yields or isinstance(function.node, ast.AsyncFunctionDef | ast.Lambda) or not function.returns:
            return UNKNOWN
        return self.union(self.guess(value, function.scope, depth) for _, value in function.returns)

    # Classes

    def order(self, found: Class) -> tuple[list[Class], bool]:
        """Return a class and its ancestors in this file, nearest first, and whether there are others."""
        key = id(found)
        if key not in self.orders:
            self.orders[key] = ([found], True)  # a class among its own ancestors
            classes, foreign = [found], False
            for base in found.node.bases:
                types = self.infer(base, found.outer)
                known = types[0] if types is not None and len(types) == 1 else None
                if isinstance(known, ClassObject):
                    inherited, more = self.order(known.of)
                    classes += [one for one in inherited if one not in classes]
                    foreign = foreign or more
                else:
                    foreign = foreign or not (isinstance(base, ast.Name) and base.id == "object")
            self.orders[key] = (classes, foreign or bool(found.node.keywords))
        return self.orders[key]

    def members(self, found: Class, name: str) -> list[tuple[int, object, Function | None, int]]:
        return [member for one in self.order(found)[0] for member in one.members.get(name, ())]

    def methods(self, found: Class, name: str) -> list[Function]:
        """Return the functions that `name` may be in a class, nearest first."""
        return [
            value.payload
            for _, value, _, _ in self.members(found, name)
            if isinstance(value, Marker) and isinstance(value.payload, Function)
        ]

    # Needs

    def attribute(self, unit: int, node: ast.Attribute, scope: Scope) -> None:
        """The use of a member needs one of the places that make it."""
        base = node.value
        if _is_super(base):
            if node.attr != "__init__":  # `object` has one too
                ancestors = self.ancestors_of_method(scope)
                self.builder.need_any(unit, [made for one in ancestors for made, *_ in one.members.get(node.attr, ())])
            return
        if self.is_opaque(base, scope):
            return
        makers: list[int] = []
        for one in self.guess(base, scope, _DEPTH):
            match one:
                case Instance(of=found) | ClassObject(of=found):
                    named = self.members(found, node.attr)
                    makers += () if named else self.set_from_outside(one, node.attr)
                    named = self.not_after(named, node, scope)
                    makers += [member for member, *_ in named]
                    for hook in ("__getattr__", "__getattribute__"):
                        makers += [member for member, *_ in self.members(found, hook)]
                case FunctionObject():
                    makers += self.set_from_outside(one, node.attr)
                case Builtin(type=kind) if kind is not type(None) and hasattr(kind, node.attr):
                    return
        self.builder.need_any(unit, makers)
        self.alternatives(unit, "attribute", base, scope, node.attr)

    def set_from_outside(self, known: Known, name: str) -> list[int]:
        """Return the units with `<known>.name = ...`, where it is not the class itself that assigns."""
        return [
            unit
            for unit, target, scope in self.facts.stores
            if target.attr == name and known in self.guess(target.value, scope, _DEPTH)
        ]

    def not_after(
        self, named: list[tuple[int, object, Function | None, int]], node: ast.Attribute, scope: Scope
    ) -> list[tuple[int, object, Function | None, int]]:
        """Drop the assignments that follow a use in the same method, if others remain."""
        function = scope.function
        before = [one for one in named if one[2] is None or one[2] is not function or one[3] <= node.lineno]
        return before or named

    def ancestors_of_method(self, scope: Scope) -> list[Class]:
        """Return the ancestors here of the class that has the method around `scope`, nearest first."""
        holder: Scope | None = scope
        while holder is not None:
            if holder.function is not None and holder.function.owner is not None:
                return self.order(holder.function.owner)[0][1:]
            holder = holder.parent
        return []

    def store(self, unit: int, node: ast.Attribute, scope: Scope) -> None:
        """Assigning to a property needs its setter."""
        types = self.infer(node.value, scope)
        for known in types or ():
            if isinstance(known, Instance):
                functions = self.methods(known.of, node.attr)
                setters = [function.unit for function in functions if "setter" in function.decorators]
                if setters:
                    self.builder.need_any(unit, setters)

    def initializers(self, found: Class) -> None:
        """`__init__` of a subclass needs its call of the ancestor's, while that is there."""
        for function in _own_methods(found, "__init__"):
            calls = self.initializer_calls.get(id(function), [])
            for base in found.node.bases if calls else ():
                makers = [unit for unit, receiver in calls if isinstance(receiver, ast.Call) or _same(receiver, base)]
                match self.infer(base, found.outer):
                    case (ClassObject(of=ancestor),):
                        if self.foreign_bases(ancestor) <= _BUILTIN_CLASSES:
                            for inherited in self.methods(ancestor, "__init__")[:1]:
                                self.builder.need_any(function.unit, makers, guard=inherited.unit)
                        else:
                            self.builder.need_any(function.unit, makers)
                    case _ if _base_name(base) not in _BUILTIN_CLASSES | _BASES_WITHOUT_INIT:
                        self.builder.need_any(function.unit, makers)

    def foreign_bases(self, found: Class) -> set[str]:
        """Return the names of the bases of a class and its ancestors that are not defined here."""
        return {
            _base_name(base)
            for one in self.order(found)[0]
            for base in one.node.bases
            if not isinstance((self.infer(base, one.outer) or (None,))[0], ClassObject)
        }

    def results(self, function: Function) -> None:
        """A special method that has to give something needs to return."""
        name = getattr(function.node, "name", "")
        if function.owner is not None and name in _RESULT_REQUIRED:
            self.builder.need_any(function.unit, _sources(function))
            if name == "__iter__":
                for unit, value in function.returns:
                    if receiver_of(value, function.scope) is function.owner:
                        self.builder.need_any(unit, [f.unit for f in self.methods(function.owner, "__next__")])

    def operation(self, unit: int, name: str, value: ast.expr, scope: Scope) -> None:
        """What is subscripted, iterated, entered, called or assigned has to support it."""
        if self.is_opaque(value, scope):
            return
        match self.infer(value, scope):
            case (Instance(of=found),):
                self.supported(unit, name, found)
            case (ClassObject(of=found),) if name == "getitem":
                self.builder.need_any(unit, [member for member, *_ in self.members(found, "__class_getitem__")])
        if isinstance(value, ast.Call):
            self.used_result(unit, name, value, scope)
        else:
            self.alternatives(unit, name, value, scope, "")

    def supported(self, unit: int, name: str, found: Class) -> None:
        if name == "with":
            for method in ("__enter__", "__exit__"):
                self.builder.need_any(unit, [member for member, *_ in self.members(found, method)])
            return
        for provider in _PROVIDERS[name]:
            makers = [member for member, *_ in self.members(found, provider)]
            if makers:
                self.builder.need_any(unit, makers)
                return

    def used_result(self, unit: int, name: str, call: ast.Call, scope: Scope) -> None:
        """A used result needs a `return`, or a `yield`."""
        for known in self.infer(call.func, scope) or ():
            if not isinstance(known, FunctionObject) or isinstance(known.of.node, ast.Lambda):
                continue
            function = known.of
            if name == "assign" and isinstance(function.node, ast.AsyncFunctionDef):
                continue
            able = [source for source, value in function.returns if self.able(name, value, function.scope, "")]
            self.builder.need_any(unit, function.yields or able)

    def alternatives(self, unit: int, name: str, value: ast.expr, scope: Scope, attr: str) -> None:
        """Of the values that a name or member may have, one that supports the operation has to stay."""
        bound: list[tuple[int, object, Scope]] = []
        match value:
            case ast.Name(id=variable):
                owner = resolve_scope(scope, variable)
                if owner is not None:
                    bound = [(node, assigned, owner) for node, assigned in owner.bindings[variable]]
            case ast.Attribute(value=base, attr=member):
                found = receiver_of(base, scope)
                if found is not None:
                    bound = [
                        (node, assigned, function.scope if function is not None else found.scope)
                        for node, assigned, function, _ in self.members(found, member)
                    ]
        if len(bound) > 1:
            able = [node for node, assigned, home in bound if self.able(name, assigned, home, attr)]
            if able and len(able) < len(bound):
                self.builder.need_any(unit, able)

    def able(self, name: str, assigned: object, scope: Scope, attr: str) -> bool:
        """Tell whether a value may support an operation."""
        types = self.infer(assigned, scope)
        if types is None:
            return True
        return any(not isinstance(known, Builtin) or _builtin_supports(known.type, name, attr) for known in types)

    def call(self, unit: int, call: ast.Call, scope: Scope) -> None:
        """A call and the signature of what it calls have to agree."""
        if isinstance(call.func, ast.Name):
            if call.func.id == "reversed" and len(call.args) == 1:
                self.operation(unit, "reverse", call.args[0], scope)
            self.operation(unit, "call", call.func, scope)
            self.redefinitions(unit, call, call.func.id, scope)
        if self.is_opaque(call.func, scope):
            return
        types = self.infer(call.func, scope)
        if types is None or len(types) != 1:
            return
        match types[0]:
            case ClassObject(of=found):
                self.construct(unit, call, found)
            case FunctionObject(of=function):
                bound = function.owner is not None and "staticmethod" not in function.decorators
                if bound and isinstance(call.func, ast.Attribute):
                    receiver = self.infer(call.func.value, scope)
                    if receiver is not None and isinstance(receiver[0], ClassObject):
                        bound = "classmethod" in function.decorators
                self.arguments(unit, call, function, bound=bound)

    def redefinitions(self, unit: int, call: ast.Call, name: str, scope: Scope) -> None:
        """Among several definitions of one name, the call needs one that takes its arguments."""
        owner = resolve_scope(scope, name)
        bound = owner.bindings[name] if owner is not None else []
        if len(bound) > 1:
            self.builder.need_any(
                unit,
                [
                    node
                    for node, value in bound
                    if not isinstance(value, Marker)
                    or not isinstance(value.payload, Function)
                    or _accepts(value.payload, call, bound=False)
                ],
            )

    def construct(self, unit: int, call: ast.Call, found: Class) -> None:
        if not (call.args or call.keywords):
            self.abstract(unit, found)
            return
        fields = self.fields(found)
        if fields is not None:
            self.field_arguments(unit, call, fields)
            return
        functions = self.methods(found, "__init__") or self.methods(found, "__new__")
        able = [function for function in functions if _accepts(function, call, bound=True)]
        self.builder.need_any(unit, [function.unit for function in able])
        if functions and able and functions[0] is able[0]:
            self.arguments(unit, call, functions[0], bound=True)
        self.abstract(unit, found)

    def abstract(self, unit: int, found: Class) -> None:
        """To make an instance, what an ancestor leaves abstract has to be there, while it is left abstract."""
        classes, _ = self.order(found)
        for number, ancestor in enumerate(classes):
            for name, members in ancestor.members.items():
                for member, value, _, _ in members:
                    if (
                        isinstance(value, Marker)
                        and isinstance(value.payload, Function)
                        and value.kind == "function"
                        and any(decorator.startswith("abstract") for decorator in value.payload.decorators)
                    ):
                        makers = [one for near in classes[:number] for one, *_ in near.members.get(name, ())]
                        self.builder.need_any(unit, makers, guard=member)

    def fields(self, found: Class) -> list[tuple[str, int, bool]] | None:
        """Return (name, unit, has a default) of the fields that a data class takes, or None if it is none."""
        classes, _ = self.order(found)
        if not any(
            "dataclass" in one.decorators or any(_base_name(base) == "NamedTuple" for base in one.node.bases)
            for one in classes
        ):
            return None
        if any("__init__" in one.members for one in classes):
            return None
        fields: dict[str, tuple[str, int, bool]] = {}
        for one in reversed(classes):
            for stmt in one.node.body:
                if isinstance(stmt, ast.AnnAssign) and isinstance(stmt.target, ast.Name):
                    if "ClassVar" in ast.dump(stmt.annotation):
                        continue
                    name = stmt.target.id
                    unit = next(member for member, *_ in one.members[name])
                    fields[name] = (name, unit, stmt.value is not None)
        return list(fields.values())

    def field_arguments(self, unit: int, call: ast.Call, fields: list[tuple[str, int, bool]]) -> None:
        if any(isinstance(argument, ast.Starred) for argument in call.args):
            return
        for argument, (_, field, _) in zip(call.args, fields, strict=False):
            self.pass_argument(unit, self.unit_of(argument, unit), field, required=False)
        units = {name: field for name, field, _ in fields}
        for keyword in call.keywords:
            if keyword.arg in units:
                self.pass_argument(unit, self.unit_of(keyword, unit), units[keyword.arg], required=False)

    def arguments(self, unit: int, call: ast.Call, function: Function, *, bound: bool) -> None:
        """Each argument needs its parameter; a parameter without a default needs its argument."""
        if any(isinstance(argument, ast.Starred) for argument in call.args):
            return
        if any(keyword.arg is None for keyword in call.keywords):
            return
        args = function.node.args
        positional = [*args.posonlyargs, *args.args][1 if bound else 0 :]
        optional = _optional(args)
        parameters = {arg.arg: arg for arg in (*positional, *args.kwonlyargs)}
        passed = [(arg, argument) for arg, argument in zip(positional, call.args, strict=False)]
        passed += [(parameters[keyword.arg], keyword) for keyword in call.keywords if keyword.arg in parameters]  # type: ignore[misc]
        for arg, argument in passed:
            parameter = next(node for node, _ in function.scope.bindings[arg.arg][:1])
            self.pass_argument(unit, self.unit_of(argument, unit), parameter, required=arg.arg not in optional)

    def pass_argument(self, call: int, argument: int, parameter: int, *, required: bool) -> None:
        self.builder.need(argument, parameter)
        if required and argument != call:
            self.builder.need_any(call, [argument], guard=parameter)

    def unit_of(self, node: ast.AST, default: int) -> int:
        return self.units[node.lineno - 1] if hasattr(node, "lineno") else default


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def _same(one: ast.expr, other: ast.expr) -> bool:
    return ast.dump(one) == ast.dump(other)


def _is_getter(function: Function) -> bool:
    return bool(function.decorators & _GETTERS)


def _own_methods(found: Class, name: str) -> Iterator[Function]:
    for _, value, _, _ in found.members.get(name, ()):
        if isinstance(value, Marker) and isinstance(value.payload, Function):
            yield value.payload


def _sources(function: Function) -> list[int]:
    """Return the units that make a function give something."""
    return function.yields or [unit for unit, _ in function.returns]


def _makes_other_things(found: Class) -> bool:
    """Tell whether calling a class may give something else than an instance of it."""
    return bool(found.node.keywords) or "__new__" in found.members


def _base_name(base: ast.expr) -> str:
    return base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")


def _builtin_supports(kind: type, name: str, attr: str) -> bool:
    match name:
        case "attribute":
            return kind is type(None) or hasattr(kind, attr)
        case "iterate":
            return hasattr(kind, "__iter__")
        case "with":
            return False
        case "assign":
            return True
    return hasattr(kind, _PROVIDERS[name][0])


def _accepts(function: Function, call: ast.Call, *, bound: bool) -> bool:
    """Tell whether a function takes the arguments of a call, as far as can be seen."""
    args = function.node.args
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        return True
    if any(keyword.arg is None for keyword in call.keywords):
        return True
    names = [arg.arg for arg in (*args.posonlyargs, *args.args)][1 if bound else 0 :]
    if len(call.args) > len(names) and args.vararg is None:
        return False
    given = set(names[: len(call.args)])
    keywords = {keyword.arg for keyword in call.keywords if keyword.arg is not None}
    everything = {*names, *(arg.arg for arg in args.kwonlyargs)}
    if args.kwarg is None and not keywords <= everything:
        return False
    return everything <= given | keywords | _optional(args)


def _optional(args: ast.arguments) -> set[str]:
    """Return the names of the parameters that have a default."""
    positional = [*args.posonlyargs, *args.args]
    names = {arg.arg for arg in positional[len(positional) - len(args.defaults) :]}
    pairs = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    return names | {arg.arg for arg, value in pairs if value is not None}


_BUILTIN_CLASSES = frozenset(name for name, value in vars(builtins).items() if isinstance(value, type))
_BASES_WITHOUT_INIT = frozenset({"ABC", "Enum", "Protocol", "Generic", "NamedTuple"})
