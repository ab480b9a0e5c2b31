"""Formats in which an edit sequence is written down, by name.

Owns the text of edits; how sequences come about and where texts go is none of its business.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lintseq.codecs.diff import SEPARATOR, edit_texts, encode, parse, parse_edits, resolve_edits, resolve_strict
from lintseq.codecs.resolution import Note, Resolution
from lintseq.codecs.tolerant import resolve
from lintseq.edits import EditSequence
from lintseq.program import Program

__all__ = [
    "CODECS",
    "DIFF",
    "SEPARATOR",
    "Codec",
    "Note",
    "Resolution",
    "edit_texts",
    "encode",
    "parse",
    "parse_edits",
    "resolve",
    "resolve_edits",
    "resolve_strict",
]


@dataclass(frozen=True, slots=True)
class Codec:
    """A format: a name and what it takes to write a sequence down and to read it back."""

    name: str

    edit_texts: Callable[[EditSequence], list[str]]
    """One text for each edit, as records hold them."""

    encode: Callable[[EditSequence], str]
    """The whole sequence as one text, as a model is taught to write it."""

    resolve: Callable[[str], Resolution]
    """The program that any text writes, and what was ignored or repaired; never raises."""

    resolve_strict: Callable[[str], Program]
    """The program that a well-formed text writes; raises `MalformedEditError` for any other."""


DIFF = Codec("diff", edit_texts, encode, resolve, resolve_strict)

CODECS = {codec.name: codec for codec in (DIFF,)}
