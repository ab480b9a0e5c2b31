"""Diagnostics, the `Linter` protocol, and which diagnostics count as new."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

Finding = tuple[str, str]
"""A code, and a message without line numbers and hints: independent of the position in the file."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding with the line to blame, counted from 1: the first to delete."""

    code: str
    """The rule, as the linter names it, such as `F821` or `undefined-variable`."""
    message: str
    """What is wrong, in the words of the linter."""
    line: int
    """The line to blame, from 1."""

    @property
    def finding(self) -> Finding:
        """What identifies it in other states: the code, and the message without positions."""
        return self.code, normalize(self.message)


class Linter(Protocol):
    """Judges states."""

    @property
    def version(self) -> str:
        """What the diagnostics depend on, such as `pyflakes 3.4.0 / python 3.11.2`; recorded with the data."""

    def check(self, source: str) -> list[Diagnostic]:
        """Return what is wrong with `source`, nothing if it is clean. Raises `ToolError` if the linter fails."""


_LINE_NUMBER = re.compile(r"\b(lines?) \d+", re.I)
_HINT = re.compile(r"[;,.]? (?:[Mm]aybe|[Dd]id you mean|Perhaps you forgot)\b[^?]*\?")


def normalize(message: str) -> str:
    """Return `message` without what depends on other lines: line numbers and hints."""
    return _HINT.sub("", _LINE_NUMBER.sub(r"\1 _", message))


def findings(diagnostics: Iterable[Diagnostic]) -> Counter[Finding]:
    """Return how often each finding occurs."""
    return Counter(diagnostic.finding for diagnostic in diagnostics)


def new_diagnostics(known: Counter[Finding], diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the diagnostics of every finding that occurs more often than in `known`.

    Equal diagnostics cannot be told apart, so if one is new, all of them are returned.
    """
    diagnostics = list(diagnostics)
    if not diagnostics:
        return []
    counts = findings(diagnostics)
    excess = {finding for finding, count in counts.items() if count > known[finding]}
    return [diagnostic for diagnostic in diagnostics if diagnostic.finding in excess]
