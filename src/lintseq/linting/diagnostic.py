"""What a linter says: one diagnostic, and which of them count as new.

Leaves to the linters how a diagnostic is found, and to the walk what is done about it.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

Finding = tuple[str, str]
"""A code and a message without line numbers and guesses: the same wherever in the file it is said."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One complaint; `line` counts from 1 and is the line to blame, the first to delete."""

    code: str
    message: str
    line: int

    @property
    def finding(self) -> Finding:
        return self.code, normalize(self.message)


class Linter(Protocol):
    """Judges states."""

    @property
    def version(self) -> str:
        """What the diagnostics depend on, such as `pyflakes 3.4.0 / python 3.11.2`; recorded with the data."""

    def check(self, source: str) -> list[Diagnostic]:
        """Return what is wrong with `source`; nothing for a clean one. Raises `ToolError` if it cannot tell."""
        ...


_LINE_NUMBER = re.compile(r"\b(lines?) \d+", re.I)
_HINT = re.compile(r"[;,.]? (?:[Mm]aybe|[Dd]id you mean|Perhaps you forgot)\b[^?]*\?")


def normalize(message: str) -> str:
    """Return `message` without what changes when lines elsewhere come and go: line numbers and guesses."""
    return _HINT.sub("", _LINE_NUMBER.sub(r"\1 _", message))


def findings(diagnostics: Iterable[Diagnostic]) -> Counter[Finding]:
    """Return how often each finding occurs."""
    return Counter(diagnostic.finding for diagnostic in diagnostics)


def new_diagnostics(known: Counter[Finding], diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the diagnostics of every finding that occurs more often than `known` allows.

    Which of several equal ones is the new one cannot be told, so all of them are returned.
    """
    diagnostics = list(diagnostics)
    if not diagnostics:
        return []
    counts = findings(diagnostics)
    excess = {finding for finding, count in counts.items() if count > known[finding]}
    return [diagnostic for diagnostic in diagnostics if diagnostic.finding in excess]
