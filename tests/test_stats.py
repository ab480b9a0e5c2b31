"""DatasetStats: the numbers are right, and add in any order."""

import json
import re
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest
from hypothesis import given, strategies as st

from lintseq.cli import main
from lintseq.cli.stats import bar, bars
from lintseq.codecs import CODECS
from lintseq.dataset.shapes import SHAPES, ProgramRow
from lintseq.dataset.stats import DatasetStats, lines_in_diff, stats
from lintseq.dataset.tokens import load_tokenizer
from lintseq.edits import STAYS, EditSequence
from lintseq.errors import ConfigError, ProgramError
from lintseq.program import Program
from lintseq.reporting.numbers import describe, histogram, quantile

ONE = "@@ -0,0 +1 @@\n+a = 1"
TWO = "@@ -1,0 +2,2 @@\n+b = 2\n+c = 3"
BOTH = "@@ -0,0 +1,3 @@\n+a = 1\n+b = 2\n+c = 3"
PROGRAM = "a = 1\nb = 2\nc = 3\n"


def record(edits: list[str], program: str = PROGRAM) -> dict[str, Any]:
    return {"id": 1, "draw": 0, "instruction": "", "program": program, "edits": edits, "meta": {}}


def write(path: Path, *rows: Any) -> str:
    path.write_bytes(b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows))
    return str(path)


@pytest.fixture
def by_hand(tmp_path: Path) -> str:
    """Four rows: three draws of one program, two of them equal; a one-line program; and two that are no rows."""
    rows = [record([ONE, TWO]), record([BOTH]), record([ONE, TWO]), record([ONE], "a = 1")]
    return write(tmp_path / "data.jsonl", *rows, b"{", {"x": 1})


def test_the_numbers_of_a_small_file_are_as_worked_out_by_hand(by_hand: str) -> None:
    assert stats(by_hand).as_dict() == {
        "rows": 6,
        "unreadable": {"not-json": 1, "no-field": 1},
        "sequences": 4,
        "programs": 2,
        "draws_per_program": 2.0,
        "distinct_draws": 2 / 3,
        "single_edit_programs": 0.5,
        "single_edit_sequences": 0.5,
        "edits_by_kind": {"insert": 6, "delete": 0, "replace": 0},
        "edits_per_sequence": {"mean": 1.5, "q1": 1.0, "median": 1.5, "q3": 2.0, "max": 2, "counts": {1: 2, 2: 2}},
        "lines_per_edit": {
            "mean": 10 / 6,
            "q1": 1.0,
            "median": 1.5,
            "q3": 2.0,
            "max": 3,
            "counts": {1: 3, 2: 2, 3: 1},
        },
        "sequence_characters": 2 * len(f"<|diff|>{ONE}\n<|diff|>{TWO}\n") + len(f"<|diff|>{BOTH}\n<|diff|>{ONE}"),
        "program_characters": 3 * len(PROGRAM) + len("a = 1"),
    }


def test_the_same_sequences_give_the_same_numbers_in_any_columns(tmp_path: Path) -> None:
    text = f"<|diff|>{ONE}\n<|diff|>{TWO}\n"
    trainers = write(
        tmp_path / "trainers.jsonl",
        {"prompt": "", "completion": text},
        {"messages": [{"role": "assistant", "content": f"<|diff|>{BOTH}\n"}]},
    )
    ours = write(tmp_path / "ours.jsonl", record([ONE, TWO]), record([BOTH]))
    assert stats(trainers) == stats(ours)
    theirs = write(tmp_path / "theirs.jsonl", {"edit_path": [ONE, TWO], "source_response": f"```python\n{PROGRAM}```"})
    assert stats(theirs).as_dict()["lines_per_edit"] == stats(ours).as_dict()["lines_per_edit"] | {
        "mean": 1.5,
        "median": 1.5,
        "q1": 1.25,
        "q3": 1.75,
        "max": 2,
        "counts": {1: 1, 2: 1},
    }


@pytest.mark.parametrize("format", [name for name in CODECS if name != "whole"])
def test_lines_of_edits_are_counted_in_every_format(format: str, tmp_path: Path) -> None:
    program = "def f(x):\n    return x\n\n\n+print(f(1))\n@@ = 2\n"
    sequence = EditSequence(Program.from_text(program), (0, 0, 1, 1, 2, 1))
    row = SHAPES["lintseq"].write(ProgramRow(1, "", program), sequence, 0, {}, CODECS[format])
    later = SHAPES["lintseq"].write(ProgramRow(1, "", program), sequence.after(1), 0, {}, CODECS[format])
    counts = stats(write(tmp_path / "data.jsonl", row, later))
    assert counts.lines == {1: 2, 2: 1, 3: 2}
    assert counts.edits == {2: 1, 3: 1}


def test_rows_that_cannot_be_read_in_their_format_are_counted_apart(tmp_path: Path) -> None:
    row = record([TWO]) | {"meta": {"format": "udiff"}}
    odd = record([ONE]) | {"meta": {"format": "nonsense"}}
    whole = SHAPES["lintseq"].write(
        ProgramRow(1, "", PROGRAM), EditSequence(Program.from_text(PROGRAM), (0, 0, 1)), 0, {}, CODECS["udiff"]
    )
    counts = stats(write(tmp_path / "data.jsonl", row, odd, whole))
    assert counts.unreadable == {"malformed-edit": 1, "unknown-format": 1}
    assert counts.lines == {1: 1, 2: 1}


def test_rows_of_content_count_and_nothing_else_does() -> None:
    assert lines_in_diff("@@ -0,0 +1,2 @@\n++++ b/x\n+\n@@ -3,0 +6 @@\n+@@ -0,0 +1 @@") == (3, 0)
    assert lines_in_diff("@@ -1 +1,2 @@\n-a\n+b\n+c") == (2, 1)
    assert lines_in_diff("") == (0, 0)


@pytest.mark.parametrize("format", ["diff", "search-replace", "states"])
def test_edits_that_insert_delete_and_replace_are_counted(
    format: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = Program(("a = 1", "b = 2", "c = 3", "d = 4", "e = 5"), True)
    sequence = EditSequence(lines, (-1, 0, -1, 1, -1), (STAYS, STAYS, 1, STAYS, 2))
    row = SHAPES["lintseq"].write(ProgramRow(1, "", sequence.program.text), sequence, 0, {}, CODECS[format])
    path = write(tmp_path / "data.jsonl", row)
    assert stats(path).as_dict()["edits_by_kind"] == {"insert": 1, "replace": 1, "delete": 1}
    assert main(["stats", path]) == 0
    assert re.search("edits that replace +33.33% +1 ", capsys.readouterr().out)


def test_a_file_without_any_edit_sequence_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="columns: question"):
        stats(write(tmp_path / "data.jsonl", {"question": 1}, b"{"))


def test_an_empty_file_has_no_numbers_and_no_faults(tmp_path: Path) -> None:
    numbers = stats(write(tmp_path / "data.jsonl")).as_dict()
    assert numbers["rows"] == 0
    assert numbers["distinct_draws"] is None


def test_progress_is_reported_to_the_end_of_the_file(by_hand: str) -> None:
    reports: list[tuple[int, int, int | None]] = []
    stats(by_hand, on_progress=lambda counts, position, size: reports.append((counts.rows, position, size)))
    size = Path(by_hand).stat().st_size
    assert reports == [(6, size, size)]


# Adding

ROWS = st.lists(
    st.tuples(st.lists(st.sampled_from([ONE, TWO, BOTH, ""]), max_size=4), st.sampled_from([PROGRAM, "a = 1", ""]))
)


def counted(rows: list[tuple[list[str], str]]) -> DatasetStats:
    total = DatasetStats()
    for edits, program in rows:
        total.add(edits, "<|diff|>" + "\n<|diff|>".join(edits), program, tokens=(len(edits), 1))
    return total


@given(ROWS, ROWS, ROWS)
def test_parts_add_to_the_whole_in_any_order(a: Any, b: Any, c: Any) -> None:
    whole = counted(a + b + c)
    assert (counted(a) + counted(b)) + counted(c) == whole
    assert counted(a) + (counted(b) + counted(c)) == whole
    assert (counted(c) + counted(a) + counted(b)).as_dict() == whole.as_dict()


@given(ROWS)
def test_adding_nothing_changes_nothing_and_adding_leaves_the_parts_alone(rows: Any) -> None:
    part = counted(rows)
    assert part + DatasetStats() == part == DatasetStats() + part
    double = part + part
    assert part == counted(rows)
    assert double.rows == 2 * part.rows
    assert double.sequences == part.sequences


# Distributions

COUNTS = st.dictionaries(st.integers(0, 2000), st.integers(1, 50), min_size=1)


@given(COUNTS)
def test_quartiles_are_those_of_the_values_written_out(counts: dict[int, int]) -> None:
    values = sorted(Counter(counts).elements())
    expected = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    assert [quantile(counts, part) for part in (0.25, 0.5, 0.75)] == pytest.approx(expected)
    assert describe(counts)["mean"] == pytest.approx(sum(values) / len(values))


@given(COUNTS)
def test_each_value_is_in_one_bin_of_the_histogram(counts: dict[int, int]) -> None:
    bins = histogram(counts)
    assert sum(n for _, n in bins) == sum(counts.values())
    edges = [list(map(int, label.split("-"))) for label, _ in bins]
    assert all(before[-1] + 1 == after[0] for before, after in pairwise(edges))
    assert edges[0][0] <= min(counts) <= max(counts) <= edges[-1][-1]


def test_bins_widen_with_the_values() -> None:
    assert [label for label, _ in histogram({9: 1, 230: 1})] == [
        *("9", "10", "11-15", "16-20", "21-30", "31-50", "51-70", "71-100", "101-150", "151-200", "201-300")
    ]


def test_bars_are_drawn_to_an_eighth_of_a_column_and_aligned() -> None:
    assert bars([("1", 1000), ("2", 500), ("11-15", 1)]) == [
        "      1 " + "█" * 40 + " 1,000  66.6%",
        "      2 " + "█" * 20 + " " * 20 + "   500  33.3%",
        "  11-15 " + "▏" + " " * 39 + "     1   0.1%",
    ]
    assert bar(0) == ""


# Tokens


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    """A tokenizer that takes each character for a token."""
    tokenizers = pytest.importorskip("tokenizers")
    words = {char: number for number, char in enumerate(map(chr, range(128)))}
    model = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=words, merges=[]))
    path = tmp_path / "tokenizer.json"
    model.save(str(path))
    return path


def test_tokens_of_sequences_and_programs_are_counted(tokenizer: Path, by_hand: str) -> None:
    plain = stats(by_hand).as_dict()
    assert "sequence_tokens" not in plain
    numbers = stats(by_hand, tokenizer=tokenizer).as_dict()
    separators = plain["edits_per_sequence"]["mean"] * plain["sequences"]
    assert numbers["program_tokens"] == plain["program_characters"]
    assert numbers["sequence_tokens"] == plain["sequence_characters"] - separators * (len("<|diff|>") - 1)
    assert numbers["tokens_per_sequence"]["mean"] == numbers["sequence_tokens"] / numbers["sequences"]
    assert numbers["tokens_ratio"] == numbers["sequence_tokens"] / numbers["program_tokens"]


def test_a_lone_surrogate_does_not_stop_the_counting(tokenizer: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "data.jsonl", record(["@@ -0,0 +1 @@\n+'\ud800'"], "'\ud800'"))
    assert stats(path, tokenizer=tokenizer).as_dict()["program_tokens"] == 3


def test_a_file_that_is_no_tokenizer_is_a_wrong_setting(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    with pytest.raises(ConfigError, match="no tokenizer file"):
        load_tokenizer(tmp_path / "nowhere.json")
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(ConfigError, match="does not load"):
        load_tokenizer(tmp_path / "broken.json")


def test_without_tokenizers_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ConfigError, match=r"lintseq\[tokens\]"):
        load_tokenizer(tmp_path / "tokenizer.json")


# The command


def test_the_command_prints_the_numbers_and_bars(by_hand: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", by_hand]) == 0
    out, err = capsys.readouterr()
    rows = [line.split() for line in out.splitlines()]
    assert ["rows", "6"] in rows
    assert ["unreadable", "1", "not-json"] in rows
    assert ["distinct", "draws", "66.67%"] in [line[:3] for line in rows]
    assert ["1", "█" * 40, "3", "50.0%"] in rows
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out
    assert err == ""


def test_the_command_prints_json_for_programs(by_hand: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", by_hand, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(stats(by_hand).as_dict()))


@pytest.mark.parametrize(
    "arguments", [["nowhere.json"], ["{folder}/nowhere.json"], ["{data}", "--tokenizer", "nowhere.json"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str], by_hand: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", *(argument.format(data=by_hand, folder=by_hand) for argument in arguments)]) == 2
    assert "nowhere.json" in capsys.readouterr().err
