"""How much the completions of a problem differ: as programs, in behavior, and in their text.

Pure, and independent of the order of the completions.
"""

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import fsum
from random import Random
from typing import Any

from lintseq.errors import ProgramError
from lintseq.languages.python.syntax import parse

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

MAX_PAIRS = 100
"""Pairs of programs of a problem that are compared; a sample if there are more."""


@dataclass(frozen=True, slots=True)
class Diversity:
    """The diversity of one problem's completions, or the mean over several problems."""

    distinct_programs: float
    """Share of distinct programs, ignoring whitespace, comments and docstrings."""
    distinct_behaviors: float
    """Share of distinct behaviors on the tests."""
    similarity: float | None
    """Mean over pairs of 1 - Levenshtein distance / length of the longer program; None without a pair."""

    def as_dict(self) -> dict[str, Any]:
        return {
            "distinct_programs": self.distinct_programs,
            "distinct_behaviors": self.distinct_behaviors,
            "pairwise_similarity": self.similarity,
        }


def normalized(program: str) -> str:
    """Return a program without layout, comments and docstrings."""
    try:
        tree = parse(program)
    except ProgramError:
        return "\n".join(line.rstrip() for line in program.split("\n") if line.strip())
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    try:
        return ast.unparse(tree)
    except (RecursionError, ValueError):
        return program


def diversity(programs: Sequence[str], behaviors: Sequence[str]) -> Diversity:
    """Return the diversity of one problem's completions, of which there is at least one."""
    texts = Counter(map(normalized, programs))
    return Diversity(
        len(texts) / len(programs),
        len(set(behaviors)) / len(behaviors),
        pairwise_similarity(texts),
    )


def mean_diversity(by_problem: Mapping[str, Diversity]) -> Diversity | None:
    """Return the mean over problems, or None if there are none."""
    if not by_problem:
        return None
    values = [by_problem[name] for name in sorted(by_problem)]
    similarities = [value.similarity for value in values if value.similarity is not None]
    return Diversity(
        fsum(value.distinct_programs for value in values) / len(values),
        fsum(value.distinct_behaviors for value in values) / len(values),
        fsum(similarities) / len(similarities) if similarities else None,
    )


def pairwise_similarity(texts: Counter[str]) -> float | None:
    """Return the mean similarity over pairs of texts, each repeated as often as it is counted."""
    ordered = sorted(texts.elements())
    pairs = [(first, second) for index, first in enumerate(ordered) for second in ordered[index + 1 :]]
    if not pairs:
        return None
    if len(pairs) > MAX_PAIRS:
        digest = blake2b("\0".join(ordered).encode("utf-8", "surrogatepass"), digest_size=8).digest()
        pairs = Random(int.from_bytes(digest)).sample(pairs, MAX_PAIRS)
    return fsum(1.0 - distance(*pair) / (max(map(len, pair)) or 1) for pair in pairs) / len(pairs)


def distance(first: str, second: str) -> int:
    """Return the Levenshtein distance of two texts.

    Myers's bit-parallel algorithm (1999) in the form of Hyyrö (2003): one step per character of the longer text, with
    all of the shorter text in the bits of one integer.
    """
    if first == second:
        return 0
    if not first or not second:
        return len(first) or len(second)
    if len(first) < len(second):
        first, second = second, first
    positions: dict[str, int] = {}
    for index, char in enumerate(second):
        positions[char] = positions.get(char, 0) | 1 << index
    full, last = (1 << len(second)) - 1, 1 << (len(second) - 1)
    plus, minus, edits = full, 0, len(second)
    for char in first:
        equal = positions.get(char, 0)
        diagonal = (((equal & plus) + plus) ^ plus) | equal | minus
        up, down = minus | ~(diagonal | plus), plus & diagonal
        edits += 1 if up & last else -1 if down & last else 0
        up, down = (up << 1 | 1) & full, down << 1 & full
        plus, minus = (down | ~(diagonal | up)) & full, up & diagonal
    return edits
