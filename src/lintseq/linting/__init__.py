"""Linters: what judges a state, by name. Each is loaded when it is asked for."""

import importlib
from collections.abc import Callable

from lintseq.errors import ConfigError
from lintseq.linting.diagnostic import Diagnostic, Finding, Linter, findings, new_diagnostics

__all__ = ["LINTERS", "Diagnostic", "Finding", "Linter", "findings", "get_linter", "new_diagnostics"]


def _compile() -> Linter:
    from lintseq.linting.syntax import CompileLinter

    return CompileLinter()


def _pyflakes() -> Linter:
    from lintseq.linting.pyflakes import PyflakesLinter

    return PyflakesLinter()


def _ruff() -> Linter:
    from lintseq.linting.ruff import RuffLinter

    return RuffLinter()


def _pylint() -> Linter:
    from lintseq.linting.pylint import PylintLinter

    return PylintLinter()


def _pylint_with_imports() -> Linter:
    from lintseq.linting.pylint import PylintLinter

    return PylintLinter(resolve_imports=True)


LINTERS: dict[str, Callable[[], Linter]] = {
    "compile": _compile,
    "pyflakes": _pyflakes,
    "ruff": _ruff,
    "pylint": _pylint,
    "pylint+imports": _pylint_with_imports,
}


def get_linter(name: str) -> Linter:
    if name in LINTERS:
        try:
            return LINTERS[name]()
        except ImportError as error:
            raise ConfigError(f"the {name} linter needs {error.name}: pip install 'lintseq[linters]'") from None
    module, _, attribute = name.partition(":")
    if module == "command":
        from lintseq.linting.command import CommandLinter

        return CommandLinter(attribute)
    if not attribute:
        raise ConfigError(f"unknown linter {name!r}; use one of {', '.join(LINTERS)}, 'command:...' or 'module:object'")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"cannot load linter {name!r}: {error}") from None
    return found() if isinstance(found, type) else found
