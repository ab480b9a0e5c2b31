"""Signatures: which calls a function accepts."""

from dataclasses import dataclass
from typing import NamedTuple


class Call(NamedTuple):
    """A call of a function that the program defines."""

    unit: int
    """The unit that calls."""
    function: int
    """The unit of the header of the function, or of the data class."""
    arguments: int
    """How many arguments are given by position."""
    keywords: frozenset[str]
    """The names of the others."""
    owner: int | None = None
    """The unit of the class that the function is looked up in."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters that a call of a function can name."""

    positional: tuple[str, ...]
    least: int
    """How many of these have no default."""
    required_keywords: frozenset[str]
    """The parameters without a default that only a keyword gives."""
    names: frozenset[str]
    any_positional: bool = False
    any_keyword: bool = False

    @property
    def required(self) -> frozenset[str]:
        """The parameters without a default."""
        return self.required_keywords.union(self.positional[: self.least])

    def accepts(self, arguments: int, keywords: frozenset[str]) -> bool:
        """Tell whether a call with so many positional arguments and these keywords fits."""
        if arguments > len(self.positional) and not self.any_positional:
            return False
        if not self.any_keyword and not keywords <= self.names:
            return False
        return keywords.issuperset(self.positional[arguments : self.least]) and keywords >= self.required_keywords
