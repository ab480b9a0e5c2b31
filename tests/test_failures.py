"""What fails ends with one line and an exit status: the command lines in `cases/cli/failures.toml`."""

import json
import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from lintseq.cli import COMMANDS, main
from lintseq.errors import BrokenInputError, ConfigError
from lintseq.rows import read_rows
from lintseq.storage import AppendFile

CASES = {
    line: case
    for section in tomllib.loads((Path(__file__).parent / "cases/cli/failures.toml").read_text()).values()
    for line, case in section.items()
}
PROGRAM = "def area(r):\n    x = r * r\n    return 3 * x\n"
EDITS = ["@@ -0,0 +1,3 @@\n" + "\n".join(f"+{line}" for line in PROGRAM.splitlines())]
ROW = {"id": "a", "instruction": "Area.", "program": PROGRAM}


def lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


FILES = {
    "pairs.jsonl": lines(ROW, {**ROW, "id": "b"}),
    "-dash.jsonl": lines(ROW),
    "edits.jsonl": lines({**ROW, "edits": EDITS}, {**ROW, "id": "b", "edits": EDITS}),
    "broken.jsonl": lines(*({**ROW, "program": text} for text in ("def f(:", "x =", ""))),
    "cut.json": "[" + json.dumps(ROW) + ",",
    "empty.jsonl": "",
    "area.py": PROGRAM,
    "broken.py": "def f(:\n",
    "problems.jsonl": lines({"task_id": "p/1", "prompt": "def f():\n", "entry_point": "f", "test": "check = print"}),
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).write_text(text, encoding="utf-8")
    Path("utf16.jsonl").write_text(FILES["pairs.jsonl"], encoding="utf-16")
    return tmp_path


@pytest.mark.parametrize("line", CASES)
def test_a_failure_is_one_line_and_a_status(line: str, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = CASES[line]
    arguments = shlex.split(line)
    status = main([*arguments, "--workers", "1"] if arguments[:1] in (["convert"], ["mine"]) else arguments)
    error = capsys.readouterr().err
    assert (status, case["message"] in error) == (case.get("status", 2), True), error
    if line and case["message"]:
        *notes, message = error.splitlines()
        assert message.startswith("lintseq: ")
        assert not [note for note in notes if not note.startswith("lintseq: ")]
    elif not case["message"]:
        assert error == ""
    assert "out" not in case or Path(case["out"]).exists()


@pytest.mark.parametrize("name", [name for panel in COMMANDS.values() for name in panel])
def test_every_command_has_short_options_for_help_and_quiet(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "-h"]) == 0
    assert "-h, --help" in (text := capsys.readouterr().out)
    assert name == "tokenizer" or "-q, --quiet" in text


@pytest.mark.parametrize(("path", "status", "message"), [("/dev/full", 1, "No space left on device"), (None, 141, "")])
def test_a_full_device_and_a_closed_pipe_end_the_output(
    path: str | None, status: int, message: str, files: Path
) -> None:
    read, write = os.pipe() if path is None else (None, os.open(path, os.O_WRONLY))
    if read is not None:
        os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "lintseq", "sample", "area.py"],
        stdout=write, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(write)
    assert done.returncode == status
    assert done.stderr == (f"lintseq: cannot write the output: {message}\n" if message else "")


def test_a_bug_is_one_line_and_its_traceback_on_request(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr("lintseq.dataset.browsing.find_inputs", fail)
    assert main(["show", "edits.jsonl"]) == 1
    assert capsys.readouterr().err.startswith("lintseq: internal error, KeyError: 'oops'; LINTSEQ_TRACEBACK=1 shows")
    monkeypatch.setenv("LINTSEQ_TRACEBACK", "1")
    with pytest.raises(KeyError):
        main(["show", "edits.jsonl"])


def test_an_interruption_is_one_line(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lintseq.dataset.browsing.find_inputs", interrupt)
    assert main(["show", "edits.jsonl"]) == 130
    assert capsys.readouterr().err == "lintseq: interrupted\n"


def test_an_input_that_shrinks_is_reported(files: Path) -> None:
    Path("big.jsonl").write_text(FILES["pairs.jsonl"] * 10_000)
    rows = read_rows("big.jsonl")
    next(rows)
    os.truncate("big.jsonl", 200_000)
    with pytest.raises(BrokenInputError, match=r"it shrank from [\d,]+ bytes while it was read"):
        list(rows)


def test_a_saved_file_that_was_damaged_is_not_continued(files: Path) -> None:
    file = AppendFile("rows.jsonl")
    file.write(b"{}\n" * 100)
    mark = file.mark()
    file.close()
    AppendFile("rows.jsonl", mark).close()
    Path("rows.jsonl").write_bytes(b"{}\n" * 50 + b"[]\n" * 50)
    with pytest.raises(ConfigError, match="is damaged"):
        AppendFile("rows.jsonl", mark)
