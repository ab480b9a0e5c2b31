"""Syntax errors, found by the running interpreter, and the line to blame for each.

The interpreter reports the line on which it noticed the error; that is often just after the one to delete.
"""

import ast
import re
import sys
import warnings
from bisect import bisect_right
from collections.abc import Callable
from typing import TypeVar

from lintseq.linting.diagnostic import Diagnostic

T = TypeVar("T")

PYTHON_VERSION = "python " + ".".join(map(str, sys.version_info[:3]))

_TRIES = 20
_ON_LINE = re.compile(r"\bon line (\d+)")
_LONE_RETURN = re.compile(r"\r(?!\n)")
_TRY = re.compile(r"try\s*:")
_DECORATED = re.compile(r"(?:@|class\b|(?:async\s+)?def\b)")


class CompileLinter:
    """The interpreter's compiler: a state has one finding, `syntax-error`, or none."""

    version = PYTHON_VERSION

    def check(self, source: str) -> list[Diagnostic]:
        return syntax_errors(source, "syntax-error")


def syntax_errors(source: str, code: str) -> list[Diagnostic]:
    """Return why `source` does not compile, as a diagnostic with this code; nothing if it does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with_whole_stack(lambda: compile(source, "<state>", "exec", dont_inherit=True))
    except SyntaxError as error:
        return [Diagnostic(code, error.msg, _blame(source, error))]
    except UnicodeEncodeError as error:
        return [Diagnostic(code, "a lone surrogate", source.count("\n", 0, error.start) + 1)]
    except ValueError as error:  # a null byte, before Python 3.12
        return [Diagnostic(code, str(error), source.count("\n", 0, max(source.find("\0"), 0)) + 1)]
    except (RecursionError, MemoryError):
        return [Diagnostic(code, "nested too deeply for the compiler", 1)]
    return []


def syntax_tree(source: str) -> ast.Module:
    """Return `ast.parse(source)`, again where it failed because of other threads, as it may before Python 3.11.8."""
    for _ in range(_TRIES - 1):
        try:
            return ast.parse(source)
        except SystemError:
            continue
    return ast.parse(source)


def with_whole_stack(function: Callable[[], T]) -> T:
    """Return the result of a function that recurses deeply, whatever is on the stack already.

    If the function runs out of stack, a new thread calls it again.
    """
    try:
        return function()
    except RecursionError:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(function).result()


class LineNumbers:
    """Converts the interpreter's line numbers to ours: it also ends lines at a lone carriage return."""

    def __init__(self, source: str) -> None:
        self._count = source.count("\n") + (not source.endswith("\n"))
        self._starts: list[int] | None = None
        if "\r" in source and _LONE_RETURN.search(source):
            lengths = [line.count("\r") - line.endswith("\r") + 1 for line in source.split("\n")]
            self._starts = [1 + sum(lengths[:index]) for index in range(len(lengths))]

    def __call__(self, lineno: int | None) -> int:
        """Return the line that holds the interpreter's line `lineno`; both count from 1."""
        lineno = lineno or 1
        if self._starts is not None:
            lineno = bisect_right(self._starts, lineno)
        return max(1, min(lineno, self._count))


def _blame(source: str, error: SyntaxError) -> int:
    """Return the line whose deletion is most likely to fix `error`."""
    number = LineNumbers(source)
    message = error.msg or ""
    if "\0" in source:
        return source.count("\n", 0, source.index("\0")) + 1
    if named := _ON_LINE.search(message):
        # "expected an indented block after 'if' statement on line 3", "... does not match ... on line 3"
        return number(int(named[1]))
    lines = source.split("\n")
    line = number(error.lineno)
    if message.startswith("expected 'except' or 'finally' block"):
        at_end = (error.offset or 1) - 1 > len(lines[line - 1]) - len(lines[line - 1].lstrip())
        return _unfinished_try(lines, line, at_end=at_end) or line
    if not _is_code(lines[line - 1]):  # reported at the end of an unfinished construct
        line = _code_above(lines, line) or line
    above = _code_above(lines, line)
    if above and lines[above - 1].lstrip().startswith("@") and not _DECORATED.match(lines[line - 1].lstrip()):
        line = above  # a decorator that decorates nothing
    return _joined(lines, line)


def _is_code(line: str) -> bool:
    text = line.strip()
    return bool(text) and not text.startswith("#")


def _code_above(lines: list[str], line: int) -> int:
    """Return the last line above `line` that is neither blank nor a comment; 0 if there is none."""
    for number in range(line - 1, 0, -1):
        if _is_code(lines[number - 1]):
            return number
    return 0


def _joined(lines: list[str], line: int) -> int:
    """Return the first of the lines that backslashes join with `line`."""
    while line > 1 and lines[line - 2].rstrip("\r").endswith("\\") and not lines[line - 2].lstrip().startswith("#"):
        line -= 1
    return line


def _unfinished_try(lines: list[str], line: int, *, at_end: bool) -> int:
    """Return the line of the `try:` without a handler before `line`; 0 if it cannot be found.

    It is the innermost header around the code just above `line` that is a `try:` and indented at least as far as
    `line` (or at all, if the text ends there).
    """
    floor = 0 if at_end or not _is_code(lines[line - 1]) else _indent(lines[line - 1])
    start = line if at_end else line - 1
    depth: int | None = None
    for number in range(start, 0, -1):
        text = lines[number - 1]
        if not _is_code(text):
            continue
        indent = _indent(text)
        if indent < floor:
            break
        if depth is None or indent < depth:
            depth = indent
            if _TRY.match(text.lstrip()):
                return number
    return 0


def _indent(line: str) -> int:
    text = line.expandtabs(8)
    return len(text) - len(text.lstrip())
