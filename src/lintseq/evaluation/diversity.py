"""How much the completions of a problem differ: as programs, in behavior, and in their text.

Pure, and independent of the order of the completions.
"""

import ast
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from math import fsum
from random import Random

from lintseq.errors import ProgramError
from lintseq.languages.python.syntax import parse

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

MAX_PAIRS = 100
"""Pairs of programs of a problem that are compared; a sample if there are more."""

Diversity = dict[str, float | None]
"""Shares of distinct programs and behaviors, and the similarity of pairs, by the names that results use."""


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
    """Return the diversity of one problem's completions, of which there is at least one.

    Distinct programs ignore whitespace, comments and docstrings; distinct behaviors are those on the tests; pairwise
    similarity is the mean over pairs of 1 - Levenshtein distance / length of the longer program, None without a pair.
    """
    texts = Counter(map(normalized, programs))
    return {
        "distinct_programs": len(texts) / len(programs),
        "distinct_behaviors": len(set(behaviors)) / len(behaviors),
        "pairwise_similarity": pairwise_similarity(texts),
    }


def mean_diversity(problems: Sequence[Diversity]) -> Diversity | None:
    """Return the mean over problems, or None if there are none."""
    if not problems:
        return None
    known = {name: [value for found in problems if (value := found[name]) is not None] for name in problems[0]}
    return {name: fsum(values) / len(values) if values else None for name, values in known.items()}


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
