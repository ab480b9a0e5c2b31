"""Rows with two versions of a program become sequences from the old one to the new one."""

import json
import random
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from lintseq.codecs import CODECS
from lintseq.dataset.build import build
from lintseq.dataset.convert import ConvertOptions, convert
from lintseq.dataset.sampler import BuildOptions, EditSampler
from lintseq.dataset.screening import ScreeningOptions
from lintseq.dataset.shapes import SHAPES, read_record
from lintseq.dataset.verify import StateVerdicts, check_rows, verify
from lintseq.edits import EditSequence
from lintseq.errors import ConfigError, ProgramError
from lintseq.languages import get_language
from lintseq.program import Program
from lintseq.rows import FieldNames, RawRow, find_fields
from lintseq.walks import ProgramSampler, sample_edits
from lintseq.walks.reasons import reasons_for

JUDGE = StateVerdicts("pyflakes")
CASES = tomllib.loads((Path(__file__).parent / "cases" / "versions.toml").read_text(encoding="utf-8"))
OLD = 'import os\n\n\ndef area(r):\n    return 3 * r * r\n\n\nprint(area(2))\nprint("a")\n'
NEW = 'import math\n\n\ndef area(r):\n    return math.pi * r * r\n\n\nprint(area(2))\nprint("b")'
ROW = {"commit": "4f2a", "old_file": "a.py", "new_file": "b.py", "old_contents": OLD, "new_contents": NEW}
ROW |= {
    "subject": "Be exact",
    "message": "Be exact\n\nPi is not 3.",
    "lang": "Python",
    "license": "mit",
    "repos": "a/b",
}


def rows_of(count: int) -> list[dict[str, str]]:
    """Return commits to one long file, each of which changes one function."""
    body = [f"def f{n}(x):\n    y = x + {n}\n    return y * {n}\n\n\n" for n in range(count)]
    rows = []
    for n in range(count):
        changed = [*body[:n], f"def f{n}(x):\n    return (x - {n}) ** {n}\n\n\n", *body[n + 1 :]]
        rows.append({"message": f"Change {n}", "old_contents": "".join(body), "new_contents": "".join(changed)})
        body = changed
    return rows


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("case", CASES["columns"], ids=lambda case: case["of"])
def test_the_columns_of_versions_are_found_by_their_usual_names(case: dict[str, Any]) -> None:
    rows = [dict.fromkeys(case["columns"].split(), "text")]
    names = FieldNames(**case.get("options", {}))
    if "error" in case:
        with pytest.raises(ConfigError, match=case["error"]):
            find_fields("in.jsonl", rows, names)
    else:
        fields = find_fields("in.jsonl", rows, names)
        assert f"{fields.old or '-'} {fields.code} {fields.instruction}" == case["finds"]


@pytest.mark.parametrize("case", CASES["rejected"], ids=lambda case: case["of"])
def test_rows_without_a_change_to_a_program_are_rejected(case: dict[str, Any]) -> None:
    row = {"message": case.get("message", "Change it."), "old_contents": case["old"], "new_contents": case["new"]}
    result = EditSampler(BuildOptions(**case.get("options", {})))(row)
    assert (result.reason, case["detail"] in result.detail) == (case["reason"], True), result.detail


@pytest.mark.parametrize("shape", [name for name in SHAPES if name != "pylintseq"])
@pytest.mark.parametrize("ends", ["", "\n", "\r\n"])
def test_every_shape_holds_both_versions_exactly(shape: Any, ends: str) -> None:
    row = {**ROW, "old_contents": OLD + ends, "new_contents": NEW + ends}
    (written,) = EditSampler(BuildOptions(shape=shape))(row).records
    record = read_record(written)
    assert written["state"] == record.start.text == OLD + ends
    assert (record.id, record.shape) == ("4f2a:b.py", shape)
    if "program" in written:
        assert (written["program"], written["instruction"]) == (NEW + ends, row["message"])
    if "prompt" in written:
        chat = isinstance(written["prompt"], list)
        prompt = written["prompt"][0]["content"] + "\n" if chat else written["prompt"]
        assert prompt == f"{row['message']}\n```python\n{OLD}{ends}```\n"
    assert record.instruction == row["message"]
    if shape != "next-edit":
        assert record.sequence().program == Program.from_text(NEW + ends)


def test_one_shape_cannot_hold_the_old_version() -> None:
    assert EditSampler(BuildOptions(shape="pylintseq"))(ROW).reason == "starts-later"


@pytest.mark.parametrize("old", ["", None])
def test_a_new_file_starts_from_nothing(old: str | None) -> None:
    program = {"id": "4f2a:b.py", "instruction": ROW["message"], "program": NEW}
    assert EditSampler()({**ROW, "old_contents": old}).records == EditSampler()(program).records


def test_fences_in_versions_are_text() -> None:
    old = '"""Use it:\n\n```python\nimport a\n```\n"""\n'
    (written,) = EditSampler()({"message": "m", "before": old, "after": old + "x = 1\n"}).records
    assert written["state"] == old


def test_a_data_set_of_changes_can_be_built_again(tmp_path: Path) -> None:
    first = build([write(tmp_path / "in.jsonl", ROW)], tmp_path / "a.jsonl", BuildOptions())
    build([tmp_path / "a.jsonl"], tmp_path / "b.jsonl", BuildOptions())
    assert first.tally.sequences == 1
    assert (tmp_path / "b.jsonl").read_bytes() == (tmp_path / "a.jsonl").read_bytes()


def test_only_the_lines_that_edits_insert_are_counted() -> None:
    result = EditSampler()(ROW)
    assert result.lines == 3


def test_sub_sequences_start_from_states_between_the_versions() -> None:
    whole, *parts = EditSampler(BuildOptions(sub_sequences=9))(ROW).records
    states = list(ProgramSampler(NEW, start=OLD).sample(id=whole["id"]).states())
    assert [part["state"] for part in parts] == states[:-1]
    assert {part["program"] for part in parts} == {NEW}


def test_formats_that_repeat_files_are_noted(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", ROW)
    report = build([source], tmp_path / "a.jsonl", BuildOptions(format="states"))
    assert "repeats the whole file" in report.notes[0]
    assert not build([source], tmp_path / "b.jsonl", BuildOptions()).notes
    again = convert([tmp_path / "b.jsonl"], tmp_path / "c.jsonl", ConvertOptions(format="states"))
    assert again.notes == report.notes
    write(source, {"instruction": "i", "program": NEW})
    assert not build([source], tmp_path / "d.jsonl", BuildOptions(format="states")).notes


def test_calls_of_an_editor_name_the_file_of_the_row(tmp_path: Path) -> None:
    """Unless a path is given, and also when they are converted."""
    source = write(tmp_path / "in.jsonl", ROW, {**ROW, "commit": "5", "new_file": None})
    for path, files in ((None, {"b.py", None}), ("c.py", {"c.py"}), ("", {None})):
        build([source], tmp_path / "a.jsonl", BuildOptions(format="str-replace", path=path), overwrite=True)
        assert files_of(tmp_path / "a.jsonl") == files
        assert {*verify(tmp_path / "a.jsonl", workers=1).shapes} == {"lintseq/str-replace"}
        again = ConvertOptions("next-edit", "str-replace")
        convert([tmp_path / "a.jsonl"], tmp_path / "b.jsonl", again, overwrite=True)
        assert files_of(tmp_path / "b.jsonl") == files


def files_of(records: Path) -> set[str | None]:
    texts = [read_record(json.loads(row)).text for row in records.read_text().splitlines()]
    calls = [line.removeprefix("<|diff|>") for text in texts for line in text.splitlines()]
    return {json.loads(call).get("path") for call in calls}


# Duplicates: the same change, not the same file


def rejections(tmp_path: Path, rows: list[dict[str, str]], duplicates: Any) -> dict[str, int]:
    options = BuildOptions(screening=ScreeningOptions(duplicates=duplicates))
    report = build([write(tmp_path / "in.jsonl", *rows)], tmp_path / "out.jsonl", options, workers=1)
    return dict(report.tally.rejections)


def test_commits_to_one_file_are_no_duplicates(tmp_path: Path) -> None:
    assert rejections(tmp_path, rows_of(12), "near") == {}


def test_changes_of_blanks_in_different_files_are_no_duplicates(tmp_path: Path) -> None:
    first = {
        "message": "Strip",
        "before": "def f(x):\n    \n    return x + 1\n",
        "after": "def f(x):\n\n    return x + 1\n",
    }
    second = {"message": "Strip", "before": "import os\n  \nprint(os)\n", "after": "import os\n\nprint(os)\n"}
    assert rejections(tmp_path, [first, second], "near") == {}


@pytest.mark.parametrize("duplicates", ["exact", "near"])
def test_the_same_change_of_the_same_file_is_a_duplicate(tmp_path: Path, duplicates: str) -> None:
    first = rows_of(2)[0]
    second = {name: text.replace("\n", "\r\n") for name, text in first.items()} | {"message": "Again"}
    assert rejections(tmp_path, [first, second], duplicates) == {"duplicate": 1}


def test_a_change_that_was_picked_into_another_branch_is_a_near_duplicate(tmp_path: Path) -> None:
    first = rows_of(12)[5]
    second = {name: text + "print(f1(2))\n" for name, text in first.items()}
    assert rejections(tmp_path, [first, second], "near") == {"near-duplicate": 1}
    assert EditSampler()(first).records and EditSampler()(second).records


def test_an_old_version_from_a_benchmark_is_contaminated(tmp_path: Path) -> None:
    solution = "def total(prices, tax):\n    amount = 0\n    for price in prices:\n        amount += price\n"
    path = write(tmp_path / "bench.jsonl", {"prompt": "Add up some prices.", "before": solution})
    options = BuildOptions(screening=ScreeningOptions(decontaminate=(str(path),)))
    row = {"message": "Rewrite", "old_code": solution, "new_code": "print(1)\n"}
    assert EditSampler(options)(row).reason == "contaminated"


# Laws


BLOCKS = [
    "import os",
    "x = 1",
    "y = x",
    "def f():\n    return 1",
    "def f(a):\n    # note\n    return a",
    "# note",
    "",
    "print(os)",
]
BLOCKS += [
    "if x:\n    y = 2",
    "if x:\n    y = 2\nelse:\n    y = f()",
    "class A:\n    b = 1\n\n    def c(self):\n        return self.b",
]
BLOCKS += ["print(f())", "A().c()", '"""\ntext\n"""', "pass"]
PROGRAMS = st.lists(st.sampled_from(BLOCKS), max_size=8)


@settings(max_examples=150)
@given(PROGRAMS, PROGRAMS, st.booleans(), st.booleans(), st.integers(0, 99), st.sampled_from(sorted(CODECS)))
def test_any_two_versions_give_exact_sequences_or_a_reason(
    old: list[str], new: list[str], old_ends: bool, new_ends: bool, seed: int, format: str
) -> None:
    if seed % 2:  # a mutation of the old version
        chance = random.Random(seed)
        new = [line for line in old if chance.random() < 0.8 for line in [line] * (1 + (chance.random() < 0.2))]
    row = {"message": "m", "before": "\n".join(old) + "\n" * old_ends, "after": "\n".join(new) + "\n" * new_ends}
    result = EditSampler(BuildOptions(samples=2, seed=seed, sub_sequences=2, format=format))(row)
    assert bool(result.records) != bool(result.reason), result
    assert result.reason != "internal-error", result.detail
    for written in result.records:
        assert written["program"] == row["after"]
        assert read_record(written).sequence().program.text == row["after"]
    for record in result.records[:1]:
        assert record.get("state", "") == row["before"]
    lines = [("", RawRow(n, n + 1, json.dumps(record).encode(), 0)) for n, record in enumerate(result.records)]
    report = check_rows(lines, JUDGE)
    assert not {"read", "resolves", "exact", "stays", "compiles", "round-trip"} & report.failed.keys(), report.examples


@given(PROGRAMS, PROGRAMS, st.integers(0, 9))
def test_reasons_are_about_the_lines_of_their_edit(old: list[str], new: list[str], seed: int) -> None:
    try:
        sequence = sample_edits("\n".join(new), start="\n".join(old), seed=seed)
    except ProgramError:
        return
    check_reasons(sequence)


@given(PROGRAMS, st.integers(0, 9))
def test_reasons_by_way_of_a_stub_are_about_the_lines_of_their_edit(program: list[str], seed: int) -> None:
    text = "\n".join([*program, "def last():", "    return 1"])
    sequence = sample_edits(text, stubs=True, seed=seed)
    assert sequence.departures
    check_reasons(sequence)


def check_reasons(sequence: EditSequence) -> None:
    reasons = reasons_for(sequence, get_language())
    assert (len(reasons.heads), len(reasons.edits)) == (len(sequence.arrivals), len(sequence))
    for edit, (inserted, removed) in enumerate(zip(sequence.inserted(), sequence.removed(), strict=True)):
        named = {line for reason in reasons.edits[edit] for line in (reason.line, *reason.others)}
        assert named <= {*inserted, *removed}
        assert reasons.causes[edit] in {None, *inserted, *removed}


REASONS = {
    "an import and its use": (
        "import a\nprint(a)\n",
        "import b\nprint(b)\n",
        ["import b needs the use of `a` in print(b)", "print(b) needs `b` in import b"],
    ),
    "what is removed": ("import a\nx = 1\nprint(a)\n", "x = 1\n", ["import a needs the use of `a` in print(a)"]),
    "a header and its body": (
        "x = 1\n",
        "x = 1\nif x:\n    x = 2\n",
        ["if x: needs a body in x = 2", "x = 2 needs its header in if x:"],
    ),
    "a header and its body, removed": (
        "x = 1\nif x:\n    x = 2\n",
        "x = 1\n",
        ["if x: needs its body in x = 2", "x = 2 needs its header in if x:"],
    ),
    "a parameter that becomes required": (
        "def f(a):\n    print(a)\nf(1)\n",
        "def f(a, b):\n    print(a)\nf(1, 2)\n",
        ["def f(a, b): needs the call in f(1, 2)", "f(1, 2) needs the signature and `b` in def f(a, b):"],
    ),
}


@pytest.mark.parametrize("case", REASONS)
def test_reasons_between_versions(case: str) -> None:
    old, new, wanted = REASONS[case]
    for seed in range(9):
        sequence = sample_edits(new, start=old, seed=seed)
        assert named_reasons(sequence) == (wanted if len(sequence) == 1 else [])


def named_reasons(sequence: EditSequence) -> list[str]:
    reasons, lines = reasons_for(sequence, get_language()), sequence.merged.lines
    return [
        f"{lines[reason.line].strip()} needs {reason.purpose} in {lines[other].strip()}"
        for edit in reasons.edits
        for reason in edit
        for other in reason.others
    ]


def test_reasons_by_way_of_a_stub() -> None:
    sequence = sample_edits("def f(a):\n    print(a)\n", stubs=True)
    assert named_reasons(sequence) == [
        "def f(a): needs a body in raise NotImplementedError",
        "raise NotImplementedError needs its header in def f(a):",
        "print(a) needs  in raise NotImplementedError",
        "raise NotImplementedError needs a body in print(a)",
    ]
