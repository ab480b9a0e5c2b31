"""Needs of calls: a call and the signature of what it calls have to agree."""

import ast
from collections import ChainMap, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby, repeat, takewhile
from typing import NamedTuple

from lintseq.languages.python.scopes import Class, Function, Instance, Scope
from lintseq.languages.python.syntax import last_name
from lintseq.languages.python.values import ANCESTORS, Inference
from lintseq.needs.graph import NeedsBuilder
from lintseq.needs.signatures import Call, Signature

_ABSTRACT = {
    "Sequence": "__getitem__ __len__",
    "MutableSequence": "__getitem__ __len__ __setitem__ __delitem__ insert",
    "Mapping": "__getitem__ __len__ __iter__",
    "MutableMapping": "__getitem__ __len__ __iter__ __setitem__ __delitem__",
    "Set": "__contains__ __len__ __iter__",
    "MutableSet": "__contains__ __len__ __iter__ add discard",
    "Collection": "__contains__ __len__ __iter__",
    "Iterable": "__iter__",
    "Iterator": "__next__",
    "Container": "__contains__",
    "Sized": "__len__",
}
"""What the classes in `collections.abc` leave abstract."""
_DEFAULTS = frozenset({"default", "default_factory"})

Shape = tuple[int, frozenset[str]] | None
"""The number of positional arguments of a call, and its keywords; None if `*` or `**` may add others."""


class Field(NamedTuple):
    """A field that the constructor of a data class takes."""

    unit: int
    required: bool


class CallNeeds:
    def __init__(self, inference: Inference, builder: NeedsBuilder, unit_of: Mapping[int, int]) -> None:
        self.inference = inference
        self.builder = builder
        self.unit_of = unit_of
        self._signatures: dict[tuple[Function, bool], Signature] = {}
        self.calls: list[Call] = []
        """The calls of which it is known what they call."""
        self.signatures: dict[int, Signature] = {}
        """By unit, the signatures of the functions that these call."""
        self.implied: list[tuple[int, int, str]] = []
        """The needs of calls that matter only between versions: unit, other, purpose."""
        self._constructors: dict[Class, list[list[Function]]] = {}
        """By class, the constructors of each class that has any, nearest first."""
        self._fields: dict[Class, Mapping[str, Field] | None] = {}
        self._own_fields: dict[Class, dict[str, Field]] = {}
        self._abstract: dict[Class, dict[str, list[int]]] = {}

    def add(self, unit: int, call: ast.Call, scope: Scope) -> None:
        """Add the needs of a call and of its arguments."""
        if isinstance(call.func, ast.Name):
            self.redefinitions(unit, call, call.func.id, scope)
        if self.inference.is_opaque(call.func, scope):
            return
        match self.inference.infer(call.func, scope):
            case (Class() as owner,):
                self.construct(unit, call, owner)
            case (Function() as function,):
                bound = function.owner is not None and "staticmethod" not in function.decorators
                receiver: Class | None = None
                if function.owner is not None and isinstance(call.func, ast.Attribute):
                    match self.inference.infer(call.func.value, scope):
                        case (Class() as receiver, *_):
                            bound = "classmethod" in function.decorators
                        case (Instance(of=receiver),):
                            pass
                self.record(unit, function, _shape(call), receiver, bound=bound)
                self.arguments(unit, call, function, bound=bound)

    def redefinitions(self, unit: int, call: ast.Call, name: str, scope: Scope) -> None:
        """Among several definitions of a name, the call needs one that takes its arguments."""
        owner = scope.resolve(name)
        bound = owner.bindings[name] if owner is not None else []
        if len(bound) > 1:
            shape = _shape(call)
            able = (
                node
                for node, value in bound
                if not isinstance(value, Function) or (node == value.unit and self.accepts(value, shape, bound=False))
            )
            self.builder.need_shared(unit, ("call", owner, name, shape), able, name)

    # Classes

    def construct(self, unit: int, call: ast.Call, owner: Class) -> None:
        self.abstract(unit, owner)
        if owner not in self._fields:
            methods = self.inference.methods
            self._fields[owner] = self.fields(owner)
            found = methods(owner, "__init__") or methods(owner, "__new__")
            self._constructors[owner] = [list(group) for _, group in groupby(found, lambda method: method.owner)]
        fields = self._fields[owner]
        if fields is not None:
            self.field_arguments(unit, call, fields)
            if (shape := _shape(call)) is not None:
                if owner.unit not in self.signatures:
                    self.signatures[owner.unit] = _signature_of_fields(fields)
                self.calls.append(Call(unit, owner.unit, *shape))
            return
        shape, groups = _shape(call), self._constructors[owner]
        self.builder.need_guarded(unit, ("construct", owner, shape), self.constructors(groups, shape))
        nearer: list[int] = []
        for function, *_ in groups[:1]:
            self.record(unit, function, shape, owner, bound=True)
        if not groups or groups[0][0].owner is not owner:
            self.implied += [(unit, near.unit, "") for near in self.inference.order(owner)]
        for function, *_ in groups:
            if self.accepts(function, shape, bound=True):
                guard = function.unit if len(groups) > 1 else None
                self.arguments(unit, call, function, bound=True, nearer=nearer, guard=guard)
            nearer.append(function.unit)

    def constructors(self, groups: list[list[Function]], shape: Shape) -> Iterator[tuple[list[int], int | None]]:
        """Yield the constructors that take the arguments of a call, and what makes the call need one."""
        able: list[int] = []
        for functions in groups:
            if found := [function.unit for function in functions if self.accepts(function, shape, bound=True)]:
                able += found
            else:
                yield able.copy(), functions[0].unit
        if shape != (0, frozenset()):  # without arguments there need not be a constructor
            yield able, None

    def abstract(self, unit: int, owner: Class) -> None:
        """An instance needs its abstract members implemented, while an ancestor leaves them abstract."""
        self.builder.need_guarded(unit, ("implemented", owner), self.implementations(owner))

    def implementations(self, owner: Class) -> Iterator[tuple[list[int], int | None]]:
        """Yield the units that implement an abstract member in a class, and the unit that makes it abstract."""
        classes = self.inference.order(owner)
        for number, ancestor in enumerate(classes):
            if ancestor not in self._abstract:
                self._abstract[ancestor] = _abstract_members(ancestor)
            abstract = self._abstract[ancestor]
            nearer = classes[:number] if abstract else ()
            for name in sorted({name for cls in nearer for name in cls.members.keys() & abstract.keys()}):
                makers = [member.unit for cls in nearer for member in cls.members.get(name, ())]
                yield from ((makers, unit) for unit in abstract[name])
        for base in (base for cls in classes for base in cls.bases):
            for name in _ABSTRACT.get(last_name(base), "").split():
                yield [member.unit for member in self.inference.members(owner, name)], None

    def fields(self, owner: Class) -> Mapping[str, Field] | None:
        """Return the fields that a data class takes, by name; None if it is no data class."""
        classes = self.inference.order(owner)
        if any("__init__" in cls.members for cls in classes) or not any(map(_is_data_class, classes)):
            return None
        if len(classes) > ANCESTORS:
            return None  # other fields may come first
        for cls in classes:
            if cls not in self._own_fields:
                self._own_fields[cls] = _own_fields(cls)
        own = [self._own_fields[cls] for cls in classes]
        return ChainMap(*own) if len(own) > 1 else own[0]

    def field_arguments(self, unit: int, call: ast.Call, fields: Mapping[str, Field]) -> None:
        if any(isinstance(argument, ast.Starred) for argument in call.args):
            return
        for argument, (name, field) in zip(call.args, fields.items(), strict=False):
            self.pass_argument(unit, argument, field.unit, name, required=field.required)
        for keyword in call.keywords:
            if keyword.arg is not None and (found := fields.get(keyword.arg)) is not None:
                self.pass_argument(unit, keyword, found.unit, keyword.arg, required=found.required)

    # Functions

    def signature(self, function: Function, *, bound: bool) -> Signature:
        key = function, bound
        if key not in self._signatures:
            self._signatures[key] = signature_of(function.node.args, bound=bound)
        return self._signatures[key]

    def record(self, unit: int, function: Function, shape: Shape, owner: Class | None, *, bound: bool) -> None:
        if shape is not None:
            self.signatures[function.unit] = self.signature(function, bound=False)
            looked_up = None if owner is None else owner.unit
            self.calls.append(Call(unit, function.unit, shape[0] + bound, shape[1], looked_up))

    def accepts(self, function: Function, shape: Shape, *, bound: bool) -> bool:
        """Tell whether a function takes the arguments of a call, as far as can be seen."""
        return shape is None or self.signature(function, bound=bound).accepts(*shape)

    def arguments(
        self,
        unit: int,
        call: ast.Call,
        function: Function,
        *,
        bound: bool,
        nearer: Sequence[int] = (),
        guard: int | None = None,
    ) -> None:
        """Each argument needs its parameter; a parameter without a default needs its argument, unless `*` gives it.

        This applies once no constructor in `nearer` remains, and only while `guard` does.
        """
        signature, is_whole = self.signature(function, bound=bound), _shape(call) is not None
        plain = takewhile(lambda argument: not isinstance(argument, ast.Starred), call.args)
        args = function.node.args
        rest, others = (part.arg if part is not None else None for part in (args.vararg, args.kwarg))
        passed: list[tuple[ast.expr | ast.keyword, str | None]] = [
            *zip(plain, chain(signature.positional, repeat(rest)), strict=False),
            *((word, word.arg if word.arg in signature.names else others) for word in call.keywords if word.arg),
        ]
        for argument, name in passed:
            if name is not None:
                parameter = function.scope.bindings[name][0].node
                required = is_whole and name in signature.required
                self.pass_argument(unit, argument, parameter, name, required=required, nearer=nearer, guard=guard)

    def pass_argument(
        self,
        unit: int,
        argument: ast.expr | ast.keyword,
        parameter: int,
        name: str,
        *,
        required: bool,
        nearer: Sequence[int] = (),
        guard: int | None = None,
    ) -> None:
        own = self.unit_of[argument.lineno - 1]
        if parameter != guard:
            self.builder.need_any(own, [*nearer, parameter], name, guard=guard)
        if required and own != unit:
            self.builder.need_any(unit, [*nearer, own], guard=parameter)


def signature_of(args: ast.arguments, *, bound: bool) -> Signature:
    """Return the signature of a function, or if `bound` that of a method without its first parameter."""
    positional = [arg.arg for arg in (*args.posonlyargs, *args.args)][bound:]
    pairs = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    return Signature(
        tuple(positional),
        max(len(positional) - len(args.defaults), 0),
        frozenset([arg.arg for arg, value in pairs if value is None]),
        frozenset([*positional, *(arg.arg for arg in args.kwonlyargs)]),
        args.vararg is not None,
        args.kwarg is not None,
    )


def _signature_of_fields(fields: Mapping[str, Field]) -> Signature:
    """Return the signature of a data class; a required field that follows others is taken for one given by keyword."""
    names = tuple(fields)
    leading = sum(1 for _ in takewhile(lambda found: found.required, fields.values()))
    others = frozenset(name for name in names[leading:] if fields[name].required)
    return Signature(names, leading, others, frozenset(names))


def _abstract_members(owner: Class) -> dict[str, list[int]]:
    """Return the units of the abstract methods that a class itself has, by name."""
    found = defaultdict[str, list[int]](list)
    for name, members in owner.members.items():
        for member in members:
            if isinstance(member.value, Function) and any(d.startswith("abstract") for d in member.value.decorators):
                found[name].append(member.unit)
    return found


def _is_data_class(cls: Class) -> bool:
    return "dataclass" in cls.decorators or any(last_name(base) == "NamedTuple" for base in cls.bases)


def _own_fields(cls: Class) -> dict[str, Field]:
    """Return the fields that a class itself adds to a constructor, by name."""
    fields: dict[str, Field] = {}
    for stmt in cls.node.body if _is_data_class(cls) else ():
        match stmt:
            case ast.AnnAssign(target=ast.Name(id=name)) if "ClassVar" not in ast.dump(stmt.annotation):
                options = _field_options(stmt.value)
                if "init" not in options:
                    required = stmt.value is None or (options >= {""} and not options & _DEFAULTS)
                    fields[name] = Field(cls.members[name][0].unit, required)
    return fields


def _field_options(value: ast.expr | None) -> set[str]:
    """Return "" and the names of the arguments of `field(...)`; nothing for another default."""
    if isinstance(value, ast.Call) and last_name(value.func) == "field":
        return {"", *(keyword.arg or "" for keyword in value.keywords)}
    return set()


def _shape(call: ast.Call) -> Shape:
    keywords = frozenset([keyword.arg for keyword in call.keywords if keyword.arg is not None])
    if len(keywords) < len(call.keywords) or ast.Starred in map(type, call.args):
        return None
    return len(call.args), keywords
