"""The format `diff`: what is written reads back exactly, and any text resolves."""

import difflib
import gzip
import itertools
import json
import random
import time
from pathlib import Path

import pytest
import typer
from hypothesis import HealthCheck, assume, given, settings, strategies as st
from strategies import histories
from typer.testing import CliRunner

from lintseq.cli.resolve import resolve as resolve_command
from lintseq.codecs import DIFF, get_codec
from lintseq.codecs.text import END_TOKENS
from lintseq.edits import EditSequence
from lintseq.errors import ConfigError, MalformedEditError
from lintseq.program import Program

PIECES = [
    *("a", "b", "x = 1", "    ", "\t", " ", "é", "😀", "\ud800", "\0"),
    *("\r", "\f", "\v", "\x1c", "\x85", "\u2028"),
    *(
        "+",
        "-",
        "@@",
        "<|diff|>",
        "@@ -0,0 +1 @@",
        "@@ -1,0 +2,2 @@",
        "<|diff|>@@ -0,0 +1 @@",
        "```",
        "</s>x",
        "x</s>",
    ),
    *("+++ b/x", "--- a/x", "\\ No newline at end of file"),
]

lines = st.lists(st.sampled_from(PIECES), max_size=3).map("".join)


@st.composite
def programs(draw: st.DrawFn, line: st.SearchStrategy[str] = lines) -> Program:
    text = "\n".join(draw(st.lists(line, max_size=12)))
    return Program.from_text(text + draw(st.sampled_from(["", "\n"])))


@st.composite
def sequences(draw: st.DrawFn, line: st.SearchStrategy[str] = lines) -> EditSequence:
    written = draw(programs(line))
    return EditSequence(written, dense([draw(st.integers(0, 5)) for _ in written.lines]))


def dense(numbers: list[int]) -> tuple[int, ...]:
    """Return `numbers` with the values that occur renamed to 0, 1, 2... in their order."""
    ranks = {value: rank for rank, value in enumerate(sorted(set(numbers)))}
    return tuple(ranks[number] for number in numbers)


@st.composite
def damaged_texts(draw: st.DrawFn) -> str:
    """A well-formed text with some lines cut, doubled, dropped, swapped or replaced, or its end missing."""
    rows = DIFF.write(draw(sequences())).split("\n")
    for _ in range(draw(st.integers(0, 3))):
        if not rows:
            break
        at = draw(st.integers(0, len(rows) - 1))
        row = rows[at]
        to = draw(st.integers(0, len(rows) - 1))
        cut = draw(st.integers(0, len(row)))
        choice = draw(st.sampled_from(["drop", "double", "swap", "cut", "glue", "replace", "insert"]))
        if choice == "drop":
            del rows[at]
        elif choice == "double":
            rows.insert(to, row)
        elif choice == "swap":
            rows[at], rows[to] = rows[to], row
        elif choice == "cut":
            rows[at] = row[:cut]
        elif choice == "glue":
            rows[at : at + 2] = ["".join(rows[at : at + 2])]
        else:
            rows[at : at + (choice == "replace")] = [draw(lines)]
    text = "\n".join(rows)
    return text[: draw(st.one_of(st.none(), st.integers(0, len(text))))]


# What is written


def test_the_format_is_the_one_in_the_paper() -> None:
    program = Program.from_text("from math import pi\n\ndef area(r):\n    return pi * r * r\n")
    sequence = EditSequence(program, (1, 2, 0, 0))
    assert DIFF.write(sequence) == (
        "<|diff|>@@ -0,0 +1,2 @@\n+def area(r):\n+    return pi * r * r\n"
        "<|diff|>@@ -0,0 +1 @@\n+from math import pi\n"
        "<|diff|>@@ -1,0 +2 @@\n+\n"
    )


def test_hunks_of_one_edit_count_in_the_state_before_it() -> None:
    sequence = EditSequence(Program.from_text("a\nb\nc\nd\ne"), (1, 0, 1, 1, 0))
    assert DIFF.write_edits(sequence) == ["@@ -0,0 +1,2 @@\n+b\n+e", "@@ -0,0 +1 @@\n+a\n@@ -1,0 +3,2 @@\n+c\n+d"]


def test_the_text_ends_in_a_newline_exactly_when_the_program_does() -> None:
    assert DIFF.write(EditSequence(Program.from_text("a\n"), (0,))) == "<|diff|>@@ -0,0 +1 @@\n+a\n"
    assert DIFF.write(EditSequence(Program.from_text("a"), (0,))) == "<|diff|>@@ -0,0 +1 @@\n+a"
    assert DIFF.write(EditSequence(Program.from_text("\n"), (0,))) == "<|diff|>@@ -0,0 +1 @@\n+\n"
    assert DIFF.write(EditSequence(Program.from_text(""), ())) == "<|diff|>"


@given(sequences())
def test_headers_and_rows_are_those_of_the_placements(sequence: EditSequence) -> None:
    for text, hunks in zip(DIFF.write_edits(sequence), sequence.placements(), strict=True):
        parts, inserted = [], 0
        for position, _, indices in hunks:
            count = "" if len(indices) == 1 else f",{len(indices)}"
            parts.append(f"@@ -{position},0 +{position + inserted + 1}{count} @@")
            parts += ["+" + sequence.merged.lines[index] for index in indices]
            inserted += len(indices)
        assert text == "\n".join(parts)


def neighbors(sequence: EditSequence) -> list[tuple[list[str], list[str]]]:
    """Return the lines before and after each edit."""
    states = [[]]
    for number in range(len(sequence)):
        pairs = zip(sequence.program.lines, sequence.arrivals, strict=True)
        states.append([line for line, arrival in pairs if arrival <= number])
    return list(itertools.pairwise(states))


@given(sequences())
def test_where_all_lines_differ_the_edits_are_those_of_difflib(sequence: EditSequence) -> None:
    program = Program(tuple(f"{line}{index}" for index, line in enumerate(sequence.program.lines)))
    sequence = EditSequence(program, sequence.arrivals)
    for text, (before, after) in zip(DIFF.write_edits(sequence), neighbors(sequence), strict=True):
        assert text == "\n".join(list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:])


@given(histories(lines), st.sampled_from([0, 1, 3]))
def test_where_all_lines_differ_edits_that_remove_are_those_of_difflib(sequence: EditSequence, context: int) -> None:
    merged = Program(tuple(f"{line}{index}" for index, line in enumerate(sequence.merged.lines)))
    sequence = EditSequence(merged, sequence.arrivals, sequence.departures)
    before = sequence.start.lines
    for number, text in enumerate(get_codec(f"udiff:{context}").write_edits(sequence), 1):
        after = sequence.first(number).program.lines
        assert text == "\n".join(list(difflib.unified_diff(before, after, n=context, lineterm=""))[2:])
        before = after


# What was written reads back


@given(sequences())
def test_what_is_written_reads_back_to_the_same_sequence(sequence: EditSequence) -> None:
    text = DIFF.write(sequence)
    assert DIFF.read(text) == sequence
    assert DIFF.read(text.removeprefix("<|diff|>")) == sequence
    assert DIFF.read(text).program.text == sequence.program.text


@given(sequences())
def test_edit_texts_read_back_to_the_same_sequence(sequence: EditSequence) -> None:
    texts = DIFF.write_edits(sequence)
    assert DIFF.read_edits(texts, final_newline=sequence.program.final_newline) == sequence
    assert DIFF.read_edits(texts).program.lines == sequence.program.lines


@given(sequences())
def test_resolving_a_well_formed_text_notes_nothing(sequence: EditSequence) -> None:
    resolution = DIFF.resolve(DIFF.write(sequence))
    assert resolution.text == sequence.program.text
    assert resolution.edits_applied == len(sequence)
    assert resolution.notes == ()


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("form", ["{}", "x = '{}'", "{}y", "  {}", "{0}{0}"])
def test_any_line_is_content_like_any_other(piece: str, form: str) -> None:
    line = form.format(piece)
    for text in (line, f"{line}\n{line}\n", f"a\n{line}\nb\n\n"):
        program = Program.from_text(text)
        size = len(program.lines)
        for arrivals in ((0,) * size, tuple(range(size)), tuple(reversed(range(size)))):
            written = DIFF.write(EditSequence(program, arrivals))
            assert DIFF.read(written).program.text == text
            assert DIFF.resolve(written).text == text
            assert DIFF.resolve(written).notes == ()


@given(sequences(), st.data())
def test_a_text_cut_after_an_edit_gives_the_state_there(sequence: EditSequence, data: st.DataObject) -> None:
    kept = data.draw(st.integers(0, len(sequence)))
    text = "".join(f"<|diff|>{edit}\n" for edit in DIFF.write_edits(sequence)[:kept])
    state = neighbors(sequence)[kept - 1][1] if kept else []
    assert DIFF.resolve(text).program == Program(tuple(state), bool(state))
    assert DIFF.read(text).program.lines == tuple(state)
    begun = DIFF.resolve(text + "<|diff|>")
    assert begun.program.lines == tuple(state)
    assert [note.reason for note in begun.notes] == ["empty-edit"] * (kept > 0 or bool(begun.notes))


@given(sequences(), st.data())
def test_a_text_cut_anywhere_gives_the_lines_that_had_arrived(sequence: EditSequence, data: st.DataObject) -> None:
    text = DIFF.write(sequence)
    cut = text[: data.draw(st.integers(0, len(text)))]
    whole_rows = sum(row.startswith("+") for row in cut.split("\n")[:-1])
    assert whole_rows <= len(DIFF.resolve(cut).program.lines) <= whole_rows + 1


@given(sequences())
def test_a_text_that_lost_all_its_separators_gives_the_same_program(sequence: EditSequence) -> None:
    """A tokenizer that skips special tokens when it decodes drops them."""
    text = "\n".join(DIFF.write_edits(sequence))
    assume(not text.rstrip().endswith(END_TOKENS))  # cut off, because the text is not exact without its separators
    resolution = DIFF.resolve(text)
    assert resolution.program.lines == sequence.program.lines
    assert [note.reason for note in resolution.notes] == ["separator"] * (len(sequence) - 1)


def test_real_programs_read_back() -> None:
    path = Path(__file__).parents[2] / "shared" / "data" / "instruct" / "python_pairs.jsonl.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    rng = random.Random(0)
    with gzip.open(path, "rt") as rows:
        texts = [json.loads(row)["program"] for _, row in zip(range(500), rows, strict=False)]
    for text in texts:
        program = Program.from_text(text)
        sequence = EditSequence(program, dense([rng.randrange(8) for _ in program.lines]))
        written = DIFF.write(sequence)
        assert DIFF.read(written) == sequence
        assert DIFF.resolve(written).text == text


# Strict


FINE = "<|diff|>@@ -0,0 +1,2 @@\n+a\n+b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n", "edit 1, line 1: empty-edit"),
        ("<|diff|>\n@@ -0,0 +1 @@\n+a", "edit 1, line 1: empty-edit"),
        ("Here it is:\n" + FINE, "edit 1, line 1: header: 'Here it is:'"),
        (f"{FINE}\n<|diff|>", "edit 2, line 4: empty-edit"),
        (f"{FINE}\n<|diff|>@@ -1", "edit 2, line 4: header: '@@ -1'"),
        (f"{FINE}\n<|diff|>@@ -1 +2 @@\n+c", "edit 2, line 4: new-start: the new lines start at line 1, not 2"),
        (f"{FINE}\n<|diff|>@@ -1,0 +2,1 @@\n+c", "edit 2, line 4: header"),
        (f"{FINE}\n<|diff|>@@ -1,0 +2 @@ def f():\n+c", "edit 2, line 4: header"),
        (f"{FINE}\n<|diff|>@@ -1,0 +2 @@\r\n+c", "edit 2, line 4: header"),
        (f"{FINE}\n<|diff|>@@ -01,0 +2 @@\n+c", "edit 2, line 4: header"),
        (f"{FINE}\n<|diff|>@@ -{'9' * 5000},0 +2 @@\n+c", "edit 2, line 4: header"),
        (f"{FINE}\n<|diff|>@@ -1,0 +2 @@", "edit 2, line 4: count: counts 1 rows, but 0 follow"),
        (f"{FINE}\n<|diff|>@@ -1,0 +2,2 @@\n+c", "edit 2, line 4: count: counts 2 rows, but 1 follow"),
        (f"{FINE}\n<|diff|>@@ -1,0 +2,2 @@\n+c\n@@ -2,0 +4 @@\n+d", "edit 2, line 6: count"),
        (f"{FINE}\n+c", "edit 1, line 4: count: '+c' is one row more than the header counts"),
        (f"{FINE}\n\n", "edit 1, line 4: text"),
        (f"{FINE}\n```", "edit 1, line 4: text: '```' is neither a header nor a row"),
        (f"{FINE}\n<|diff|>@@ -3,0 +4 @@\n+c", "edit 2, line 4: position: inserts after line 3, but the state has 2"),
        (f"{FINE}\n<|diff|>@@ -1,0 +3 @@\n+c", "edit 2, line 4: new-start: the new lines start at line 2, not 3"),
        (f"{FINE}\n<|diff|>@@ -1,0 +2 @@\n+c\n@@ -1,0 +3 @@\n+d", "edit 2, line 6: order"),
        (f"{FINE}\n<|diff|>@@ -1,0 +2 @@\n c", "edit 2, line 5: row: ' c' does not start with '+'"),
        (f"{FINE}\n<|diff|>@@ -1,0 +2,2 @@\n+c\n\n+d", "edit 2, line 6: row: ''"),
        (f"{FINE}\n<|diff|>@@ -1,1 +1 @@\n-a\n+c", "edit 2, line 4: header"),
        (f"{FINE}\n<|diff|>@@ -0 +1 @@\n-a\n+c", "edit 2, line 4: position: removes 1 lines after line -1"),
        (f"{FINE}\n<|diff|>@@ -2,2 +1,0 @@\n-b\n-c", "edit 2, line 4: position: removes 2 lines after line 1, but"),
        (f"{FINE}\n<|diff|>@@ -1 +1 @@\n-c\n+d", "edit 2, line 5: mismatch: removes 'c', where the state has 'a'"),
        (f"{FINE}\n<|diff|>@@ -1 +1 @@\n+c\n-a", "edit 2, line 5: row: '+c' does not start with '-'"),
        (f"{FINE}\n<|diff|>@@ -1 +0,0 @@\n-a\n-b", "edit 2, line 6: count: '-b' is one row more"),
        (f"{FINE}\n<|diff|>@@ -1 +1 @@\n-a", "edit 2, line 4: count: counts 2 rows, but 1 follow"),
        (f"{FINE}\n<|diff|>@@ -1 +0,0 @@\n-a\n@@ -1,0 +1 @@\n+c", "edit 2, line 6: order"),
        (f"{FINE}\n<|diff|>@@ -1,0 +1,0 @@", "edit 2, line 4: no-change"),
        (f"{FINE}\n<|endoftext|>", "edit 1, line 4: text"),
    ],
)
def test_the_first_irregularity_raises_an_error_with_position_and_reason(text: str, message: str) -> None:
    with pytest.raises(MalformedEditError) as caught:
        DIFF.read(text)
    assert str(caught.value).startswith(message)


def test_errors_in_a_list_of_edits_count_lines_in_their_edit() -> None:
    with pytest.raises(MalformedEditError, match=r"^edit 2, line 3: row"):
        DIFF.read_edits(["@@ -0,0 +1 @@\n+a", "@@ -0,0 +1,2 @@\n+b\nc"])
    for edits in ([""], ["@@ -0,0 +1 @@\n+a\n"], ["<|diff|>@@ -0,0 +1 @@\n+a"]):
        with pytest.raises(MalformedEditError, match=r"^edit 1, line"):
            DIFF.read_edits(edits)


@settings(max_examples=300)
@given(st.one_of(damaged_texts(), st.lists(st.sampled_from([*PIECES, "\n"])).map("".join)))
def test_read_accepts_exactly_what_write_writes(text: str) -> None:
    try:
        sequence = DIFF.read(text)
    except MalformedEditError:
        return
    assert DIFF.write(sequence).removeprefix("<|diff|>") == text.removeprefix("<|diff|>")


# Repaired


@settings(max_examples=300)
@given(st.one_of(damaged_texts(), st.text(), st.lists(st.sampled_from([*PIECES, *END_TOKENS, "\n"])).map("".join)))
def test_resolve_notes_something_exactly_where_read_raises(text: str) -> None:
    resolution = DIFF.resolve(text)
    for note in resolution.notes:
        assert 1 <= note.line <= text.count("\n") + 1
        assert "\n" not in str(note)
    try:
        sequence = DIFF.read(text)
    except MalformedEditError:
        assert resolution.notes
    else:
        found = (resolution.program, resolution.edits_applied, resolution.notes)
        assert found == (sequence.program, len(sequence), ())


@given(st.lists(st.sampled_from([*PIECES, *END_TOKENS, "\n", "\r\n", "@@ -", "1", ",0", " +", " @@", "-a", "+a"])))
def test_resolve_never_raises(pieces: list[str]) -> None:
    DIFF.resolve("".join(pieces))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(programs(st.sampled_from(["", "a", "b", "    c", "-", "+", "- d"])), min_size=1, max_size=5),
    st.integers(0, 3),
)
def test_any_unified_diffs_are_applied(states: list[Program], context: int) -> None:
    text, before = "", ()
    for state in states:
        diff = list(difflib.unified_diff(before, state.lines, n=context, lineterm=""))[2:]
        if diff:
            text += "<|diff|>" + "\n".join(diff) + "\n"
        before = state.lines
    resolution = DIFF.resolve(text)
    assert resolution.program.lines == states[-1].lines
    assert {note.reason for note in resolution.notes} <= ({"context"} if context else set())


START = "<|diff|>@@ -0,0 +1,3 @@\n+a\n+b\n+c\n"


@pytest.mark.parametrize(
    ("text", "program", "notes"),
    [
        # The end is missing.
        (START + "<|diff|>@@ -1,", "a\nb\nc", ["2:5 truncated"]),
        (START + "<|di", "a\nb\nc", ["1:5 truncated"]),
        (START + "<|diff|>@@ -1,0 +2,3 @@\n+x\n+y", "a\nx\ny\nb\nc", ["2:5 truncated"]),
        (START + "<|diff|>@@ -1,0 +2 @@\n", "a\nb\nc\n", ["2:5 truncated"]),
        # Counts and positions are wrong.
        (START + "<|diff|>@@ -1,0 +2,3 @@\n+x\n<|diff|>@@ -0,0 +1 @@\n+y\n", "y\na\nx\nb\nc\n", ["2:5 count"]),
        (START + "<|diff|>@@ -1,0 +2 @@\n+x\n+y\n", "a\nx\ny\nb\nc\n", ["2:5 count"]),
        (START + "<|diff|>@@ -9,0 +10 @@\n+x\n", "a\nb\nc\nx\n", ["2:5 position"]),
        (START + "<|diff|>@@ -1,0 +7 @@\n+x\n", "a\nx\nb\nc\n", ["2:5 new-start"]),
        # Separators are missing or doubled, or stand where a row ends.
        (START + "@@ -3,0 +4 @@\n+x\n", "a\nb\nc\nx\n", ["1:5 separator"]),
        (START + "<|diff|>@@ -0,0 +1 @@\n+x\n@@ -3,0 +4 @@\n+y\n", "x\na\nb\ny\nc\n", ["2:7 separator"]),
        (START + "<|diff|>@@ -1,0 +2 @@\n+x\n@@ -0,0 +1 @@\n+y\n", "y\na\nx\nb\nc\n", ["2:7 separator"]),
        (START + "<|diff|>@@ -0,0 +1 @@\n+x\n@@ -0,0 +2 @@\n+y\n", "x\ny\na\nb\nc\n", ["2:7 order"]),
        (START + "<|diff|>\n<|diff|>\n", "a\nb\nc\n", ["2:5 empty-edit"]),
        (START + "\n<|diff|>@@ -3,0 +4 @@\n+x\n", "a\nb\nc\nx\n", ["1:5 blank"]),
        (START + "<|diff|>\n@@ -3,0 +4 @@\n+x\n", "a\nb\nc\nx\n", ["2:6 header"]),
        ("<|diff|>@@ -0,0 +1,2 @@\n+a\n+b<|diff|>@@ -2,0 +3 @@\n+c\n", "a\nb\nc\n", ["1:3 separator"]),
        # Something stands around it.
        (
            f"Sure!\n\n```diff\n{START}```\nThat is all.\n",
            "a\nb\nc\n",
            ["0:1 text", "0:3 fence", "1:8 fence", "1:9 text"],
        ),
        (f"```\n{START}```", "a\nb\nc\n", ["0:1 fence", "1:6 fence"]),
        (f"Sure: {START}", "a\nb\nc\n", ["0:1 text"]),
        ("def f():\n    return 1\n", "", ["0:1 text"]),
        (START + "<|endoftext|>", "a\nb\nc\n", ["1:4 end-token"]),
        (START[:-1] + "</s>", "a\nb\nc</s>", []),
        ("Sure: " + START[:-1] + "</s>", "a\nb\nc", ["0:1 text", "1:4 end-token"]),
        (START + "<|diff|>\n<|diff|><|im_end|>\n<|endoftext|>\n", "a\nb\nc", ["2:5 empty-edit", "3:6 end-token"]),
        (START.replace("\n", "\r\n"), "a\nb\nc\n", ["0:1 carriage-return"]),
        (START.replace("@@\n", "@@\r\n"), "a\nb\nc\n", ["1:1 header"]),
        (
            "--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+a\n--- a/y\n+++ b/y\n@@ -1,0 +2 @@\n+b\n",
            "a\nb\n",
            ["0:1 file-header", "1:5 file-header", "1:7 separator"],
        ),
        (START + "\\ No newline at end of file\n", "a\nb\nc", ["1:5 no-newline"]),
        # Headers in another form.
        (START + "<|diff|>@@ -2 +3 @@\n+x\n", "a\nb\nx\nc\n", ["2:5 count"]),
        (START + "<|diff|>@@ -2,0 +3,1 @@ def f():\n+x\n", "a\nb\nx\nc\n", ["2:5 header"]),
        (START + "<|diff|>@@-2,0+3@@\n+x\n", "a\nb\nx\nc\n", ["2:5 header"]),
        (START + "<|diff|>@@ -2,0 @@\n+x\n", "a\nb\nx\nc\n", ["2:5 header"]),
        (START + "<|diff|>@@ ... @@\n+x\n", "a\nb\nc\n", ["2:5 header", "2:6 row"]),
        # Rows that are not plain insertions.
        (START + "<|diff|>@@ -2 +2 @@\n-b\n+x\n", "a\nx\nc\n", []),
        (START + "<|diff|>@@ -2,2 +1,0 @@\n-b\n-c\n", "a\n", []),
        (START + "<|diff|>@@ -1,3 +0,0 @@\n-a\n-b\n-c", "", []),
        (START + "@@ -2 +2 @@\n-b\n+x\n", "a\nx\nc\n", ["1:5 separator"]),
        (START + "<|diff|>@@ -2 +2 @@\n+x\n-b\n", "a\nx\nc\n", ["2:6 row"]),
        (START + "<|diff|>@@ -1,2 +1,3 @@\n a\n+x\n b\n", "a\nx\nb\nc\n", ["2:5 context"]),
        (START + "<|diff|>@@ -2 +2 @@\n-z\n+x\n", "a\nx\nc\n", ["2:5 mismatch"]),
        (START + "<|diff|>@@ -2,0 +2 @@\n-b\n+x\n", "a\nx\nc\n", ["2:5 count"]),
        (START + "<|diff|>@@ -2,0 +3 @@\n-z\n+x\n", "a\nb\nx\nc\n", ["2:5 count", "2:5 mismatch"]),
        (START + "<|diff|>@@ -1,0 +2,3 @@\n+x\n\n+y\n", "a\nx\n\ny\nb\nc\n", ["2:7 blank-row"]),
        (START + "<|diff|>@@ -1,0 +2,2 @@\n+x\nwhat\n+y\n", "a\nx\ny\nb\nc\n", ["2:7 text"]),
        ("+a\n+b\n" + START, "a\nb\nc\n", ["0:1 row"]),
    ],
)
def test_model_output_is_repaired_and_noted(text: str, program: str, notes: list[str]) -> None:
    resolution = DIFF.resolve(text)
    assert resolution.text == program
    assert [f"{note.edit}:{note.line} {note.reason}" for note in resolution.notes] == notes


def test_a_partial_last_edit_counts_as_applied_only_if_it_changed_something() -> None:
    assert DIFF.resolve(START + "<|diff|>@@ -1,0 +2,3 @@\n+x").edits_applied == 2
    assert DIFF.resolve(START + "<|diff|>@@ -1,0 +2,3 @@").edits_applied == 1
    assert DIFF.resolve("").edits_applied == 0


@pytest.mark.parametrize(
    "unit",
    [
        *("<|diff|>", "<|diff|>\n", "</s>", "</s>\n", " ", "\n", "\r\n", "\r", "+", "+\n", "-\n", " \n", "```\n"),
        *("@@", "@@ ", "@@ -", "@@\n", "@@ -0,0 +1 @@\n", "<|diff|>@@ -0,0 +1 @@\n", "<|diff|>@@ -0,0 +1 @@\n+\n"),
        *("@@ -0,0 +1 @@\n+\n", "@@ -1 +1 @@\n-\n+\n", "1", "@@ -1" + "1" * 9, "<|diff|>@@ -1", "x<|diff|>@@ "),
        *("+x<|diff|>@@ -0,0 +1 @@\n", "@@ -9,9 +9,9 @@\n", "prose\n\n", "--- a\n+++ b\n"),
    ],
)
def test_no_text_takes_long(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    start = time.process_time()
    DIFF.resolve(text)
    DIFF.resolve("<|diff|>@@ -0,0 +1,9 @@\n+" + text)
    assert time.process_time() - start < 5


# The command


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(resolve_command)
    return app


def test_the_command_prints_the_program_byte_for_byte(app: typer.Typer, tmp_path: Path) -> None:
    file = tmp_path / "edits.txt"
    program = b"a\r\n\xff\xed\xa0\x80\x0c \xe2\x80\xa8"
    file.write_bytes(b"<|diff|>@@ -0,0 +1,2 @@\n+" + program.replace(b"\n", b"\n+"))
    for arguments in ([str(file)], [str(file), "--strict"]):
        result = CliRunner().invoke(app, arguments)
        assert (result.exit_code, result.stdout_bytes, result.stderr) == (0, program, "")
    result = CliRunner().invoke(app, input=file.read_bytes())
    assert (result.exit_code, result.stdout_bytes) == (0, program)


def test_the_command_reports_what_it_ignored(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["-"], input="Sure!\n" + START)
    assert (result.exit_code, result.stdout) == (0, "a\nb\nc\n")
    assert result.stderr == "edit 0, line 1: text: ignored text that belongs to no edit: 'Sure!'\n"
    report = json.loads(CliRunner().invoke(app, ["--json"], input="Sure!\n" + START).stdout)
    assert (report["program"], report["edits_applied"]) == ("a\nb\nc\n", 1)
    assert report["notes"][0]["reason"] == "text"


def test_the_command_is_strict_on_demand(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["--strict"], input="Sure!\n" + START)
    assert isinstance(result.exception, MalformedEditError)
    assert (result.exit_code, result.stdout) == (1, "")


def test_the_command_names_the_file_it_cannot_read(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(tmp_path / "absent")])
    assert isinstance(result.exception, ConfigError)
    assert "absent" in str(result.exception)
