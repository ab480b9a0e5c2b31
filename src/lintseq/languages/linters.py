"""Finding linters by name: those of a language, any external command, any Python object."""

import importlib
import os
import sys
from functools import cache
from typing import cast

from lintseq.errors import ConfigError
from lintseq.languages.language import DEFAULT_LANGUAGE, get_language
from lintseq.linting import Linter
from lintseq.linting.command import CommandLinter
from lintseq.linting.syntax import PYTHON_VERSION

COMMAND = "command:"


def get_linter(name: str, language: str = DEFAULT_LANGUAGE) -> Linter:
    """Return the linter `name`: one of the language's linters, `command:PROGRAM {file}` or `module:object`.

    Raises `ConfigError` if there is no such linter or it is not installed.
    """
    linters = get_language(language).linters
    if name in linters:
        return linters[name]()
    if name.startswith(COMMAND):
        return CommandLinter(name.removeprefix(COMMAND), suffix=get_language(language).suffixes[0])
    module, colon, path = name.partition(":")
    if colon and module and path:
        return _imported(name, module, path)
    hint = f"; {name!r} is a walk that runs no linter" if name in ("native", "none") else ""
    raise ConfigError(
        f"unknown linter {name!r}{hint}; use one of {', '.join(linters)}, 'command:PROGRAM {{file}}'"
        " or 'module:object' (the walks native and none need no linter)"
    )


shared_linter = cache(get_linter)
"""`get_linter`, but each linter is loaded once in a process: some take a second to warm up."""


def linter_version(name: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Return what the diagnostics of linter `name` depend on, to be recorded with the data.

    Raises `ConfigError` if there is no such linter or it is not installed.
    """
    version: str | None = getattr(shared_linter(name, language), "version", None)
    return version or f"{name} / {PYTHON_VERSION}"


def _imported(name: str, module: str, path: str) -> Linter:
    """Return the linter at `path` in `module`, or what calling it returns; the working directory is importable."""
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
        raise ConfigError(f"{name!r} is not a linter: {type(found).__name__} has no method check(source)")
    return cast("Linter", found)
