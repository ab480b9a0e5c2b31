"""The `Language` protocol, and the languages by name, file suffix and Markdown fence."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from lintseq.errors import ConfigError
from lintseq.languages import python
from lintseq.languages.definitions import MinedDefinition, Task
from lintseq.linting import Diagnostic, Linter
from lintseq.needs import Analysis
from lintseq.program import Program


class Language(Protocol):
    """What lintseq needs for a programming language. Python's is the module `lintseq.languages.python`."""

    @property
    def name(self) -> str:
        """The language's name in options and records, such as `python`."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The suffixes of its source files; the first one is the usual one."""

    @property
    def fences(self) -> tuple[str, ...]:
        """The names of Markdown fences that hold it, in lower case."""

    @property
    def linters(self) -> Mapping[str, Callable[[], Linter]]:
        """Its linters by name; calling one loads it, or raises `ConfigError` if it is not installed."""

    @property
    def default_linter(self) -> str:
        """The linter that judges states unless another one is chosen."""

    def analyze(self, program: Program) -> Analysis:
        """Return the units of a program, the lines that travel with each, and their needs.

        Raises `ProgramError` if the program does not compile or holds no code.
        """
        ...

    def stub(self, program: Program, analysis: Analysis) -> Program | None:
        """Return the program with placeholders for the bodies of its functions; None if there is none to replace."""
        ...

    def check_syntax(self, text: str) -> list[Diagnostic]:
        """Return why `text` does not compile; nothing if it does."""
        ...

    def is_program(self, text: str) -> bool:
        """Tell whether `text` parses and holds code, not just comments."""
        ...

    def is_placeholder(self, line: str) -> bool:
        """Tell whether a line stands for a body that is still to be written, as in a stub."""
        ...

    def decode(self, data: bytes) -> str:
        """Return the text of a source file; raise `ProgramError` if it does not decode."""
        ...

    def documentation(self, program: Program) -> str:
        """Return what the program says about itself, as an instruction where a row has none; "" if nothing."""
        ...

    def find_definitions(self, text: str) -> Iterator[MinedDefinition]:
        """Yield the documented functions and classes of a source file as programs of their own.

        Raises `ProgramError` if the file does not parse.
        """
        ...

    def check_task_file(self, path: str, text: str) -> None:
        """Raise `ProgramError` for a file whose definitions are not tasks, such as tests and generated code."""
        ...

    def make_task(self, definition: MinedDefinition, path: str) -> Task:
        """Return the task to write a definition, given the path of its file; raise `ProgramError` if it is none."""
        ...


DEFAULT_LANGUAGE = "python"

LANGUAGES: Mapping[str, Language] = {python.name: python}
"""The supported languages by name. To add one, write a module or class with these members and list it here."""


def get_language(name: str = DEFAULT_LANGUAGE) -> Language:
    """Return the language with this name, file suffix (`.py`) or fence name (`py`); raise `ConfigError` if none is."""
    keys = {
        key: language
        for language in LANGUAGES.values()
        for key in (language.name, *language.suffixes, *language.fences)
    }
    try:
        return keys[name.lower()]
    except KeyError:
        raise ConfigError(f"unknown language {name!r}; use one of {', '.join(sorted(keys))}") from None
