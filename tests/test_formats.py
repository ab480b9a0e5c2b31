"""Laws of all text formats: what is written reads back, and any model output resolves.

Every file in `cases/codecs/FORMAT` has a program, a text that a model might write on it, the program that
this gives, and what is noted.
"""

import gzip
import json
import os
import random
import re
import subprocess
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings, strategies as st
from strategies import histories

from lintseq.codecs import CODECS, DIFF, Codec, get_codec
from lintseq.codecs.locate import difference
from lintseq.codecs.text import END_TOKENS
from lintseq.edits import INITIAL, EditSequence
from lintseq.errors import ConfigError, MalformedEditError
from lintseq.program import Program

FORMATS = [*CODECS.values(), *map(get_codec, ("udiff:0", "udiff:1", "str-replace:a b.py"))]
CASES = sorted((Path(__file__).parent / "cases" / "codecs").glob("*/*.txt"))
PAIRS = Path(__file__).parents[2] / "shared" / "data" / "instruct" / "python_pairs.jsonl.gz"

MARKS = [
    *("<|diff|>", "<|diff|>x", "\\<|diff|>", "@@", "@@ -1 +1 @@", "@@ ... @@", "@@ a"),
    *("ADD", "CON ", "DEL a", "+", "-", " a"),
    *("<|original|>", "\\<|updated|>", "<|updated|>", "<|/updated|>", "```", "```python", "\\```", "~~~"),
    *("<<<<<<< SEARCH", "=======", "========", ">>>>>>> REPLACE", ">>>>>>>> REPLACE", "  ======="),
    *("*** Begin Patch", "*** End Patch", "*** Update File: main.py", "*** Add File: main.py", "*** End of File"),
    *("class A:", "def a():", "    def a():", "--- a", "+++ a", "\\ No newline at end of file", "</s>x"),
    *("x</s>", "<|im_end|>"),
]  # fmt: skip
TEXTS = ["a", "b", "x = 1", "    ", "  a", "\t", " ", "é", "\ud800", "\0", "\r", "\f", "\x85", "\u2028", "\\"]

lines = st.one_of(
    st.sampled_from(["a", "b", ""]),
    st.sampled_from([*MARKS, *TEXTS]),
    st.lists(st.sampled_from([*MARKS, *TEXTS]), max_size=2).map("".join),
)


@st.composite
def insertions(draw: st.DrawFn) -> EditSequence:
    """From nothing or from a state in the middle, of lines that are often equal and look like structure."""
    text = "\n".join(draw(st.lists(lines, max_size=12)))
    program = Program.from_text(text + draw(st.sampled_from(["", "\n"])))
    numbers = [draw(st.integers(0, 4)) for _ in program.lines]
    ranks = {number: rank for rank, number in enumerate(sorted(set(numbers)))}
    sequence = EditSequence(program, tuple(ranks[number] for number in numbers))
    return sequence.after(draw(st.integers(0, len(sequence)))) if draw(st.booleans()) else sequence


def is_readable(sequence: EditSequence) -> bool:
    """Tell whether the program can be read from its text, and each edit changes the state."""
    program, states = sequence.program, [sequence.start.lines, *state_lines(sequence)]
    readable = program == Program.from_text(program.text) and (len(sequence) > 0 or program == sequence.start)
    return readable and all(before != after for before, after in pairwise(states))


def state_lines(sequence: EditSequence) -> list[tuple[str, ...]]:
    return [sequence.first(number + 1).program.lines for number in range(len(sequence))]


def sequences() -> st.SearchStrategy[EditSequence]:
    return st.one_of(insertions(), histories(lines).filter(is_readable))


def states_in(codec: Codec, sequence: EditSequence) -> list[str]:
    """Return the states that a format keeps."""
    return list(sequence.states())[-1:] if codec.single_edit else list(sequence.states())


@st.composite
def damaged(draw: st.DrawFn, codec: Codec) -> tuple[str, Program]:
    """A well-formed text with some lines cut, doubled, dropped, swapped or replaced, or its end missing."""
    sequence = draw(sequences())
    rows = codec.write(sequence).split("\n")
    for _ in range(draw(st.integers(0, 3))):
        if not rows:
            break
        at, to = draw(st.integers(0, len(rows) - 1)), draw(st.integers(0, len(rows) - 1))
        row = rows[at]
        match draw(st.sampled_from(["drop", "double", "swap", "cut", "glue", "replace", "insert"])):
            case "drop":
                del rows[at]
            case "double":
                rows.insert(to, row)
            case "swap":
                rows[at], rows[to] = rows[to], row
            case "cut":
                rows[at] = row[: draw(st.integers(0, len(row)))]
            case "glue":
                rows[at : at + 2] = ["".join(rows[at : at + 2])]
            case "replace":
                rows[at] = draw(lines)
            case _:
                rows.insert(at, draw(lines))
    text = "\n".join(rows)
    return text[: draw(st.one_of(st.none(), st.integers(0, len(text))))], sequence.start


each_format = pytest.mark.parametrize("codec", FORMATS, ids=lambda codec: codec.name)


# Laws


@each_format
@given(data=st.data())
def test_what_is_written_reads_back_to_the_same_edits(codec: Codec, data: st.DataObject) -> None:
    sequence = data.draw(sequences())
    assume(not codec.single_edit or sequence.start.lines != sequence.program.lines)
    text = codec.write(sequence)
    parsed = codec.read(text, sequence.start)
    assert parsed.program == sequence.program
    assert list(parsed.states()) == states_in(codec, sequence)
    assert codec.write(parsed) == text
    listed = codec.read_edits(
        codec.write_edits(sequence), sequence.start, final_newline=sequence.program.final_newline
    )
    assert list(listed.states()) == states_in(codec, sequence)


@each_format
@given(data=st.data())
def test_resolving_a_well_formed_text_notes_nothing(codec: Codec, data: st.DataObject) -> None:
    sequence = data.draw(sequences())
    assume(not codec.single_edit or sequence.start.lines != sequence.program.lines)
    text = codec.write(sequence)
    if len(sequence):
        resolution = codec.resolve(text, sequence.start)
        assert (resolution.program, resolution.notes) == (sequence.program, ())
        states = [resolution.program.render(state.lines) for state in resolution.states()]
        assert states == states_in(codec, sequence)
        assert resolution.edits_applied == len(states)


@each_format
@given(data=st.data())
@settings(max_examples=200)
def test_any_text_resolves_with_notes_if_it_is_malformed(codec: Codec, data: st.DataObject) -> None:
    soup = st.lists(st.sampled_from([*MARKS, *TEXTS, *END_TOKENS, "\n", "\n", "\r\n"])).map("".join)
    text, start = data.draw(st.one_of(damaged(codec), st.tuples(soup, st.just(Program(())))))
    resolution = codec.resolve(text, start)
    for note in resolution.notes:
        assert 1 <= note.line <= text.count("\n") + 1
        assert "\n" not in str(note)
    states = [start, *resolution.states()]
    assert states[-1].lines == resolution.program.lines
    assert sum(before.lines != after.lines for before, after in pairwise(states)) <= resolution.edits_applied
    try:
        sequence = codec.read(text, start)
    except MalformedEditError:
        assert resolution.notes
    else:
        assert (resolution.program, resolution.notes) == (sequence.program, ())


# Cases


def sections(case: Path) -> dict[str, str]:
    """Return the text of each section of a case, led by a line `%% NAME`, with what is said of its end."""
    found = re.split(r"^%% (.*)\n", case.read_text(encoding="utf-8"), flags=re.M)[1:]
    texts = {}
    for title, body in zip(found[::2], found[1::2], strict=True):
        name, _, remark = title.partition(", ")
        texts[name] = body.removesuffix("\n") if remark else body
    return texts


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.stem}")
def test_model_output_is_repaired_and_noted(case: Path) -> None:
    parts = sections(case)
    resolution = get_codec(case.parent.name).resolve(parts["text"], Program.from_text(parts["start"]))
    assert resolution.text == parts["program"]
    assert [f"{note.edit}:{note.line} {note.reason}" for note in resolution.notes] == parts["notes"].splitlines()


def test_every_format_but_diff_has_cases() -> None:
    assert {case.parent.name for case in CASES} == set(CODECS) - {"diff"}


# Each format's own


def real_sequences() -> list[EditSequence]:
    if not PAIRS.exists():
        pytest.skip(f"{PAIRS} is not there")
    rng = random.Random(0)
    found = []
    with gzip.open(PAIRS, "rt") as rows:
        for _, row in zip(range(100), rows, strict=False):
            program = Program.from_text(json.loads(row)["program"])
            numbers = [rng.randrange(8) for _ in program.lines]
            ranks = {number: rank for rank, number in enumerate(sorted(set(numbers)))}
            found.append(EditSequence(program, tuple(ranks[number] for number in numbers)))
    return found


@each_format
def test_real_programs_read_back(codec: Codec) -> None:
    for sequence in real_sequences():
        for part in (sequence, sequence.after(len(sequence) // 2)):
            text = codec.write(part)
            assert list(codec.read(text, part.start).states()) == states_in(codec, part)
            assert codec.resolve(text, part.start).program == part.program


@pytest.mark.parametrize("context", [0, 1, 3])
def test_unified_diffs_are_applied_by_git(context: int, tmp_path: Path) -> None:
    for sequence in real_sequences()[:20]:
        newline = "" if sequence.program.final_newline else "\n"
        texts = get_codec(f"udiff:{context}").write_edits(sequence)
        states = [state + newline for state in sequence.states()]
        for text, before, after in zip(texts[1:], states[:-1], states[1:], strict=True):
            (tmp_path / "main.py").write_text(before)
            done = subprocess.run(
                ["git", "apply", *(["--unidiff-zero"] if context == 0 else []), "-"],
                input=f"--- a/main.py\n+++ b/main.py\n{text}\n",
                env={"GIT_CEILING_DIRECTORIES": str(tmp_path.parent), "PATH": os.environ["PATH"]},
                text=True, cwd=tmp_path, capture_output=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, (text, done.stderr)
            assert (tmp_path / "main.py").read_text() == after


def test_a_unified_diff_without_context_is_the_format_diff() -> None:
    for sequence in real_sequences():
        assert get_codec("udiff:0").write(sequence) == DIFF.write(sequence)


def test_anchors_are_widened_until_they_are_unique() -> None:
    """The tenth of twenty equal pairs of lines can be parts only by all the lines up to one end."""
    program = Program(("a", "b") * 10 + ("new",) + ("a", "b") * 10)
    sequence = EditSequence(program, (0,) * 20 + (1,) + (0,) * 20)
    search = get_codec("search-replace").write_edits(sequence)[1].split("=======")[0]
    assert search.count("\n") > 20
    for name in ("search-replace", "original-updated", "udiff-words", "apply-patch"):
        codec = get_codec(name)
        assert codec.read(codec.write(sequence)).program == program


def inserting(new: str, lines: list[str], at: int) -> EditSequence:
    """Return the sequence of one edit, which inserts a line into a state."""
    arrivals = (*[INITIAL] * at, 0, *[INITIAL] * (len(lines) - at))
    return EditSequence(Program((*lines[:at], new, *lines[at:])), arrivals)


BARE = st.sampled_from(["", "    ", ")", "    ],", "},", "x = 1", "    y()", "else:"])


@pytest.mark.parametrize("name", ["search-replace", "original-updated", "udiff-words", "apply-patch"])
@given(lines=st.lists(BARE, min_size=1, max_size=12), data=st.data())
def test_the_lines_that_locate_an_insertion_have_words_if_the_state_has_any(
    name: str, lines: list[str], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(lines)))
    (text,) = get_codec(name).write_edits(inserting("new", lines, at))
    shown = set(text.split("\n")) & {
        sign + line for line in lines for sign in ("", " ", "CON ") if re.search(r"\w", line)
    }
    assert shown or not re.search(r"\w", "".join(lines))


@pytest.mark.parametrize(
    ("state", "at", "quoted"),
    [
        ("a b c", 1, "a"),  # the line above
        ("a b c", 0, "a"),  # or the line below
        (") b )", 1, "b"),
        ("a ) b a", 1, "a )"),  # or the fewest lines, those on both sides first
        ("a ) c ) a", 2, "c"),
        (") ) b ) )", 1, ") b"),
        ("a b a b", 2, "b a"),
        (") ]", 1, ") ]"),
    ],
)
def test_a_block_searches_for_the_fewest_lines(state: str, at: int, quoted: str) -> None:
    lines = state.split(" ")
    (text,) = get_codec("search-replace").write_edits(inserting("new", lines, at))
    assert text.split("\n=======\n")[0].split("\n")[1:] == quoted.split(" ")


def test_blocks_that_search_for_other_lines_are_read_as_well() -> None:
    """Data sets that were written with a line on each side stay valid."""
    start = Program.from_text("a\nb\nc\n")
    for low, high in ((0, 1), (1, 2), (0, 2), (0, 3)):
        window = ["a", "b", "c"][low:high]
        rows = ["<<<<<<< SEARCH", *window, "=======", *window[: 1 - low], "new", *window[1 - low :], ">>>>>>> REPLACE"]
        sequence = get_codec("search-replace").read_edits(["\n".join(rows)], start, final_newline=True)
        assert [*sequence.states()] == ["a\nnew\nb\nc\n"]


def test_a_patch_names_the_definition_where_lines_are_found_earlier() -> None:
    body = ("    x = 1", "    y = 2", "    z = 3", "    a = 4", "    b = 5", "    return x")
    program = Program(("def a():", *body, "def b():", *body[:3], "    new = 0", *body[3:]))
    sequence = EditSequence(program, tuple(int(line == "    new = 0") for line in program.lines))
    text = get_codec("apply-patch").write_edits(sequence)[1]
    assert text.splitlines()[2:5] == ["@@ def b():", "     x = 1", "     y = 2"]


def call_editor(text: str, command: str, **fields: Any) -> str:
    """Return a text after a call of the editor tool that agents have, as that tool makes it."""
    if command == "create":
        return str(fields["file_text"])
    if command == "insert":
        rows = text.split("\n")
        at = fields["insert_line"]
        return "\n".join([*rows[:at], *fields["new_str"].split("\n"), *rows[at:]])
    assert text.count(fields["old_str"]) == 1
    return text.replace(fields["old_str"], fields["new_str"])


@given(sequences())
def test_an_editor_tool_makes_the_calls_of_str_replace(sequence: EditSequence) -> None:
    text = "".join(line + "\n" for line in sequence.start.lines)
    for edit, state in zip(get_codec("str-replace").write_edits(sequence), state_lines(sequence), strict=True):
        for row in edit.split("\n"):
            text = call_editor(text, **json.loads(row))
        assert text == "".join(line + "\n" for line in state)


def test_calls_name_a_path_if_there_is_one() -> None:
    codec = get_codec("str-replace", path="a b.py")
    (text,) = codec.write_edits(inserting("new", ["a"], 0))
    assert text == '{"command": "insert", "path": "a b.py", "insert_line": 0, "new_str": "new"}'
    assert codec == get_codec(codec.name)
    with pytest.raises(MalformedEditError, match="keys"):
        get_codec("str-replace").read(text, Program(("a",)))
    with pytest.raises(ConfigError, match="format diff names no file"):
        get_codec("diff", path="a.py")


@pytest.mark.parametrize(
    ("old", "new", "quoted"),
    [
        ("a b c", "a x c", "b"),  # the removed line alone
        ("a b c b", "a x c b", "a b"),  # or with the line above, if it is there twice
        ("a b ab", "a x ab", "a b"),  # parts of lines count
        ("a ) c", "a x c", "a )"),  # and it has to have words
        ("a b c", "a c", "a b"),  # where nothing takes its place, a line stays
    ],
)
def test_an_old_str_is_as_short_as_can_be(old: str, new: str, quoted: str) -> None:
    edit = difference(old.split(" "), new.split(" "))
    sequence = EditSequence.of([edit], Program(tuple(old.split(" "))), final_newline=False)
    (text,) = get_codec("str-replace").write_edits(sequence)
    assert json.loads(text)["old_str"] == quoted.replace(" ", "\n")


@each_format
@pytest.mark.parametrize(
    "unit",
    [
        *("<|diff|>", "<|diff|>@@\n+a\n", "+a\n", " a\n", "@@ -1 +1 @@\n", "@@ a\n a\n", "a\n", "\n", "```\n"),
        *("<<<<<<< SEARCH\n", "=======\n", "<|original|>\n", "*** Begin Patch\n"),
        *('{"a":', '[{"a":', '{"old_str": "a", "new_str": "b"}\n', '{"command": "insert", "new_str": "', '{"'),
    ],
)
def test_no_text_takes_long(codec: Codec, unit: str) -> None:
    start = time.process_time()
    codec.resolve(unit * (60_000 // len(unit)), Program(("a", "b") * 50))
    assert time.process_time() - start < 5


def test_formats_are_found_by_name() -> None:
    assert [get_codec(name).name for name in CODECS] == list(CODECS)
    assert get_codec("udiff:7").name == "udiff:7"
    assert get_codec("udiff:3") == get_codec("udiff")
    with pytest.raises(ConfigError, match="unknown format 'udif'; use one of diff, udiff, "):
        get_codec("udif")
