"""Blank lines arrive with what they separate, whatever the walk."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

from lintseq.edits import EditSequence
from lintseq.languages import get_language
from lintseq.linting import Diagnostic
from lintseq.walks import ProgramSampler, SamplingOptions
from lintseq.walks.spacing import Spacing

CASES = [
    ("a.b", "0 1", "011"),
    ("a.b", "1 0", "110"),
    # At the top and at the end of the program.
    (".a", " 1", "11"),
    ("a..b.", "1  0 ", "11100"),
    # As soon as anything above and anything below is there.
    ("a.bc", "0 21", "0121"),
    ("ab.c", "02 1", "0211"),
    # A longer run replaces no other: the shorter one arrives with what it separates then.
    ("f..c.d", "0  2 1", "011221"),
    ("f.c..d", "0 2  1", "022111"),
    ("f..c..d", "0  2  1", "0222111"),
    ("f.c..d.e", "3 0  2 1", "33011221"),
    # A block starts and ends without blank lines, unless the program has them there.
    ("fA.B", "02 1", "0221"),
    ("f.AB", "0 21", "0121"),
    ("fA.Bc", "00 21", "00221"),
    ("fA.Bc.d", "00 23 1", "0022311"),
    ("fA..B.c", "00  2 1", "0022211"),
]
SIMPLE = ["x = 1", "print(x)", "# text", 'text = """\n\n\nmore\n"""', "f(\n    1,\n\n    x,\n)", "pass", "\tpass"]
HEADERS = ["if x:", "def f(x):", "class A:", "for x in []:", "while x:", "with x:"]
WALKS = [
    SamplingOptions(),
    SamplingOptions(order="indent"),
    SamplingOptions(order="forward"),
    SamplingOptions(certify="compile"),
    SamplingOptions(linter="compile"),
]


class TooShort:
    """A linter of one rule, whose findings are about blank lines: no state has fewer of them than lines of code."""

    def check(self, source: str) -> list[Diagnostic]:
        lines = source.splitlines()
        blank = [number for number, line in enumerate(lines, start=1) if not line]
        return [Diagnostic("B1", "too short", number) for number in blank] if 2 * len(blank) < len(lines) else []


@st.composite
def blocks(draw: st.DrawFn, depth: int = 0) -> list[str]:
    """Return the lines of a block, with runs of blank lines anywhere."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 5))):
        lines += [""] * draw(st.sampled_from([0, 0, 1, 1, 2, 3]))
        if depth < 3 and draw(st.integers(0, 2)) == 0:
            lines += [draw(st.sampled_from(HEADERS)), *("    " + line for line in draw(blocks(depth + 1)))]
        else:
            lines += draw(st.sampled_from(SIMPLE)).replace("\t", "").split("\n")
    return ["pass", *lines] if draw(st.booleans()) else [*lines, "pass"]


def usable(lines: list[str]) -> bool:
    try:
        compile("\n".join(lines), "program", "exec")
    except SyntaxError:
        return False
    return True


def check_law(sequence: EditSequence) -> None:
    """Compare the blank lines of all states with the law, which is spelled out here for one state at a time."""
    program = sequence.program
    unit_of = get_language().analyze(program).unit_of
    blank = [unit is None and not line.strip() for line, unit in zip(program.lines, unit_of, strict=True)]
    rest = [line for line, is_blank in enumerate(blank) if not is_blank]
    before = {below: above for above, below in pairwise(rest)}
    runs = {above: below - above - 1 for below, above in before.items()}
    indents: list[int] = []
    for line, unit in enumerate(unit_of):
        text = program.lines[line]
        same = line > 0 and unit == unit_of[line - 1] is not None
        indents.append(indents[-1] if same else len(text) - len(text.lstrip()))
    for edit in range(len(sequence)):
        state = [line for line, arrival in enumerate(sequence.arrivals) if arrival <= edit]
        there = [line for line in state if not blank[line]]
        assert not blank[state[0]] or blank[0]
        assert not blank[state[-1]] or blank[-1]
        for above, below in pairwise(there):
            between = state[state.index(above) + 1 : state.index(below)]
            indent = indents[below]
            inner = [line for line in rest if above < line < below]
            if not inner:
                assert len(between) == runs[above], "neighbors in the program"
            elif indents[above] == indent <= min(indents[line] for line in inner):
                level = [*(line for line in inner if indents[line] == indent), below]
                assert len(between) == max(runs[before[line]] for line in level), "the longest run at their level"
            elif between and indents[above] < indent:
                assert runs[above], "a block starts with blank lines only where the program has it so"
            for one, other in pairwise(between):
                assert other == one + 1, "the blank lines of one run"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(blocks().filter(usable), st.sampled_from(WALKS), st.integers(0, 2**32))
def test_neighbors_are_separated_as_the_program_separates_them(
    lines: list[str], options: SamplingOptions, seed: int
) -> None:
    sequence = ProgramSampler("\n".join(lines), options).sample(seed=seed)
    units = {*zip(get_language().analyze(sequence.program).unit_of, sequence.arrivals, strict=True)}
    # A black-box walk may leave some lines of a statement, even blank ones of a text.
    assume(max(Counter(unit for unit, _ in units if unit is not None).values()) == 1)
    check_law(sequence)


def test_each_program_of_the_repository_keeps_the_law() -> None:
    for path in sorted(Path(get_language.__code__.co_filename).parents[1].rglob("*.py"))[:60:4]:
        sampler = ProgramSampler(path.read_text())
        for draw in range(2):
            check_law(sampler.sample(id=path.name, draw=draw))


@pytest.mark.parametrize(("program", "arrivals", "expected"), CASES)
def test_a_run_arrives_as_soon_as_it_separates_two_lines_of_a_block(
    program: str, arrivals: str, expected: str
) -> None:
    """Programs are written as rows of one letter per line: a name, or `.` for a blank line; a capital is indented."""
    lines = ["" if char == "." else f"    {char}" if char.isupper() else char for char in program]
    unit_of = [None if char == "." else number for number, char in enumerate(program)]
    of_key = [0 if char == " " else int(char) for char in arrivals]
    found = Spacing.of(lines, unit_of, range(len(lines)), len(lines)).arrivals(of_key)
    assert "".join(map(str, found)) == expected


def test_a_comment_at_the_margin_does_not_end_a_block() -> None:
    lines = [
        "class A:",
        "    def f(self): ...",
        "",
        "    def g(self): ...",
        "",
        "# def h():",
        "",
        "    def i(self): ...",
    ]
    unit_of = [0, 1, None, 2, None, None, None, 3]
    # Without `g`, a line separates `f` from the comment or, where that is missing as well, from `i`.
    for of_key, expected in (([0, 0, 9, 2, 9, 1, 9, 1], "00221111"), ([0, 0, 9, 3, 9, 2, 9, 1], "00332211")):
        found = Spacing.of(lines, unit_of, range(8), 8).arrivals(of_key)
        assert "".join(map(str, found)) == expected


def test_findings_about_blank_lines_blame_the_line_below() -> None:
    source = "a = 1\n\nb = 2\n\n\n\n# c\nc = 3\n"
    for seed in range(10):
        sequence = ProgramSampler(source, SamplingOptions(linter=f"{__name__}:TooShort")).sample(seed=seed)
        assert [*sequence.states()][-1] == source
        for state in sequence.states():
            assert not TooShort().check(state)


@pytest.mark.parametrize("linter", ["native", "compile"])
def test_comments_first_brings_all_blank_lines_with_the_first_edit(linter: str) -> None:
    source = "a = 1\n\n# b\nb = 2\n\n\nc = 3\n"
    sequence = ProgramSampler(source, SamplingOptions(linter=linter, comments="first")).sample()
    assert [line for line, arrival in enumerate(sequence.arrivals) if not arrival] == [1, 2, 4, 5]


def test_many_runs_take_time_in_proportion() -> None:
    source = "".join(f"x{n} = {n}{chr(10) * (1 + n % 3)}" for n in range(20_000))
    assert len(ProgramSampler(source).sample()) == 20_000
