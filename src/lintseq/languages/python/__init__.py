"""Python, as a `lintseq.languages.Language`: this module is the language.

The grammar is that of the running interpreter. Programs are parsed and compiled, never imported or run.
"""

import re
from collections.abc import Iterator

from lintseq.languages.definitions import MinedDefinition, Task
from lintseq.languages.python.analysis import analyze
from lintseq.languages.python.linter_table import LINTERS
from lintseq.languages.python.syntax import decode, documentation, is_program
from lintseq.linting.syntax import CompileLinter
from lintseq.needs import Analysis
from lintseq.program import Program

name = "python"
suffixes = (".py", ".pyi")
fences = ("python", "py", "python3")
linters = LINTERS
default_linter = "pyflakes"
check_syntax = CompileLinter().check
_PLACEHOLDER = re.compile(r"\s*(pass|\.\.\.|raise NotImplementedError(\(.*\))?)\s*(#.*)?")


def is_placeholder(line: str) -> bool:
    return _PLACEHOLDER.fullmatch(line) is not None


def stub(program: Program, analysis: Analysis) -> Program | None:
    from lintseq.languages.python.stubs import make_stub

    return make_stub(program, analysis)


def find_definitions(text: str) -> Iterator[MinedDefinition]:
    from lintseq.languages.python.definitions import documented

    return documented(text)


def check_task_file(path: str, text: str) -> None:
    from lintseq.languages.python.tasks import check_file

    check_file(path, text)


def make_task(definition: MinedDefinition, path: str) -> Task:
    from lintseq.languages.python.tasks import task_of

    return task_of(definition, path)
