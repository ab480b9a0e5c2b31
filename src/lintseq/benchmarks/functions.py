"""What a prompt or a solution defines: its functions, and how they are called."""

import ast

from lintseq.errors import ProgramError
from lintseq.languages.python.syntax import parse


def body_of(text: str) -> list[ast.stmt]:
    """Return the statements of a program; none if it is no program."""
    try:
        return parse(text).body
    except ProgramError:
        return []


def function_in(text: str, name: str) -> ast.FunctionDef | None:
    """Return the function of that name, if a program defines it at its top."""
    return next((node for node in body_of(text) if isinstance(node, ast.FunctionDef) and node.name == name), None)


def signature_of(function: ast.FunctionDef) -> str:
    """Return the head of a function without `def` and colon."""
    returns = f" -> {ast.unparse(function.returns)}" if function.returns is not None else ""
    return f"{function.name}({ast.unparse(function.args)}){returns}"
