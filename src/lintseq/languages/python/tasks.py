"""Tasks from definitions: an instruction from which someone who does not know the package can write the program.

The instruction is the signature and the description from the docstring; the program has no docstrings, since they
would repeat the instruction. Definitions that depend on knowledge of their package are rejected with the reason.
Programs are parsed, never imported or run.
"""

import ast
import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path, PurePosixPath

from lintseq.errors import ProgramError
from lintseq.languages.definitions import MinedDefinition, Task
from lintseq.languages.python.docstrings import description_fault, description_of, first_sentence
from lintseq.languages.python.statements import DEFINITIONS, IMPORTS, last_name, root_name
from lintseq.languages.python.syntax import STDLIB_MODULES
from lintseq.linting.pyflakes import PyflakesLinter

DefinitionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

_TESTS = re.compile(
    r"(?:^|/)(?:_?tests?|testing|testsuite|unittests?)/|(?:^|/)(?:test_[^/]*|[^/]*_tests?|tests?|conftest)\.py$"
)
_VENDORED = re.compile(r"(?:^|/)_?(?:vendor|vendored|extern|externals?|third_?party|thirdparty|bundled)/")
_GENERATED_NAME = re.compile(r"(?:_pb2(?:_grpc)?|parsetab|lextab|_?versioneer|_version)\.py$")
_GENERATED = re.compile(
    r"do not (?:edit|modify)|auto(?:matically)?[- ]?generated|(?<!be )generated (?:by|from|with)\b", re.IGNORECASE
)
_RELATIVE = re.compile(r"^from[ ]+\..*", re.MULTILINE)
_HEAD_LINES = 40
_MAX_LINE = 160
"""Longer lines hold data."""
_MAX_DOCUMENTATION = 5
"""How many times longer a program with docstrings may be than without."""
_MAX_SIGNATURE = 300
_MAX_UNKNOWN_KEYS = 3

_TRIVIAL_METHODS = ("__init__", "__str__", "__repr__", "__reduce__")


def check_file(path: str, text: str) -> None:
    """Raise `ProgramError` for a file that holds no tasks: tests, generated code, vendored packages."""
    if _VENDORED.search(path):
        raise ProgramError("vendored", "the file is a copy of another package's")
    if _GENERATED_NAME.search(path):
        raise ProgramError("generated", "the file's name says that a program wrote it")
    head = text.split("\n", _HEAD_LINES)[:_HEAD_LINES]
    for line in head:
        if line.startswith(("#", '"""', "'''")) and (match := _GENERATED.search(line)) is not None:
            raise ProgramError("generated", f"the file says {match.group()!r}")
    if _TESTS.search(path):
        raise ProgramError("test", "it is a file of tests")


def task_of(definition: MinedDefinition, path: str, *, max_lines: int | None = None) -> Task:
    """Return the task to write a definition; raise `ProgramError` with the reason if that is impossible.

    `path` is the path of its file, relative to the directory that contains the package.
    """
    description = description_of(definition.documentation)
    if (fault := description_fault(definition.documentation, description)) is not None:
        raise ProgramError("unusable-docstring", fault)
    lines = definition.program.count("\n")
    if max_lines is not None and lines > _MAX_DOCUMENTATION * max_lines:  # saves the checks below, which take longer
        raise ProgramError("too-many-lines", f"{lines} lines, more than {max_lines}")
    if (match := _RELATIVE.search(definition.program)) is not None:  # the most frequent reason, found without parsing
        raise ProgramError("own-import", f"{match.group()!r} imports from its own package")
    whole = ast.parse(definition.program)
    node = _node_of(definition, whole)
    _check_name(node, whole)
    _check_body(node)
    program = without_docstrings(definition.program, whole)
    tree = whole if program == definition.program else ast.parse(program)
    _check_size(program, max_lines)
    imports = _checked_imports(tree, path)
    _check_share(program, tree, node.name)
    instruction = _instruction(node, description)
    _check_members(tree, instruction, imports)
    _check_texts(tree, instruction, path)
    check_names(program)
    return Task(instruction, program, "class" if isinstance(node, ast.ClassDef) else "function", imports)


def _node_of(definition: MinedDefinition, tree: ast.Module) -> DefinitionNode:
    """Return the syntax tree of the definition itself."""
    name = definition.name
    found = [node for node in tree.body if isinstance(node, DEFINITIONS) and node.name == name]
    if len(found) != 1:
        raise ProgramError("several", f"{name.partition('-')[0]!r} is defined several times")
    return found[0]


# Checks


def _check_name(node: DefinitionNode, tree: ast.Module) -> None:
    bases = [last_name(base) for base in node.bases] if isinstance(node, ast.ClassDef) else []
    if re.match(r"_*tests?_|_*tests?$|Test[A-Z]", node.name) or any(base.endswith("TestCase") for base in bases):
        raise ProgramError("test", f"{node.name!r} is a test")
    own = {name for inner in tree.body if not isinstance(inner, IMPORTS) for name in _bound_by(inner)}
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        text = ast.unparse(called)
        if "fixture" in text or text.startswith("pytest."):
            raise ProgramError("test", f"it is decorated with {text!r}")
        if "deprecat" in text.lower():
            raise ProgramError("unusable-docstring", f"it is decorated with {text!r}")
        if text.partition(".")[0] in own:
            raise ProgramError("own-decorator", f"it is decorated with {text!r} from its own module")
    if not isinstance(node, ast.ClassDef):
        arguments = [*node.args.posonlyargs, *node.args.args]
        if arguments and arguments[0].arg in ("self", "cls"):
            raise ProgramError(
                "unknown-member", f"it is a method of another class: its first parameter is {arguments[0].arg!r}"
            )


def _bound_by(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a top-level statement binds."""
    if isinstance(node, DEFINITIONS):
        yield node.name
    else:
        names = (inner for inner in ast.walk(node) if isinstance(inner, ast.Name))
        yield from (name.id for name in names if isinstance(name.ctx, ast.Store))


def _check_body(node: DefinitionNode) -> None:
    """Raise `ProgramError` if a definition does nothing."""
    body = [statement for statement in node.body if not _is_idle(statement)]
    if not body:
        raise ProgramError("stub", "its body does nothing")
    if isinstance(node, ast.ClassDef):
        methods = [statement for statement in body if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)]
        if all(method.name in _TRIVIAL_METHODS or all(map(_is_idle, method.body)) for method in methods):
            raise ProgramError("stub", f"it has no methods except {', '.join(_TRIVIAL_METHODS)} and empty ones")
    elif len(body) == 1:
        match body[0]:
            case ast.Raise():
                raise ProgramError("stub", "it only raises an error")
            case ast.Return(None | ast.Constant() | ast.Name()):
                raise ProgramError("stub", f"it only does: {ast.unparse(body[0])}")
            case ast.Return(ast.Call(ast.Attribute(ast.Name(), name))) if name == node.name:
                raise ProgramError("stub", f"it only calls a method of the same name: {ast.unparse(body[0])}")


def _is_idle(node: ast.stmt) -> bool:
    match node:
        case ast.Pass() | ast.Expr(ast.Constant()):
            return True
        case ast.Raise(exc):
            called = exc.func if isinstance(exc, ast.Call) else exc
            return called is not None and last_name(called) == "NotImplementedError"
    return False


def _check_size(program: str, max_lines: int | None) -> None:
    lines = program.split("\n")
    size = len(lines) - 1
    if max_lines is not None and size > max_lines:
        raise ProgramError("too-many-lines", f"{size} lines, more than {max_lines}")
    if (longest := max(map(len, lines))) > _MAX_LINE:
        raise ProgramError("long-line", f"a line has {longest} characters")


def _check_share(program: str, tree: ast.Module, name: str) -> None:
    """Raise `ProgramError` if most of a program is not the definition itself."""
    lines = program.split("\n")

    def length(node: ast.stmt) -> int:
        return sum(bool(line.strip()) for line in lines[node.lineno - 1 : node.end_lineno])

    own = sum(length(node) for node in tree.body if isinstance(node, DEFINITIONS) and node.name == name)
    rest = sum(length(node) for node in tree.body if not isinstance(node, IMPORTS)) - own
    if rest > own:
        raise ProgramError("mostly-other", f"{own} lines are {name!r}, and {rest} are what it needs")


def _checked_imports(tree: ast.Module, path: str) -> tuple[str, ...]:
    """Return the packages that a program imports; raise `ProgramError` if its own is among them."""
    own = {part for part in PurePosixPath(path).parts[:-1] if part not in STDLIB_MODULES}
    own.update(part.removesuffix(".py") for part in PurePosixPath(path).parts[:1])
    found: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, IMPORTS):
            continue
        if isinstance(node, ast.ImportFrom):
            if node.level:
                raise ProgramError("own-import", f"{ast.unparse(node)!r} imports from its own package")
            if node.names[0].name == "*":
                raise ProgramError("undefined-name", f"{ast.unparse(node)!r} may bind any name")
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        for name in names:
            top = name.partition(".")[0]
            if top in own:
                raise ProgramError("own-import", f"{ast.unparse(node)!r} imports from its own package")
            found.add(top)
    return tuple(sorted(found - STDLIB_MODULES))


def check_names(program: str) -> None:
    """Raise `ProgramError` for a program that does not compile or uses a name that nothing defines."""
    for finding in PyflakesLinter().check(program):
        if finding.code in ("UndefinedName", "UndefinedLocal", "UndefinedExport", "SyntaxError"):
            raise ProgramError("undefined-name" if finding.code != "SyntaxError" else "syntax", finding.message)


def _check_members(tree: ast.Module, instruction: str, imports: Sequence[str]) -> None:
    """Raise `ProgramError` for a member of a parameter that neither the instruction nor Python explains."""
    known = _known_names("members") | set(re.findall(r"\w+", instruction))
    if any(name in ("numpy", "scipy", "pandas", "sklearn", "torch", "jax") for name in imports):
        known |= _known_names("array_members")
    bound = frozenset(_members_bound(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            _check_parameters(node, known | bound)


def _check_parameters(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, known: frozenset[str]) -> None:
    inputs = _input_names(node)
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and inner.attr not in known and root_name(inner.value) in inputs:
            member = f"{ast.unparse(inner.value)}.{inner.attr}"
            raise ProgramError("unknown-member", f"it uses {member}, which the instruction does not mention")


def _input_names(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    """Return the names bound to a function's arguments, or to parts of them."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
    found = {argument.arg for argument in arguments if argument is not None}
    for inner in ast.walk(node):
        match inner:
            case ast.For(target, values) | ast.AsyncFor(target, values) | ast.comprehension(target, values):
                used = {name.id for name in ast.walk(values) if isinstance(name, ast.Name)}
            case ast.Assign([target], ast.Attribute() | ast.Subscript() | ast.Name() as value):
                used = {root_name(value)}
            case _:
                continue
        if used & found:
            found.update(name.id for name in ast.walk(target) if isinstance(name, ast.Name))
    return found


def _members_bound(tree: ast.Module) -> Iterator[str]:
    """Yield the names of all members that a program binds: in class bodies, by assignment, in named tuples."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(body=body):
                for inner in (inner for statement in body for inner in ast.walk(statement)):
                    if isinstance(inner, DEFINITIONS):
                        yield inner.name
                    elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                        yield inner.id
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.Call(ast.Name("namedtuple") | ast.Attribute(attr="namedtuple")):
                yield from re.findall(r"\w+", ast.unparse(node))


def _check_texts(tree: ast.Module, instruction: str, path: str) -> None:
    """Raise `ProgramError` if a program contains the name of its package, or keys missing from the instruction."""
    strings = list(_strings(tree))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute)]
    names = [node.attr if isinstance(node, ast.Attribute) else node.id for node in nodes]
    known = _words(instruction)
    package = _package_of(path)
    if package and package not in known and package in _words(" ".join([*names, *strings])):
        raise ProgramError("own-name", f"it contains the name of its package, {package!r}")
    known |= _known_names("everyday_words")
    keys = sorted({text for text in strings if _KEY.fullmatch(text) and not _words(text) <= known})
    if len(keys) > _MAX_UNKNOWN_KEYS:
        examples = ", ".join(map(repr, keys[: _MAX_UNKNOWN_KEYS + 1]))
        raise ProgramError("undocumented-keys", f"the instruction does not mention {examples}")


_KEY = re.compile(r"(?=.*[A-Za-z]{3})(?!__\w+__$)[\w./:$-]+")
"""A string that is a name or a value, not a message."""
_MESSAGE = re.compile(r"warn|log|print|echo|error|exception|debug|info", re.IGNORECASE)


def _strings(tree: ast.Module) -> Iterator[str]:
    """Yield the strings in a program, except in errors and messages."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        logs = isinstance(node, ast.Call) and _MESSAGE.search(ast.unparse(node.func))
        if not logs and not isinstance(node, ast.Raise | ast.Assert):
            waiting.extend(ast.iter_child_nodes(node))


def _words(text: str) -> set[str]:
    """Return the words of a text in lower case; names such as `readFile` are split."""
    return set(re.findall(r"[a-z]{2,}", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower()))


def _package_of(path: str) -> str:
    """Return the name of a file's package in lower case; empty if it is too short or a module of Python."""
    parts = [part for part in PurePosixPath(path).parts if part not in ("src", "lib", "python")]
    name = parts[0].removesuffix(".py").lower() if parts else ""
    return name if len(name) > 2 and name.isalpha() and name not in STDLIB_MODULES else ""


@cache
def _known_names(kind: str) -> frozenset[str]:
    """Return the names of a kind in `known_names.toml`."""
    text = Path(__file__).with_name("known_names.toml").read_text(encoding="utf-8")
    return frozenset(tomllib.loads(text)[kind].split())


# Instruction and program


def _instruction(node: DefinitionNode, description: str) -> str:
    signature = _signature(node)
    if len(signature) > _MAX_SIGNATURE:
        raise ProgramError("long-signature", f"the signature has {len(signature)} characters")
    kind = "class" if isinstance(node, ast.ClassDef) else "function"
    if isinstance(node, ast.AsyncFunctionDef):
        kind = "async function"
    decorators = [f"`@{ast.unparse(decorator)}`" for decorator in node.decorator_list]
    decorated = f", decorated with {' and '.join(decorators)}" if decorators else ""
    parts = [f"Write a Python {kind} `{signature}`{decorated}.", description]
    if isinstance(node, ast.ClassDef):
        fields = [f"- `{ast.unparse(field)}`" for field in node.body if isinstance(field, ast.AnnAssign)]
        methods = [
            _about_method(method) for method in node.body if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        parts += ["\n".join([title, *rows]) for title, rows in (("Fields:", fields), ("Methods:", methods)) if rows]
    return "\n\n".join(parts)


def _about_method(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    description = first_sentence(description_of(ast.get_docstring(node) or ""))
    return f"- `{_signature(node)}`" + (f": {description}" if description else "")


def _signature(node: DefinitionNode) -> str:
    if isinstance(node, ast.ClassDef):
        keywords = [f"{keyword.arg}={ast.unparse(keyword.value)}" for keyword in node.keywords]
        bases = [*map(ast.unparse, node.bases), *keywords]
        return node.name + (f"({', '.join(bases)})" if bases else "")
    returns = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    return f"{node.name}({ast.unparse(node.args)}){returns}"


def without_docstrings(program: str, tree: ast.Module) -> str:
    """Return a program without the docstrings of its functions and classes, and the blank lines after them.

    Docstrings that are a whole body stay, and all of them if the program reads `__doc__`.
    """
    if "__doc__" in program:
        return program
    lines = program.split("\n")
    gone: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, DEFINITIONS) and len(node.body) > 1 and ast.get_docstring(node, clean=False) is not None:
            docstring, following = node.body[0], node.body[1]
            first, last = docstring.lineno - 1, (docstring.end_lineno or docstring.lineno) - 1
            before = lines[first].encode()[: docstring.col_offset]
            after = lines[last].encode()[docstring.end_col_offset or 0 :].decode().strip()
            if before.strip() or (after and not after.startswith("#")) or following.lineno - 1 == last:
                continue
            while last + 1 < len(lines) and not lines[last + 1].strip():
                last += 1
            gone.update(range(first, last + 1))
    return "\n".join(line for number, line in enumerate(lines) if number not in gone)
