"""Tests that need an extra are skipped where it is not installed.

A test needs an extra if it imports a package that is not installed, or if lintseq says so. An import that fails within
lintseq is an error: the message has to name the extra.
"""

import re
import traceback
from collections.abc import Generator
from pathlib import Path

import pytest

import lintseq

PACKAGE = str(Path(lintseq.__file__).parent)


def missing(error: Exception) -> str:
    """Return what an error says is not installed, if it does."""
    if isinstance(error, ModuleNotFoundError):
        frames = traceback.extract_tb(error.__traceback__)
        return "" if frames[-1].filename.startswith(PACKAGE) else str(error)
    extra = re.search(r"pip install 'lintseq\[\w+\]'", str(error))
    return extra[0] if extra else ""


def skip_if_missing(error: Exception) -> None:
    if reason := missing(error):
        pytest.skip(f"needs an extra: {reason}")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call() -> Generator[None, object, object]:
    try:
        return (yield)
    except (ModuleNotFoundError, lintseq.ConfigError) as error:
        skip_if_missing(error)
        raise


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup() -> Generator[None, object, object]:
    try:
        return (yield)
    except (ModuleNotFoundError, lintseq.ConfigError) as error:
        skip_if_missing(error)
        raise
