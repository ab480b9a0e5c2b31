"""Walks between two versions: the laws, for random pairs of programs and for cases."""

import random
import tomllib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from grammar import is_clean, program, suites
from hypothesis import HealthCheck, given, settings, strategies as st

from lintseq.edits import STAYS, EditSequence, replay
from lintseq.errors import ProgramError
from lintseq.languages import get_language, get_linter
from lintseq.linting import findings
from lintseq.linting.pyflakes import PyflakesLinter
from lintseq.walks import ProgramSampler, SamplingOptions, sample_edits

CASES = tomllib.loads((Path(__file__).parent / "cases" / "changes.toml").read_text(encoding="utf-8"))["clean"]
PROGRAMS = suites().map(program).filter(is_clean)
LINES = ["x = 1", "y = x", "print(x, y)", "# a comment", "", "import os", "os.getcwd()"]


@st.composite
def versions(draw: st.DrawFn) -> tuple[str, str]:
    """A program and a mutation of it, or two programs that share nothing."""
    new = draw(PROGRAMS)
    if draw(st.integers(0, 4)) == 0:
        return draw(PROGRAMS), new
    rng = random.Random(draw(st.integers(0, 2**32)))
    lines = new.split("\n")
    for _ in range(draw(st.integers(1, 6))):
        at = rng.randrange(len(lines))
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        match rng.randrange(5):
            case 0:
                del lines[at : at + rng.randrange(1, 4)]
            case 1:
                lines.insert(at, indent + rng.choice(LINES))
            case 2:
                lines[at] = lines[at].replace("a", "b", 1)
            case 3:
                end = at + rng.randrange(1, 5)
                moved = lines[at:end]
                del lines[at:end]
                to = rng.randrange(len(lines) + 1)
                lines[to:to] = moved
            case _:
                lines[at : at + 1] = [indent + "if True:", *("    " + line for line in lines[at : at + 1])]
        lines = lines or [""]
    return "\n".join(lines), new


random_pairs = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def sampler(old: str, new: str, options: SamplingOptions | None = None) -> ProgramSampler | None:
    """Return the sampler of two versions; None for those that are refused."""
    try:
        return ProgramSampler(new, options, start=old)
    except ProgramError as error:
        assert error.reason
        return None


@random_pairs
@given(versions(), st.sampled_from(["uniform", "forward", "indent"]), st.integers(0, 3))
def test_sequences_lead_exactly_from_one_version_to_the_other(pair: tuple[str, str], order: str, seed: int) -> None:
    old, new = pair
    found = sampler(old, new, SamplingOptions(order=order))  # type: ignore[arg-type]
    if found is None:
        return
    sequence = found.sample(seed=seed)
    assert (sequence.start.text, sequence.program.text) == (old, new)
    assert replay(sequence.edits, sequence.start.lines) == list(sequence.program.lines)
    assert sequence == found.sample(seed=seed)
    texts = [old, *sequence.states()]
    assert all(before != after for before, after in pairwise(texts[:-1]))
    assert [state.rstrip("\n") for state in texts[-2:-1]] != [new.rstrip("\n")]


@random_pairs
@given(versions(), st.integers(0, 3))
def test_every_state_compiles(pair: tuple[str, str], seed: int) -> None:
    found = sampler(*pair)
    if found is not None:
        for state in found.sample(seed=seed).states():
            assert not get_language().check_syntax(state), state


@random_pairs
@given(versions(), st.integers(0, 3))
def test_certified_states_have_no_finding_more_often_than_both_versions(pair: tuple[str, str], seed: int) -> None:
    found = sampler(*pair, SamplingOptions(certify="pyflakes"))
    if found is not None:
        check = PyflakesLinter().check
        known = findings(check(pair[0])) | findings(check(pair[1]))
        for state in found.sample(seed=seed).states():
            assert findings(check(state)) <= known, state


@random_pairs
@given(PROGRAMS, st.integers(0, 3))
def test_from_nothing_sequences_are_those_of_programs(program: str, seed: int) -> None:
    assert sample_edits(program, start="", seed=seed) == sample_edits(program, seed=seed)


@random_pairs
@given(PROGRAMS, st.integers(0, 3), st.integers(0, 30))
def test_the_rest_of_a_sequence_can_be_drawn_anew_from_any_state(program: str, seed: int, cut: int) -> None:
    sequence = sample_edits(program, seed=seed)
    state = sequence.after(min(cut, len(sequence) - 1)).with_readable_start().start.text
    if state and state != program and (found := sampler(state, program)) is not None:
        again = found.sample(seed=seed)
        assert (again.start.text, again.program.text) == (state, program)


def states(old: Sequence[str], new: Sequence[str], **options: str) -> set[tuple[str, ...]]:
    """Return all the states that twenty draws pass between two versions."""
    seen = set[tuple[str, ...]]()
    found = ProgramSampler("\n".join(new), SamplingOptions(**options), start="\n".join(old))  # type: ignore[arg-type]
    for seed in range(20):
        sequence: EditSequence = found.sample(seed=seed)
        seen |= {tuple(state.split("\n")) for state in [*sequence.states()][:-1]}
    return seen


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # A call and the signature that it needs.
        (["def f(a):", "    return a", "f(1)"], ["def f(a, b):", "    return a", "f(1, 2)"]),
        # A renamed function and its uses.
        (["def f():", "    pass", "f()"], ["def g():", "    pass", "g()"]),
        # Statements that move into a block.
        (["import a", "x = a.b()", "print(x)"], ["import a", "with a.c():", "    x = a.b()", "print(x)"]),
        # Lines of two versions of one call.
        (["f = print", "f(1, 2)"], ["f = print", "f(", "    1,", "    3,", ")"]),
    ],
    ids=["signature", "rename", "into a block", "parts of a call"],
)
def test_changes_that_only_make_sense_together_are_one_edit(old: list[str], new: list[str]) -> None:
    assert states(old, new, certify="pyflakes") == states(old, new) == set()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # Independent changes come in any order.
        (["x = 1", "y", "z = 3"], ["x = 2", "y", "z = 4"], {("x = 2", "y", "z = 3"), ("x = 1", "y", "z = 4")}),
        # An optional parameter may come before the call that uses it, not after it.
        (
            ["def f(a):", "    return a", "f(1)"],
            ["def f(a, b=0):", "    return a", "f(1, 2)"],
            {("def f(a, b=0):", "    return a", "f(1)")},
        ),
        # An import comes before its use, and goes after it.
        (["import a", "a.b()"], ["import c", "c.b()"], set()),
        (["a = 1"], ["import os", "a = os.sep"], {("import os", "a = 1")}),
        (["import os", "a = os.sep"], ["a = 1"], {("import os", "a = 1")}),
        # Blank lines go with what is removed, and not with what is changed below it.
        (["a", "", "def f():", "    b", "    c", "", "d = 1"], ["a", "", "d = 2"],
         {("a", "", "d = 1"), ("a", "", "def f():", "    b", "    c", "", "d = 2"),
          ("a", "", "def f():", "    b", "", "d = 1"), ("a", "", "def f():", "    b", "", "d = 2"),
          ("a", "", "def f():", "    c", "", "d = 1"), ("a", "", "def f():", "    c", "", "d = 2")}),
        # Each of several new parts comes with one run of blank lines.
        (["a", "", "d"], ["a", "", "if b: pass", "", "if c: pass", "", "d"],
         {("a", "", "if b: pass", "", "d"), ("a", "", "if c: pass", "", "d")}),
        (["a", "b", "", "d = 1"], ["a", "", "d = 2"], {("a", "b", "", "d = 2"), ("a", "", "d = 1")}),
        # A statement of a body is no part of the signature, wherever it is.
        (["import os", "def f(a):", "    return a", "f(1)"], ["def f(a, b):", "    a += 1", "    return a", "f(1, 2)"],
         {(*start, header, *body, "    return a", call)
          for start in [("import os",), ()]
          for header, call in [("def f(a):", "f(1)"), ("def f(a, b):", "f(1, 2)")]
          for body in [("    a += 1",), ()]
          if (start, header, body) not in [(("import os",), "def f(a):", ()), ((), "def f(a, b):", ("    a += 1",))]}),
    ],
    ids=["independent", "optional parameter", "both", "import first", "import last", "blank lines",
         "several parts", "no blank line above", "signature"],
)  # fmt: skip
def test_the_states_between_two_versions(old: list[str], new: list[str], expected: set[tuple[str, ...]]) -> None:
    assert states(old, new) == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["of"])
def test_every_state_between_the_versions_of_a_case_is_clean(case: dict[str, Any]) -> None:
    seen = {state for order in ("uniform", "forward") for state in states(*lines_of(case), order=order)}
    assert len(seen) == case["states"]
    for linter in ("pyflakes", "pylint"):
        check = get_linter(linter).check
        known = findings(check(case["old"])) | findings(check(case["new"]))
        texts = ["\n".join(state) for state in seen]
        assert {text: new for text in texts if (new := findings(check(text)) - known)} == {}


def lines_of(case: dict[str, Any]) -> tuple[list[str], list[str]]:
    return case["old"].split("\n"), case["new"].split("\n")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("x = 1\n", "x = 1\n", "no-change"),
        ("x = 1\n", "x = 1", "only-line-endings"),
        ("x = 1\r\n", "x = 1\n", "only-line-endings"),
        ("x = \n", "x = 1\n", "syntax"),
        ("x = 1\n", "x = \n", "syntax"),
    ],
)
def test_versions_that_cannot_be_used_are_refused(old: str, new: str, reason: str) -> None:
    with pytest.raises(ProgramError) as caught:
        sample_edits(new, start=old)
    assert caught.value.reason == reason


def test_an_old_version_that_does_not_parse_is_named() -> None:
    with pytest.raises(ProgramError, match="the old version: "):
        sample_edits("x = 1\n", start="x =\n")


def test_comments_can_come_first() -> None:
    old = ["# One.", "x = 1", "y = 2"]
    new = ["# Two.", "x = 3", "y = 4", "# Three."]
    for state in states(old, new, comments="first"):
        assert state[0] == "# Two."
        assert state[-1] == "# Three."
    assert states(old, [*old[:2], "y = 2  # same"], comments="first") == set()
    assert states(old, ["# Two.", *old[1:]], comments="first") == set()


def test_a_black_box_judges_states_between_versions() -> None:
    old, new = ["a = 1", "print(a)", "x = 1"], ["b = 1", "print(b)", "x = 2"]
    found = states(old, new, linter="pyflakes")
    assert (("b = 1", "print(b)", "x = 1") in found) and (("a = 1", "print(b)", "x = 1") not in found)


# Stubs

SHAPES = '''import math


class Circle:
    """A circle."""

    def __init__(self, r):
        self.r = r

    def area(self):
        """Return the area."""
        return math.pi * self.r**2


circle = Circle(2)
print(circle.r)
'''


@random_pairs
@given(PROGRAMS, st.integers(0, 3))
def test_sequences_with_stubs_are_clean_and_only_placeholders_come_and_go(text: str, seed: int) -> None:
    sequence = sample_edits(text, stubs=True, seed=seed)
    assert (sequence.start.text, sequence.program.text) == ("", text)
    gone = [line for line, number in zip(sequence.merged.lines, sequence.departures, strict=False) if number != STAYS]
    assert {line.strip() for line in gone} <= {"pass", "...", "raise NotImplementedError"}
    for state in sequence.states():
        assert is_clean(state), state


def test_a_placeholder_leaves_with_the_first_line_of_the_body() -> None:
    for seed in range(20):
        seen = set[str]()
        for state in sample_edits(SHAPES, stubs=True, seed=seed).states():
            for function in ("__init__", "area"):
                _, _, body = state.partition(f"def {function}")
                body = body.partition("def ")[0].partition("circle =")[0]
                assert not ("raise" in body and "self.r" in body)
                assert function not in seen or "raise" in body or "self.r" in body
                seen |= {function} if "raise" in body else set()
            assert "print(circle.r)" not in state or "self.r = r" in state
        assert seen == {"__init__", "area"}


@pytest.mark.parametrize(
    ("other", "placeholder"),
    [("", "raise NotImplementedError"), ("pass", "pass"), ("...", "..."), ("raise NotImplementedError()", None)],
)
def test_placeholders_are_those_of_the_program(other: str, placeholder: str | None) -> None:
    text = "def f():\n    return 1\n" + (f"def g():\n    {other}\n" if other else "")
    states = "".join(sample_edits(text, stubs=True).states())
    assert f"def f():\n    {placeholder or 'raise NotImplementedError'}\n" in states


@pytest.mark.parametrize("text", ["x = 1\n", "def f(): return 1\n", "def f():\n    pass\n", "lambda x: x\n"])
def test_programs_without_bodies_to_replace_have_no_stub(text: str) -> None:
    assert sample_edits(text, stubs=True) == sample_edits(text)
