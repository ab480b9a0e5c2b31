"""Needs of calls: a call and the signature of what it calls have to agree."""

import ast
from collections.abc import Sequence
from typing import NamedTuple

from lintseq.languages.python.scopes import Class, Function, Scope
from lintseq.languages.python.syntax import last_name
from lintseq.languages.python.values import Inference
from lintseq.needs.graph import NeedsBuilder

_DEFAULTS = frozenset({"default", "default_factory"})


class Field(NamedTuple):
    """A field that the constructor of a data class takes."""

    unit: int
    required: bool


class CallNeeds:
    def __init__(self, inference: Inference, builder: NeedsBuilder, unit_of: Sequence[int]) -> None:
        self.inference = inference
        self.builder = builder
        self.unit_of = unit_of

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
                if bound and isinstance(call.func, ast.Attribute):
                    receiver = self.inference.infer(call.func.value, scope)
                    if receiver is not None and isinstance(receiver[0], Class):
                        bound = "classmethod" in function.decorators
                self.arguments(unit, call, function, bound=bound)

    def redefinitions(self, unit: int, call: ast.Call, name: str, scope: Scope) -> None:
        """Among several definitions of a name, the call needs one that takes its arguments."""
        owner = scope.resolve(name)
        bound = owner.bindings[name] if owner is not None else []
        if len(bound) > 1:
            able = [
                node for node, value in bound if not isinstance(value, Function) or _accepts(value, call, bound=False)
            ]
            self.builder.need_any(unit, able)

    # Classes

    def construct(self, unit: int, call: ast.Call, owner: Class) -> None:
        if not (call.args or call.keywords):
            self.abstract(unit, owner)
            return
        fields = self.fields(owner)
        if fields is not None:
            self.field_arguments(unit, call, fields)
            return
        functions = self.inference.methods(owner, "__init__") or self.inference.methods(owner, "__new__")
        able = [function for function in functions if _accepts(function, call, bound=True)]
        self.builder.need_any(unit, [function.unit for function in able])
        if functions and able and functions[0] is able[0]:
            self.arguments(unit, call, functions[0], bound=True)
        self.abstract(unit, owner)

    def abstract(self, unit: int, owner: Class) -> None:
        """An instance needs its abstract members implemented, while an ancestor leaves them abstract."""
        classes = self.inference.order(owner)
        for number, ancestor in enumerate(classes):
            for name, members in ancestor.members.items():
                for member in members:
                    if isinstance(member.value, Function) and _is_abstract(member.value):
                        makers = [near.unit for cls in classes[:number] for near in cls.members.get(name, ())]
                        self.builder.need_any(unit, makers, guard=member.unit)

    def fields(self, owner: Class) -> "dict[str, Field] | None":
        """Return the fields that a data class takes, by name; None if it is no data class."""
        classes = self.inference.order(owner)
        if any("__init__" in cls.members for cls in classes) or not any(map(_is_data_class, classes)):
            return None
        fields: dict[str, Field] = {}
        for cls in filter(_is_data_class, reversed(classes)):
            for stmt in cls.node.body:
                match stmt:
                    case ast.AnnAssign(target=ast.Name(id=name)) if "ClassVar" not in ast.dump(stmt.annotation):
                        options = _field_options(stmt.value)
                        if "init" not in options:
                            required = stmt.value is None or (options >= {""} and not options & _DEFAULTS)
                            fields[name] = Field(cls.members[name][0].unit, required)
        return fields

    def field_arguments(self, unit: int, call: ast.Call, fields: "dict[str, Field]") -> None:
        if any(isinstance(argument, ast.Starred) for argument in call.args):
            return
        for argument, field in zip(call.args, fields.values(), strict=False):
            self.pass_argument(unit, argument, field.unit, required=field.required)
        for keyword in call.keywords:
            if keyword.arg in fields:
                self.pass_argument(unit, keyword, fields[keyword.arg].unit, required=fields[keyword.arg].required)

    # Functions

    def arguments(self, unit: int, call: ast.Call, function: Function, *, bound: bool) -> None:
        """Each argument needs its parameter; a parameter without a default needs its argument."""
        if _is_open(call):
            return
        args = function.node.args
        positional = [*args.posonlyargs, *args.args][1 if bound else 0 :]
        optional = _optional(args)
        names = {arg.arg for arg in (*positional, *args.kwonlyargs)}
        passed: list[tuple[str | None, ast.expr | ast.keyword]] = [
            *((arg.arg, argument) for arg, argument in zip(positional, call.args, strict=False)),
            *((keyword.arg, keyword) for keyword in call.keywords),
        ]
        for name, argument in passed:
            if name in names:
                parameter = function.scope.bindings[name][0].node
                self.pass_argument(unit, argument, parameter, required=name not in optional)

    def pass_argument(self, unit: int, argument: ast.expr | ast.keyword, parameter: int, *, required: bool) -> None:
        own = self.unit_of[argument.lineno - 1]
        self.builder.need(own, parameter)
        if required and own != unit:
            self.builder.need_any(unit, [own], guard=parameter)


def _is_abstract(function: Function) -> bool:
    return any(decorator.startswith("abstract") for decorator in function.decorators)


def _is_data_class(cls: Class) -> bool:
    return "dataclass" in cls.decorators or any(last_name(base) == "NamedTuple" for base in cls.node.bases)


def _field_options(value: ast.expr | None) -> set[str]:
    """Return "" and the names of the arguments of `field(...)`; nothing for another default."""
    if isinstance(value, ast.Call) and last_name(value.func) == "field":
        return {"", *(keyword.arg or "" for keyword in value.keywords)}
    return set()


def _is_open(call: ast.Call) -> bool:
    """Return whether a call has `*` or `**` arguments, so that the parameters they bind are unknown."""
    return any(isinstance(argument, ast.Starred) for argument in call.args) or any(
        keyword.arg is None for keyword in call.keywords
    )


def _accepts(function: Function, call: ast.Call, *, bound: bool) -> bool:
    """Tell whether a function takes the arguments of a call, as far as can be seen."""
    if _is_open(call):
        return True
    args = function.node.args
    names = [arg.arg for arg in (*args.posonlyargs, *args.args)][1 if bound else 0 :]
    if len(call.args) > len(names) and args.vararg is None:
        return False
    keywords = {keyword.arg for keyword in call.keywords if keyword.arg is not None}
    parameters = {*names, *(arg.arg for arg in args.kwonlyargs)}
    if args.kwarg is None and not keywords <= parameters:
        return False
    return parameters <= {*names[: len(call.args)]} | keywords | _optional(args)


def _optional(args: ast.arguments) -> set[str]:
    """Return the names of the parameters that have a default."""
    positional = [*args.posonlyargs, *args.args]
    names = {arg.arg for arg in positional[len(positional) - len(args.defaults) :]}
    pairs = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    return names | {arg.arg for arg, value in pairs if value is not None}
