"""Tests that need an extra are skipped where it is not installed.

A test needs an extra if it imports a package that is not installed, or if lintseq says so. An import that fails within
lintseq is an error: the message has to name the extra.
"""

import re
import signal
import traceback
from collections.abc import Generator
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

import pytest
from hypothesis import settings

import lintseq

PACKAGE = str(Path(lintseq.__file__).parent)
settings.register_profile("lintseq", deadline=None)  # a loaded machine is no failure; pytest has a timeout
settings.load_profile("lintseq")
signal.signal(signal.SIGINT, signal.default_int_handler)  # for commands that tests interrupt: some shells ignore it


def is_installed(extra: str) -> bool:
    """Return whether all packages of an extra are installed."""
    packages = [text for text in requires("lintseq") or () if re.search(rf"extra == .{extra}\W", text)]
    try:
        return all(version(re.split(r"[^\w.-]", package)[0]) for package in packages)
    except PackageNotFoundError:
        return False


EXTRAS = metadata("lintseq").get_all("Provides-Extra") or []
ALL_INSTALLED = all(map(is_installed, EXTRAS))


def missing(error: Exception) -> str:
    """Return what an error says is not installed, if that is so."""
    if isinstance(error, ModuleNotFoundError):
        frames = traceback.extract_tb(error.__traceback__)
        return "" if ALL_INSTALLED or frames[-1].filename.startswith(PACKAGE) else str(error)
    found = re.findall(r"pip install 'lintseq\[(\w+)\]'", str(error))
    return next((f"lintseq[{extra}]" for extra in found if not is_installed(extra)), "")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call() -> Generator[None, object, object]:
    return (yield from skipped_if_missing())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    return (yield from skipped_if_missing())


def skipped_if_missing() -> Generator[None, object, object]:
    try:
        return (yield)
    except (ModuleNotFoundError, lintseq.ConfigError, AssertionError) as error:
        if reason := missing(error):
            pytest.skip(f"needs an extra: {reason}")
        raise


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    text = str(report.longrepr)
    module = re.search(r"ModuleNotFoundError: No module named '(?!lintseq)[\w.]+'", text)
    if report.failed and module and not ALL_INSTALLED and PACKAGE not in text and "src/lintseq/" not in text:
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), None, f"Skipped: needs an extra: {module[0]}")
    return report
