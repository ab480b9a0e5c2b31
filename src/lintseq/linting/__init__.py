"""Linters, each a judge of states: source in, diagnostics with the line to blame out.

Owns the table of names. What is done about a diagnostic (what else to delete, what a walk learns) is not
decided here; the walks `native` and `none`, which ask no linter, are not here either.
"""

import importlib
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from lintseq.errors import ConfigError
from lintseq.linting.diagnostic import Diagnostic, Finding, Linter, findings, new_diagnostics, normalize
from lintseq.linting.syntax import CompileLinter

if TYPE_CHECKING:
    from lintseq.linting.pylint import PylintLinter

__all__ = [
    "LINTERS",
    "Diagnostic",
    "Finding",
    "Linter",
    "findings",
    "get_linter",
    "linter_version",
    "new_diagnostics",
    "normalize",
]


def _pyflakes() -> Linter:
    try:
        from lintseq.linting.pyflakes import PyflakesLinter
    except ModuleNotFoundError:
        raise ConfigError("the pyflakes linter needs pyflakes: pip install pyflakes") from None
    return PyflakesLinter()


def _ruff() -> Linter:
    from lintseq.linting.ruff import RuffLinter

    return RuffLinter()


def _pylint(*, resolve_imports: bool = False) -> Linter:
    return _pylint_linter()(resolve_imports=resolve_imports)


def _pylint_linter() -> "type[PylintLinter]":
    try:
        from lintseq.linting.pylint import PylintLinter
    except ModuleNotFoundError:
        raise ConfigError("the pylint linter needs pylint: pip install 'lintseq[linters]'") from None
    return PylintLinter


LINTERS: dict[str, Callable[[], Linter]] = {
    "compile": CompileLinter,
    "pyflakes": _pyflakes,
    "ruff": _ruff,
    "pylint": _pylint,
    "pylint+imports": lambda: _pylint(resolve_imports=True),
}
"""The linters by name; `command:...` and `module:object` give others."""

COMMAND = "command:"


def get_linter(name: str) -> Linter:
    """Return the linter `name`: one of `LINTERS`, `command:PROGRAM {file}` or `module:object`."""
    if name in LINTERS:
        return LINTERS[name]()
    if name.startswith(COMMAND):
        from lintseq.linting.command import CommandLinter

        return CommandLinter(name.removeprefix(COMMAND))
    module, colon, path = name.partition(":")
    if colon and module and path:
        return _imported(name, module, path)
    hint = f"; {name!r} is a walk that asks no linter" if name in ("native", "none") else ""
    raise ConfigError(
        f"unknown linter {name!r}{hint}; use one of {', '.join(LINTERS)}, 'command:PROGRAM {{file}}'"
        " or 'module:object' (the walks native and none need no linter)"
    )


def linter_version(name: str) -> str:
    """Return what the verdicts of linter `name` depend on, to be kept with the data."""
    from importlib.metadata import version  # (slow to import)

    python = "python " + ".".join(map(str, sys.version_info[:3]))
    if name == "compile":
        return python
    if name == "pyflakes":
        _pyflakes()
        return f"pyflakes {version('pyflakes')} / {python}"
    if name in ("pylint", "pylint+imports"):
        _pylint_linter()
        return f"{name} {version('pylint')} / astroid {version('astroid')} / {python}"
    if name == "ruff":
        from lintseq.linting.ruff import ruff_version

        return f"{ruff_version()} / {python}"
    get_linter(name)
    return f"{name} / {python}"


def _imported(name: str, module: str, path: str) -> Linter:
    """Return the linter that `path` in `module` is or gives; modules beside us are found too."""
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        found: object = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"cannot import the linter {name!r}: {error}") from error
    if callable(found) and (isinstance(found, type) or not hasattr(found, "check")):
        try:
            found = found()
        except Exception as error:
            raise ConfigError(f"calling {name!r} to get a linter failed: {error!r}") from error
    if not callable(getattr(found, "check", None)):
        raise ConfigError(f"{name!r} is no linter: {type(found).__name__} has no method check(source)")
    return found  # type: ignore[return-value]
