"""The work of an analysis grows with the program, and no faster: no family of programs is a cliff."""

import inspect
import sys
import tomllib
from collections.abc import Callable, Iterable
from math import log2
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from lintseq.errors import ProgramError
from lintseq.languages import get_language
from lintseq.needs import NeedsBuilder
from lintseq.program import Program
from lintseq.walks import sample_edits

FAMILIES: dict[str, list[str]] = tomllib.loads((Path(__file__).parent / "cases" / "growing.toml").read_text("utf-8"))
SIZES = (8, 16, 32)
"""Small: counting takes time."""
BOUNDED = {
    **dict.fromkeys((name for name in FAMILIES if name.startswith(("inheritance", "bases"))), 8),
    **dict.fromkeys(("calls of a redefined function", "calls of a redefined method", "calls and redefinitions"), 16),
    **dict.fromkeys(("values in one name", "None and lists in one name", "setters of one property"), 16),
    "inheritance and members of the last": 16,
}
"""Families in which each use looks at up to 20 classes or 100 values: how much larger their programs have to be."""
EXPONENT = 1.15


def program(parts: Iterable[str], size: int) -> str:
    """Return the program of a family in which something occurs `size` times."""

    def repeated(part: str) -> str:
        return "".join(part.replace("$i", str(i)).replace("$j", str(i - 1)) for i in range(1, size + 1))

    return "".join(repeated(part) if "$i" in part else part.replace("$n", str(size)) for part in parts)


def work_of(function: Callable[[], object]) -> int:
    """Return how many lines of Python a call executes, plus the sizes of the sets of nodes that it joins."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Callable[..., Any]:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


def exponent(counts: tuple[int, int, int]) -> float:
    """Return the power of the size with which counts for doubling sizes grow, whatever they have in common."""
    first, second, third = counts
    return log2((third - second + 1) / (second - first + 1))


def sizes(name: str) -> list[int]:
    return [size * BOUNDED.get(name, 1) for size in SIZES]


@pytest.fixture(autouse=True)
def counted_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sizes of sets of nodes count as lines, which C code would hide."""

    need_any, any_of = NeedsBuilder.need_any, NeedsBuilder.any_of

    def counted_need_any(self: NeedsBuilder, node: int, others: Iterable[int], *purpose: str, **guard: int) -> None:
        need_any(self, node, (other for other in others), *purpose, **guard)

    monkeypatch.setattr(NeedsBuilder, "any_of", lambda self, nodes: any_of(self, (node for node in nodes)))
    monkeypatch.setattr(NeedsBuilder, "need_any", counted_need_any)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_work_of_an_analysis_grows_with_the_program(name: str) -> None:
    analyze = get_language("python").analyze
    programs = [Program.from_text(program(FAMILIES[name], size)) for size in sizes(name)]
    analyze(programs[0])  # what is loaded once
    counts = tuple(work_of(lambda text=text: analyze(text)) for text in programs)
    assert exponent(counts) <= EXPONENT, counts


def test_growth_that_is_quadratic_is_noticed() -> None:
    def quadratic(size: int) -> int:
        total = 0
        for one in range(size):
            for other in range(size):
                total += one * other
        return total

    counts = tuple(work_of(lambda size=size: quadratic(size)) for size in SIZES)
    assert exponent(counts) > 1.8


@pytest.mark.parametrize("depth", [0, 300, 600, 900])
def test_the_depth_of_the_caller_decides_nothing(depth: int) -> None:
    """Python accepts chains of 1,000 `elif`, but the deeper the caller, the shorter ones."""

    def outcome(text: str, frames: int) -> str:
        if frames:
            return outcome(text, frames - 1)
        try:
            sample_edits(text)
        except ProgramError as error:
            return error.reason
        return ""

    used = len(inspect.stack(0))
    for name in ("elif", "elif that binds names and returns"):
        texts = [program(FAMILIES[name], size) for size in (1000, 20_000)]
        assert [outcome(text, max(depth - used, 0)) for text in texts] == ["", "nesting"]
