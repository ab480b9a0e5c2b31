"""Statements and branches: one walk over the syntax tree that records what every line needs to be there before it.

Follows the program as it runs: assignments and branches in order, function bodies after the scope around them.
"""

import ast
import re
from collections.abc import Iterable, Sequence
from functools import cached_property, reduce
from itertools import chain
from typing import NamedTuple, cast

from lintseq.languages.python.expressions import Expressions, all_parameters, visitors
from lintseq.languages.python.layout import Layout, Suite, clause_key, is_elif
from lintseq.languages.python.scopes import (
    Binding,
    Caught,
    Class,
    Element,
    Entered,
    Facts,
    Function,
    Member,
    Presence,
    Scope,
    Value,
)
from lintseq.languages.python.star_imports import provided_by
from lintseq.languages.python.syntax import last_name
from lintseq.needs.graph import BODY, NeedsBuilder, Runs

_NESTED_BLOCKS = 18
"""A little less than the compiler accepts."""
_TERMINATING = {"exit", "quit", "_exit", "abort", "assert_never"}
_CATCH_NAME_ERRORS = {"NameError", "Exception", "BaseException"}


class Branch(NamedTuple):
    """One of several suites of which exactly one runs."""

    bound: dict[str, Presence]
    """The names that it binds."""
    leaver: int | None = None
    """The node that remains while the branch leaves the suite it is in; None if it does not."""


class Flow(Expressions):
    """One walk over one program.

    The method for a statement returns the node that remains while the statement surely leaves the suite it is in,
    by a `return`, for instance; None if it does not.
    """

    def __init__(self, tree: ast.Module, lines: Sequence[str], layout: Layout, builder: NeedsBuilder) -> None:
        super().__init__(layout, builder)
        self.tree = tree
        self.lines = lines
        self.layout = layout
        self.breaks: list[int] = []
        self.depth = 0
        """How many blocks the walk is in, inside the current function or class."""

    @cached_property
    def words(self) -> list[str]:
        """The words of the program. What else a star import provides does not matter."""
        return re.findall(r"\w+", "\n".join(self.lines))

    def run(self) -> Facts:
        """Walk the module, then the bodies of its functions, then theirs, and so on."""
        self.block(self.tree.body, None)
        scopes = self.facts.scopes
        scopes.append(self.module)
        for scope, body, unit in self.bodies:  # grows during the iteration
            self.scope = scope
            self.depth = self.loops = 0
            if isinstance(body, ast.expr):
                self.expression(body)
            else:
                self.block(body, unit)
            scopes.append(scope)
        self.settle()
        return self.facts

    # Branches

    def block(self, stmts: Suite, header: int | None) -> int | None:
        """Walk the suite of a header's unit; return the node that remains while the suite surely leaves."""
        unit_of = self.unit_of
        leaver = None
        units = []
        self.depth += 1
        if self.depth > _NESTED_BLOCKS:
            self.needs_compile = True
        for stmt in stmts:
            unit = unit_of[stmt.lineno - 1]
            units.append(unit)
            left = _STATEMENTS[type(stmt)](self, stmt, unit)
            if left is not None:
                leaver = self.builder.any_of((leaver, left))
        self.depth -= 1
        if header is not None:
            self.builder.need_any(header, units, BODY)
        return leaver

    def branch(self, stmts: Suite, unit: int, *, after: dict[str, Presence] | None = None) -> Branch:
        """Walk a suite; return what it binds, in addition to what was bound on the way to it."""
        self.scope.layers.append({})
        leaver = self.block(stmts, unit)
        bound = self.scope.layers.pop()
        return Branch({**after, **bound} if after else bound, leaver)

    def join(self, branches: Sequence[Branch]) -> int | None:
        """Merge branches of which exactly one runs; return the node that remains while all of them leave."""
        binding: dict[str, list[int]] = {}
        for number, branch in enumerate(branches):
            for name in branch.bound:
                binding.setdefault(name, []).append(number)
        leavers = Runs((branch.leaver for branch in branches), self.all_leave)
        for name, numbers in binding.items():
            self.scope.layers[-1][name] = self.joined(name, branches, numbers, leavers)
        return leavers.run(0, len(branches))

    def all_leave(self, first: int | None, second: int | None) -> int | None:
        return None if first is None or second is None else self.builder.all_of(first, second)

    def joined(
        self, name: str, branches: Sequence[Branch], binding: Sequence[int], leavers: Runs[int | None]
    ) -> Presence:
        """Return the presence of a name after branches of which exactly one runs, and some bind it."""
        builder, before = self.builder, self.presence(name)
        paths = [(*branches[number].bound[name], branches[number].leaver) for number in binding]
        if len(binding) < len(branches):
            # The others are one: if all of them leave, they need not bind it.
            others = leavers.all_but([(number, number + 1) for number in binding])
            paths.append((*before, reduce(self.all_leave, others)))
        must, may = branches[binding[0]].bound[name]
        for number, (here_must, here_may, leaver) in enumerate(paths):
            # A branch that leaves need not bind it.
            enough = here_must if leaver is None else builder.any_of((here_must, leaver))
            must = enough if number == 0 else self.all_leave(must, enough)
            may = builder.any_of((may, here_may))
        return must, may

    # Compound statements

    def visit_If(self, stmt: ast.If, unit: int) -> int | None:
        breaks, layers, test = len(self.breaks), self.scope.layers, stmt.test
        self.condition(stmt)
        branches = [self.branch(stmt.body, unit)]
        layers.append({})  # what the conditions of `elif` bind
        self.remember(branches[-1])
        while is_elif(stmt, self.lines):
            stmt = cast(ast.If, stmt.orelse[0])
            self.condition(stmt)
            branches.append(self.branch(stmt.body, self.unit_of[stmt.lineno - 1], after=layers[-1]))
            self.remember(branches[-1])
        if stmt.orelse:
            clause = self.layout.clauses[clause_key(stmt, "else")]
            branches.append(self.branch(stmt.orelse, clause, after=layers[-1]))
        else:
            branches.append(Branch(layers[-1]))
        layers.pop()
        while self.tests.pop() is not test:
            pass
        self.forget(branches)
        left = self.join(branches)
        self.scope.tests.update((name, test) for branch in branches for name in branch.bound)
        if len(self.breaks) > breaks:
            self.ignore_break([name for branch in branches for name in branch.bound], self.breaks[breaks:])
        return left

    def condition(self, stmt: ast.If) -> None:
        self.facts.conditionals.append(stmt)
        self.expression(stmt.test)
        self.tests.append(stmt.test)

    def remember(self, branch: Branch) -> None:
        """In a loop, what one branch of an `if` binds may be there in the branches that follow."""
        scope = self.scope
        for name, (must, _) in branch.bound.items() if self.loops and branch.leaver is None else ():
            before = self.presence(name)
            if must is not None and before[0] is not None and name not in scope.outer:
                scope.earlier[name, before] = self.builder.any_of((scope.earlier.get((name, before)), must))

    def forget(self, branches: Iterable[Branch]) -> None:
        """After an `if`, what its branches bind is known again from how they join."""
        if self.scope.earlier:
            for name in chain(*(branch.bound for branch in branches)):
                self.scope.earlier.pop((name, self.presence(name)), None)

    def ignore_break(self, names: Iterable[str], breaks: Sequence[int]) -> None:
        """Treat names that an `if` with a `break` binds on any path as bound on all paths, as pylint does."""
        layer, builder = self.scope.layers[-1], self.builder
        jump = builder.any_of(breaks)
        for name in dict.fromkeys(names):
            must, may = layer[name]
            either = builder.all_of(jump, may)
            layer[name] = (builder.any_of((must, either)), may)

    def visit_For(self, stmt: ast.For | ast.AsyncFor, unit: int) -> None:
        self.needs_compile |= isinstance(stmt, ast.AsyncFor)
        self.expression(stmt.iter)
        self.operation("iterate" if isinstance(stmt, ast.For) else "iterate async", stmt.iter)
        self.target(stmt.target, unit, Element(stmt.iter))
        for node in ast.walk(stmt.target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.loop_targets.append((self.scope, node.id, self.unit(node)))
        self.loop(stmt, unit)

    def visit_While(self, stmt: ast.While, unit: int) -> None:
        self.expression(stmt.test)
        self.scope.layers.append({})  # what `del` deletes in the loop may still be bound after it
        self.loop(stmt, unit)
        bound = self.scope.layers.pop()
        self.scope.layers[-1].update(bound)

    def loop(self, stmt: ast.For | ast.AsyncFor | ast.While, unit: int) -> None:
        self.loops += 1
        self.block(stmt.body, unit)
        self.loops -= 1
        if stmt.orelse:
            self.block(stmt.orelse, self.layout.clauses[clause_key(stmt, "else")])

    def visit_With(self, stmt: ast.With | ast.AsyncWith, unit: int) -> int | None:
        self.needs_compile |= isinstance(stmt, ast.AsyncWith)
        for item in stmt.items:
            self.expression(item.context_expr)
            self.operation("with" if isinstance(stmt, ast.With) else "with async", item.context_expr)
            if item.optional_vars is not None:
                self.target(item.optional_vars, unit, Entered(item.context_expr))
        return self.block(stmt.body, unit)

    def visit_Try(self, stmt: ast.Try | ast.TryStar, unit: int) -> int | None:
        scope, clauses = self.scope, self.layout.clauses
        self.needs_compile |= any(handler.type is None for handler in stmt.handlers[:-1])
        handler_units = [clauses[clause_key(handler, "except")] for handler in stmt.handlers]
        others = list(handler_units)
        if stmt.finalbody:
            others.append(clauses[clause_key(stmt, "finally")])
        self.builder.need_any(unit, others)
        scope.layers.append({})
        known = len(self.facts.attributes)
        leaver = self.try_body(stmt, unit, handler_units)
        if len(others) == 1 and stmt.handlers and "AttributeError" in _caught(stmt.handlers[0].type):
            del self.facts.attributes[known:]  # the suite may use members that are not there
        in_body = dict(scope.layers[-1])
        if stmt.orelse:
            clause = clauses[clause_key(stmt, "else")]
            self.builder.need_any(clause, handler_units)
            left = self.block(stmt.orelse, clause)
            leaver = left if leaver is None else leaver
        normal = scope.layers.pop()
        # A handler runs when the suite was interrupted: the names that the suite binds may be there, no more.
        scope.layers.append({name: (self.presence(name)[0], may) for name, (_, may) in in_body.items()})
        handled = [self.handler(*pair) for pair in zip(stmt.handlers, handler_units, strict=True)]
        interrupted = scope.layers.pop()
        if leaver is not None and handled:
            left = self.join([Branch(normal, leaver), *handled])
        else:
            left = leaver
            self.after_try(normal, handled)
        if stmt.finalbody:
            scope.layers += ({name: presence for name, presence in interrupted.items() if presence[0] is not None}, {})
            outer, self.maybe_unbound = self.maybe_unbound, interrupted.keys() - scope.layers[-2].keys()
            final = self.block(stmt.finalbody, clauses[clause_key(stmt, "finally")])
            self.maybe_unbound = outer
            bound, _ = scope.layers.pop(), scope.layers.pop()
            scope.layers[-1].update(bound)
            left = left if final is None else final
        return left

    def try_body(self, stmt: ast.Try | ast.TryStar, unit: int, handler_units: Sequence[int]) -> int | None:
        for handler, handler_unit in zip(stmt.handlers, handler_units, strict=True):
            if not _caught(handler.type).isdisjoint(_CATCH_NAME_ERRORS):
                self.handlers.append(handler_unit)
                leaver = self.block(stmt.body, unit)
                self.handlers.pop()
                return leaver
        return self.block(stmt.body, unit)

    def after_try(self, normal: dict[str, Presence], handled: Iterable[Branch]) -> None:
        """Merge a suite that continues with its handlers: the names that a handler binds may be there, no more."""
        merged = dict(normal)
        for bound, _ in handled:
            for name, (_, may) in bound.items():
                must, other = merged.get(name) or self.presence(name)
                merged[name] = (must, self.builder.any_of((other, may)))
        self.scope.layers[-1].update(merged)

    def handler(self, handler: ast.ExceptHandler, unit: int) -> Branch:
        if handler.type is not None:
            self.expression(handler.type)
        self.scope.layers.append({})
        if handler.name:
            self.bind(handler.name, unit, Caught(handler.type))
        leaver = self.block(handler.body, unit)
        bound = self.scope.layers.pop()
        if handler.name:
            bound.pop(handler.name, None)
        return Branch(bound, leaver)

    def visit_Match(self, stmt: ast.Match, unit: int) -> int | None:
        self.needs_compile = True
        self.expression(stmt.subject)
        cases = [self.layout.clauses[clause_key(case, "case")] for case in stmt.cases]
        self.builder.need_any(unit, cases)
        branches: list[Branch] = []
        for case, clause in zip(stmt.cases, cases, strict=True):
            self.scope.layers.append({})
            self.pattern(case.pattern, clause)
            if case.guard is not None:
                self.expression(case.guard)
            leaver = self.block(case.body, clause)
            branches.append(Branch(self.scope.layers.pop(), leaver))
        last = stmt.cases[-1]
        if last.guard is not None or not isinstance(last.pattern, ast.MatchAs) or last.pattern.pattern is not None:
            branches.append(Branch({}))
        return self.join(branches)

    def pattern(self, pattern: ast.pattern, unit: int) -> None:
        for node in ast.walk(pattern):
            name = getattr(node, "name", None) or getattr(node, "rest", None)
            if name and isinstance(node, ast.MatchAs | ast.MatchStar | ast.MatchMapping):
                self.bind(name, unit)
            elif isinstance(node, ast.Name):
                self.use(node.id, unit)
            elif isinstance(node, ast.Attribute):
                self.facts.attributes.append((unit, node, self.scope))

    # Definitions

    def visit_FunctionDef(self, stmt: ast.FunctionDef | ast.AsyncFunctionDef, unit: int) -> None:
        for decorator in stmt.decorator_list:
            self.expression(decorator)
        self.defaults(stmt.args)
        type_parameters = getattr(stmt, "type_params", ())
        around = self.type_scope(type_parameters) if type_parameters else self.scope
        for arg in all_parameters(stmt.args):
            if arg.annotation is not None:
                self.annotation(arg.annotation)
        if stmt.returns is not None:
            self.annotation(stmt.returns)
        if type_parameters:
            self.needs_compile = True
            self.comprehension_names.pop()
        scope = Scope("function", around)
        owner = self.scope.owner
        function = scope.function = Function(stmt, unit, scope, owner)
        self.facts.functions.append(function)
        self.parameters(stmt.args, function)
        self.bind(stmt.name, unit, function)
        bound = self.scope.bindings.get(stmt.name, [])
        for index in range(len(bound) - 2, -1, -1):
            if not is_overload(bound[index].value) or is_overload(function):
                break
            bound[index] = Binding(bound[index].node, function)  # what is called is the function below
        if owner is not None:
            owner.add(stmt.name, Member(unit, function, lineno=stmt.lineno))
        self.bodies.append((scope, stmt.body, unit))

    def visit_ClassDef(self, stmt: ast.ClassDef, unit: int) -> None:
        for node in stmt.decorator_list:
            self.expression(node)
        type_parameters = getattr(stmt, "type_params", ())
        outer = self.scope
        around = self.type_scope(type_parameters) if type_parameters else outer
        for node in (*stmt.bases, *(keyword.value for keyword in stmt.keywords)):
            self.expression(node)
        self.needs_compile |= bool(stmt.keywords or type_parameters)
        if type_parameters:
            self.comprehension_names.pop()
        scope = self.scope = Scope("class", around)
        owner = scope.owner = Class(stmt, unit, scope, outer)
        self.facts.classes.append(owner)
        self.facts.scopes.append(scope)
        depth, loops = self.depth, self.loops
        self.depth = self.loops = 0
        self.block(stmt.body, unit)
        self.scope, self.depth, self.loops = outer, depth, loops
        for name, bound in scope.bindings.items():
            methods = {member.unit for member in owner.members.get(name, ())}
            owner.members.setdefault(name, []).extend(
                Member(node, value) for node, value in bound if node not in methods
            )
        self.bind(stmt.name, unit, owner)
        if outer.owner is not None:
            outer.owner.add(stmt.name, Member(unit, owner, lineno=stmt.lineno))

    # Simple statements

    def visit_Import(self, stmt: ast.Import, unit: int) -> None:
        for alias in stmt.names:
            self.bind_import(alias.asname or alias.name.partition(".")[0], unit)

    def bind_import(self, name: str, unit: int) -> None:
        self.bind(name, unit)
        self.imports.setdefault(name, []).append((self.scope, unit))

    def visit_ImportFrom(self, stmt: ast.ImportFrom, unit: int) -> None:
        for alias in stmt.names:
            own = self.unit_of[alias.lineno - 1]
            if alias.name == "*":
                provided = provided_by("" if stmt.level else stmt.module or "")
                self.bind_star(None if provided is None else sorted(provided.intersection(self.words)), own)
                self.needs_compile |= self.scope is not self.module
            else:
                self.bind_import(alias.asname or alias.name, own)
            if stmt.module == "__future__":
                self.needs_compile = True
                if alias.name == "annotations":
                    self.postponed = own

    def visit_Assign(self, stmt: ast.Assign, unit: int) -> None:
        self.expression(stmt.value)
        if isinstance(stmt.value, ast.Call):
            self.operation("assign", stmt.value)
        for target in stmt.targets:
            if isinstance(target, ast.Tuple | ast.List):
                self.operation("iterate", stmt.value)
            elif _is_all(target):
                self.exports(stmt.value)
            self.target(target, unit, stmt.value)

    def visit_AugAssign(self, stmt: ast.AugAssign, unit: int) -> None:
        self.expression(stmt.value)
        target = stmt.target
        if isinstance(target, ast.Name):
            self.use(target.id, unit)
            if self.scope.lookup(target.id) is None:  # otherwise the need is still for what was bound before
                self.bind(target.id, unit)
            if _is_all(target):
                self.exports(stmt.value)
        elif isinstance(target, ast.Attribute):
            self.facts.attributes.append((unit, target, self.scope))
            self.expression(target.value)
        else:
            self.target(target, unit, None)

    def visit_AnnAssign(self, stmt: ast.AnnAssign, unit: int) -> None:
        self.annotation(stmt.annotation)
        if stmt.value is not None:
            self.expression(stmt.value)
            if _is_all(stmt.target):
                self.exports(stmt.value)
            if last_name(stmt.annotation) == "TypeAlias":
                self.type_strings(stmt.value)
        elif isinstance(stmt.target, ast.Name):
            self.scope.declared.setdefault(stmt.target.id, []).append(unit)
        elif isinstance(stmt.target, ast.Attribute) and (owner := self.scope.receiver_of(stmt.target.value)):
            owner.scope.declared.setdefault(f"self.{stmt.target.attr}", []).append(unit)
        if stmt.value is not None or self.scope.kind == "class" or not isinstance(stmt.target, ast.Name):
            self.target(stmt.target, unit, stmt.value)

    def exports(self, value: ast.expr) -> None:
        """Record the names in `__all__`, each of which has to exist in the end."""
        for node in ast.walk(value):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and self.scope is self.module:
                self.exported.append((node.value, self.unit_of[node.lineno - 1]))

    def visit_Delete(self, stmt: ast.Delete, unit: int) -> None:
        for target in stmt.targets:
            self.delete(target, unit)

    def delete(self, target: ast.expr, unit: int) -> None:
        if isinstance(target, ast.Name):
            self.use(target.id, unit)
            self.scope.declared.setdefault(target.id, []).append(unit)
            if len(self.scope.layers) == 1:
                self.scope.layers[0].pop(target.id, None)
        elif isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self.delete(element, unit)
        elif isinstance(target, ast.Subscript):
            self.operation("delitem", target.value)
            self.expression(target.value)
            self.expression(target.slice)
        else:
            self.expression(target)

    def visit_Global(self, stmt: ast.Global, unit: int) -> None:
        self.needs_compile = True
        if self.scope.kind == "function":
            for name in stmt.names:
                self.declare(name, self.module, unit)

    def visit_Nonlocal(self, stmt: ast.Nonlocal, unit: int) -> None:
        self.needs_compile = True
        for name in stmt.names:
            self.nonlocals.append((self.scope, name, unit))
            owner = self.scope.enclosing(name)
            if owner is not None and self.scope.kind == "function":
                self.declare(name, owner, unit)

    def visit_Return(self, stmt: ast.Return, unit: int) -> int:
        self.needs_compile |= self.scope.kind != "function"
        if stmt.value is not None:
            self.expression(stmt.value)
            function = self.scope.function
            if function is not None and not (isinstance(stmt.value, ast.Constant) and stmt.value.value is None):
                function.returns.append((unit, stmt.value))
        return unit

    def visit_Raise(self, stmt: ast.Raise, unit: int) -> int:
        for value in (stmt.exc, stmt.cause):
            if value is not None:
                self.expression(value)
        if stmt.exc is not None:
            self.operation("raise", stmt.exc)
        if self.scope.function is not None and self.depth == 1:
            self.scope.function.raises.append(unit)
        return unit

    def visit_Break(self, stmt: ast.Break, unit: int) -> int:
        self.needs_compile |= not self.loops
        self.breaks.append(unit)
        return unit

    def visit_Continue(self, stmt: ast.Continue, unit: int) -> int:
        self.needs_compile |= not self.loops
        return unit

    def visit_Assert(self, stmt: ast.Assert, unit: int) -> int:
        self.expression(stmt.test)
        if stmt.msg is not None:
            self.expression(stmt.msg)
        return unit  # for linters, any assert may leave

    def visit_Expr(self, stmt: ast.Expr, unit: int) -> int | None:
        value = stmt.value
        self.expression(value)
        if isinstance(value, ast.Call):
            function = value.func
            name = last_name(function)
            if name in _TERMINATING:
                return unit
            if name in ("extend", "append") and isinstance(function, ast.Attribute) and _is_all(function.value):
                for argument in value.args:
                    self.exports(argument)
        return None

    def visit_Pass(self, stmt: ast.Pass, unit: int) -> None:
        pass

    def visit_TypeAlias(self, stmt: ast.stmt, unit: int) -> None:
        """A type alias (Python 3.12) binds its name and is evaluated later."""
        self.needs_compile = True
        name, value = stmt.name, stmt.value  # type: ignore[attr-defined]
        self.bind(name.id, unit)
        self.type_scope(stmt.type_params)  # type: ignore[attr-defined]
        self.annotation(value, later=True)
        self.comprehension_names.pop()

    visit_AsyncFor = visit_For
    visit_AsyncWith = visit_With
    visit_AsyncFunctionDef = visit_FunctionDef
    visit_TryStar = visit_Try


def is_overload(value: Value | None) -> bool:
    return isinstance(value, Function) and "overload" in value.decorators


def _is_all(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id == "__all__"


def _caught(kind: ast.expr | None) -> set[str]:
    """Return the names of the exceptions that a handler catches."""
    if kind is None:
        return {"BaseException"}
    names = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return {name.id for name in names if isinstance(name, ast.Name)}


_STATEMENTS = visitors(Flow)
