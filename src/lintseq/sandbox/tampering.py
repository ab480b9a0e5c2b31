"""Signs in a program's text that a pass may be forged.

A check shares its interpreter with the program, which can find the check's frames and lintseq's own objects there, or
change what the check uses. Solving a problem needs none of that, so a pass of a program that mentions it is marked
for people to look at. This reads the text only; it does not observe what the program does.
"""

import ast
import builtins

from lintseq.linting.syntax import syntax_tree

_FRAMES = "looks at the frames of its callers"
_MEMORY = "looks through memory for objects"
_WATCHES = "watches what runs"
_BUILTINS = "changes what every program uses"
_NAMES = {
    **dict.fromkeys(("_getframe", "currentframe", "tb_frame", "f_back", "f_globals", "f_locals"), _FRAMES),
    "__subclasses__": _MEMORY,
    **dict.fromkeys(("settrace", "setprofile", "monitoring", "addaudithook"), _WATCHES),
    **dict.fromkeys(("__builtins__", "builtins"), _BUILTINS),
    "ctypes": "changes memory directly",
    "_exit": "ends the process",
    "__code__": "changes other code",
}
_MODULES = {"ctypes", "builtins", "_testcapi", "__main__", "lintseq"}
_WITH_MODULES = {
    "gc": (_MEMORY, {"get_objects", "get_referrers", "get_referents"}),
    "inspect": (_FRAMES, {"stack", "trace", "getouterframes", "getinnerframes"}),
    "unittest": ("changes how tests are run", {"setattr", "SkipTest"}),
    "pytest": ("changes how tests are run", {"setattr", "skip"}),
}
"""Suspicious names in programs that import a module, which by itself is harmless."""
_COMPARISONS = {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__instancecheck__"}
_USED_BY_CHECKS = {"all", "any", "isinstance", "len", "abs", "type", "sorted", "set", "round"}
_USED_BY_CHECKS |= {"AssertionError", "Exception"}


def signs_of_tampering(program: str) -> list[str]:
    """Return the reasons, if any, to doubt that a program which passed a check is correct."""
    try:
        tree = syntax_tree(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    nodes = list(ast.walk(tree))
    imported: dict[str, set[str]] = {}
    for module, bound in (pair for node in nodes for pair in _imports(node)):
        imported.setdefault(module.partition(".")[0], set()).add(bound)
    reasons = [reason for node in nodes for reason in (*_reasons(node), *_reasons_with(imported, node))]
    for name in (name for statement in tree.body for name in _bound_names(statement)):
        if hasattr(builtins, name) and name in _USED_BY_CHECKS:
            reasons.append(f"gives the name {name} to something of its own")
    return list(dict.fromkeys(reasons))


def _reasons(node: ast.AST) -> list[str]:
    match node:
        case ast.Attribute(attr=str(name)) | ast.Name(id=str(name)) | ast.Constant(value=str(name)) if name in _NAMES:
            return [f"mentions {name}: {_NAMES[name]}"]
        case ast.Call(args=[ast.Constant(value="__main__"), *_]):
            return ["mentions __main__: reaches for the check's module"]
        case ast.Attribute(value=ast.Name(id="sys"), attr="modules"):
            return ["mentions sys.modules: changes what others import"]
        case ast.Import(names=names):
            return [f"imports {alias.name}" for alias in names if alias.name.partition(".")[0] in _MODULES]
        case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in _MODULES:
            return [f"imports {module}"]
        case ast.ClassDef(name=name, body=body):
            methods = {bound for statement in body for bound in _bound_names(statement)}
            return [f"defines {method} in class {name}" for method in sorted(methods & _COMPARISONS)]
    return []


def _imports(node: ast.AST) -> list[tuple[str, str]]:
    """Return the modules that a statement imports from, and the names that it binds."""
    match node:
        case ast.Import(names=names):
            return [(alias.name, alias.asname or alias.name.partition(".")[0]) for alias in names]
        case ast.ImportFrom(module=str(module), names=names):
            return [(module, alias.asname or alias.name) for alias in names]
    return []


def _reasons_with(imported: dict[str, set[str]], node: ast.AST) -> list[str]:
    """Return the reasons to doubt a program that imports these modules, under these names."""
    for module, (reason, names) in _WITH_MODULES.items():
        if module not in imported:
            continue
        match node:
            case ast.Attribute(attr=str(name)) | ast.Name(id=str(name)) | ast.Constant(value=str(name)) if (
                name in names
            ):
                return [f"mentions {name}: {reason}"]
            case ast.ImportFrom(module=str(source), names=aliases) if source.partition(".")[0] == module:
                return [f"mentions {alias.name}: {reason}" for alias in aliases if alias.name in {*names, "*"}]
            case ast.Attribute(ctx=ast.Store()) if _root(node) in imported[module]:
                return [f"changes {_root(node)}: {reason}"]
    return []


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _bound_names(statement: ast.stmt) -> list[str]:
    """Return the names that a statement binds, without those bound inside it."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [alias.asname or alias.name for alias in names]
    return []
