"""Show and view: a data set looked into, in a terminal, printed, and as a page."""

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lintseq.cli import main
from lintseq.cli.show import needed
from lintseq.codecs import CODECS
from lintseq.dataset.browsing import find_sequence, numbered_rows, split_row
from lintseq.dataset.shapes import SHAPES, ProgramRow
from lintseq.dataset.view_page import page_beside
from lintseq.edits import EditSequence
from lintseq.errors import ConfigError
from lintseq.program import Program
from lintseq.rows import find_inputs
from lintseq.walks import sample_edits

AREA = "import math\n\ndef area(r):\n    return math.pi * r ** 2\n\nprint(area(2))\n"
TOTAL = "def total(xs):\n    t = 0\n    for x in xs:\n        t += x\n    return t\n"
LONG = "\n".join(f"x{n} = {n}" for n in range(100)) + "\n"


def record(id: str, program: str, arrivals: tuple[int, ...] | None = None, format: str = "diff") -> dict[str, Any]:
    sequence = EditSequence(Program.from_text(program), arrivals) if arrivals else sample_edits(program, seed=1)
    return SHAPES["lintseq"].write(ProgramRow(id, f"Write {id}.", program), sequence, 0, {}, CODECS[format])


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Three sequences, with a blank line and two rows between them that hold none."""
    rows = [
        json.dumps(record("area", AREA, (0, 1, 1, 1, 2, 2))),
        "",
        json.dumps(record("total", TOTAL, (-1, 0, 1, 1, 0), format="udiff")),
        "{",
        json.dumps({"edits": ["@@ -7,0 +8 @@\n+x"], "program": "x"}),
        json.dumps(record("long", LONG)),
    ]
    monkeypatch.chdir(tmp_path)
    Path("data.jsonl").write_text("\n".join(rows) + "\n")
    return "data.jsonl"


# Printed


def test_changes_of_an_old_version_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sequence = sample_edits(AREA, start=AREA.replace("math", "cmath"), seed=1)
    row = SHAPES["lintseq"].write(ProgramRow("area", "Real.", AREA), sequence, 0, {}, CODECS["diff"])
    (tmp_path / "data.jsonl").write_text(json.dumps(row) + "\n")
    assert main(["show", f"{tmp_path}/data.jsonl"]) == 0
    output = capsys.readouterr().out
    assert "before the first edit: 6 lines\n  1   import cmath\n" in output
    assert "  1 - import cmath\n  1 + import math\n" in output
    assert "  line 1 needs the use of `cmath` in line 4; line 4 needs `math` in line 1\n" in output


def test_off_a_terminal_the_whole_sequence_is_printed(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", f"{data}:1"]) == 0
    assert capsys.readouterr() == (
        "data.jsonl:1, area, draw 0: 3 edits\n"
        "Write area.\n"
        "\n"
        "edit 1 of 3: +1 line\n"
        "  1 + import math\n"
        "\n"
        "edit 2 of 3: +3 lines\n"
        "  1   import math\n"
        "  2 +\n"
        "  3 + def area(r):\n"
        "  4 +     return math.pi * r ** 2\n"
        "  all of this needs line 3, directly or through other lines\n"
        "  line 3 needs a body in line 4; line 4 needs its header and `r` in line 3\n"
        "\n"
        "edit 3 of 3: +2 lines\n"
        "  1   import math\n"
        "  2\n"
        "  3   def area(r):\n"
        "  4       return math.pi * r ** 2\n"
        "  5 +\n"
        "  6 + print(area(2))\n"
        "  all of this goes with line 6\n",
        "",
    )


def test_a_sequence_that_starts_in_the_middle_shows_that_first(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", f"{data}:3"]) == 0
    out = capsys.readouterr().out
    assert "before the first edit: 1 line\n  1   def total(xs):\n\nedit 1 of 2: +2 lines\n" in out
    assert "  3   return t" not in out
    assert "  2 +     t = 0\n  3 +     return t\n  line" not in out
    assert "line 3 needs `t` in line 2" in out


@pytest.mark.parametrize(
    "row_spec", ["data.jsonl", "data.jsonl:1", "data.jsonl:", "data.jsonl:area", "./data.jsonl:area"]
)
def test_a_row_goes_by_its_number_or_its_id(row_spec: str, data: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", row_spec]) == 0
    assert capsys.readouterr().out.startswith("data.jsonl:1, area,")


def test_the_number_of_a_row_is_the_line_in_the_file(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", f"{data}:6"]) == 0
    assert capsys.readouterr().out.startswith("data.jsonl:6, long,")
    assert main(["verify", data]) == 1
    assert "row 5" in capsys.readouterr().out, "verify counts alike"


@pytest.mark.parametrize(
    ("row_spec", "message"),
    [
        ("data.jsonl:7", "no row 7; its rows are counted from 1, and the last is 6"),
        ("data.jsonl:0", "no row 0"),
        ("data.jsonl:2", "no row 2"),
        ("data.jsonl:circle", "the id 'circle'"),
        ("nowhere.jsonl:1", "cannot read nowhere.jsonl"),
        ("nowhere.jsonl", "cannot read nowhere.jsonl"),
        ("empty.jsonl", "has no rows"),
        ("folder:1", "holds neither data"),
    ],
)
def test_a_row_that_is_not_there_is_one_clear_line(
    row_spec: str, message: str, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty.jsonl").touch()
    Path("folder").mkdir()
    assert main(["show", row_spec]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(("row", "reason"), [(4, "not JSON"), (5, "edit 1, line 1")])
def test_a_row_without_a_sequence_says_why(
    row: int, reason: str, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", f"{data}:{row}"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"lintseq: data.jsonl:{row}: {reason}")
    assert err.count("\n") == 1


def test_a_program_that_cannot_be_analyzed_is_reported(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("odd.jsonl").write_text(json.dumps(record("odd", "def f(:\n  pass\n", (0, 0))))
    assert main(["show", "odd.jsonl"]) == 0
    assert "  the program cannot be analyzed: syntax: " in capsys.readouterr().out


def test_files_whose_names_hold_colons_are_found(data: str) -> None:
    Path("a:b").write_bytes(Path(data).read_bytes())
    assert split_row("a:b") == ("a:b", 1)
    assert split_row("a:b:3") == ("a:b", 3)
    assert split_row("a:b:c:d") == ("a:b", "c:d")
    assert split_row("s3://bucket/data.jsonl:3") == ("s3://bucket/data.jsonl", 3)
    assert split_row("hf:owner/name") == ("hf:owner/name", 1)
    assert split_row("hf:owner/name:12") == ("hf:owner/name", 12)
    assert split_row("-") == ("-", 1)


def test_needs_are_put_in_words() -> None:
    assert needed("", ["1"]) == "line 1"
    assert needed("a body", ["7", "8", "9"]) == "a body in line 7, 8 or 9"


# Rows


def test_rows_of_several_files_are_counted_through(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text('{"x": 1}\n\n{"x": 2}\n')
    assert [row.number for row in numbered_rows(find_inputs(str(tmp_path)))] == [1, 2, 3, 4]
    assert [row.number for row in numbered_rows(find_inputs(str(tmp_path / "a.jsonl")))] == [1, 3]


def test_data_that_breaks_off_or_runs_away_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text('[{"x": 1}, {"x"')
    with pytest.raises(ConfigError, match="cut off"):
        find_sequence(str(path), 2)


def test_a_single_edit_is_printed(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", f"{data}:1", "--edit", "2"]) == 0
    out = capsys.readouterr().out
    assert "edit 2 of 3: +3 lines\n  1   import math\n  2 +\n" in out
    assert "edit 1 of 3" not in out
    assert "edit 3 of 3" not in out
    assert main(["show", f"{data}:3", "--edit", "0"]) == 0
    assert capsys.readouterr().out.endswith("\nbefore the first edit: 1 line\n  1   def total(xs):\n")
    assert main(["show", f"{data}:1", "--edit", "4"]) == 2
    assert "has no edit 4; use a number from 0 to 3" in capsys.readouterr().err


def test_in_a_terminal_a_pager_shows_the_sequence(data: str) -> None:
    outer, inner = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "PAGER": "sed 's/^/> /'", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "lintseq", "show", data]
    with subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, env=environment) as process:
        os.close(inner)
        written = b""
        with suppress(OSError):  # the terminal is closed at the end
            while part := os.read(outer, 65536):
                written += part
    os.close(outer)
    assert process.returncode == 0
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in written.decode().split("\r\n")]
    assert lines[0] == "> data.jsonl:1, area, draw 0: 3 edits"
    assert "\x1b[32m+ def area(r):" in written.decode(), "new lines are green"


# The page


def test_view_writes_a_page_beside_the_data_and_says_where(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", data]) == 0
    out, err = capsys.readouterr()
    assert [line.split() for line in out.splitlines()] == [
        ["rows", "5"],
        ["unreadable", "1", "malformed-edit"],
        ["unreadable", "1", "not-json"],
        ["on", "the", "page", "3"],
        ["page", "data.html"],
    ]
    assert err == ""
    assert Path("data.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert main(["view", data, "--rows", "2", "--html", "some.html"]) == 0
    assert "2, a random sample" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["nowhere.jsonl"],
        ["data.jsonl", "--html", "data.jsonl"],
        ["data.jsonl", "--html", "no/x"],
        ["data.jsonl", "--rows", "0"],
    ],
)
@pytest.mark.parametrize("command", ["view", "stats"])
def test_wrong_usage_exits_with_2_and_touches_nothing(
    command: str, arguments: list[str], data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path(data).read_bytes()
    assert main([command, *arguments]) == 2
    assert capsys.readouterr().out == ""
    assert Path(data).read_bytes() == before
    assert [path.name for path in Path().iterdir()] == [data]


def test_the_page_of_numbers_is_written_beside_what_is_printed(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", data, "--html", "numbers.html"]) == 0
    assert capsys.readouterr().out.endswith("\n\npage  numbers.html\n")
    assert main(["stats", data, "--html", "numbers.html", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sequences"] == 4
    assert "Draws of a program" in Path("numbers.html").read_text(encoding="utf-8")


def test_a_page_has_the_name_of_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    for name in ("edits.jsonl.gz", "edits.v2.parquet", ".jsonl"):
        (tmp_path / "out" / name).touch()
    assert page_beside("out/edits.jsonl.gz") == Path("out/edits.html")
    assert page_beside("out/edits.v2.parquet") == Path("out/edits.v2.html")
    assert page_beside("out") == Path("out.html")
    assert page_beside("out/.jsonl") == Path("out/.jsonl.html")
    assert page_beside("-") == Path("standard-input.html")
    assert page_beside("hf:owner/name") == Path("name.html")
    assert page_beside("s3://bucket/data-*.jsonl") == Path("data---jsonl.html")


def test_folders_and_pipes_are_read_like_files(data: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("folder").mkdir()
    Path("folder/part.jsonl").write_bytes(Path(data).read_bytes())
    for command in (["show", "folder:6"], ["view", "folder"], ["stats", "folder", "--html", "numbers.html"]):
        assert main(command) == 0, command
    assert Path("folder.html").exists()
    with open(data, "rb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "lintseq", "show", "-"], stdin=file, capture_output=True, check=True
        )
    assert done.stdout.startswith(b"standard input:1, area")


@pytest.mark.parametrize("command", ["view", "show"])
def test_help_ends_in_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"Example: lintseq {command} " in capsys.readouterr().out
