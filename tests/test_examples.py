"""The bundled example data: every row is what `examples/README.md` says."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pyflakes.checker import Checker

from lintseq.languages import get_language
from lintseq.program import Program
from lintseq.program.markdown import code_from_markdown
from lintseq.walks import sample_edits

PAIRS = Path(__file__).parents[1] / "examples" / "pairs.jsonl"
LINES = PAIRS.read_text(encoding="utf-8").removesuffix("\n").split("\n")
ROWS = [json.loads(line) for line in LINES]
PROGRAMS = {row["id"]: code_from_markdown(row["response"], get_language()) for row in ROWS}

RUN_EACH = """
import contextlib, io, json, runpy, sys, traceback

failures = {}
for path in sys.argv[1:]:
    sys.argv = [path]
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            runpy.run_path(path, run_name="__main__")
    except SystemExit as end:
        if end.code:
            failures[path] = f"left with {end.code!r}"
    except BaseException:
        failures[path] = traceback.format_exc()
print(json.dumps(failures))
"""

each_program = pytest.mark.parametrize("code", PROGRAMS.values(), ids=PROGRAMS.keys())


def sizes() -> list[int]:
    return [len(Program.from_text(code).lines) for code in PROGRAMS.values()]


def test_there_are_at_least_forty_rows_each_with_an_id_and_an_instruction_of_its_own():
    assert len(ROWS) >= 40
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    assert len({row["instruction"] for row in ROWS}) == len(ROWS)


def test_a_row_is_one_line_with_the_same_three_columns():
    for line, row in zip(LINES, ROWS, strict=True):
        assert list(row) == ["id", "instruction", "response"]
        assert all(isinstance(value, str) and value.strip() for value in row.values())
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", row["id"]), row["id"]
        assert line == json.dumps(row, ensure_ascii=False)


def test_most_responses_are_plain_programs_and_at_least_eight_are_markdown_answers():
    answers = [row for row in ROWS if row["response"] != PROGRAMS[row["id"]]]
    assert 8 <= len(answers) <= len(ROWS) / 3
    for row in answers:
        assert "```" in row["response"]
        assert "```" not in PROGRAMS[row["id"]]


def test_plain_programs_end_with_one_newline_as_files_do():
    for row in ROWS:
        if row["response"] == PROGRAMS[row["id"]]:
            assert re.search(r"[^\n]\n\Z", row["response"]), row["id"]


def test_programs_are_short_middling_and_long():
    assert min(sizes()) >= 5
    assert max(sizes()) <= 80
    assert sum(size < 10 for size in sizes()) >= 8
    assert sum(10 <= size <= 30 for size in sizes()) >= 18
    assert sum(size > 30 for size in sizes()) >= 15


@each_program
def test_a_program_compiles_and_is_clean_under_pyflakes(code):
    compile(code, "example.py", "exec", dont_inherit=True)
    messages = Checker(ast.parse(code)).messages
    assert not messages, [str(message) for message in messages]


@each_program
def test_a_program_has_neither_tabs_nor_trailing_space(code):
    assert not [line for line in Program.from_text(code).lines if line != line.rstrip() or "\t" in line]


def test_programs_run_to_their_end_without_warnings_input_or_files_left_behind(tmp_path):
    folder, empty = tmp_path / "programs", tmp_path / "empty"
    folder.mkdir()
    empty.mkdir()
    for name, code in PROGRAMS.items():
        (folder / f"{name}.py").write_text(code, encoding="utf-8")

    finished = subprocess.run(
        [sys.executable, "-I", "-B", "-W", "error", "-c", RUN_EACH, *sorted(map(str, folder.iterdir()))],
        cwd=empty,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert finished.stderr == ""
    assert json.loads(finished.stdout) == {}
    assert list(empty.iterdir()) == []


def test_commits_have_two_versions_without_findings_and_the_first_has_several_edits():
    commits = [json.loads(line) for line in PAIRS.with_name("commits.jsonl").read_text(encoding="utf-8").splitlines()]
    for commit in commits:
        assert list(commit) == ["commit", "path", "message", "old_contents", "new_contents"]
        assert not [
            found for side in ("old", "new") for found in Checker(ast.parse(commit[f"{side}_contents"])).messages
        ]
    edits = [len(sample_edits(commit["new_contents"], start=commit["old_contents"], seed=5)) for commit in commits]
    assert edits == [5, 1]
