"""Test code in the columns of data sets: what runs of it, and its assertions, of which a program can pass a share."""

import ast
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from lintseq.benchmarks.python_code import find_function, parse_body
from lintseq.sandbox import CallFunction, Job, JobResult, Limits, Returned
from lintseq.sandbox.tampering import signs_of_tampering

_TEMPLATE = "pass\ndef lintseq_assertion(lintseq_number, lintseq_token):\n    return lintseq_token"
"""`pass` keeps the program's last line from being a decorator."""
_TOKEN = secrets.token_hex(16)
"""Comes back from each assertion that holds. Programs do not know it."""


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_NO_TESTS = (*_DEFINITIONS, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)


def runnable_test(code: str, entry_point: str = "") -> str:
    """Return the code of a test that runs after a program, empty if it would test nothing or does not parse.

    Tests like HumanEval's only define `check`, which is then called with the entry point.
    """
    if any(not isinstance(node, _NO_TESTS) for node in parse_body(code) if not _is_docstring(node)):
        return code
    return f"{code}\ncheck({entry_point})\n" if entry_point and find_function(code, "check") else ""


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@dataclass(frozen=True, slots=True)
class AssertionTest:
    """The assertions of a test; each runs with everything in the test that is none."""

    code: str
    """Defines a function that runs the assertion of a number."""
    count: int

    def job(self, program: str, limits: Limits) -> Job:
        """Return the job that runs all assertions on a program, within these limits together."""
        calls = tuple((number, _TOKEN) for number in range(self.count))
        return Job(f"{program}\n{self.code}", CallFunction("lintseq_assertion", calls), limits)

    def share(self, program: str, result: JobResult) -> float:
        """Return which share of the assertions hold, by the result of the job; 0 for a program that may cheat."""
        held = result.outcomes[: self.count].count(Returned(_TOKEN))
        honest = held and parse_body(program) and not signs_of_tampering(program)
        return held / self.count if honest else 0.0


def split_assertions(code: str) -> AssertionTest | None:
    """Return the assertions of a test, or None if there are none, or if it cannot run in a function.

    An assertion is a statement that contains `assert`, on the top level or right in the function `check`, as in
    HumanEval's tests. A loop is one; `assert True` is none.
    """
    tree = ast.parse(_TEMPLATE)
    function = tree.body[1]
    assert isinstance(function, ast.FunctionDef)
    numbers = count()
    function.body[:0] = _guarded(parse_body(code), numbers)
    text = ast.unparse(ast.fix_missing_locations(tree))
    try:
        compile(text, "test", "exec", dont_inherit=True)
    except SyntaxError:  # such as `from m import *`
        return None
    found = next(numbers)
    return AssertionTest(text, found) if found else None


def _guarded(statements: list[ast.stmt], numbers: Iterator[int]) -> list[ast.stmt]:
    """Return statements of which assertions run only if `lintseq_number` is theirs."""
    guarded: list[ast.stmt] = []
    for node in statements:
        if isinstance(node, ast.FunctionDef) and node.name == "check":
            node.body = _guarded(node.body, numbers)
        if _asserts(node):
            condition = ast.Compare(ast.Name("lintseq_number"), [ast.Eq()], [ast.Constant(next(numbers))])
            guarded.append(ast.If(condition, [node], []))
        else:
            guarded.append(node)
    return guarded


def _asserts(statement: ast.stmt) -> bool:
    """Return whether a statement, other than a definition, contains an assertion that can fail."""
    return not isinstance(statement, _DEFINITIONS) and any(
        isinstance(node, ast.Assert) and not (isinstance(node.test, ast.Constant) and node.test.value)
        for node in ast.walk(statement)
    )
