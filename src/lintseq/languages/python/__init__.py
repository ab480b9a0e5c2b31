"""Python, as a `lintseq.languages.Language`. Its programs are parsed and compiled, never imported or run."""

import ast
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lintseq.errors import ProgramError
from lintseq.languages.python.analysis import analyze
from lintseq.languages.python.linters import LINTERS
from lintseq.languages.python.syntax import decode, parse
from lintseq.linting import Diagnostic, Linter
from lintseq.linting.syntax import syntax_errors
from lintseq.needs import Analysis
from lintseq.program import Program


@dataclass(frozen=True, slots=True)
class Python:
    """The `Language` Python: the grammar is that of the running interpreter."""

    name: str = "python"
    suffixes: tuple[str, ...] = (".py", ".pyi")
    fences: tuple[str, ...] = ("python", "py", "python3")
    linters: Mapping[str, Callable[[], Linter]] = field(default_factory=lambda: LINTERS)
    default_linter: str = "pyflakes"

    def analyze(self, program: Program) -> Analysis:
        return analyze(program)

    def check_syntax(self, text: str) -> list[Diagnostic]:
        return syntax_errors(text, "syntax-error")

    def is_program(self, text: str) -> bool:
        try:
            return bool(parse(text).body)
        except ProgramError:
            return False

    def decode(self, data: bytes) -> str:
        return decode(data)

    def documentation(self, program: Program) -> str:
        """Return the module's docstring."""
        try:
            return ast.get_docstring(parse(program.text)) or ""
        except ProgramError:
            return ""

    def command(self, path: str) -> Sequence[str]:
        return [sys.executable, path]
