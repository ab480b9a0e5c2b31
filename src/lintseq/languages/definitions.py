"""Definitions extracted from source files: programs of their own, and tasks to write them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MinedDefinition:
    """A documented function or class as a program of its own."""

    line: int
    """Its first line in the file, from 1."""
    name: str
    """Its name; if the file defines it several times, the later ones have a number appended."""
    documentation: str
    program: str


@dataclass(frozen=True, slots=True)
class Task:
    """An instruction that asks for a definition, and the program that answers it."""

    instruction: str
    program: str
    kind: str
    """`function` or `class`."""
    imports: tuple[str, ...]
    """The packages that the program imports, besides the standard library."""
