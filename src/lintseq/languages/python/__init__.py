"""Python, as a `lintseq.languages.Language`: this module is the language.

The grammar is that of the running interpreter. Programs are parsed and compiled, never imported or run.
"""

import sys
from collections.abc import Sequence

from lintseq.languages.python.analysis import analyze
from lintseq.languages.python.linters import LINTERS as linters
from lintseq.languages.python.syntax import decode, documentation, is_program
from lintseq.linting.syntax import CompileLinter

__all__ = ["analyze", "check_syntax", "command", "decode", "default_linter", "documentation", "is_program", "linters"]

name = "python"
suffixes = (".py", ".pyi")
fences = ("python", "py", "python3")
default_linter = "pyflakes"
check_syntax = CompileLinter().check


def command(path: str) -> Sequence[str]:
    return [sys.executable, path]
