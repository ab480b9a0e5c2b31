"""The exact text of a program, as lines; and how code is taken out of a Markdown answer.

Knows nothing of Python's grammar beyond "does it parse".
"""

import ast
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from lintseq.errors import ProgramError


@dataclass(frozen=True, slots=True)
class Program:
    """A source text split on `\\n` alone: a `\\r` or a form feed stays in its line.

    `text == "\\n".join(lines)`, with one more `\\n` if `final_newline`. No text gives no lines.
    """

    lines: tuple[str, ...]
    final_newline: bool = False

    @classmethod
    def from_text(cls, text: str) -> Self:
        if not text:
            return cls((), False)
        lines = text.split("\n")
        if lines[-1]:
            return cls(tuple(lines), False)
        return cls(tuple(lines[:-1]), True)

    @property
    def text(self) -> str:
        return self.render(self.lines)

    def render(self, lines: Sequence[str]) -> str:
        """Return the text of a state: some of the lines, ended as the program ends."""
        body = "\n".join(lines)
        return body + "\n" if self.final_newline and (body or lines) else body


def parse_python(text: str) -> ast.Module:
    """Return the syntax tree of `text`, or raise `ProgramError` with the reason that there is none."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ProgramError("encoding", f"character {error.start} is a lone surrogate") from None
    if "\0" in text:
        raise ProgramError("syntax", f"a null byte at character {text.index(chr(0))}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        raise ProgramError("syntax", f"line {error.lineno}: {error.msg}") from None
    except (RecursionError, MemoryError):
        raise ProgramError("nesting", "nested too deeply for Python's parser") from None
    except ValueError as error:
        raise ProgramError("syntax", str(error)) from None


def check_compiles(tree: ast.Module) -> None:
    """Raise `ProgramError` for what parses and does not compile, such as a `return` outside a function."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(tree, "<program>", "exec", dont_inherit=True)
    except SyntaxError as error:
        raise ProgramError("syntax", f"line {error.lineno}: {error.msg}") from None
    except (RecursionError, MemoryError):
        raise ProgramError("nesting", "nested too deeply for Python's compiler") from None


_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<name>[^\s`]*)[^\n`]*$", re.M)
_PYTHON_NAMES = {"python", "py", "python3"}


def code_from_markdown(text: str) -> str:
    """Return the Python program that a Markdown answer holds; a text without fences is returned as it is.

    Fences named python, py or python3 (in any case) count, and unnamed ones that parse. Several are
    joined by an empty line if together they parse; otherwise the longest one that parses is taken.
    A fence that is never closed ends with the text. Raises `ProgramError` if there are fences and none
    holds Python.
    """
    if "```" not in text and "~~~" not in text:
        return text
    if _parses(text):
        return text
    blocks = list(_fenced_blocks(text))
    if not blocks:
        return text
    named = [body for name, body in blocks if name.lower() in _PYTHON_NAMES]
    candidates = named or [body for name, body in blocks if not name and _parses(body)]
    candidates = [body for body in candidates if body.strip()]
    if not candidates:
        names = ", ".join(sorted({name or "unnamed" for name, _ in blocks}))
        raise ProgramError("no-code", f"no fence holds Python (fences found: {names})")
    if len(candidates) == 1:
        return candidates[0]
    joined = "\n\n".join(candidates)
    if _parses(joined):
        return joined
    return max(filter(_parses, candidates), key=len, default=candidates[0])


def _fenced_blocks(text: str) -> Iterable[tuple[str, str]]:
    """Yield (name, body) of each fence; a body has no newline at its end and none of the fence's own indentation."""
    position = 0
    while opening := _FENCE.search(text, position):
        start = min(opening.end() + 1, len(text))
        mark = opening["fence"]
        closing = re.compile(rf"^[ \t]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*\r?$", re.M).search(text, start)
        end = closing.start() if closing else len(text)
        body = text[start:end].removesuffix("\n").removesuffix("\r")
        if opening["indent"]:
            body = re.sub(rf"^[ \t]{{1,{len(opening['indent'])}}}", "", body, flags=re.M)
        yield opening["name"], body
        position = closing.end() if closing else len(text)


def _parses(text: str) -> bool:
    try:
        return bool(parse_python(text).body)
    except ProgramError:
        return False
