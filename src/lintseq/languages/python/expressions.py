"""Expressions, assignment targets and annotations: the names that they use and bind.

Also records their attributes, calls and operations, whose needs take some knowledge of values, as `Facts`.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from lintseq.languages.python.builtin_calls import BUILTIN_FUNCTIONS
from lintseq.languages.python.layout import Layout, Suite
from lintseq.languages.python.names import Names
from lintseq.languages.python.scopes import (
    Binding,
    Function,
    Instance,
    Member,
    Operation,
    OperationKind,
    Scope,
    Unpacked,
    Value,
)
from lintseq.languages.python.syntax import TYPING_NAMES, last_name
from lintseq.needs.graph import NeedsBuilder

_CONVERSION = re.compile(r"%[-#0 +]*\d*(?:\.\d+)?[hlL]?([a-zA-Z])")
_NUMBERS = frozenset("diouxXeEfFgG")
_TAKE_TYPES = {
    "assert_type": {"typ"},
    "cast": {"typ"},
    "NamedTuple": (),
    "NewType": {"tp"},
    "ParamSpec": {"bound", "default"},
    "TypedDict": (),
    "TypeVar": {"bound", "default"},
    "TypeVarTuple": {"bound", "default"},
}
"""Functions of which some arguments are types, and the names of these arguments; all names if there are none here."""
_UNARY: dict[type[ast.unaryop], OperationKind] = {ast.USub: "negate", ast.UAdd: "plus", ast.Invert: "invert"}
_REST = {(True, False): ast.parse("()", mode="eval").body, (False, True): ast.parse("{}", mode="eval").body}
"""What `*args` and `**kwargs` are."""
_CLASS_METHODS = {"__new__", "__init_subclass__", "__class_getitem__"}


class Expressions(Names):
    """Walks expressions in their scope."""

    def __init__(self, layout: Layout, builder: NeedsBuilder) -> None:
        super().__init__(builder)
        self.unit_of = layout.unit_of
        self.bodies: list[tuple[Scope, Suite | ast.expr, int | None]] = []
        """The bodies of functions, to walk when the scopes around them are complete: scope, body, unit."""
        self.postponed: int | None = None
        """The unit of `from __future__ import annotations`."""
        self.string_unit: int | None = None
        """The unit of the f-string around the current expression: not every Python version has positions inside it."""
        self.needs_compile = False
        """Whether the program has a construct that parses everywhere but compiles only in some contexts. Compiling
        every program would take longer than all these checks: about a fifth of a build."""

    def unit(self, node: ast.expr) -> int:
        return self.unit_of[node.lineno - 1] if self.string_unit is None else self.string_unit

    def operation(self, kind: OperationKind, operand: ast.expr) -> None:
        if isinstance(operand, ast.Name | ast.Attribute | ast.Call):
            self.facts.operations.append(Operation(self.unit(operand), kind, operand, self.scope))

    def expression(self, root: ast.expr) -> None:
        """Record every name that an expression uses or binds, and its attributes, calls and operations."""
        unit_of, facts, scope = self.unit_of, self.facts, self.scope
        if type(root) is ast.Starred:
            self.needs_compile = True
        stack: list[Any] = [root]
        while stack:
            node = stack.pop()
            kind = type(node)
            if kind is ast.Name:
                name: str = node.id
                unit = unit_of[node.lineno - 1] if self.string_unit is None else self.string_unit
                presence = scope.layers[-1].get(name)
                if presence is None or self.comprehension_names or scope.outer:
                    self.use(name, unit)
                else:  # the most common case, at less cost
                    self.use_bound(scope, name, unit, presence)
            elif kind is ast.Constant:
                continue
            elif kind is ast.Attribute:
                facts.attributes.append((self.unit(node), node, scope))
                stack.append(node.value)
            elif kind is ast.Call:
                facts.calls.append((self.unit(node), node, scope))
                function = node.func
                if type(function) is ast.Name and function.id in BUILTIN_FUNCTIONS:
                    name = function.id
                    self.builtin_calls.append((scope, name, node, self.unit(function), scope.lookup(name)))
                else:
                    stack.append(function)
                stack += node.args
                keywords = node.keywords
                if keywords:
                    for keyword in keywords:
                        stack.append(keyword.value)
                        if keyword.arg is None:
                            self.operation("mapping", keyword.value)
                    self.needs_compile |= len({keyword.arg for keyword in keywords}) < len(keywords)
                if last_name(function) in _TAKE_TYPES:
                    for type_ in _types_in(node):
                        self.type_strings(type_)
            elif kind is ast.BinOp:
                if type(node.op) is ast.Mod and type(node.left) is ast.Constant:
                    self.format_numbers(node.left.value, node.right)
                stack += (node.left, node.right)
            elif kind is ast.Tuple or kind is ast.List:
                stack += node.elts
            elif kind in _EXPRESSIONS:
                _EXPRESSIONS[kind](self, node, stack)
            else:
                stack += ast.iter_child_nodes(node)

    def format_numbers(self, text: object, operand: ast.expr) -> None:
        """Record what a `%` format takes as numbers."""
        if isinstance(text, str) and isinstance(operand, ast.Name | ast.Tuple):
            conversions = _CONVERSION.findall(text.replace("%%", ""))
            values = operand.elts if isinstance(operand, ast.Tuple) else [operand]
            for conversion, value in zip(conversions, values, strict=False):
                if conversion in _NUMBERS:
                    self.operation("number", value)

    def visit_IfExp(self, node: ast.IfExp, stack: list[ast.AST]) -> None:
        self.facts.conditionals.append(node)
        stack += (node.test, node.body, node.orelse)

    def visit_Subscript(self, node: ast.Subscript, stack: list[ast.AST]) -> None:
        self.operation("getitem", node.value)
        stack += (node.value, node.slice)
        if last_name(node.value) in TYPING_NAMES:
            self.type_strings(node)

    def visit_Compare(self, node: ast.Compare, stack: list[ast.AST]) -> None:
        stack.append(node.left)
        for operator, value in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.In | ast.NotIn):
                self.operation("contains", value)
            stack.append(value)

    def visit_UnaryOp(self, node: ast.UnaryOp, stack: list[ast.AST]) -> None:
        if type(node.op) in _UNARY:
            self.operation(_UNARY[type(node.op)], node.operand)
        stack.append(node.operand)

    def visit_Starred(self, node: ast.Starred, stack: list[ast.AST]) -> None:
        self.operation("iterate", node.value)
        stack.append(node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr, stack: list[ast.AST]) -> None:
        self.needs_compile |= bool(self.comprehension_names) or self.scope.kind == "class"
        self.expression(node.value)
        self.bind(node.target.id, self.unit(node), node.value)

    def visit_Yield(self, node: ast.Yield | ast.YieldFrom, stack: list[ast.AST]) -> None:
        function = self.scope.function
        if function is None:
            self.needs_compile = True
        else:
            function.yields.append(self.unit(node))
            self.needs_compile |= bool(self.comprehension_names) or isinstance(function.node, ast.AsyncFunctionDef)
        if isinstance(node, ast.YieldFrom):
            self.operation("iterate", node.value)
        if node.value is not None:
            stack.append(node.value)

    def visit_Await(self, node: ast.Await, stack: list[ast.AST]) -> None:
        function = self.scope.function
        self.needs_compile |= function is None or not isinstance(function.node, ast.AsyncFunctionDef)
        stack.append(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr, stack: list[ast.AST]) -> None:
        before = self.string_unit
        self.string_unit = self.unit(node)
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                self.expression(value.value)
                if value.format_spec is not None:
                    self.expression(value.format_spec)
        self.string_unit = before

    def visit_ListComp(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, stack: list[ast.AST]
    ) -> None:
        self.expression(node.generators[0].iter)
        self.operation("iterate", node.generators[0].iter)
        names = set[str]()
        for generator in node.generators:
            names.update(child.id for child in ast.walk(generator.target) if isinstance(child, ast.Name))
        self.comprehension_names.append(names)
        for number, generator in enumerate(node.generators):
            self.needs_compile |= bool(generator.is_async)
            if number:
                self.expression(generator.iter)
            for condition in generator.ifs:
                self.expression(condition)
            if not isinstance(generator.target, ast.Name | ast.Tuple | ast.List):
                self.expression(generator.target)
        if isinstance(node, ast.DictComp):
            self.expression(node.key)
            self.expression(node.value)
        else:
            self.expression(node.elt)
        self.comprehension_names.pop()

    def visit_Lambda(self, node: ast.Lambda, stack: list[ast.AST]) -> None:
        self.defaults(node.args)
        unit = self.unit(node)
        scope = Scope("function", self.scope)
        first = next(iter((*node.args.posonlyargs, *node.args.args)), None)
        owner = self.scope.owner if first is not None and first.arg == "self" else None
        function = scope.function = Function(node, unit, scope, owner)
        self.parameters(node.args, function)
        for names in self.comprehension_names:
            for name in names:
                scope.bindings.setdefault(name, [Binding(unit, None)])
                scope.layers[0].setdefault(name, (unit, unit))
        self.bodies.append((scope, node.body, None))

    visit_YieldFrom = visit_Yield
    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp

    # Parameters and targets

    def defaults(self, args: ast.arguments) -> None:
        for default in (*args.defaults, *args.kw_defaults):
            if default is not None:
                self.expression(default)

    def parameters(self, args: ast.arguments, function: Function) -> None:
        """Bind the parameters of a function in its scope."""
        names = all_parameters(args)
        self.needs_compile |= len({arg.arg for arg in names}) < len(names)
        scope, owner = function.scope, function.owner
        decorators = function.decorators if owner is not None else ()
        for number, arg in enumerate(names):
            unit = self.unit_of[arg.lineno - 1]
            value: Value | None = _REST.get((arg is args.vararg, arg is args.kwarg))
            if number == 0 and owner is not None and arg is not args.vararg and "staticmethod" not in decorators:
                is_class = "classmethod" in decorators or getattr(function.node, "name", "") in _CLASS_METHODS
                value = owner if is_class else Instance(owner)
                scope.receiver = arg.arg
                self.need(function.unit, unit)
            scope.layers[0][arg.arg] = (unit, unit)
            scope.bindings[arg.arg] = [Binding(unit, value)]

    def target(self, target: ast.expr, unit: int, value: Value | None) -> None:
        """Record an assignment of `value` to `target`."""
        match target:
            case ast.Name(id=name):
                self.bind(name, self.unit(target), value)
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                values: Sequence[Value | None] = [None] * len(elts)
                if isinstance(value, ast.Tuple | ast.List) and not _any_starred(elts, value.elts):
                    values = value.elts if len(value.elts) == len(elts) else values
                elif isinstance(value, ast.Call) and not any(isinstance(element, ast.Starred) for element in elts):
                    values = [Unpacked(value, index, len(elts)) for index in range(len(elts))]
                for element, part in zip(elts, values, strict=True):
                    self.target(element, unit, part)
            case ast.Starred(value=inner):
                self.needs_compile = True
                self.target(inner, unit, None)
            case ast.Attribute(value=base, attr=attr):
                self.expression(base)
                own = self.unit(target)
                self.facts.stores.append((own, target, self.scope))
                receiver = self.scope.receiver_of(base)
                if receiver is not None:
                    receiver.add(attr, Member(own, value, self.scope.function, target.lineno))
            case ast.Subscript(value=base, slice=index):
                self.operation("setitem", base)
                self.expression(base)
                self.expression(index)
            case _:
                self.expression(target)

    # Annotations

    def annotation(self, node: ast.expr, *, later: bool = False) -> None:
        """Record the names in an annotation, including those in its strings; `later` if it is never evaluated."""
        postponed = None if later else self.postponed
        if not later and postponed is None:
            self.type_strings(node)
            self.expression(node)
            return
        for child in _outside_literals(node):
            if isinstance(child, ast.Name):
                if postponed is None:
                    self.use_later(child.id, self.unit(child))
                else:
                    self.use_postponed(child.id, self.unit(child), postponed)
        self.type_strings(node)

    def type_scope(self, parameters: Sequence[Any]) -> Scope:
        """Record type parameters (Python 3.12); return a scope that binds them, for the body.

        Until they are removed from `comprehension_names`, they are no names of the scope that is around the header.
        """
        scope = Scope("function", self.scope)
        self.comprehension_names.append({parameter.name for parameter in parameters})
        for parameter in parameters:
            unit = self.unit(parameter)
            scope.bindings[parameter.name] = [Binding(unit, None)]
            for field in ("bound", "default_value"):  # of which not every kind and every Python has both
                if getattr(parameter, field, None) is not None:
                    self.annotation(getattr(parameter, field), later=True)
        return scope

    def type_strings(self, node: ast.expr) -> None:
        """Record the names in the strings of a type."""
        if isinstance(node, ast.Name | ast.Attribute):
            return
        for child in _outside_literals(node):
            if isinstance(child, ast.Constant) and isinstance(child.value, str):
                for name in _names_in_text(child.value):
                    self.use_later(name, self.unit(child))


def all_parameters(args: ast.arguments) -> list[ast.arg]:
    found = [*args.posonlyargs, *args.args]
    if args.vararg is not None:
        found.append(args.vararg)
    found += args.kwonlyargs
    if args.kwarg is not None:
        found.append(args.kwarg)
    return found


def _any_starred(*displays: Iterable[ast.expr]) -> bool:
    return any(isinstance(element, ast.Starred) for elements in displays for element in elements)


def _outside_literals(node: ast.expr) -> Iterable[ast.AST]:
    """Yield the nodes of an annotation; of the arguments of `Literal[...]` only the names."""
    stack: list[ast.AST] = [node]
    while stack:
        child = stack.pop()
        yield child
        if isinstance(child, ast.Subscript) and last_name(child.value) == "Literal":
            stack += (inner for inner in ast.walk(child) if isinstance(inner, ast.Name))
        else:
            stack.extend(ast.iter_child_nodes(child))


def _types_in(call: ast.Call) -> Iterator[ast.expr]:
    """Yield the types among the arguments of a call, as pyflakes has it."""
    name = last_name(call.func)
    keywords = _TAKE_TYPES[name]
    yield from (keyword.value for keyword in call.keywords if not keywords or keyword.arg in keywords)
    match name, call.args:
        case "cast", [type_, *_]:
            yield type_
        case (("assert_type" | "NewType" | "TypeVar"), [_, *types]):
            yield from types
        case "TypedDict", [_, ast.Dict(values=values), *_]:
            yield from values
        case "NamedTuple", [_, ast.List(elts=fields) | ast.Tuple(elts=fields), *_]:
            for field in fields:
                if isinstance(field, ast.List | ast.Tuple):
                    yield from field.elts[1:]


def _names_in_text(text: str) -> list[str]:
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [node.id for node in _outside_literals(tree.body) if isinstance(node, ast.Name)]


def visitors(visitor: type) -> dict[type[ast.AST], Callable[..., Any]]:
    """Return the methods `visit_X` of a class by the type X of syntax node."""
    named = [(name.removeprefix("visit_"), method) for name, method in vars(visitor).items() if "visit_" in name]
    return {getattr(ast, name): method for name, method in named if hasattr(ast, name)}


_EXPRESSIONS = visitors(Expressions)
