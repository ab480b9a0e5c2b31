"""Stubs: a program whose functions have signatures and docstrings, but a placeholder in place of their bodies."""

import ast
from collections.abc import Iterator
from dataclasses import replace

from lintseq.languages.python.layout import first_line, is_placeholder
from lintseq.languages.python.syntax import parse
from lintseq.needs import BODY, Analysis, Needs
from lintseq.program import Program

_RAISE = "raise NotImplementedError"
_PLACEHOLDERS = ("...", "pass")
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def make_stub(program: Program, analysis: Analysis) -> Program | None:
    """Return a program with a placeholder for the body of each function, in the style of the program's own.

    What needs a body, such as a statement that uses an attribute that it assigns, is left out as well. Returns None
    if no function has a body of its own lines.
    """
    tree = parse(program.text)
    unit_of, lines = analysis.unit_of, program.lines
    placeholder = _placeholder(tree)
    placeholders: dict[int, tuple[int, str]] = {}
    headers, bodies = set[int](), set[int]()
    for function in _outermost(tree):
        body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
        header = unit_of[function.lineno - 1]
        if not body or header is None or (len(body) == 1 and is_placeholder(body[0])):
            continue
        start, end = first_line(body[0]), (body[-1].end_lineno or body[-1].lineno)
        units = {unit for unit in unit_of[start:end] if unit is not None}
        above = {unit for unit in unit_of[function.lineno - 1 : start] if unit is not None}
        if units & {header, *above}:
            continue  # it begins on a line of the header or docstring
        indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
        placeholders[start] = header, indent + placeholder + ("\r" if lines[start].endswith("\r") else "")
        headers.add(header)
        bodies |= units
    if not placeholders:
        return None
    removals = _without_bodies(analysis.needs, headers).start()
    for unit in sorted(bodies):
        if not removals.removed[unit]:
            removals.remove(unit)
    kept: list[str] = []
    for line, text in enumerate(lines):
        if line in placeholders and not removals.removed[placeholders[line][0]]:
            kept.append(placeholders[line][1])
        anchor = analysis.anchor_of[line]
        if anchor is None or not removals.removed[anchor]:
            kept.append(text)
    return program.state(kept)


def _outermost(tree: ast.Module) -> Iterator[FunctionNode]:
    """Yield the functions of a module that are in no other function."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, FunctionNode):
                yield child
            elif isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
                stack.append(child)


def _placeholder(tree: ast.Module) -> str:
    """Return what the program writes where a function is not implemented."""
    functions = [node for node in ast.walk(tree) if isinstance(node, FunctionNode)]
    found = [ast.unparse(node.body[-1]) for node in functions if is_placeholder(node.body[-1])]
    if any(text.startswith(_RAISE) for text in found):
        return _RAISE
    return next((text for text in _PLACEHOLDERS if text in found), _RAISE)


def _without_bodies(needs: Needs, headers: set[int]) -> Needs:
    """Return the needs without those of some headers for a body, which a placeholder is."""
    dependents, purposes = [], []
    for others, what in zip(needs.dependents, needs.purposes, strict=True):
        kept = [pair for pair in zip(others, what, strict=True) if not (pair[0] in headers and pair[1] == BODY)]
        dependents.append([other for other, _ in kept])
        purposes.append([purpose for _, purpose in kept])
    sizes = [
        # One more member that is never removed.
        size + (purpose == BODY and node in headers)
        for size, node, purpose in zip(needs.clause_size, needs.clause_node, needs.clause_purpose, strict=True)
    ]
    return replace(needs, dependents=dependents, purposes=purposes, clause_size=sizes)
