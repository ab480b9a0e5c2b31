"""Laws of names: what needs a name goes with it, and nothing else does."""

from hypothesis import given, settings, strategies as st

from lintseq.languages import get_linter
from lintseq.languages.python.analysis import analyze
from lintseq.program import Program

FUTURE = "from __future__ import annotations"
TYPES = st.sampled_from(["A", "B", "C", "int", "list[A]", "'A'", "list['B']", "dict[str, 'C']"])


def findings(source: str) -> list[str]:
    return sorted(f"{found.code}: {found.message}" for found in get_linter("pyflakes").check(source))


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
    for unit in sorted(set(analysis.unit_of)):
        removed = set(analysis.needs.start().remove(unit))
        kept = [line for line, own in zip(program.lines, analysis.unit_of, strict=True) if own not in removed]
        states.append(program.render(kept))
    return states


@settings(max_examples=100, derandomize=True, deadline=None)
@given(typed().map("\n".join).filter(is_clean))
def test_annotations_go_with_what_they_name(source: str) -> None:
    assert [found for state in states_without_a_line(source) for found in findings(state)] == []


@settings(max_examples=100, derandomize=True, deadline=None)
@given(typed().map(lambda lines: "\n".join([FUTURE, *lines])).filter(is_clean))
def test_postponed_annotations_go_with_what_they_name_and_need_no_more(source: str) -> None:
    states = states_without_a_line(source)
    assert [found for state in states for found in findings(state)] == []
    without = source.removeprefix(FUTURE + "\n")
    if is_clean(without):
        assert states[0] == without
