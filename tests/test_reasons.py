"""Reasons are true, and explain every edit that was drawn by the needs."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from lintseq.edits import EditSequence
from lintseq.languages import get_language
from lintseq.needs import BODY, HEADER, Analysis, Removals
from lintseq.needs.reasons import Reason, Reasons, reasons_of
from lintseq.program import Program
from lintseq.program.markdown import code_from_markdown
from lintseq.walks import ProgramSampler, sample_edits

HERE = Path(__file__).parent
GROWING = (HERE.parent / "examples" / "growing.py").read_text()
PROGRAMS = [
    *(
        code_from_markdown(json.loads(row)["response"], get_language())
        for row in (HERE.parent / "examples" / "pairs.jsonl").read_text().splitlines()
    ),
    *(path.read_text() for path in sorted((HERE / "cases" / "needs").glob("*.py"))),
    *(path.read_text() for path in sorted((HERE.parent / "src" / "lintseq").rglob("*.py"))),
]


def reasons(source: str, arrivals: Sequence[int]) -> Reasons:
    return reasons_of(get_language().analyze(Program.from_text(source)), arrivals)


def after_edit(analysis: Analysis, arrivals: Sequence[int], edit: int) -> Removals:
    """Return the removals that lead back to the state after an edit."""
    removals = analysis.needs.start()
    removals.remove_only(
        {unit for line, unit in enumerate(analysis.unit_of) if unit is not None and arrivals[line] > edit}
    )
    return removals


def sequences_of(samples: int) -> Iterator[tuple[Analysis, EditSequence, Reasons]]:
    for source in PROGRAMS:
        sampler = ProgramSampler(source)
        analysis = get_language().analyze(sampler.program)
        for draw in range(samples):
            sequence = sampler.sample(draw=draw)
            yield analysis, sequence, reasons_of(analysis, sequence.arrivals)


def test_the_reasons_of_a_small_program() -> None:
    # 4 def area / 6 if / 7 raise / 8 return; the loop in 11 to 13 needs the function, the print the size.
    sequence = sample_edits(GROWING, seed=2)
    found = reasons(GROWING, sequence.arrivals)
    assert found.edits == (
        (),
        (Reason(3, (7,), (BODY,)), Reason(7, (3,), (HEADER, "radius"))),
        (Reason(5, (6,), (BODY,)), Reason(6, (5,), (HEADER,))),
        (
            Reason(10, (11, 12), (BODY,)),
            Reason(11, (10,), (HEADER, "radius")),
            Reason(12, (10,), (HEADER, "name")),
            Reason(12, (11,), ("size",)),
        ),
    )
    assert found.causes == (None, 3, 5, 10)
    assert found.heads == (0, 3, 3, 3, 5, 5, 6, 7, 10, 10, 10, 11, 12)


def test_lines_that_are_already_there_are_no_reasons() -> None:
    source = "import math\nx = math.pi\ny = math.e + x\n"
    assert reasons(source, (0, 1, 2)).edits == ((), (), ())
    x = Reason(2, (1,), ("x",))
    assert reasons(source, (0, 1, 1)).edits == ((), (x,))
    assert reasons(source, (-1, 0, 0)).edits == ((x,),)
    assert reasons(source, (0, 0, 0)).edits == ((Reason(1, (0,), ("math",)), Reason(2, (0,), ("math",)), x),)


def test_alternatives_are_one_reason_until_one_of_them_arrives() -> None:
    source = "def f():\n    a = 1\n    b = 2\n"
    assert Reason(0, (1, 2), (BODY,)) in reasons(source, (0, 0, 0)).edits[0]
    assert reasons(source, (0, 1, 0)).edits == ((Reason(0, (2,), (BODY,)), Reason(2, (0,), (HEADER,))), ())


PURPOSES = {
    "x = 1\nprint(x)\n": ["print(x) needs `x`"],
    "if a:\n    pass\n": ["if a: needs a body", "pass needs its header"],
    "def f(x):\n    return x\n": ["def f(x): needs a body", "return x needs its header and `x`"],
    "def f(x, y):\n    return x + y\n": ["def f(x, y): needs a body", "return x + y needs its header, `x` and `y`"],
    "class A:\n    b = 1\nA.b\n": [
        "class A: needs a body",
        "b = 1 needs its header",
        "A.b needs `A`",
        "A.b needs `.b`",
    ],
    "with a:\n    import b\nb.c()\n": ["with a: needs a body", "import b needs its header", "b.c() needs `b`"],
    "try:\n    a()\nfinally:\n    b()\n": [
        "try: needs a body",
        "try: needs ",
        "a() needs its header",
        "finally: needs its header",
        "finally: needs a body",
        "b() needs its header",
    ],
}


@pytest.mark.parametrize("source", PURPOSES)
def test_a_reason_says_what_a_line_needs(source: str) -> None:
    lines = source.splitlines()
    (found,) = reasons(source, [0] * len(lines)).edits
    assert [f"{lines[reason.line].strip()} needs {reason.purpose}" for reason in found] == PURPOSES[source]


def test_comments_and_blank_lines_have_the_head_of_their_unit() -> None:
    source = "# about x\nx = 1\n\ny = '''\n'''\n# end\n"
    assert reasons(source, (0, 0, 1, 1, 1, 1)).heads == (1, 1, 3, 3, 3, 3)
    assert reasons(source, (0, 1, 2, 2, 2, 2)).heads[0] is None, "it arrives before the code it describes"


def test_every_edit_has_a_line_that_all_of_it_needs() -> None:
    for analysis, sequence, found in sequences_of(3):
        assert len(found.edits) == len(found.causes) == len(sequence)
        for edit, lines in enumerate(sequence.inserted()):
            units = {analysis.unit_of[line] for line in lines} - {None}
            if len(units) > 1:
                cause = found.causes[edit]
                closure = after_edit(analysis, sequence.arrivals, edit).remove(analysis.unit_of[cause])
                assert units <= set(closure), f"not all of edit {edit + 1} needs line {cause + 1}"


def test_a_line_is_removed_with_the_lines_of_its_reason() -> None:
    for analysis, sequence, found in sequences_of(1):
        for edit, listed in enumerate(found.edits):
            for reason in listed:
                removals = after_edit(analysis, sequence.arrivals, edit)
                closure: list[int] = []
                for other in reason.others:
                    if not removals.removed[analysis.unit_of[other]]:
                        closure += removals.remove(analysis.unit_of[other])
                assert analysis.unit_of[reason.line] in closure, reason
                assert all(sequence.arrivals[line] == edit for line in (reason.line, *reason.others))


@given(st.sampled_from(PROGRAMS[:80]), st.data())
def test_sequences_that_ignore_the_needs_have_reasons_too(source: str, data: st.DataObject) -> None:
    program = Program.from_text(source)
    numbers = data.draw(st.lists(st.integers(-1, 4), min_size=len(program.lines), max_size=len(program.lines)))
    used = {number: edit for edit, number in enumerate(sorted(set(numbers) - {-1}))} | {-1: -1}
    sequence = EditSequence(program, tuple(used[number] for number in numbers))
    found = reasons_of(get_language().analyze(program), sequence.arrivals)
    assert len(found.edits) == len(found.causes) == len(sequence)
    for edit, listed in enumerate(found.edits):
        for reason in listed:
            assert {sequence.arrivals[line] for line in (reason.line, *reason.others)} == {edit}
    for line, head in enumerate(found.heads):
        assert head is None or sequence.arrivals[head] == sequence.arrivals[line]


def test_a_long_chain_takes_no_time() -> None:
    lines = ["x0 = 1", *(f"x{n} = x{n - 1}" for n in range(1, 1500))]
    found = reasons("\n".join(lines), [0] * len(lines))
    assert found.causes == (0,)
    assert len(found.edits[0]) == len(lines) - 1
    backwards = [f"def f{n}():\n    return f{n + 1}()" for n in range(1000)] + ["def f1000():\n    return 1"]
    assert len(reasons("\n".join(backwards), [0] * 2002).causes) == 1


@pytest.mark.parametrize("source", ["x = 1\n# end\n", "x = 1", "# pylint: disable=all\nx = 1\n"])
def test_comments_may_be_an_edit_of_their_own(source: str) -> None:
    sequence = sample_edits(source, comments="first")
    found = reasons(source, sequence.arrivals)
    assert len(found.edits) == len(sequence)
