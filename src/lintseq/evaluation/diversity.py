"""How much the completions of a problem differ: as programs, in what they do, and in their text.

Pure, and the same for completions in any order.
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

PAIRS = 100
"""Pairs of programs of a problem that are compared at most; of more, so many are drawn."""


@dataclass(frozen=True, slots=True)
class Diversity:
    """Of the completions of one problem, or the means over several."""

    distinct_programs: float
    """Share of the completions that are programs of their own, white space, comments and docstrings aside."""
    distinct_behaviors: float
    """Share that do something of their own when tested."""
    similarity: float | None
    """1 less the edits, character by character, that turn one program into another, as a share of the longer one;
    over all pairs. None if no two were there to compare."""

    def as_dict(self) -> dict[str, Any]:
        return {
            "distinct_programs": self.distinct_programs,
            "distinct_behaviors": self.distinct_behaviors,
            "pairwise_similarity": self.similarity,
        }


def normalized(program: str) -> str:
    """Return a program without what does not matter to Python: layout, comments, docstrings."""
    try:
        tree = parse(program)
    except ProgramError:
        return "\n".join(line.rstrip() for line in program.split("\n") if line.strip())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and _documented(node):
            node.body = node.body[1:] or [ast.Pass()]
    try:
        return ast.unparse(tree)
    except (RecursionError, ValueError):
        return program


def diversity(programs: Sequence[str], behaviors: Sequence[str]) -> Diversity:
    """Return how much the completions of one problem differ, of which there is at least one."""
    texts = Counter(map(normalized, programs))
    return Diversity(
        len(texts) / len(programs),
        len(set(behaviors)) / len(behaviors),
        pairwise_similarity(texts),
    )


def mean(found: Mapping[str, Diversity]) -> Diversity | None:
    """Return the means over problems, or None if there are none."""
    if not found:
        return None
    ordered = [found[name] for name in sorted(found)]
    similar = [one.similarity for one in ordered if one.similarity is not None]
    return Diversity(
        fsum(one.distinct_programs for one in ordered) / len(ordered),
        fsum(one.distinct_behaviors for one in ordered) / len(ordered),
        fsum(similar) / len(similar) if similar else None,
    )


def pairwise_similarity(texts: Counter[str]) -> float | None:
    """Return the mean similarity of two of the texts, each there as often as it is counted."""
    each = sorted(texts.elements())
    pairs = [(one, other) for place, one in enumerate(each) for other in each[place + 1 :]]
    if not pairs:
        return None
    if len(pairs) > PAIRS:
        digest = blake2b("\0".join(each).encode("utf-8", "surrogatepass"), digest_size=8).digest()
        pairs = Random(int.from_bytes(digest)).sample(pairs, PAIRS)
    return fsum(similarity(one, other) for one, other in pairs) / len(pairs)


def similarity(one: str, other: str) -> float:
    """Return 1 for equal texts and 0 for texts of which nothing stays."""
    longer = max(len(one), len(other))
    return 1.0 - distance(one, other) / longer if longer else 1.0


def distance(one: str, other: str) -> int:
    """Return how many characters have to be put in, taken out or replaced to make one text the other.

    Myers's bit-parallel algorithm (1999) in the form of Hyyrö (2003): a step for each character of one text, with
    all of the other in the bits of one number.
    """
    if one == other:
        return 0
    if not one or not other:
        return len(one) or len(other)
    if len(one) < len(other):
        one, other = other, one
    places: dict[str, int] = {}
    for place, char in enumerate(other):
        places[char] = places.get(char, 0) | 1 << place
    full, last = (1 << len(other)) - 1, 1 << (len(other) - 1)
    plus, minus, edits = full, 0, len(other)
    for char in one:
        equal = places.get(char, 0)
        diagonal = (((equal & plus) + plus) ^ plus) | equal | minus
        up, down = minus | ~(diagonal | plus), plus & diagonal
        edits += 1 if up & last else -1 if down & last else 0
        up, down = (up << 1 | 1) & full, down << 1 & full
        plus, minus = (down | ~(diagonal | up)) & full, up & diagonal
    return edits


def _documented(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    first = node.body[0] if node.body else None
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
