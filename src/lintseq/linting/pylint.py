"""pylint, the paper's linter, kept warm in this process: its E and F messages, W0311 and W0231.

No configuration file is read or written. What pylint does at the start of a run (loading its checkers, building the
tree of the builtins) is done once; what could carry over from one state to the next is undone after each
(`_Engine.forget`). Pragma comments (`# pylint: disable=...`) work as usual.

`pylint` resolves no imports, so that its diagnostics do not depend on installed packages; `pylint+imports` does, as in
the published code.
"""

import ast
import gc
import io
import re
import tokenize
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NoReturn

from astroid import nodes
from astroid.builder import AstroidBuilder
from astroid.context import _invalidate_cache
from astroid.exceptions import AstroidImportError, InferenceError
from astroid.inference_tip import clear_inference_tip_cache
from astroid.interpreter.objectmodel import ObjectModel
from astroid.manager import AstroidManager
from astroid.nodes import Position
from astroid.nodes._base_nodes import LookupMixIn
from astroid.rebuilder import TreeRebuilder
from pylint.checkers.base_checker import BaseChecker
from pylint.checkers.clear_lru_cache import clear_lru_caches
from pylint.checkers.format import FormatChecker
from pylint.checkers.unicode import BAD_CHARS, BIDI_UNICODE, UnicodeChecker
from pylint.lint import PyLinter
from pylint.reporters import CollectingReporter
from pylint.utils import ASTWalker, FileState

from lintseq.errors import ToolError
from lintseq.linting.diagnostic import Diagnostic
from lintseq.linting.syntax import PYTHON_VERSION, LineNumbers, syntax_errors

MESSAGES = ("E", "F", "W0311", "W0231")
IMPORT_MESSAGES = ("E0401", "E0402", "E0611")

_NAME = "lintseq_state"
_LINES_KEPT = 60_000
"""How many lines of imported modules are kept as trees, at about 12 kB a line, before all are dropped."""

_SUSPICIOUS = re.compile(f"[\r{re.escape(''.join({char.unescaped for char in BAD_CHARS} | set(BIDI_UNICODE)))}]")
_ENCODING = re.compile(rb"coding(?=[:=])")


class PylintLinter:
    """A warm pylint. An exception in it becomes a `ToolError`, and the next state gets a new one."""

    def __init__(self, *, resolve_imports: bool = False) -> None:
        self._resolve_imports = resolve_imports
        # Created at once, so that processes forked from this one start warm.
        self._engine: _Engine | None = _Engine(resolve_imports=resolve_imports)

    @property
    def version(self) -> str:
        from importlib.metadata import version

        name = "pylint+imports" if self._resolve_imports else "pylint"
        return f"{name} {version('pylint')} / astroid {version('astroid')} / {PYTHON_VERSION}"

    def check(self, source: str) -> list[Diagnostic]:
        if errors := syntax_errors(source, "E0001"):
            return errors
        # Trees are full of cycles. If enabled, the collector would traverse the growing tree many times; disabled, it
        # frees the whole tree at the end in one pass over the young objects.
        collects = gc.isenabled()
        gc.disable()
        try:
            return self._check(source)
        finally:
            if collects:
                gc.enable()  # what was allocated meanwhile counts: the next allocation starts a collection

    def _check(self, source: str) -> list[Diagnostic]:
        engine = self._engine or _Engine(resolve_imports=self._resolve_imports)
        self._engine = None  # only an engine that did not fail is reused
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = engine.run(source)
            except RecursionError:
                raise ToolError("pylint cannot judge this state: it is nested too deeply") from None
            except Exception as error:
                lines = source.count("\n") + 1
                raise ToolError(
                    f"pylint failed on a state of {lines} lines: {type(error).__name__}: {error}"
                ) from error
        self._engine = engine
        return found


class _Engine:
    """A PyLinter with the checkers that have enabled messages, made reusable."""

    def __init__(self, *, resolve_imports: bool) -> None:
        self._resolve_imports = resolve_imports
        # Settings that all users of astroid in this process share. The published code runs pylint with
        # --unsafe-load-any-extension; the others are pylint's defaults.
        self._shared = {"always_load_extensions": resolve_imports, "max_inferable_values": 100, "prefer_stubs": False}
        self._manager = AstroidManager()
        self._builder = _StateBuilder(self._manager)
        self._modules = _Modules(self._manager)
        self._reporter = CollectingReporter()
        self._linter = linter = PyLinter()
        linter.load_default_plugins()
        linter.set_reporter(self._reporter)
        linter.disable("all")
        for message in MESSAGES:
            linter.enable(message)
        if not resolve_imports:
            for message in IMPORT_MESSAGES:
                linter.disable(message)
        linter.set_option("generated-members", ["cv2.*"])  # as in the published code
        linter.set_option("missing-member-hint", False)  # guesses do not count, and are slow
        linter.initialize()  # not `open`, which changes settings that other users of astroid share
        linter.set_current_module(_NAME, _NAME)
        checkers = linter.prepare_checkers()
        self._format = next(checker for checker in checkers if isinstance(checker, FormatChecker))
        self._unicode = next(checker for checker in checkers if isinstance(checker, UnicodeChecker))
        self._walker = ASTWalker(linter)
        self._walker.exception_msg = True  # we report exceptions ourselves
        for checker in checkers:
            if checker not in (linter, self._format, self._unicode):
                checker.open()
                self._walker.add_checker(checker)
                _skip_costly_warnings(checker)
        linter._by_id_managed_msgs.clear()
        self._notes = [note for checker in checkers for note in _empty_containers(checker)]

    def run(self, source: str) -> list[Diagnostic]:
        """Return pylint's diagnostics for `source`, which compiles."""
        if self._manager.builtins_module is not self._modules.builtins:  # astroid's caches were cleared
            self._modules = _Modules(self._manager)
        before = {name: getattr(self._manager, name) for name in self._shared}
        self._set_shared(self._shared)
        try:
            self._judge(source)
            number = LineNumbers(source)
            found = self._reporter.messages
            return [Diagnostic(message.msg_id, message.msg, number(message.line)) for message in found]
        finally:
            self._set_shared(before)
            self.forget()

    def _set_shared(self, settings: Mapping[str, object]) -> None:
        for name, value in settings.items():
            setattr(self._manager, name, value)

    def _judge(self, source: str) -> None:
        tree = _parse(source)
        clean_indentation = _is_indented_by_four(source, tree)
        module = self._builder.build(source, tree, resolve_imports=self._resolve_imports)
        linter = self._linter
        linter._ignore_file = False
        linter.file_state = FileState(_NAME, linter.msgs_store, module)
        if not clean_indentation or "pylint" in source:
            try:
                tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
            except (tokenize.TokenError, SyntaxError) as error:
                linter.add_message("syntax-error", line=1, args=str(error))
                return
            linter.process_tokens(tokens)
            if linter._ignore_file:
                return
            if not clean_indentation:
                self._format.process_tokens(tokens)
        if _SUSPICIOUS.search(source):
            module.file_bytes = _undeclared(source)
            self._unicode.process_module(module)
        self._walker.walk(module)

    def forget(self) -> None:
        """Undo what the last state left behind: the caches of pylint and astroid keep every tree they see."""
        self._reporter.messages.clear()
        for notes, name in self._notes:
            if name in notes:  # some checkers delete theirs
                notes[name].clear()
        self._builder.undo()
        clear_lru_caches()
        clear_inference_tip_cache()
        _invalidate_cache()
        LookupMixIn.lookup.cache_clear()
        ObjectModel.attributes.cache_clear()
        nodes.ClassDef._metaclass_lookup_attribute.cache_clear()
        self._modules.tidy()


class _Modules:
    """astroid's module cache: initial modules are kept, imported ones are dropped when they become too many."""

    def __init__(self, manager: AstroidManager) -> None:
        self.builtins: nodes.Module = manager.builtins_module
        _remember_ancestors(self.builtins)
        self._manager = manager
        self._modules: dict[str, nodes.Module] = manager.astroid_cache
        # The module that `from . import name` finds. astroid puts the first snippet there that it happens to parse;
        # an empty module gives the same answer for every name, always.
        self._modules.pop("", None)
        AstroidBuilder(manager).string_build("")
        self._kept = dict(self._modules)
        self._seen = len(self._kept)
        self._tables = [(table, _copied(table)) for table in self._writable()]

    def tidy(self) -> None:
        """Drop the state, and all imported modules once they are too many."""
        self._modules.pop(_NAME, None)
        self._modules[""] = self._kept[""]
        if len(self._modules) != self._seen:
            self._seen = len(self._modules)
            if sum(module.tolineno or 0 for module in self._modules.values()) > _LINES_KEPT:
                self._drop_imported()

    def _drop_imported(self) -> None:
        self._modules.clear()
        self._modules.update(self._kept)
        self._seen = len(self._kept)
        self._manager._mod_file_cache.clear()
        for table, original in self._tables:  # loading them changed the builtins
            table.clear()
            table.update(_copied(original))

    def _writable(self) -> Iterator[dict[str, list[nodes.NodeNG]]]:
        """Yield the tables in which assignments to attributes of builtins are recorded."""
        yield self.builtins.locals
        for node in self.builtins.body:
            if isinstance(node, nodes.ClassDef | nodes.FunctionDef):
                yield node.locals
                yield node.instance_attrs


def _copied(table: dict[str, list[nodes.NodeNG]]) -> dict[str, list[nodes.NodeNG]]:
    return {name: list(found) for name, found in table.items()}


class _StateBuilder(AstroidBuilder):
    """Builds the tree of a state, and undoes what building it changed in the trees of other modules.

    `error = ValueError(); error.code = 1` permanently gives astroid's ValueError an attribute `code`: the next state
    would see it, and it would keep the whole tree of this state alive.
    """

    def __init__(self, manager: AstroidManager) -> None:
        super().__init__(manager)
        self._written: list[tuple[dict[str, list[nodes.NodeNG]], nodes.AssignAttr]] = []

    def build(self, source: str, tree: ast.Module, *, resolve_imports: bool) -> nodes.Module:
        rebuilder = _Rebuilder(self._manager)
        module = rebuilder.visit_module(tree, _NAME, f"{_NAME}.py", package=False)
        if not resolve_imports:
            vars(module)["import_module"] = _refuse_import
        return self._post_build(module, rebuilder, "utf-8")

    def delayed_assattr(self, node: nodes.AssignAttr) -> None:
        super().delayed_assattr(node)
        home = node.root()
        for table in self._foreign_tables(node, home):
            if any(value is node for value in table.get(node.attrname, ())):
                self._written.append((table, node))

    def _foreign_tables(self, node: nodes.AssignAttr, home: nodes.NodeNG) -> Iterator[dict[str, list[nodes.NodeNG]]]:
        with suppress(InferenceError):
            for inferred in node.expr.infer():
                for owner in (inferred, getattr(inferred, "_proxied", None)):
                    if isinstance(owner, nodes.LocalsDictNodeNG) and owner.root() is not home:
                        yield owner.locals
                        yield getattr(owner, "instance_attrs", {})

    def undo(self) -> None:
        """Undo the changes since the last call."""
        for table, node in self._written:
            rest = [value for value in table.get(node.attrname, ()) if value is not node]
            if rest:
                table[node.attrname] = rest
            else:
                table.pop(node.attrname, None)
        self._written.clear()


class _Rebuilder(TreeRebuilder):
    """astroid's rebuilder without tokenizing each header to find its last column, which is not used here."""

    def _get_position_info(self, node: Any, parent: Any) -> Position:
        return Position(node.lineno, node.col_offset, node.lineno, node.col_offset)


def _refuse_import(modname: str, *_: object, **__: object) -> NoReturn:
    raise AstroidImportError("imports are not resolved", modname=modname)


def _remember_ancestors(builtins: nodes.Module) -> None:
    """Cache the most frequent queries of builtin classes, which also makes the answers always the same."""
    for cls in builtins.body:
        if isinstance(cls, nodes.ClassDef):
            vars(cls).update(ancestors=_remembered_ancestors(cls), _find_metaclass=_constant(cls.metaclass()))


def _remembered_ancestors(cls: nodes.ClassDef) -> Callable[..., Iterator[nodes.ClassDef]]:
    direct, all_of_them = tuple(cls.ancestors(recurs=False)), tuple(cls.ancestors())

    def ancestors(recurs: bool = True, context: object = None) -> Iterator[nodes.ClassDef]:
        return iter(all_of_them if recurs else direct)

    return ancestors


def _empty_containers(checker: object) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the containers in which `checker` collects facts about trees: all empty now, some never cleared."""
    for name, value in vars(checker).items():
        if isinstance(value, list | dict | set):
            if not value:
                yield vars(checker), name
        elif type(value).__module__.startswith("pylint.checkers."):
            yield from _empty_containers(value)


def _constant(value: object) -> Callable[..., object]:
    return lambda *_, **__: value


def _undeclared(source: str) -> bytes:
    """Return `source` as UTF-8 that declares no encoding."""
    head = source.encode().split(b"\n", 2)
    return b"\n".join([*(_ENCODING.sub(b"c_ding", line) for line in head[:2]), *head[2:]])


_WARNINGS_ONLY = (
    *("_loopvar_name", "_check_bases_classes", "_check_late_binding_closure", "_check_missing_timeout"),
    *("_check_super_without_brackets", "_check_unreachable", "_check_unused_private_attributes"),
    *("_check_unused_private_functions", "_check_unused_private_variables", "check_deprecated_method"),
)
"""Slow steps of the checkers that only lead to messages that are not enabled."""


def _skip_costly_warnings(checker: BaseChecker) -> None:
    for name in _WARNINGS_ONLY:
        if hasattr(checker, name):
            setattr(checker, name, _constant(None))


def _parse(source: str) -> ast.Module:
    """Return the tree that astroid would parse, with type comments where they are valid."""
    if "type:" in source:
        with suppress(SyntaxError):  # a misplaced type comment is just a comment
            return ast.parse(source, type_comments=True)
    return ast.parse(source)


def _is_indented_by_four(source: str, tree: ast.Module) -> bool:
    """Tell whether W0311 is ruled out: each line that begins a statement is indented by four spaces per level.

    If False, only pylint's own check, which needs the tokens, can decide.
    """
    if "\f" in source:
        return False
    todo: list[tuple[list[ast.stmt], int, int]] = [(tree.body, 0, 0)]
    while todo:
        body, column, line = todo.pop()
        for statement in body:
            if statement.col_offset != column and statement.lineno != line:
                return False
            line = statement.end_lineno or 0
            if isinstance(statement, ast.Match):
                return False  # the tree does not contain the position of `case`
            for inner in _suites(statement):
                todo.append((inner, column + 4, statement.lineno))
    return True


def _suites(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    yield getattr(statement, "body", [])
    yield getattr(statement, "finalbody", [])
    for handler in getattr(statement, "handlers", []):
        yield handler.body
    orelse = getattr(statement, "orelse", [])
    if len(orelse) == 1 and isinstance(statement, ast.If) and orelse[0].col_offset == statement.col_offset:
        yield from _suites(orelse[0])  # an `elif`
    else:
        yield orelse
