"""Verify: every fault that a data set can have is found, named and counted, and nothing else is."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings, strategies as st

from lintseq.cli import main
from lintseq.codecs import CODECS, DIFF, Codec
from lintseq.dataset.shapes import SHAPES, ProgramRow, pylintseq_programs
from lintseq.dataset.verify import CHECKS, StateVerdicts, VerifyOptions, VerifyReport, check_rows, verify
from lintseq.edits import EditSequence
from lintseq.program import Program
from lintseq.rows import RawRow

AREA = "import math\n\ndef area(r):\n    return math.pi * r ** 2\n\nprint(area(2))\n"
AREA_EDITS = [
    "@@ -0,0 +1,4 @@\n+import math\n+\n+def area(r):\n+    return math.pi * r ** 2",
    "@@ -4,0 +5,2 @@\n+\n+print(area(2))",
]
JUDGE = StateVerdicts("pyflakes")


def record(edits: Any = AREA_EDITS, program: Any = AREA, **more: Any) -> dict[str, Any]:
    return {"id": "area", "draw": 0, "instruction": "", "program": program, "edits": edits, "meta": {}} | more


def pylintseq_row(edit_path: list[str], response: str, index: int = 7) -> dict[str, Any]:
    return {"edit_path": edit_path, "index": index, "source_file": "x.jsonl", "source_response": response}


def check(*rows: Any) -> VerifyReport:
    """Return the report on rows, given as objects or as the bytes of their lines."""
    data = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    return check_rows([("", RawRow(number - 1, number, line, 0)) for number, line in enumerate(data, 1)], JUDGE)


def failures(report: VerifyReport) -> list[tuple[str, int | None]]:
    return [(failure.check, failure.edit) for name in CHECKS for failure in report.examples.get(name, [])]


def message(report: VerifyReport, name: str) -> str:
    return report.examples[name][0].message


def test_a_good_record_passes_every_check() -> None:
    report = check(record())
    assert report.ok
    assert report.bad_rows == 0
    assert report.shapes == {"lintseq": 1}
    assert report.checked == {
        "read": 1,
        "resolves": 1,
        "exact": 1,
        "stays": 2,
        "changes": 2,
        "program": 1,
        "compiles": 2,
        "clean": 2,
        "round-trip": 1,
    }


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"{not json", "not-json"),
        (b"[1, 2]", "not-object"),
        (b'{"id": "\xff"}', "encoding"),
        ({"text": "x = 1"}, "columns: text"),
        (record(edits="@@ -0,0 +1 @@\n+x"), "not a list of strings"),
        (record(edits=["@@ -0,0 +1 @@\n+x", 3]), "not a list of strings"),
        (record(program=None), "no text in column 'program'"),
        ({"edit_path": AREA_EDITS}, "no text in column 'source_response'"),
        ({"prompt": "p", "completion": 5}, "'completion' is neither a text"),
        ({"prompt": "p", "completion": "def f(): pass"}, "no-edits"),
        ({"messages": [{"role": "user", "content": "hello"}]}, "'messages' holds no message of the assistant"),
    ],
)
def test_a_row_that_cannot_be_read_is_a_failure(row: Any, reason: str) -> None:
    report = check(row, record())
    assert failures(report) == [("read", None)]
    assert reason in message(report, "read")
    assert (report.rows, report.bad_rows) == (2, 1)


@pytest.mark.parametrize(
    ("edits", "edit", "words"),
    [
        (["x = 1"], 1, "header"),
        (["@@ -0,0 +1,2 @@\n+x = 1"], 1, "counts 2"),
        (["@@ -0,0 +1 @@\n+x = 1", "@@ -5,0 +6 @@\n+y = 1"], 2, "state has 1 lines"),
        (["@@ -0,0 +1 @@\n+x = 1", "@@ -1,0 +3 @@\n+y = 1"], 2, "start at line 2"),
        (["@@ -0,0 +1 @@\n+x = 1", "@@ -1,0 +2 @@\n+y = 1", " z"], 3, "header"),
    ],
)
def test_an_edit_that_does_not_resolve_is_found_where_it_is(edits: list[str], edit: int, words: str) -> None:
    report = check(record(edits, "x = 1\ny = 1\n"))
    assert ("resolves", edit) in failures(report)
    assert words in message(report, "resolves")
    assert report.checked["compiles"] == edit - 1, "the states before it are judged all the same"


@pytest.mark.parametrize(
    ("edits", "program", "words"),
    [
        (AREA_EDITS, AREA.replace("math.pi", "math.tau"), "line 4 is '    return math.pi * r ** 2', not '    return"),
        (AREA_EDITS, AREA + "print(area(1))\n", "6 lines, the program has 7"),
        (AREA_EDITS, AREA.replace("\n", "\r\n"), r"line 1 is 'import math', not 'import math\r'"),
        ([], "x = 1\n", "0 lines, the program has 1"),
        (["@@ -0,0 +1 @@\n+x = 1 "], "x = 1\n", "not 'x = 1'"),
    ],
)
def test_edits_that_give_another_program_are_found(edits: list[str], program: str, words: str) -> None:
    report = check(record(edits, program))
    assert failures(report) == [("exact", None)]
    assert words in message(report, "exact")


def test_a_line_that_comes_and_goes_is_found() -> None:
    edits = ["@@ -0,0 +1 @@\n+y = 1", "@@ -1 +1 @@\n-y = 1\n+x = 1"]
    report = check(record(edits, "x = 1\n"))
    assert failures(report) == [("stays", 2)]
    assert message(report, "stays") == "removes 'y = 1', which edit 1 inserted"


@pytest.mark.parametrize("line", ["pass", "    ...", "    raise NotImplementedError('later')  # soon"])
def test_a_placeholder_may_come_and_go(line: str) -> None:
    edits = [f"@@ -0,0 +1,2 @@\n+if 1:\n+    {line}", f"@@ -2 +2 @@\n-    {line}\n+    x = 1"]
    assert check(record(edits, "if 1:\n    x = 1\n")).ok


def test_an_edit_that_changes_nothing_is_found() -> None:
    states = ["x = 1", "x = 1", "x = 1\ny = 2"]
    report = check(record(states, "x = 1\ny = 2\n", meta={"format": "states"}))
    assert {("changes", 2), ("resolves", 2)} & set(failures(report))


VERSIONS = {"old": "import os\nprint(x)\nprint(os)\n", "new": "print(x)\nprint(2)\nprint(3)\n"}
CHANGE = ["@@ -3 +3,2 @@\n-print(os)\n+print(2)\n+print(3)", "@@ -1 +0,0 @@\n-import os"]


@pytest.mark.parametrize("names", ["state program", "old_contents new_contents", "before after", "Old_Code new_code"])
def test_the_edits_between_two_versions_are_checked_whoever_made_them(names: str) -> None:
    old, new = names.split()
    report = check({"edits": CHANGE, old: VERSIONS["old"], new: VERSIONS["new"]})
    assert report.ok, report.examples
    assert report.checked["program"] == 2


def test_findings_of_the_old_version_are_no_failures_and_others_are() -> None:
    edits = ["@@ -1 +0,0 @@\n-import os", "@@ -2 +2,2 @@\n-print(os)\n+print(2)\n+print(3)"]
    report = check({"edits": edits, "before": VERSIONS["old"], "after": VERSIONS["new"]})
    assert failures(report) == [("clean", 1)]
    assert "'os'" in message(report, "clean")


def test_a_finding_may_be_as_frequent_as_in_the_version_that_has_it_more_often() -> None:
    row = {"before": "print(x)\nprint(x)\ny = 1\n", "after": "print(x)\nz = 1\n"}
    edits = ["@@ -2,2 +2 @@\n-print(x)\n-y = 1\n+z = 1"]
    assert check(row | {"edits": edits}).ok
    more = ["@@ -3 +3,2 @@\n-y = 1\n+print(x)\n+z = 1", "@@ -2,2 +1,0 @@\n-print(x)\n-print(x)"]
    assert failures(check(row | {"edits": more})) == [("stays", 2), ("clean", 1)]


def test_an_old_version_that_does_not_compile_is_reported() -> None:
    report = check({"edits": ["@@ -1 +1 @@\n-x =\n+x = 1"], "before": "x =\n", "after": "x = 1\n"})
    assert failures(report) == [("program", None)]
    assert message(report, "program").startswith("the start: line 1")


def test_a_program_that_does_not_compile_is_reported_once() -> None:
    report = check(record(["@@ -0,0 +1 @@\n+print 'a'", "@@ -1,0 +2 @@\n+print 'b'"], "print 'a'\nprint 'b'\n"))
    assert failures(report) == [("program", None)]
    assert report.checked["compiles"] == 0


@pytest.mark.parametrize("line", ["    return math.pi * r ** 2", "def area(r):"])
def test_a_state_that_does_not_compile_is_found(line: str) -> None:
    lines = AREA.splitlines()
    sequence = EditSequence(Program.from_text(AREA), tuple(1 if other == line else 0 for other in lines))
    report = check(record(DIFF.write_edits(sequence)))
    assert failures(report) == [("compiles", 1)]


def test_a_new_finding_in_a_state_is_found_and_counted_by_its_code() -> None:
    sequence = EditSequence(Program.from_text(AREA), (1, 0, 0, 0, 0, 0))
    report = check(record(DIFF.write_edits(sequence)))
    assert failures(report) == [("clean", 1)]
    assert "math" in message(report, "clean")
    assert sum(report.findings.values()) == 1


def test_findings_of_the_whole_program_are_no_failures() -> None:
    assert check(record(["@@ -0,0 +1 @@\n+print(x)", "@@ -1,0 +2 @@\n+print(1)"], "print(x)\nprint(1)\n")).ok


def test_one_more_finding_of_a_kind_that_the_program_has_is_a_failure() -> None:
    program = "x = 1\nprint(x)\nprint(y)\n"
    edits = ["@@ -0,0 +1,2 @@\n+print(x)\n+print(y)", "@@ -0,0 +1 @@\n+x = 1"]
    assert failures(check(record(edits, program))) == [("clean", 1)]


def test_only_the_first_examples_are_kept_and_all_failures_counted() -> None:
    report = check(*[record(program="x\n", id=n) for n in range(9)])
    assert report.failed["exact"] == 9
    assert [failure.id for failure in report.examples["exact"]] == ["0", "1", "2"]


# pylintseq's columns


def test_a_program_in_pylintseqs_columns_is_what_that_tool_takes_out_and_strips() -> None:
    response = "Here:\n\n```python\n\n    x = 1\ny = 2   \n```\nand\n```python3\nz = 3```"
    assert pylintseq_programs(response)[0] == "x = 1\ny = 2   \n\n3\nz = 3"
    assert pylintseq_programs("```python\nx = 10")[0] == "x = 1", "it loses the last character of an open fence"
    assert pylintseq_programs("x = 1\r\n\fy = 2\n")[0] == "x = 1\n\ny = 2"


@pytest.mark.parametrize("response", [AREA, f"```python\n{AREA}```", f"Sure!\n```py\n{AREA}```\n", f"\n\n{AREA}\n\n"])
def test_good_rows_in_pylintseqs_columns_pass(response: str) -> None:
    report = check(pylintseq_row(AREA_EDITS, response))
    assert report.ok, report.examples
    assert report.shapes == {"pylintseq": 1}


def test_pylintseqs_deletion_rows_are_found() -> None:
    """It strips each state, so the first line loses its indent and is replaced later."""
    program = "import unittest\n\nclass T(unittest.TestCase):\n    # A remark.\n    pass"
    path = [
        "@@ -0,0 +1 @@\n+# A remark.",
        "@@ -1 +1,5 @@\n-# A remark.\n+import unittest\n+\n+class T(unittest.TestCase):\n+    # A remark.\n+    pass",
    ]
    report = check(pylintseq_row(path, f"```python\n{program}\n```"))
    assert failures(report) == [("stays", 2)]
    assert report.examples["stays"][0].id == "7"


def test_pylintseqs_wrong_round_trips_are_found() -> None:
    path = ["@@ -0,0 +1,2 @@\n+a = 1\n+", "@@ -2,0 +3,2 @@\n+\n+b = 2"]
    assert check(pylintseq_row(path, "a = 1\n\n\nb = 2")).ok
    report = check(pylintseq_row(path, "a = 1\n\nb = 2"))
    assert failures(report) == [("exact", None)]


def test_pylintseqs_prose_is_found() -> None:
    report = check(pylintseq_row(["@@ -0,0 +1 @@\n+I cannot help with that."], "I cannot help with that."))
    assert failures(report) == [("program", None)]


# Rows for trainers


@pytest.mark.parametrize("codec", [codec for codec in CODECS.values() if not codec.single_edit])
@pytest.mark.parametrize("shape", ["prompt-completion", "chat-prompt-completion", "messages", "messages-by-edit"])
def test_what_trainers_read_is_checked_as_far_as_it_goes(shape: str, codec: Codec) -> None:
    sequence = EditSequence(Program.from_text(AREA), (0, 0, 0, 0, 1, 1))
    row = SHAPES[shape].write(ProgramRow("a", "Write it.", AREA, AREA), sequence, 0, {}, codec)
    report = check(row)
    assert report.ok
    assert report.shapes == {shape if codec is DIFF else f"{shape}/{codec.name}": 1}
    assert report.checked["exact"] == 0, "there is no program to compare with"
    assert report.checked["clean"] == 2


def test_faults_in_a_completion_are_found() -> None:
    good = "<|diff|>@@ -0,0 +1 @@\n+x = 1"
    dirty = "<|diff|>@@ -0,0 +1 @@\n+print(os)\n<|diff|>@@ -0,0 +1 @@\n+import os\n"
    report = check({"completion": good + "\n<|diff|>@@ -7,0 +8 @@\n+x"}, {"completion": dirty})
    assert failures(report) == [("resolves", 2), ("clean", 1)]


def test_a_conversation_is_judged_by_the_assistants_last_words() -> None:
    turns = [{"role": "assistant", "content": "?"}, {"role": "user", "content": "do"}]
    answer = {"role": "assistant", "content": "<|diff|>@@ -0,0 +1 @@\n+x = 1\n"}
    assert check({"messages": [*turns, answer]}, {"prompt": turns, "completion": [answer]}).ok


# Laws

TEXTS = st.lists(
    st.sampled_from(
        ["x = 1", "", "    ", "+a", "-b", "@@", "<|diff|>", "@@ -0,0 +1 @@", "é\r", "\f", "\u2028", "```"]
    ),
    max_size=8,
).flatmap(lambda lines: st.sampled_from(["\n".join(lines), "\n".join([*lines, ""])]))


@st.composite
def sequences(draw: st.DrawFn) -> EditSequence:
    program = Program.from_text(draw(TEXTS))
    arrivals = draw(st.lists(st.integers(0, 3), min_size=len(program.lines), max_size=len(program.lines)))
    numbers = sorted(set(arrivals))
    return EditSequence(program, tuple(map(numbers.index, arrivals)))


@given(sequences(), st.sampled_from(sorted(SHAPES)), st.sampled_from(sorted(CODECS)))
@example(EditSequence(Program(("x = 1", "", "x = 1")), (0, 0, 1)), "next-edit", "apply-patch")
def test_whatever_the_program_its_sequence_is_exact_and_monotone(
    sequence: EditSequence, shape: str, codec: str
) -> None:
    text = sequence.program.text
    assume(len(sequence) or shape == "lintseq")
    codec = "diff" if shape == "pylintseq" else codec  # its columns do not say
    report = check(SHAPES[shape].write(ProgramRow("a", "", text, text), sequence, 0, {}, CODECS[codec]))
    assert not {"read", "resolves", "exact", "stays", "changes", "round-trip"} & set(report.examples), report.examples


@given(sequences(), st.data())
def test_whatever_the_program_a_changed_line_is_found(sequence: EditSequence, data: st.DataObject) -> None:
    lines = list(sequence.program.lines)
    if lines:
        lines[data.draw(st.integers(0, len(lines) - 1))] += "!"
    else:
        lines.append("x")
    report = check(record(DIFF.write_edits(sequence), "\n".join(lines)))
    assert "exact" in report.examples


@settings(max_examples=30)
@given(st.lists(st.sampled_from([record(), record(program="x\n"), b"", b"{}", record(edits=[""])])), st.integers(0, 9))
def test_reports_on_two_halves_merge_to_that_on_the_whole(rows: list[Any], cut: int) -> None:
    data = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    lines = [("", RawRow(number - 1, number, line, 0)) for number, line in enumerate(data, 1)]
    merged = check_rows(lines[:cut], JUDGE)
    merged.merge(check_rows(lines[cut:], JUDGE))
    assert merged == check_rows(lines, JUDGE)


# Whole files


def write(path: Path, *rows: Any) -> str:
    data = b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)


def test_the_report_does_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    rows = [record(id=n) if n % 5 else record(id=n, program="x\n") for n in range(300)]
    path = write(tmp_path / "data.jsonl", *rows)
    assert verify(path, workers=2) == verify(path, workers=1)


def test_a_limit_stops_the_reading(tmp_path: Path) -> None:
    report = verify(write(tmp_path / "data.jsonl", record(), record(), b"broken"), VerifyOptions(limit=2), workers=1)
    assert (report.ok, report.rows) == (True, 2)


def test_a_file_that_is_cut_off_is_a_failure_and_the_rows_before_count(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl.gz"
    write(path, *[record(id=n) for n in range(1000)])
    path.write_bytes(path.read_bytes()[:-20])
    report = verify(str(path), workers=1)
    assert failures(report) == [("read", None)]
    assert "cut off" in message(report, "read")
    assert report.checked["exact"] > 0


def test_progress_grows_to_the_end_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "data.jsonl", *[record()] * 200)
    seen: list[tuple[int, int]] = []
    verify(path, workers=1, on_progress=lambda report, done: seen.append((report.rows, done)))
    assert seen == sorted(seen)
    assert seen[-1] == (200, Path(path).stat().st_size)


# The command


def test_the_command_says_that_all_laws_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", write(tmp_path / "data.jsonl", record())]) == 0
    out, err = capsys.readouterr()
    assert "1 row (1 lintseq): all laws hold" in out
    assert err == ""


def test_the_command_shows_what_failed_and_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "data.jsonl", record(), record(program="x = 1\n"))
    assert main(["verify", path]) == 1
    out = capsys.readouterr().out
    assert "row 2 (id area): line 1 is 'import math', not 'x = 1'" in out
    assert "1 break a law" in out
    assert max(map(len, out.split("not so")[0].splitlines())) <= 80
    assert "\x1b" not in out


def test_the_command_prints_json_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "data.jsonl", record(), record(program="x = 1\n"))
    assert main(["verify", path, "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["ok"], report["rows"], report["bad_rows"]) == (False, 2, 1)
    assert report["checks"]["exact"] == {"law": "1 exact", "checked": 2, "failed": 1}
    assert report["examples"][0]["row"] == 2


@pytest.mark.parametrize(
    "arguments",
    [["nowhere.jsonl"], ["{folder}/nowhere"], ["{data}", "--linter", "nonsense"], ["{data}", "--limit", "0"]],
)
def test_wrong_usage_exits_with_2(arguments: list[str], tmp_path: Path) -> None:
    path = write(tmp_path / "data.jsonl", record())
    assert main(["verify", *(argument.format(data=path, folder=tmp_path) for argument in arguments)]) == 2
