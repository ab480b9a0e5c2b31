"""Names: one walk over the syntax tree that records what every line needs to be there before it.

Follows the program as it runs: assignments and branches in order, function bodies after the scope that
holds them. What needs values and types (members, calls, results) is only noted down here, as `Facts`,
for `members` to judge.

Each name in scope has two nodes: `must` lives while the name is bound on every path that leads here
(-1 if it never was), `may` while it is bound on any. Loops count as entered, and a `try` suite as run to its
end, as linters do.
"""

import ast
import builtins
import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from lintseq.languages.python.layout import Layout, Suite, clause_key, is_elif
from lintseq.needs.graph import NeedsBuilder

BUILTINS = frozenset(dir(builtins)) | {
    "__file__", "__name__", "__doc__", "__path__", "__package__", "__spec__", "__loader__", "__builtins__",
    "__annotations__", "__dict__", "__module__", "__qualname__", "__class__", "WindowsError",
}  # fmt: skip

Entry = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Marker:
    """What a name is bound to, where it is no expression.

    Kinds: `function` and `class` (payload: their facts), `self` and `cls` (payload: the class),
    `element` (payload: the iterated expression), `entered` (payload: the context manager), `caught` (payload:
    the exception classes).
    """

    kind: str
    payload: object


@dataclass(slots=True, eq=False)
class Scope:
    """A module, class or function and the names bound in it."""

    kind: str
    parent: "Scope | None"
    env: list[dict[str, Entry]] = field(default_factory=lambda: [{}])
    bindings: dict[str, list[tuple[int, object]]] = field(default_factory=dict)
    pending: list[tuple[str, int, int]] = field(default_factory=list)
    outer: dict[str, "tuple[Scope, int]"] = field(default_factory=dict)
    """Names declared global or nonlocal here: the scope they belong to and the unit that declares them."""
    remote: dict[str, list[tuple[int, "Scope"]]] = field(default_factory=dict)
    """The bindings made from functions that declare the name global or nonlocal, and those functions' scopes."""
    function: "Function | None" = None
    owner: "Class | None" = None
    """The class, in the scope of a class body."""
    receiver: str = ""
    """The name of the first parameter of a method."""
    deferred: dict[str, int] = field(default_factory=dict)

    def lookup(self, name: str) -> Entry | None:
        for layer in reversed(self.env):
            entry = layer.get(name)
            if entry is not None:
                return entry
        return None


@dataclass(slots=True, eq=False)
class Function:
    """What is known of a function defined here."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    unit: int
    owner: "Class | None"
    scope: Scope
    returns: list[tuple[int, ast.expr]] = field(default_factory=list)
    """(unit, value) of each `return` with a value other than None."""
    yields: list[int] = field(default_factory=list)

    @property
    def decorators(self) -> set[str]:
        return _decorators(self.node)


@dataclass(slots=True, eq=False)
class Class:
    """What is known of a class defined here; `members` holds (unit, value, method that binds it or None, line)."""

    node: ast.ClassDef
    unit: int
    scope: Scope
    outer: Scope
    members: dict[str, list[tuple[int, object, Function | None, int]]] = field(default_factory=dict)

    @property
    def decorators(self) -> set[str]:
        return _decorators(self.node)


@dataclass(slots=True)
class Facts:
    """What the walk noted down: (unit, expression, scope it stands in) and the like."""

    module: Scope
    classes: dict[int, Class] = field(default_factory=dict)
    functions: list[Function] = field(default_factory=list)
    attributes: list[tuple[int, ast.Attribute, Scope]] = field(default_factory=list)
    stores: list[tuple[int, ast.Attribute, Scope]] = field(default_factory=list)
    calls: list[tuple[int, ast.Call, Scope]] = field(default_factory=list)
    operations: list[tuple[int, str, ast.expr, Scope]] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)

    def dissolve(self) -> None:
        """Undo the circles of scopes, functions and classes, so that they go at once, without the collector."""
        for scope in self.scopes:
            scope.bindings.clear()
            scope.function = scope.owner = None
        for found in self.classes.values():
            found.members.clear()
            found.scope.bindings.clear()
            found.scope.owner = None


_NESTED_BLOCKS = 18
"""A little less than the compiler takes."""
_TYPING = frozenset(typing.__all__)
_TERMINATING = {"exit", "quit", "_exit", "abort", "assert_never"}
_CATCH_NAME_ERRORS = {"NameError", "Exception", "BaseException"}


class Flow:
    """One walk over one program."""

    def __init__(self, tree: ast.Module, lines: Sequence[str], layout: Layout, builder: NeedsBuilder) -> None:
        self.lines = lines
        self.unit_of = layout.unit_of
        self.layout = layout
        self.builder = builder
        self.need = builder.need
        self.module = Scope("module", None)
        self.scope = self.module
        self.facts = Facts(self.module)
        self.bodies: list[tuple[Scope, Suite | ast.expr, int]] = []
        self.shadowed: list[set[str]] = []
        self.stars: list[int] = []
        self.postponed = -1
        self.fixed_unit = -1
        self.handlers: list[int] = []
        self.breaks: list[int] = []
        self.tree = tree
        self.depth = 0
        self.loops = 0
        self.doubtful = False
        """Whether something was met that parses everywhere and compiles only in its place."""

    def run(self) -> Facts:
        """Walk the module, then the bodies of its functions, theirs, and so on."""
        self.block(self.tree.body, -1)
        scopes = self.facts.scopes = [self.module]
        for scope, body, unit in self.bodies:  # grows as it goes
            self.scope = scope
            self.depth = self.loops = 0
            if isinstance(body, ast.expr):
                self.expression(body)
            else:
                self.block(body, unit)
            scopes.append(scope)
        for scope in scopes:
            self.settle(scope)
        return self.facts

    # Names

    def bind(self, name: str, unit: int, value: object = None) -> None:
        scope = self.scope
        if name in scope.outer:
            owner, declared = scope.outer[name]
            node = self.builder.all_of(unit, declared)
            owner.bindings.setdefault(name, []).append((node, value))
            owner.remote.setdefault(name, []).append((node, scope))
        else:
            bound = scope.bindings.get(name)
            if bound is None:
                scope.bindings[name] = [(unit, value)]
            else:
                bound.append((unit, value))
        before = scope.lookup(name)
        if before is None:
            scope.env[-1][name] = (unit, unit)
        else:
            must, may = before
            either = self.builder.any_of((may, unit))
            scope.env[-1][name] = (
                unit if must < 0 else either if must == may else self.builder.any_of((must, unit)),
                either,
            )

    def need_bound(self, unit: int, entry: Entry) -> None:
        """What a use needs of a name: to be bound on every path, if it ever was, and on one at the least.

        The second does not follow from the first, which holds where all paths leave.
        """
        must, may = entry
        self.need(unit, may)
        if must >= 0 and must != may:
            self.need(unit, must)

    def use(self, name: str, unit: int) -> None:
        if self.shadowed and any(name in names for names in self.shadowed):
            return
        scope: Scope = self.scope
        while True:
            for layer in reversed(scope.env):
                if name in layer:
                    self.need_bound(unit, layer[name])
                    if name in scope.outer:
                        scope.pending.append((name, unit, -1))
                    return
            if scope.kind != "class" or scope.parent is None:
                break
            scope = scope.parent
            while scope.kind == "class" and scope.parent is not None:
                scope = scope.parent
        scope.pending.append((name, unit, self.handlers[-1] if self.handlers else -1))

    def use_later(self, name: str, unit: int) -> None:
        """A use that is evaluated when everything around it has been defined, if ever."""
        scope = self.scope
        while scope.kind == "class" and scope.parent is not None:
            scope = scope.parent
        scope.pending.append((name, unit, -1))

    def settle(self, scope: Scope) -> None:
        """Resolve the names that were not bound where they were used, now that every scope is complete."""
        users = dict.fromkeys(scope.pending)
        for name, unit, handler in users:
            node = self.find_outside(scope, name) if name in scope.outer else self.find(scope, name)
            if node >= 0 and name in scope.bindings:
                # Used before it is bound here: a binding by the very line that uses it is no help.
                self.builder.need_any(unit, [bound for bound, _ in scope.bindings[name] if bound != unit])
            elif node >= 0:
                self.need(unit, node)
            elif name in BUILTINS:
                continue
            else:
                for star in self.stars:  # nobody here knows which of them gives the name
                    self.need(unit, star)
            if handler >= 0 and (node < 0 or name in scope.bindings):
                self.need(unit, handler)
        scope.pending.clear()

    def find_outside(self, scope: Scope, name: str) -> int:
        """Return the node for a name declared global or nonlocal: bound elsewhere, if it is bound elsewhere at all."""
        owner, _ = scope.outer[name]
        own = {node for node, home in owner.remote.get(name, ()) if home is scope}
        others = [node for node, _ in owner.bindings.get(name, ()) if node not in own]
        return self.builder.any_of(others) if others else self.find(scope, name)

    def find(self, scope: Scope, name: str) -> int:
        """Return the node that stands for `name` seen from a function in `scope` or from its end, or -1."""
        owner = resolve_scope(scope, name)
        if owner is None:
            return -1
        if name not in owner.deferred:
            entry = owner.lookup(name)
            nodes = [unit for unit, _ in owner.bindings[name]]
            if entry is not None and entry[0] >= 0:
                nodes = [self.builder.all_of(*entry), *(remote for remote, _ in owner.remote.get(name, ()))]
            node = self.builder.any_of(nodes)
            owner.deferred[name] = node
        return owner.deferred[name]

    # Branches

    def branch(self, stmts: Suite, unit: int) -> tuple[dict[str, Entry], int]:
        """Walk one branch; return what it binds, and the node that lives while it leaves (-1: it goes on)."""
        self.scope.env.append({})
        leaver = self.block(stmts, unit)
        return self.scope.env.pop(), leaver

    def join(self, branches: Sequence[tuple[dict[str, Entry], int]]) -> int:
        """Merge branches of which exactly one runs; return the node that lives while all of them leave."""
        scope, builder = self.scope, self.builder
        for name in {name: None for bound, _ in branches for name in bound}:
            before = scope.lookup(name) or (-1, -1)
            must, may = -2, -1
            for bound, leaver in branches:
                here_must, here_may = bound.get(name, before)
                if leaver >= 0:
                    here_must = leaver if here_must < 0 else builder.any_of((here_must, leaver))
                if must == -2:
                    must = here_must
                elif must >= 0 and here_must >= 0:
                    must = builder.all_of(must, here_must)
                else:
                    must = -1
                if here_may >= 0:
                    may = here_may if may < 0 else builder.any_of((may, here_may))
            scope.env[-1][name] = (must, may)
        node = -1
        for _, leaver in branches:
            if leaver < 0:
                return -1
            node = leaver if node < 0 else builder.all_of(node, leaver)
        return node

    # Statements

    def block(self, stmts: Suite, header: int) -> int:
        """Walk a suite under its header's unit; return the node that lives while it surely leaves, or -1."""
        unit_of = self.unit_of
        leaver = -1
        units = []
        self.depth += 1
        if self.depth > _NESTED_BLOCKS:
            self.doubtful = True
        for stmt in stmts:
            unit = unit_of[stmt.lineno - 1]
            units.append(unit)
            left = _STATEMENTS[type(stmt)](self, stmt, unit)
            if left is not None and left >= 0:
                leaver = left if leaver < 0 else self.builder.any_of((leaver, left))
        self.depth -= 1
        if header >= 0:
            self.builder.need_any(header, units)
        return leaver

    def on_if(self, stmt: ast.If, unit: int) -> int:
        self.expression(stmt.test)
        before = len(self.breaks)
        body = self.branch(stmt.body, unit)
        other = self.else_branch(stmt, unit)
        left = self.join([body, other])
        if len(self.breaks) > before:
            self.forgive([*body[0], *other[0]], self.breaks[before:])
        return left

    def forgive(self, names: Iterable[str], breaks: Sequence[int]) -> None:
        """An `if` with a `break` in it is taken to bind on all its paths what it binds on one, as pylint does."""
        layer, builder = self.scope.env[-1], self.builder
        jump = builder.any_of(breaks)
        for name in dict.fromkeys(names):
            must, may = layer[name]
            forgiven = builder.all_of(jump, may)
            layer[name] = (forgiven if must < 0 else builder.any_of((must, forgiven)), may)

    def else_branch(self, stmt: ast.If, unit: int) -> tuple[dict[str, Entry], int]:
        if not stmt.orelse:
            return {}, -1
        if is_elif(stmt, self.lines):
            inner = stmt.orelse[0]
            inner_unit = self.unit_of[inner.lineno - 1]
            self.scope.env.append({})
            leaver = self.on_if(inner, inner_unit)  # type: ignore[arg-type]
            return self.scope.env.pop(), leaver
        clause = self.layout.clauses[clause_key(stmt, "else")]
        return self.branch(stmt.orelse, clause)

    def on_for(self, stmt: ast.For | ast.AsyncFor, unit: int) -> None:
        self.doubtful |= isinstance(stmt, ast.AsyncFor)
        self.expression(stmt.iter)
        if isinstance(stmt, ast.For):
            self.operation("iterate", stmt.iter)
        self.target(stmt.target, unit, Marker("element", stmt.iter))
        self.loop(stmt, unit)

    def on_while(self, stmt: ast.While, unit: int) -> None:
        self.expression(stmt.test)
        self.loop(stmt, unit)

    def loop(self, stmt: ast.For | ast.AsyncFor | ast.While, unit: int) -> None:
        self.loops += 1
        self.block(stmt.body, unit)
        self.loops -= 1
        if stmt.orelse:
            self.block(stmt.orelse, self.layout.clauses[clause_key(stmt, "else")])

    def on_with(self, stmt: ast.With | ast.AsyncWith, unit: int) -> int:
        self.doubtful |= isinstance(stmt, ast.AsyncWith)
        for item in stmt.items:
            self.expression(item.context_expr)
            if isinstance(stmt, ast.With):
                self.operation("with", item.context_expr)
            if item.optional_vars is not None:
                self.target(item.optional_vars, unit, Marker("entered", item.context_expr))
        return self.block(stmt.body, unit)

    def on_try(self, stmt: ast.Try | ast.TryStar, unit: int) -> int:
        scope, clauses = self.scope, self.layout.clauses
        self.doubtful |= any(handler.type is None for handler in stmt.handlers[:-1])
        handler_units = [clauses[clause_key(handler, "except")] for handler in stmt.handlers]
        catches = [
            handler_unit
            for handler_unit, handler in zip(handler_units, stmt.handlers, strict=True)
            if _catches_name_error(handler.type)
        ]
        others = list(handler_units)
        if stmt.finalbody:
            others.append(clauses[clause_key(stmt, "finally")])
        self.builder.need_any(unit, others)
        scope.env.append({})
        if catches:
            self.handlers.append(catches[0])
        leaver = self.block(stmt.body, unit)
        if catches:
            self.handlers.pop()
        in_body = dict(scope.env[-1])
        if stmt.orelse:
            clause = clauses[clause_key(stmt, "else")]
            self.builder.need_any(clause, handler_units)
            left = self.block(stmt.orelse, clause)
            leaver = left if leaver < 0 else leaver
        normal = scope.env.pop()
        # A handler runs when the suite broke off: what the suite binds may be there, no more.
        scope.env.append({name: ((scope.lookup(name) or (-1, -1))[0], may) for name, (_, may) in in_body.items()})
        handled = [
            self.handler(handler, handler_unit)
            for handler, handler_unit in zip(stmt.handlers, handler_units, strict=True)
        ]
        scope.env.pop()
        if leaver >= 0 and handled:
            left = self.join([(normal, leaver), *handled])
        else:
            left = leaver
            self.after_try(normal, [bound for bound, _ in handled])
        if stmt.finalbody:
            final = self.block(stmt.finalbody, clauses[clause_key(stmt, "finally")])
            left = left if final < 0 else final
        return left

    def after_try(self, normal: dict[str, Entry], handled: Iterable[dict[str, Entry]]) -> None:
        """Merge a suite that goes on with its handlers: what a handler binds may be there, no more."""
        layer = self.scope.env[-1]
        merged = dict(normal)
        for bound in handled:
            for name, (_, may) in bound.items():
                must, other = merged.get(name) or self.scope.lookup(name) or (-1, -1)
                merged[name] = (must, may if other < 0 else self.builder.any_of((other, may)))
        layer.update(merged)

    def handler(self, handler: ast.ExceptHandler, unit: int) -> tuple[dict[str, Entry], int]:
        if handler.type is not None:
            self.expression(handler.type)
        self.scope.env.append({})
        if handler.name:
            self.bind(handler.name, unit, Marker("caught", handler.type))
        leaver = self.block(handler.body, unit)
        bound = self.scope.env.pop()
        if handler.name:
            bound.pop(handler.name, None)
        return bound, leaver

    def on_match(self, stmt: ast.Match, unit: int) -> int:
        self.doubtful = True
        self.expression(stmt.subject)
        cases = [self.layout.clauses[clause_key(case, "case")] for case in stmt.cases]
        self.builder.need_any(unit, cases)
        branches: list[tuple[dict[str, Entry], int]] = []
        for case, clause in zip(stmt.cases, cases, strict=True):
            self.scope.env.append({})
            self.pattern(case.pattern, clause)
            if case.guard is not None:
                self.expression(case.guard)
            leaver = self.block(case.body, clause)
            branches.append((self.scope.env.pop(), leaver))
        last = stmt.cases[-1]
        if last.guard is not None or not isinstance(last.pattern, ast.MatchAs) or last.pattern.pattern is not None:
            branches.append(({}, -1))
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

    def on_function(self, stmt: ast.FunctionDef | ast.AsyncFunctionDef, unit: int) -> None:
        for decorator in stmt.decorator_list:
            self.expression(decorator)
        self.defaults(stmt.args)
        for arg in _all_args(stmt.args):
            if arg.annotation is not None:
                self.annotation(arg.annotation)
        if stmt.returns is not None:
            self.annotation(stmt.returns)
        self.doubtful |= bool(getattr(stmt, "type_params", ()))
        scope = Scope("function", self.scope)
        owner = self.scope.owner if self.scope.kind == "class" else None
        function = scope.function = Function(stmt, unit, owner, scope)
        self.facts.functions.append(function)
        self.parameters(stmt.args, scope, owner, function)
        self.bind(stmt.name, unit, Marker("function", function))
        if owner is not None:
            owner.members.setdefault(stmt.name, []).append((unit, Marker("function", function), None, stmt.lineno))
        self.bodies.append((scope, stmt.body, unit))

    def defaults(self, args: ast.arguments) -> None:
        for default in (*args.defaults, *args.kw_defaults):
            if default is not None:
                self.expression(default)

    def parameters(self, args: ast.arguments, scope: Scope, owner: Class | None, function: Function) -> None:
        names = _all_args(args)
        self.doubtful |= len({arg.arg for arg in names}) < len(names)
        layer = scope.env[0]
        decorators = function.decorators if owner is not None else ()
        for number, arg in enumerate(names):
            unit = self.unit_of[arg.lineno - 1]
            value: Marker | None = None
            if number == 0 and owner is not None and arg is not args.vararg and "staticmethod" not in decorators:
                first_is_class = "classmethod" in decorators or getattr(function.node, "name", "") in _CLASS_METHODS
                value = Marker("cls" if first_is_class else "self", owner)
                scope.receiver = arg.arg
                self.need(function.unit, unit)
            layer[arg.arg] = (unit, unit)
            scope.bindings[arg.arg] = [(unit, value)]

    def on_class(self, stmt: ast.ClassDef, unit: int) -> None:
        for node in (*stmt.decorator_list, *stmt.bases):
            self.expression(node)
        for keyword in stmt.keywords:
            self.expression(keyword.value)
        self.doubtful |= bool(stmt.keywords or getattr(stmt, "type_params", ()))
        outer = self.scope
        scope = Scope("class", outer)
        found = scope.owner = Class(stmt, unit, scope, outer)
        self.facts.classes[id(stmt)] = found
        self.scope = scope
        depth, self.depth = self.depth, 0
        loops, self.loops = self.loops, 0
        self.block(stmt.body, unit)
        self.scope, self.depth, self.loops = outer, depth, loops
        for name, bound in scope.bindings.items():
            methods = {member for member, *_ in found.members.get(name, ())}
            found.members.setdefault(name, []).extend(
                (member, value, None, 0) for member, value in bound if member not in methods
            )
        self.settle_class(scope)
        self.bind(stmt.name, unit, Marker("class", found))
        if outer.owner is not None and outer.kind == "class":
            outer.owner.members.setdefault(stmt.name, []).append((unit, Marker("class", found), None, stmt.lineno))

    def settle_class(self, scope: Scope) -> None:
        for name, unit, _ in scope.pending:
            if name in scope.bindings:
                self.builder.need_any(unit, [member for member, _ in scope.bindings[name]])
            else:
                self.use(name, unit)
        scope.pending.clear()

    def on_import(self, stmt: ast.Import, unit: int) -> None:
        for alias in stmt.names:
            self.bind(alias.asname or alias.name.partition(".")[0], unit)

    def on_import_from(self, stmt: ast.ImportFrom, unit: int) -> None:
        for alias in stmt.names:
            own = self.unit_of[alias.lineno - 1]
            if alias.name == "*":
                self.stars.append(own)
                self.doubtful |= self.scope is not self.module
            else:
                self.bind(alias.asname or alias.name, own)
            if stmt.module == "__future__":
                self.doubtful = True
                if alias.name == "annotations":
                    self.postponed = own

    def on_assign(self, stmt: ast.Assign, unit: int) -> None:
        self.expression(stmt.value)
        if isinstance(stmt.value, ast.Call):
            self.operation("assign", stmt.value)
        for target in stmt.targets:
            if isinstance(target, ast.Tuple | ast.List):
                self.operation("iterate", stmt.value)
            elif isinstance(target, ast.Name) and target.id == "__all__":
                self.exports(stmt.value)
            self.target(target, unit, stmt.value)

    def on_aug_assign(self, stmt: ast.AugAssign, unit: int) -> None:
        self.expression(stmt.value)
        target = stmt.target
        if isinstance(target, ast.Name):
            self.use(target.id, unit)
            if self.scope.lookup(target.id) is None:  # otherwise what was bound before is still what is needed
                self.bind(target.id, unit)
            if target.id == "__all__":
                self.exports(stmt.value)
        elif isinstance(target, ast.Attribute):
            self.facts.attributes.append((unit, target, self.scope))
            self.expression(target.value)
        else:
            self.target(target, unit, None)

    def on_ann_assign(self, stmt: ast.AnnAssign, unit: int) -> None:
        if self.scope.kind == "function":
            self.annotation(stmt.annotation, later=True)
        else:
            self.annotation(stmt.annotation)
        if stmt.value is not None:
            self.expression(stmt.value)
            if isinstance(stmt.target, ast.Name) and stmt.target.id == "__all__":
                self.exports(stmt.value)
        if stmt.value is not None or self.scope.kind == "class" or not isinstance(stmt.target, ast.Name):
            self.target(stmt.target, unit, stmt.value)

    def exports(self, value: ast.expr) -> None:
        """Each name in `__all__` has to exist in the end."""
        for node in ast.walk(value):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and self.scope is self.module:
                self.module.pending.append((node.value, self.unit_of[node.lineno - 1], -1))

    def on_delete(self, stmt: ast.Delete, unit: int) -> None:
        for target in stmt.targets:
            self.delete(target, unit)

    def delete(self, target: ast.expr, unit: int) -> None:
        if isinstance(target, ast.Name):
            self.use(target.id, unit)
            if len(self.scope.env) == 1:
                self.scope.env[0].pop(target.id, None)
        elif isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self.delete(element, unit)
        elif isinstance(target, ast.Subscript):
            self.operation("delitem", target.value)
            self.expression(target.value)
            self.expression(target.slice)
        else:
            self.expression(target)

    def on_global(self, stmt: ast.Global, unit: int) -> None:
        self.doubtful = True
        if self.scope.kind != "function":
            return
        for name in stmt.names:
            self.declare(name, self.module, unit)

    def on_nonlocal(self, stmt: ast.Nonlocal, unit: int) -> None:
        self.doubtful = True
        for name in stmt.names:
            scope = self.scope.parent
            while scope is not None and not (scope.kind == "function" and name in scope.bindings):
                scope = scope.parent
            if scope is not None:
                self.declare(name, scope, unit)
                self.builder.need_any(unit, [node for node, _ in scope.bindings[name]])

    def declare(self, name: str, owner: Scope, unit: int) -> None:
        """A name of an outer scope: as good as bound here, for as long as the declaration stands."""
        self.scope.outer[name] = (owner, unit)
        self.scope.env[-1][name] = (unit, unit)

    def on_return(self, stmt: ast.Return, unit: int) -> int:
        self.doubtful |= self.scope.kind != "function"
        if stmt.value is not None:
            self.expression(stmt.value)
            function = self.scope.function
            if function is not None and not (isinstance(stmt.value, ast.Constant) and stmt.value.value is None):
                function.returns.append((unit, stmt.value))
        return unit

    def on_raise(self, stmt: ast.Raise, unit: int) -> int:
        if stmt.exc is not None:
            self.expression(stmt.exc)
        if stmt.cause is not None:
            self.expression(stmt.cause)
        return unit

    def on_break(self, stmt: ast.Break, unit: int) -> int:
        self.doubtful |= not self.loops
        self.breaks.append(unit)
        return unit

    def on_continue(self, stmt: ast.Continue, unit: int) -> int:
        self.doubtful |= not self.loops
        return unit

    def on_assert(self, stmt: ast.Assert, unit: int) -> int:
        self.expression(stmt.test)
        if stmt.msg is not None:
            self.expression(stmt.msg)
        return unit  # linters take any assert for a way out

    def on_expr(self, stmt: ast.Expr, unit: int) -> int:
        value = stmt.value
        self.expression(value)
        if isinstance(value, ast.Call):
            function = value.func
            name = _last_name(function)
            if name in _TERMINATING:
                return unit
            if (
                name in ("extend", "append")
                and isinstance(function, ast.Attribute)
                and isinstance(function.value, ast.Name)
                and function.value.id == "__all__"
            ):
                for argument in value.args:
                    self.exports(argument)
        return -1

    def on_other(self, stmt: ast.stmt, unit: int) -> None:
        """`pass`, and statements of later Pythons: a type alias binds its name and is evaluated later."""
        self.doubtful |= not isinstance(stmt, ast.Pass)
        name = getattr(stmt, "name", None)
        if isinstance(name, ast.Name):
            self.bind(name.id, unit)
            for node in ast.walk(stmt.value):  # type: ignore[attr-defined]
                if isinstance(node, ast.Name):
                    self.use_later(node.id, unit)

    # Targets and expressions

    def target(self, target: ast.expr, unit: int, value: object) -> None:
        match target:
            case ast.Name(id=name):
                self.bind(name, self.unit(target), value)
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                values: Sequence[object] = [None] * len(elts)
                if isinstance(value, ast.Tuple | ast.List) and not _any_starred(elts, value.elts):
                    values = value.elts if len(value.elts) == len(elts) else values
                for element, part in zip(elts, values, strict=True):
                    self.target(element, unit, part)
            case ast.Starred(value=inner):
                self.doubtful = True
                self.target(inner, unit, None)
            case ast.Attribute(value=base, attr=attr):
                self.expression(base)
                own = self.unit(target)
                self.facts.stores.append((own, target, self.scope))
                receiver = receiver_of(base, self.scope)
                if receiver is not None:
                    receiver.members.setdefault(attr, []).append((own, value, self.scope.function, target.lineno))
            case ast.Subscript(value=base, slice=index):
                self.operation("setitem", base)
                self.expression(base)
                self.expression(index)
            case _:
                self.expression(target)

    def unit(self, node: ast.expr) -> int:
        return self.fixed_unit if self.fixed_unit >= 0 else self.unit_of[node.lineno - 1]

    def operation(self, name: str, value: ast.expr) -> None:
        if isinstance(value, ast.Name | ast.Attribute | ast.Call):
            self.facts.operations.append((self.unit(value), name, value, self.scope))

    def expression(self, root: ast.expr) -> None:
        """Record every name that an expression uses or binds, and note down its attributes, calls and operations."""
        unit_of, facts, scope = self.unit_of, self.facts, self.scope
        if type(root) is ast.Starred:
            self.doubtful = True
        stack: list[ast.AST] = [root]
        while stack:
            node = stack.pop()
            kind = type(node)
            if kind is ast.Name:
                name: str = node.id  # type: ignore[attr-defined]
                unit = self.fixed_unit if self.fixed_unit >= 0 else unit_of[node.lineno - 1]  # type: ignore[attr-defined]
                entry = scope.env[-1].get(name)
                if entry is None or self.shadowed or scope.outer:
                    self.use(name, unit)
                else:  # the most common case, at less cost
                    self.need_bound(unit, entry)
            elif kind is ast.Constant:
                continue
            elif kind is ast.Attribute:
                facts.attributes.append((self.unit(node), node, scope))  # type: ignore[arg-type]
                stack.append(node.value)  # type: ignore[attr-defined]
            elif kind is ast.Call:
                facts.calls.append((self.unit(node), node, scope))  # type: ignore[arg-type]
                stack.append(node.func)  # type: ignore[attr-defined]
                stack += node.args  # type: ignore[attr-defined]
                keywords = node.keywords  # type: ignore[attr-defined]
                if keywords:
                    stack += [keyword.value for keyword in keywords]
                    self.doubtful |= len({keyword.arg for keyword in keywords}) < len(keywords)
                if _last_name(node.func) in ("cast", "TypeVar"):  # type: ignore[attr-defined]
                    self.strings_of_call(node)  # type: ignore[arg-type]
            elif kind is ast.BinOp:
                stack += (node.left, node.right)  # type: ignore[attr-defined]
            elif kind in _SPECIAL:
                _SPECIAL[kind](self, node, stack)
            else:
                stack += ast.iter_child_nodes(node)

    def on_elements(self, node: ast.Tuple | ast.List | ast.Set, stack: list[ast.AST]) -> None:
        stack += node.elts

    def on_subscript(self, node: ast.Subscript, stack: list[ast.AST]) -> None:
        self.operation("getitem", node.value)
        stack += (node.value, node.slice)
        if _last_name(node.value) in _TYPING:
            self.strings_of(node)

    def on_compare(self, node: ast.Compare, stack: list[ast.AST]) -> None:
        stack.append(node.left)
        for operator, value in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.In | ast.NotIn):
                self.operation("contains", value)
            stack.append(value)

    def on_unary(self, node: ast.UnaryOp, stack: list[ast.AST]) -> None:
        if isinstance(node.op, ast.USub):
            self.operation("negate", node.operand)
        stack.append(node.operand)

    def on_starred(self, node: ast.Starred, stack: list[ast.AST]) -> None:
        self.operation("iterate", node.value)
        stack.append(node.value)

    def on_named(self, node: ast.NamedExpr, stack: list[ast.AST]) -> None:
        self.doubtful |= bool(self.shadowed) or self.scope.kind == "class"
        self.expression(node.value)
        self.bind(node.target.id, self.unit(node), node.value)

    def on_yield(self, node: ast.Yield | ast.YieldFrom, stack: list[ast.AST]) -> None:
        function = self.scope.function
        if function is not None:
            function.yields.append(self.unit(node))
        self.doubtful |= function is None or bool(self.shadowed) or isinstance(function.node, ast.AsyncFunctionDef)
        if isinstance(node, ast.YieldFrom):
            self.operation("iterate", node.value)
        if node.value is not None:
            stack.append(node.value)

    def on_await(self, node: ast.Await, stack: list[ast.AST]) -> None:
        function = self.scope.function
        self.doubtful |= function is None or not isinstance(function.node, ast.AsyncFunctionDef)
        stack.append(node.value)

    def on_joined(self, node: ast.JoinedStr, stack: list[ast.AST]) -> None:
        # Inside a multi-line f-string positions are not those of the file in every Python.
        before = self.fixed_unit
        self.fixed_unit = self.unit(node)
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                self.expression(value.value)
                if value.format_spec is not None:
                    self.expression(value.format_spec)
        self.fixed_unit = before

    def on_comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, stack: list[ast.AST]
    ) -> None:
        self.expression(node.generators[0].iter)
        self.operation("iterate", node.generators[0].iter)
        names = set[str]()
        for generator in node.generators:
            names.update(n.id for n in ast.walk(generator.target) if isinstance(n, ast.Name))
        self.shadowed.append(names)
        for number, generator in enumerate(node.generators):
            self.doubtful |= bool(generator.is_async)
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
        self.shadowed.pop()

    def on_lambda(self, node: ast.Lambda, stack: list[ast.AST]) -> None:
        self.defaults(node.args)
        scope = Scope("function", self.scope)
        function = scope.function = Function(node, self.unit(node), None, scope)
        self.parameters(node.args, scope, None, function)
        for names in self.shadowed:
            for name in names:
                scope.bindings.setdefault(name, [(self.unit(node), None)])
                scope.env[0].setdefault(name, (self.unit(node), self.unit(node)))
        self.bodies.append((scope, node.body, -1))

    def annotation(self, node: ast.expr, *, later: bool = False) -> None:
        """Record the names in an annotation, those in its strings too."""
        if not later and self.postponed < 0:
            self.strings_of(node)
            self.expression(node)
            return
        for child in _outside_literals(node):
            if isinstance(child, ast.Name):
                unit = self.unit(child)
                entry = self.scope.lookup(child.id)
                if not later and (entry is None or entry[0] < 0) and child.id not in BUILTINS:
                    self.need(unit, self.postponed)
                self.use_later(child.id, unit)
            elif isinstance(child, ast.Constant) and isinstance(child.value, str):
                for name in _names_in_text(child.value):
                    self.use_later(name, self.unit(child))

    def strings_of(self, node: ast.expr) -> None:
        if isinstance(node, ast.Name | ast.Attribute):
            return
        for child in _outside_literals(node):
            if isinstance(child, ast.Constant) and isinstance(child.value, str):
                for name in _names_in_text(child.value):
                    self.use_later(name, self.unit(child))

    def strings_of_call(self, call: ast.Call) -> None:
        """Record the types that `cast` and `TypeVar` take as text."""
        types = call.args[:1] if _last_name(call.func) == "cast" else call.args[1:]
        for node in (*types, *(keyword.value for keyword in call.keywords if keyword.arg == "bound")):
            self.strings_of(node)


def resolve_scope(scope: Scope, name: str) -> Scope | None:
    """Return the scope that binds `name` as seen from `scope`, by Python's rules; None if none here does."""
    if name in scope.outer:
        return scope.outer[name][0] if name in scope.outer[name][0].bindings else None
    found: Scope | None = scope
    while found is not None:
        if name in found.bindings and (found is scope or found.kind != "class"):
            return found
        if name in found.outer:
            owner = found.outer[name][0]
            return owner if name in owner.bindings else None
        found = found.parent
    return None


def receiver_of(base: ast.expr, scope: Scope) -> Class | None:
    """Return the class whose method's first parameter `base` is, seen from `scope`; None otherwise."""
    if not isinstance(base, ast.Name):
        return None
    found: Scope | None = scope
    while found is not None and found.kind == "function":
        if found.receiver == base.id and len(found.bindings[base.id]) == 1:
            return found.function.owner if found.function is not None else None
        if base.id in found.bindings:
            return None
        found = found.parent
    return None


def _all_args(args: ast.arguments) -> list[ast.arg]:
    found = [*args.posonlyargs, *args.args]
    if args.vararg is not None:
        found.append(args.vararg)
    found += args.kwonlyargs
    if args.kwarg is not None:
        found.append(args.kwarg)
    return found


def _catches_name_error(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    names = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(isinstance(name, ast.Name) and name.id in _CATCH_NAME_ERRORS for name in names)


def _decorators(node: ast.AST) -> set[str]:
    """Return the names of a definition's decorators, without what they are called with."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return {_last_name(one.func if isinstance(one, ast.Call) else one) for one in decorators}


def _last_name(node: ast.expr) -> str:
    """Return the name of a name or an attribute, and of nothing else."""
    if type(node) is ast.Name:
        return node.id
    return node.attr if type(node) is ast.Attribute else ""


def _any_starred(*displays: Iterable[ast.expr]) -> bool:
    return any(isinstance(element, ast.Starred) for elements in displays for element in elements)


def _outside_literals(node: ast.expr) -> Iterable[ast.AST]:
    """Yield the nodes of an annotation, but not what `Literal[...]` holds."""
    stack: list[ast.AST] = [node]
    while stack:
        child = stack.pop()
        yield child
        if isinstance(child, ast.Subscript):
            base = child.value
            if _last_name(base) == "Literal":
                stack.append(base)
                continue
        stack.extend(ast.iter_child_nodes(child))


def _names_in_text(text: str) -> list[str]:
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [node.id for node in _outside_literals(tree.body) if isinstance(node, ast.Name)]


_CLASS_METHODS = {"__new__", "__init_subclass__", "__class_getitem__"}

_STATEMENTS: dict[type[ast.AST], Callable[..., int | None]] = {
    ast.Expr: Flow.on_expr,
    ast.Assign: Flow.on_assign,
    ast.AugAssign: Flow.on_aug_assign,
    ast.AnnAssign: Flow.on_ann_assign,
    ast.Return: Flow.on_return,
    ast.If: Flow.on_if,
    ast.For: Flow.on_for,
    ast.AsyncFor: Flow.on_for,
    ast.While: Flow.on_while,
    ast.With: Flow.on_with,
    ast.AsyncWith: Flow.on_with,
    ast.Try: Flow.on_try,
    ast.TryStar: Flow.on_try,
    ast.Match: Flow.on_match,
    ast.FunctionDef: Flow.on_function,
    ast.AsyncFunctionDef: Flow.on_function,
    ast.ClassDef: Flow.on_class,
    ast.Import: Flow.on_import,
    ast.ImportFrom: Flow.on_import_from,
    ast.Delete: Flow.on_delete,
    ast.Global: Flow.on_global,
    ast.Nonlocal: Flow.on_nonlocal,
    ast.Raise: Flow.on_raise,
    ast.Assert: Flow.on_assert,
    ast.Break: Flow.on_break,
    ast.Continue: Flow.on_continue,
    ast.Pass: Flow.on_other,
}
if hasattr(ast, "TypeAlias"):
    _STATEMENTS[ast.TypeAlias] = Flow.on_other

_SPECIAL: dict[type[ast.AST], Callable[..., None]] = {
    ast.Tuple: Flow.on_elements,
    ast.List: Flow.on_elements,
    ast.Set: Flow.on_elements,
    ast.Subscript: Flow.on_subscript,
    ast.Compare: Flow.on_compare,
    ast.UnaryOp: Flow.on_unary,
    ast.Starred: Flow.on_starred,
    ast.NamedExpr: Flow.on_named,
    ast.Yield: Flow.on_yield,
    ast.YieldFrom: Flow.on_yield,
    ast.Await: Flow.on_await,
    ast.JoinedStr: Flow.on_joined,
    ast.ListComp: Flow.on_comprehension,
    ast.SetComp: Flow.on_comprehension,
    ast.DictComp: Flow.on_comprehension,
    ast.GeneratorExp: Flow.on_comprehension,
    ast.Lambda: Flow.on_lambda,
}
