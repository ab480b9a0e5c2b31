"""pylint, the paper's linter, warm in this process: its E and F messages, W0311 and W0231.

It reads no configuration file and writes none. What pylint would do once for each run (load its
checkers, build the tree of the builtins) is done once; what could carry over from one state to the
next is undone after each (`_Engine.forget`). Comments that steer pylint (`# pylint: disable=...`) have their effect.

`pylint` resolves no import, so that its verdict does not depend on what is installed;
`pylint+imports` does, as the published code has it.
"""

import ast
import gc
import io
import re
import tokenize
import warnings
from collections.abc import Callable, Iterator
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
"""How many lines of imported modules to keep as trees, at about 12 kB a line, before all of them are dropped."""

_SUSPICIOUS = re.compile(f"[\r{re.escape(''.join({char.unescaped for char in BAD_CHARS} | set(BIDI_UNICODE)))}]")
_ENCODING = re.compile(rb"coding(?=[:=])")


class PylintLinter:
    """One warm pylint; whatever breaks in it is a `ToolError` and it starts afresh."""

    def __init__(self, *, resolve_imports: bool = False) -> None:
        self._resolve_imports = resolve_imports
        # At once, so that processes forked from this one start warm.
        self._engine: _Engine | None = _Engine(resolve_imports=resolve_imports)

    @property
    def version(self) -> str:
        from importlib.metadata import version

        name = "pylint+imports" if self._resolve_imports else "pylint"
        return f"{name} {version('pylint')} / astroid {version('astroid')} / {PYTHON_VERSION}"

    def check(self, source: str) -> list[Diagnostic]:
        if errors := syntax_errors(source, "E0001"):
            return errors
        # A tree is full of cycles. Left alone, the collector goes through the growing tree many times over;
        # it is dead as a whole at the end, when one look at the young objects frees it.
        if not gc.isenabled():
            return self._check(source)
        gc.disable()
        try:
            return self._check(source)
        finally:
            gc.enable()  # what was allocated meanwhile counts: the next allocation starts a collection

    def _check(self, source: str) -> list[Diagnostic]:
        engine = self._engine or _Engine(resolve_imports=self._resolve_imports)
        self._engine = None  # only an engine that came through whole is used again
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
    """A PyLinter with the checkers that can say what counts, and what it takes to use it again and again."""

    def __init__(self, *, resolve_imports: bool) -> None:
        self._resolve_imports = resolve_imports
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
        linter.set_option("generated-members", ["cv2.*"])  # as the published code sets it
        linter.set_option("missing-member-hint", False)  # guesses do not count, and take time
        linter.initialize()  # not `open`, which would set what other users of astroid share
        linter.set_current_module(_NAME, _NAME)
        checkers = linter.prepare_checkers()
        self._format = _only(checkers, FormatChecker)
        self._unicode = _only(checkers, UnicodeChecker)
        self._walker = ASTWalker(linter)
        self._walker.exception_msg = True  # an exception is ours to report
        for checker in checkers:
            if checker not in (linter, self._format, self._unicode):
                checker.open()
                self._walker.add_checker(checker)
                _skip_costly_warnings(checker)
        linter._by_id_managed_msgs.clear()
        self._notes = [place for checker in checkers for place in _empty_containers(checker)]

    def run(self, source: str) -> list[Diagnostic]:
        """Return pylint's diagnostics for `source`, which compiles."""
        if self._manager.builtins_module is not self._modules.builtins:  # someone cleared astroid's caches
            self._modules = _Modules(self._manager)
        manager = self._manager
        before = manager.always_load_extensions, manager.max_inferable_values, manager.prefer_stubs
        # The published code runs pylint with --unsafe-load-any-extension; the others are pylint's defaults.
        self._set(self._resolve_imports, 100, False)
        try:
            self._judge(source)
            number = LineNumbers(source)
            found = self._reporter.messages
            return [Diagnostic(message.msg_id, message.msg, number(message.line)) for message in found]
        finally:
            self._set(*before)
            self.forget()

    def _set(self, always_load_extensions: bool, max_inferable_values: int, prefer_stubs: bool) -> None:
        """Set what all users of astroid in this process share."""
        self._manager.always_load_extensions = always_load_extensions
        self._manager.max_inferable_values = max_inferable_values
        self._manager.prefer_stubs = prefer_stubs

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
        """Undo what the last state left behind: pylint's and astroid's caches hold on to every tree they saw."""
        self._reporter.messages.clear()
        for notes, name in self._notes:
            if name in notes:  # some throw theirs away
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
    """astroid's store of modules: what it held when we came stays; what imports brought goes when it is too much."""

    def __init__(self, manager: AstroidManager) -> None:
        self.builtins: nodes.Module = manager.builtins_module
        _remember_ancestors(self.builtins)
        self._manager = manager
        self._modules: dict[str, nodes.Module] = manager.astroid_cache
        # What `from . import name` finds. astroid leaves there the first scrap of code of its own that it
        # happens to parse; an empty module says the same of any name, and always.
        self._modules.pop("", None)
        AstroidBuilder(manager).string_build("")
        self._kept = dict(self._modules)
        self._seen = len(self._kept)
        self._tables = [(table, _copied(table)) for table in self._writable()]

    def tidy(self) -> None:
        """Forget the state; and all imported modules, when they have become many."""
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
        for table, original in self._tables:  # loading them wrote into the builtins
            table.clear()
            table.update(_copied(original))

    def _writable(self) -> Iterator[dict[str, list[nodes.NodeNG]]]:
        """Yield where the assignment to an attribute of a builtin is noted."""
        yield self.builtins.locals
        for node in self.builtins.body:
            if isinstance(node, nodes.ClassDef | nodes.FunctionDef):
                yield node.locals
                yield node.instance_attrs


def _copied(table: dict[str, list[nodes.NodeNG]]) -> dict[str, list[nodes.NodeNG]]:
    return {name: list(found) for name, found in table.items()}


class _StateBuilder(AstroidBuilder):
    """Builds the tree of a state, and takes back what building it wrote into other modules' trees.

    `error = ValueError(); error.code = 1` gives astroid's ValueError an attribute `code`, for good: the next
    state would find it there, and the attribute would keep this state's whole tree alive.
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
        try:
            for inferred in node.expr.infer():
                for owner in (inferred, getattr(inferred, "_proxied", None)):
                    if isinstance(owner, nodes.LocalsDictNodeNG) and owner.root() is not home:
                        yield owner.locals
                        yield getattr(owner, "instance_attrs", {})
        except InferenceError:
            return

    def undo(self) -> None:
        """Take back what the states since the last call wrote."""
        for table, node in self._written:
            rest = [value for value in table.get(node.attrname, ()) if value is not node]
            if rest:
                table[node.attrname] = rest
            else:
                table.pop(node.attrname, None)
        self._written.clear()


class _Rebuilder(TreeRebuilder):
    """astroid's rebuilder, but it does not tokenize each header to learn its last column, which we do not use."""

    def _get_position_info(self, node: Any, parent: Any) -> Position:
        return Position(node.lineno, node.col_offset, node.lineno, node.col_offset)


def _refuse_import(modname: str, *_: object, **__: object) -> NoReturn:
    raise AstroidImportError("imports are not resolved", modname=modname)


def _remember_ancestors(builtins: nodes.Module) -> None:
    """Let the builtin classes answer from memory what they are asked most, and always answer alike."""
    for cls in builtins.body:
        if isinstance(cls, nodes.ClassDef):
            vars(cls).update(ancestors=_remembered_ancestors(cls), _find_metaclass=_constant(cls.metaclass()))


def _remembered_ancestors(cls: nodes.ClassDef) -> Callable[..., Iterator[nodes.ClassDef]]:
    direct, all_of_them = tuple(cls.ancestors(recurs=False)), tuple(cls.ancestors())

    def ancestors(recurs: bool = True, context: object = None) -> Iterator[nodes.ClassDef]:
        return iter(all_of_them if recurs else direct)

    return ancestors


def _empty_containers(checker: object) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield where `checker` keeps notes on the trees it sees; none does yet, and some never throw them away."""
    for name, value in vars(checker).items():
        if isinstance(value, list | dict | set):
            if not value:
                yield vars(checker), name
        elif type(value).__module__.startswith("pylint.checkers."):
            yield from _empty_containers(value)


def _constant(value: object) -> Callable[..., object]:
    return lambda *_, **__: value


def _undeclared(source: str) -> bytes:
    """Return `source` as bytes that declare no encoding: it is Unicode already, whatever it once was."""
    head = source.encode().split(b"\n", 2)
    return b"\n".join([*(_ENCODING.sub(b"c_ding", line) for line in head[:2]), *head[2:]])


def _only(checkers: list[BaseChecker], kind: type) -> Any:
    return next(checker for checker in checkers if type(checker) is kind)


_WARNINGS_ONLY = (
    "_loopvar_name",
    "_check_bases_classes",
    "_check_late_binding_closure",
    "_check_missing_timeout",
    "_check_super_without_brackets",
    "_check_unreachable",
    "_check_unused_private_attributes",
    "_check_unused_private_functions",
    "_check_unused_private_variables",
    "check_deprecated_method",
)
"""The checkers' own steps that take time and can only lead to messages that do not count."""


def _skip_costly_warnings(checker: BaseChecker) -> None:
    for name in _WARNINGS_ONLY:
        if hasattr(checker, name):
            setattr(checker, name, _constant(None))


def _parse(source: str) -> ast.Module:
    """Return the tree that astroid would parse: type comments too, where they are well placed."""
    if "type:" in source:
        try:
            return ast.parse(source, type_comments=True)
        except SyntaxError:  # a misplaced type comment: only a comment, then
            pass
    return ast.parse(source)


def _is_indented_by_four(source: str, tree: ast.Module) -> bool:
    """Tell whether there is certainly no W0311: each line that begins a statement has four spaces a level.

    False says nothing: pylint's own check, which needs the tokens, must have a look.
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
                return False  # nothing says where `case` begins
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
