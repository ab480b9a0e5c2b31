"""The unit of work: one object that any engine can carry, and what its options make of a row."""

import json
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from lintseq.codecs import CODECS
from lintseq.dataset.build import build
from lintseq.dataset.sampler import BuildOptions, EditSampler
from lintseq.dataset.shapes import SHAPES, read_record
from lintseq.dataset.verify import verify
from lintseq.errors import ConfigError
from lintseq.rows import FieldNames

EXAMPLES = Path(__file__).parents[1] / "examples" / "pairs.jsonl"
PROGRAM = "import math\n\n\ndef area(r):\n    return math.pi * r * r\n\n\nprint(area(2))\nprint(area(3))\n"
ROW = {"id": "a", "instruction": "Work out an area.", "program": PROGRAM}


def sampled(row: dict[str, Any] = ROW, **options: Any) -> Any:
    return EditSampler(BuildOptions(**options))(row)


def sequences(row: dict[str, Any] = ROW, **options: Any) -> list[Any]:
    return [read_record(record).parse() for record in sampled(row, **options).records]


def test_it_returns_what_a_build_writes(tmp_path: Path) -> None:
    options = BuildOptions(samples=3, seed=7)
    build([EXAMPLES], tmp_path / "out.jsonl", options=options, workers=2)
    sampler = EditSampler(options)
    records = [record for line in EXAMPLES.read_bytes().splitlines() for record in sampler(line).records]
    assert records == [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]


def test_it_can_be_pickled() -> None:
    sampler = EditSampler(BuildOptions(samples=2, seed=3, names=FieldNames(code_field="program")))
    there = pickle.loads(pickle.dumps(sampler))
    assert there(ROW).as_row() == sampler(ROW).as_row()
    assert pickle.loads(pickle.dumps(there)).options == sampler.options


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
COLUMNS = st.sampled_from(["id", "instruction", "program", "code", "input", "prompt", "completion", "x"])


@settings(deadline=None)
@given(st.one_of(st.binary(), st.dictionaries(COLUMNS, JSON_VALUES)))
def test_any_row_has_records_or_a_reason(row: Any) -> None:
    outcome = EditSampler()(row)
    assert bool(outcome.records) != bool(outcome.reason)
    plain = outcome.as_row()
    assert (plain["rejection"] is None) == bool(plain["records"])
    json.dumps(plain["rejection"])


# What options make of a row


def test_draws_with_too_few_or_too_many_edits_are_dropped_and_counted() -> None:
    every = Counter(len(sequence) for sequence in sequences(samples=40))
    assert {2, 3} <= set(every), "or this test shows nothing"
    outcome = sampled(samples=40, min_edits=3, max_edits=3)
    assert [len(sequence) for sequence in sequences(samples=40, min_edits=3, max_edits=3)] == [3] * every[3]
    assert outcome.dropped == {
        "too-few-edits": sum(n for edits, n in every.items() if edits < 3),
        "too-many-edits": sum(n for edits, n in every.items() if edits > 3),
    }
    assert [record["draw"] for record in outcome.records] == sorted({record["draw"] for record in outcome.records})


def test_a_row_without_any_draw_left_is_rejected_with_the_reason() -> None:
    outcome = sampled(samples=4, min_edits=99)
    assert (outcome.reason, outcome.detail, outcome.id) == ("too-few-edits", "in all of 4 draws", "a")


def test_the_reason_is_that_of_the_first_draw_not_that_others_equal_it() -> None:
    outcome = sampled({**ROW, "program": "x = 1\n"}, samples=3, distinct=True, min_edits=2)
    assert outcome.reason == "too-few-edits"
    assert outcome.detail == "in all of 30 draws, 29 of them equal to earlier ones"


def test_long_programs_are_rejected() -> None:
    assert sampled(max_lines=9).records
    outcome = sampled(max_lines=8)
    assert (outcome.reason, outcome.detail) == ("too-many-lines", "9 lines, more than 8")


@pytest.mark.parametrize("samples", [1, 5, 30])
def test_distinct_draws_all_differ(samples: int) -> None:
    possible = {sequence.arrivals for sequence in sequences(samples=300)}
    found = [sequence.arrivals for sequence in sequences(samples=samples, distinct=True)]
    assert len(found) == len(set(found)) == min(samples, len(possible))
    outcome = sampled({**ROW, "program": "x = 1\n"}, samples=3, distinct=True)
    assert (len(outcome.records), outcome.dropped) == (1, {"equal": 29})


def test_sub_sequences_start_from_intermediate_states() -> None:
    outcome = sampled(samples=6, sub_sequences=2)
    by_draw: dict[int, list[dict[str, Any]]] = {}
    for record in outcome.records:
        by_draw.setdefault(record["draw"], []).append(record)
    assert list(by_draw) == list(range(6))
    for full, *parts in by_draw.values():
        assert "state" not in full
        states = list(read_record(full).parse().states())
        assert len(parts) == min(2, len(states) - 1)
        for part in parts:
            start = states.index(part["state"])
            assert list(read_record(part).parse().states()) == states[start + 1 :]
        assert len({part["state"] for part in parts}) == len(parts)
    assert outcome.edits == [len(record["edits"]) for record in outcome.records]


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "pylintseq"])
@pytest.mark.parametrize("form", CODECS)
def test_sequences_from_the_middle_hold_the_laws_in_every_shape_and_format(
    shape: str, form: str, tmp_path: Path
) -> None:
    path = tmp_path / "out.jsonl"
    options = BuildOptions(samples=2, sub_sequences=1, shape=shape, format=form)
    rows = [json.dumps({**ROW, "id": n, "program": PROGRAM[: len(PROGRAM) - n]}) for n in range(2)]
    (tmp_path / "in.jsonl").write_text("\n".join(rows))
    build([tmp_path / "in.jsonl"], path, options=options, workers=1)
    report = verify(str(path), workers=1)
    assert report.ok, report.examples
    assert report.rows >= 4


def test_next_edit_rows_start_from_nothing_half_the_time_and_elsewhere_evenly() -> None:
    """The shape of D3: a state and an instruction, and the one edit that comes next."""
    outcome = sampled(samples=2000, shape="next-edit")
    expected = sequences(samples=2000)
    befores = Counter[tuple[int, int]]()
    for record, sequence in zip(outcome.records, expected, strict=True):
        parsed = read_record(record).parse()
        before = len(sequence) - record["left"] - 1
        assert list(parsed.states()) == list(sequence.states())[before : before + 1]
        befores[len(sequence), before] += 1
    for edits in {edits for edits, _ in befores}:
        counts = [befores[edits, before] for before in range(edits)]
        total = sum(counts)
        if edits > 1 and total > 200:
            assert abs(counts[0] / total - 0.5) < 0.1, counts
            assert all(abs(n / total - 0.5 / (edits - 1)) < 0.1 for n in counts[1:]), counts


def test_columns_are_found_in_each_row_or_named() -> None:
    assert sampled({"prompt": "a", "completion": PROGRAM}).records
    assert sampled({"x": PROGRAM}).reason == "no-field"
    named = BuildOptions(names=FieldNames(code_field="x", instruction_field=""))
    assert EditSampler(named)({"x": PROGRAM}).records[0]["instruction"] == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shape": "round"}, "unknown shape 'round'"),
        ({"format": "smoke"}, "unknown format 'smoke'"),
        ({"shape": "pylintseq", "format": "udiff"}, "no column for format udiff"),
        ({"shape": "pylintseq", "sub_sequences": 1}, "no column for the state"),
        ({"min_edits": 5, "max_edits": 4}, "no draw has at least 5 edits and at most 4"),
        ({"min_edits": 0}, "--min-edits is 0"),
        ({"sub_sequences": -1}, "sub-sequences is -1"),
    ],
)
def test_impossible_options_are_rejected_before_any_work(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=words):
        build([EXAMPLES], tmp_path / "out.jsonl", options=BuildOptions(**options))
    assert not list(tmp_path.iterdir())
