"""Python code of benchmarks: the functions that texts define, the modules they import, snippets that run with them."""

import ast
import sys
from collections.abc import Iterable
from pathlib import Path

from lintseq.errors import ProgramError
from lintseq.languages.python.syntax import parse


def snippet(name: str) -> str:
    """Return code from the folder `snippets` that runs in the sandbox, appended to a program."""
    return Path(__file__).with_name("snippets").joinpath(name).read_text(encoding="utf-8")


def parse_body(text: str) -> list[ast.stmt]:
    """Return the statements of a program; none if it does not parse."""
    try:
        return parse(text).body
    except ProgramError:
        return []


def find_function(text: str, name: str) -> ast.FunctionDef | None:
    """Return the top-level function with that name, or None."""
    return next((node for node in parse_body(text) if isinstance(node, ast.FunctionDef) and node.name == name), None)


def signature_of(function: ast.FunctionDef) -> str:
    """Return the signature of a function without `def` and colon."""
    returns = f" -> {ast.unparse(function.returns)}" if function.returns is not None else ""
    return f"{function.name}({ast.unparse(function.args)}){returns}"


def third_party_modules(texts: Iterable[str]) -> frozenset[str]:
    """Return the top-level modules outside the standard library that any of the texts imports."""
    found: set[str] = set()
    for node in (node for text in texts for statement in parse_body(text) for node in ast.walk(statement)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return frozenset(found - sys.stdlib_module_names - {"__main__"})
