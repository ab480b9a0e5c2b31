"""What a program mentions that could make a check pass which should not. Judges words, not deeds.

A check shares its interpreter with the program. Whoever looks for it finds the check's frames and this project's own
objects there, and can change what the check uses. Nothing of that is needed to solve a problem, so a pass of a
program that mentions it is marked, and left for people to judge.
"""

import ast
import builtins

_NAMES = {
    "_getframe": "looks at the frames of its callers",
    "currentframe": "looks at the frames of its callers",
    "tb_frame": "looks at the frames of its callers",
    "f_back": "looks at the frames of its callers",
    "f_globals": "looks at the frames of its callers",
    "f_locals": "looks at the frames of its callers",
    "gc": "looks through memory for objects",
    "ctypes": "changes memory directly",
    "_exit": "ends the process",
    "settrace": "watches what runs",
    "setprofile": "watches what runs",
    "monitoring": "watches what runs",
    "addaudithook": "watches what runs",
    "__builtins__": "changes what every program uses",
    "builtins": "changes what every program uses",
    "__subclasses__": "looks through memory for objects",
    "__code__": "changes other code",
    "__main__": "reaches for the check's module",
}
_MODULES = {"gc", "ctypes", "builtins", "inspect", "_testcapi", "__main__", "unittest", "pytest", "lintseq"}
_EQUAL_TO_ALL = {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__instancecheck__"}


def suspicious(program: str) -> list[str]:
    """Return the reasons, if any, to doubt that a program which passed a check in its own interpreter is right."""
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: dict[str, None] = {}
    for node in ast.walk(tree):
        for reason in _reasons(node):
            found[reason] = None
    for statement in tree.body:
        for name in _bound(statement):
            if hasattr(builtins, name) and name in _CHECKING:
                found[f"gives the name {name} to something of its own"] = None
    return list(found)


_CHECKING = {"all", "any", "isinstance", "len", "abs", "type", "sorted", "set", "round", "AssertionError", "Exception"}
"""What checks use to tell right from wrong."""


def _reasons(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Attribute) and node.attr in _NAMES:
        return [f"mentions {node.attr}: {_NAMES[node.attr]}"]
    if isinstance(node, ast.Attribute) and node.attr == "modules" and _is_name(node.value, "sys"):
        return ["mentions sys.modules: changes what others import"]
    if isinstance(node, ast.Name) and node.id in _NAMES:
        return [f"mentions {node.id}: {_NAMES[node.id]}"]
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in _NAMES:
        return [f"mentions {node.value}: {_NAMES[node.value]}"]
    if isinstance(node, ast.Import):
        return [f"imports {name.name}" for name in node.names if name.name.partition(".")[0] in _MODULES]
    if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in _MODULES:
        return [f"imports {node.module}"]
    if isinstance(node, ast.ClassDef):
        return [f"defines {name} in class {node.name}" for name in _methods(node) & _EQUAL_TO_ALL]
    return []


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _methods(node: ast.ClassDef) -> set[str]:
    return {name for statement in node.body for name in _bound(statement)}


def _bound(statement: ast.stmt) -> list[str]:
    """Return the names that a statement gives to something, apart from what it holds."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [node.id for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [name.asname or name.name for name in statement.names]
    return []
