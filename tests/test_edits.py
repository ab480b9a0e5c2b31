"""Edits: applying, replaying, and the sequence that is exact by construction."""

from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st
from strategies import histories

from lintseq.edits import STAYS, Edit, EditSequence, Hunk, apply, replay
from lintseq.errors import MalformedEditError
from lintseq.program import Program

lines = st.sampled_from(["", "a", "a", "b\r", "    c", "+", "\x0c"])


@st.composite
def deletions(draw: st.DrawFn) -> tuple[Program, list[set[int]]]:
    """A program and an order in which to delete its lines."""
    program = Program(tuple(draw(st.lists(lines, max_size=14))), draw(st.booleans()))
    order = draw(st.permutations(range(len(program.lines))))
    cuts = sorted(draw(st.sets(st.integers(1, max(len(order) - 1, 1)))))
    groups = [set(order[start:end]) for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    return program, [group for group in groups if group]


def edit(*hunks: tuple[int, str]) -> Edit:
    return Edit(tuple(Hunk(position, tuple(text)) for position, text in hunks))


def test_hunks_are_placed_in_the_state_before_the_edit() -> None:
    assert apply(edit((0, "x"), (2, "yz"), (3, "w")), list("abc")) == list("xabyzcw")
    assert apply(edit((0, "ab")), []) == ["a", "b"]
    assert apply(edit(), ["a"]) == ["a"]


def test_applying_leaves_the_state_itself_alone() -> None:
    state = ["a"]
    apply(edit((1, "b")), state)
    assert state == ["a"]


@pytest.mark.parametrize(
    "hunks", [[(4, "x")], [(-1, "x")], [(1, "x"), (1, "y")], [(2, "x"), (1, "y")], [(0, "x"), (4, "y")]]
)
def test_a_hunk_outside_the_state_or_out_of_order_is_an_error(hunks: list[tuple[int, str]]) -> None:
    with pytest.raises(MalformedEditError, match=f"hunk {len(hunks) - 1} starts after line {hunks[-1][0]}"):
        apply(edit(*hunks), list("abc"))


@given(deletions())
def test_replaying_the_edits_that_undo_deletions_gives_the_program(drawn: tuple[Program, list[set[int]]]) -> None:
    program, order = drawn
    sequence = EditSequence.undoing(program, order)
    assert len(sequence) == len(sequence.edits) == len(order)
    assert program.render(replay(sequence.edits)) == program.text


@given(deletions())
def test_states_only_grow_and_each_is_the_program_less_what_was_deleted(drawn: tuple[Program, list[set[int]]]) -> None:
    program, order = drawn
    sequence = EditSequence.undoing(program, order)
    states = list(sequence.states())
    state: list[str] = []
    for number, (step, text) in enumerate(zip(sequence.edits, states, strict=True)):
        state = apply(step, state)
        deleted = set().union(*order[: len(order) - 1 - number])
        assert state == [line for index, line in enumerate(program.lines) if index not in deleted]
        assert text == program.render(state)
    assert not states or states[-1] == program.text


@given(deletions())
def test_each_line_arrives_once_with_the_edit_that_undoes_its_deletion(drawn: tuple[Program, list[set[int]]]) -> None:
    program, order = drawn
    assert [set(indices) for indices in EditSequence.undoing(program, order).inserted()] == order[::-1]


@given(deletions())
def test_edits_have_as_few_hunks_as_possible(drawn: tuple[Program, list[set[int]]]) -> None:
    for step in EditSequence.undoing(*drawn).edits:
        positions = [hunk.position for hunk in step.hunks]
        assert positions == sorted(set(positions))
        assert all(hunk.lines for hunk in step.hunks)


def test_a_line_that_no_deletion_holds_is_an_error() -> None:
    with pytest.raises(ValueError, match="line 1 is in no deletion"):
        EditSequence.undoing(Program(("a", "b")), [{0}])


@pytest.mark.parametrize("arrivals", [(0,), (0, 1, 2), (-2, 0), (1, 1), (-1, 1), (0, 2)])
def test_arrivals_name_an_edit_for_each_line_and_leave_no_edit_empty(arrivals: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"arrivals|numbered"):
        EditSequence(Program(("a", "b")), arrivals)


def test_the_empty_program_takes_no_edits() -> None:
    sequence = EditSequence.undoing(Program(()), [])
    assert (len(sequence), sequence.edits, list(sequence.states())) == (0, (), [])


@given(deletions(), st.integers(0, 15))
def test_the_first_edits_and_those_after_them_are_the_sequence_in_two(
    drawn: tuple[Program, list[set[int]]], cut: int
) -> None:
    sequence = EditSequence.undoing(*drawn)
    cut = min(cut, len(sequence))
    first, rest = sequence.first(cut), sequence.after(cut)
    assert first.edits + rest.edits == sequence.edits
    states = [rest.start.text, *rest.states()]
    assert states == ["", *sequence.states()][cut:]
    assert rest.start == first.program
    assert replay(rest.edits, rest.start.lines) == list(sequence.program.lines)
    assert (rest.program, first.start.lines) == (sequence.program, ())


@given(deletions(), st.integers(0, 14))
def test_a_readable_start_can_be_read_back_from_its_text(drawn: tuple[Program, list[set[int]]], cut: int) -> None:
    program, order = drawn
    program = Program.from_text(program.text)
    order = [kept for group in order if (kept := {index for index in group if index < len(program.lines)})]
    sequence = EditSequence.undoing(program, order)
    rest = sequence.after(min(cut, len(sequence))).with_readable_start()
    assert Program.from_text(rest.start.text) == rest.start
    assert replay(rest.edits, rest.start.lines) == list(program.lines)
    assert len(rest) == len(sequence) - min(cut, len(sequence))


def test_empty_lines_at_the_end_of_a_readable_start_move_to_the_next_edit_without_a_final_newline() -> None:
    for text, start in (("x = 1\n\n\ny = 2", ("x = 1",)), ("x = 1\n\n\ny = 2\n", ("x = 1", "", ""))):
        sequence = EditSequence(Program.from_text(text), (0, 0, 0, 1))
        rest = sequence.after(1).with_readable_start()
        assert rest.start.lines == start
        assert replay(rest.edits, rest.start.lines) == list(sequence.program.lines)


# Lines that depart


@given(histories(lines))
def test_replaying_the_edits_gives_every_state(sequence: EditSequence) -> None:
    state: Sequence[str] = sequence.start.lines
    for edit, text in zip(sequence.edits, sequence.states(), strict=True):
        assert edit.hunks
        state = apply(edit, state)
        assert sequence.program.render(state) == text
    assert tuple(state) == sequence.program.lines
    assert len(sequence.edits) == len(sequence) == len(sequence.inserted()) == len(sequence.removed())


@given(histories(lines))
def test_edits_tell_the_sequence_apart_from_where_removed_lines_stood(sequence: EditSequence) -> None:
    again = EditSequence.of(sequence.edits, sequence.start, final_newline=sequence.program.final_newline)
    assert (again.edits, again.start, again.program) == (sequence.edits, sequence.start, sequence.program)
    assert list(again.states()) == list(sequence.states())
    assert EditSequence.of(again.edits, again.start, final_newline=again.program.final_newline) == again


@given(histories(lines), st.integers(0, 6))
def test_a_sequence_with_departures_can_be_cut_in_two(sequence: EditSequence, cut: int) -> None:
    cut = min(cut, len(sequence))
    first, rest = sequence.first(cut), sequence.after(cut)
    assert first.edits + rest.edits == sequence.edits
    assert (first.start, rest.program) == (sequence.start, sequence.program)
    assert rest.start.lines == first.program.lines
    readable = rest.with_readable_start()
    assert replay(readable.edits, readable.start.lines) == list(sequence.program.lines)


def test_an_edit_that_only_removes_unreadable_lines_of_the_start_is_left_out() -> None:
    sequence = EditSequence(Program(("a", "b", "")), (-1, 1, -1), (1, STAYS, 0))
    readable = sequence.with_readable_start()
    assert (readable.start.text, readable.edits) == ("a", (Edit((Hunk(0, ("b",), 1),)),))


def test_hunks_that_remove_lines_replace_them() -> None:
    start = Program.from_text("a\nb\nc\nd")
    edits = [Edit((Hunk(1, ("x", "y"), 1), Hunk(3, (), 1))), Edit((Hunk(0, ("z",), 2),))]
    sequence = EditSequence.of(edits, start, final_newline=True)
    assert list(sequence.states()) == ["a\nx\ny\nc\n", "z\ny\nc\n"]
    assert sequence.merged.lines == ("a", "b", "x", "z", "y", "c", "d")
    assert sequence.edits == tuple(edits)


def test_a_line_cannot_depart_before_it_arrives() -> None:
    with pytest.raises(ValueError, match="departs before it arrives"):
        EditSequence(Program(("a", "b")), (0, 1), (1, 0))
