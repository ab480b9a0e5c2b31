"""Laws of names: what needs a name goes with it, and nothing else does."""

import re
import sys

import pytest
from hypothesis import given, settings, strategies as st
from star_imports import provided_names

from lintseq.languages import get_linter
from lintseq.languages.python.analysis import analyze
from lintseq.languages.python.star_imports import provided_by
from lintseq.program import Program

FUTURE = "from __future__ import annotations"
TYPES = st.sampled_from(["A", "B", "C", "int", "list[A]", "'A'", "list['B']", "dict[str, 'C']"])


def findings(source: str) -> list[str]:
    return [re.sub(r"\d+", "", f"{found.code}: {found.message}") for found in get_linter("pyflakes").check(source)]


def is_clean(source: str) -> bool:
    return not findings(source)


@st.composite
def typed(draw: st.DrawFn, depth: int = 0) -> list[str]:
    """Draw a suite of annotations, and of the classes and functions that they may name."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        name, kind = draw(st.sampled_from("ABCf")), draw(st.sampled_from(["x", "=", "def", "class"]))
        if kind == "x":
            lines.append(f"x: {draw(TYPES)} = 1")
        elif kind == "=":
            lines.append(f"{name} = int")
        else:
            header = f"class {name}:" if kind == "class" else f"def {name}(x: {draw(TYPES)}) -> {draw(TYPES)}:"
            suite = draw(typed(depth + 1)) if depth < 2 else ["..."]
            lines += [header, *("    " + line for line in suite)]
    return lines


def states_without_a_line(source: str) -> list[str]:
    """Return what remains of a program after the removal of each of its lines."""
    program = Program.from_text(source)
    analysis = analyze(program)
    states = []
    for unit in sorted({*analysis.unit_of} - {None}):
        removed = set(analysis.needs.start().remove(unit))
        kept = [line for line, own in zip(program.lines, analysis.unit_of, strict=True) if own not in removed]
        states.append(program.render(kept))
    return states


@settings(max_examples=30, derandomize=True, deadline=None)
@given(typed().map("\n".join).filter(is_clean))
def test_annotations_go_with_what_they_name(source: str) -> None:
    assert [found for state in states_without_a_line(source) for found in findings(state)] == []


@settings(max_examples=30, derandomize=True, deadline=None)
@given(typed().map(lambda lines: "\n".join([FUTURE, *lines])).filter(is_clean))
def test_postponed_annotations_go_with_what_they_name_and_need_no_more(source: str) -> None:
    states = states_without_a_line(source)
    assert [found for state in states for found in findings(state)] == []
    without = source.removeprefix(FUTURE + "\n")
    bound = re.findall(r"^ *(?:class |def )?([ABCf])\b", without, re.MULTILINE)
    if is_clean(without) and len(bound) == len(set(bound)):  # pyflakes does not know which names are local
        assert states[0] == without


STATEMENTS = st.sampled_from(
    [
        *("from math import *", "from cmath import *", "from nowhere import *", "import sys"),
        *(
            "print(pi)",
            "print(hypot, unknown)",
            "pi = 3",
            "hypot = pi",
            "pi += 1",
            "def pi(): ...",
            "print(pi, hypot)",
        ),
        *("input = sys.stdin.readline", "input()", "input(1, 2)", "print(input)", "max = pi", "max(1, 2)", "max()"),
    ]
)


@st.composite
def starred(draw: st.DrawFn) -> str:
    """Draw a program with star imports, names that they may provide, and names of builtin functions."""
    lines = ["from math import *"]
    for _ in range(draw(st.integers(2, 8))):
        header = draw(st.sampled_from(["", "", "", "if print():", "def f():", "class A:"]))
        statement = draw(STATEMENTS)
        if not header or statement.endswith("*"):
            lines.append(statement)
        else:
            lines += [header, f"    {statement}", f"    {draw(STATEMENTS.filter(lambda line: line[-1] != '*'))}"]
    return "\n".join([*lines, ""])


@settings(max_examples=30, derandomize=True, deadline=None)
@given(starred())
def test_names_go_with_the_star_imports_that_provide_them(source: str) -> None:
    known = findings(source)
    assert [found for state in states_without_a_line(source) for found in findings(state) if found not in known] == []


@pytest.mark.parametrize("module", ["collections.abc", "itertools", "math", "os", "tkinter.constants", "typing"])
def test_the_table_has_what_star_imports_provide_here(module: str) -> None:
    assert (provided_names(module) or set()) <= (provided_by(module) or set())


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters are new in Python 3.12")
def test_type_parameters_are_bound_in_their_definition_and_need_their_bounds() -> None:
    source = """
class Base: ...
class T: ...
class Box[T: (Base, "Base")](list[T]):
    class Inner: ...
    def put[S: Inner](self, item: T, other: S) -> "S": ...
type Pair[T: Base] = tuple[T, Box]
def first[T](items: list[T]) -> T:
    item: T = items[0]
    return item
"""
    sizes = [source.count("\n") - state.count("\n") for state in states_without_a_line(source)]
    assert sizes == [5, 1, 4, 4, 1, 1, 3, 3, 1]
    assert [found for state in states_without_a_line(source) for found in findings(state)] == []
