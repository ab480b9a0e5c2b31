"""Show and view: a data set looked into, in a terminal, printed, and as a page."""

import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path
from typing import Any

import pytest

from lintseq.cli import main
from lintseq.cli.screen import KEYS, keys_in
from lintseq.cli.show import needed, split_place
from lintseq.cli.view import page_beside
from lintseq.codecs import CODECS
from lintseq.dataset.browsing import Rows, numbered_rows
from lintseq.dataset.shapes import SHAPES, ProgramRow
from lintseq.edits import EditSequence
from lintseq.errors import ConfigError
from lintseq.program import Program
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
        "  line 3 needs line 4; line 4 needs line 3\n"
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
    assert "line 3 needs line 2" in out


@pytest.mark.parametrize(
    "place", ["data.jsonl", "data.jsonl:1", "data.jsonl:", "data.jsonl:area", "./data.jsonl:area"]
)
def test_a_row_goes_by_its_number_or_its_id(place: str, data: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", place]) == 0
    assert capsys.readouterr().out.startswith("data.jsonl:1, area,")


def test_the_number_of_a_row_is_the_line_in_the_file(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", f"{data}:6"]) == 0
    assert capsys.readouterr().out.startswith("data.jsonl:6, long,")
    assert main(["verify", data]) == 1
    assert "row 5" in capsys.readouterr().out, "verify counts alike"


@pytest.mark.parametrize(
    ("place", "says"),
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
    place: str, says: str, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty.jsonl").touch()
    Path("folder").mkdir()
    assert main(["show", place]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(("row", "says"), [(4, "not-json"), (5, "malformed-edit")])
def test_a_row_without_a_sequence_says_why(row: int, says: str, data: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", f"{data}:{row}"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{says}: data.jsonl:{row}" in err
    assert err.count("\n") == 1


def test_what_cannot_be_analyzed_is_said_to_be_so(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("odd.jsonl").write_text(json.dumps(record("odd", "def f(:\n  pass\n", (0, 0))))
    assert main(["show", "odd.jsonl"]) == 0
    assert "  the program cannot be analyzed: syntax: " in capsys.readouterr().out


def test_files_whose_names_hold_colons_are_found(data: str) -> None:
    Path("a:b").write_bytes(Path(data).read_bytes())
    assert split_place("a:b") == ("a:b", "1")
    assert split_place("a:b:3") == ("a:b", "3")
    assert split_place("a:b:c:d") == ("a:b", "c:d")
    assert split_place("s3://bucket/data.jsonl:3") == ("s3://bucket/data.jsonl", "3")
    assert split_place("hf:owner/name") == ("hf:owner/name", "1")
    assert split_place("hf:owner/name:12") == ("hf:owner/name", "12")
    assert split_place("-") == ("-", "1")


def test_needs_are_said_in_words() -> None:
    assert needed([(1,)]) == "line 1"
    assert needed([(1,), (4,), (2, 3)]) == "lines 1 and 4 and one of lines 2 or 3"
    assert needed([(7, 8, 9)]) == "one of lines 7, 8 or 9"


# Rows


def test_rows_are_found_forth_and_back_and_few_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(f'{{"n": {n}}}\n' for n in range(1000)))
    rows = Rows(str(path))
    for place in (0, 999, 998, 0, 500, 400, 999, 3):
        row = rows.at(place)
        assert row is not None
        assert json.loads(row.raw.data) == {"n": place}
        assert row.number == 2 * place + 1, "there are blank lines between"
    assert rows.at(1000) is None
    assert rows.at(999) is not None
    assert len(rows._recent) < 100


def test_rows_of_several_files_are_counted_through(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text('{"x": 1}\n\n{"x": 2}\n')
    assert [row.number for row in numbered_rows(str(tmp_path))] == [1, 2, 3, 4]
    assert [row.number for row in numbered_rows(str(tmp_path / "a.jsonl"))] == [1, 3]


def test_data_that_breaks_off_or_runs_away_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text('[{"x": 1}, {"x"')
    rows = Rows(str(path))
    assert rows.at(0) is not None
    with pytest.raises(ConfigError, match="cut off"):
        rows.at(1)


# Keys


def test_keys_are_known_by_what_terminals_send() -> None:
    assert list(keys_in("\x1b[C\x1bOCn q\x1b[5~\x1b")) == ["right", "right", "n", "space", "q", "page-up", "escape"]
    assert list(keys_in("\x1b[1;5C\x1b[?62cé\x1b[")) == ["é"], "what is not known is left out"
    assert {"up", "down", "left", "right", "home", "end"} <= set(KEYS.values())


OWN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """A program on a terminal of its own; `screen` is what stands there, by a reader of what we write."""

    def __init__(self, *arguments: str, command: list[str] | None = None, size: tuple[int, int] = (24, 80)) -> None:
        self.outer, inner = pty.openpty()
        ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        self.before = termios.tcgetattr(inner)
        self.inner = inner
        self.written = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWN_TERMINAL, *(command or [sys.executable, "-m", "lintseq", *arguments])],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env={**os.environ, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", "COLUMNS": "", "LINES": ""},
            start_new_session=True,
        )

    def press(self, keys: str) -> None:
        os.write(self.outer, keys.encode())

    def resize(self, rows: int, columns: int) -> None:
        ioctl(self.inner, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def screen(self) -> list[str]:
        """Return what stands on the screen, without its colors."""
        last = self.written.rpartition("\x1b[H")[2].partition("\x1b[J")[0]
        return [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line).rstrip() for line in last.split("\r\n")]

    def wait(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 30
        while not done():
            assert time.monotonic() < deadline, f"{what} does not come:\n" + "\n".join(self.screen())
            if select.select([self.outer], [], [], 0.05)[0]:
                self.written += os.read(self.outer, 65536).decode(errors="replace")

    def wait_for(self, text: str) -> None:
        self.wait(lambda: text in "\n".join(self.screen()) and self.written.endswith("\x1b[J"), text)

    def end(self) -> int:
        """Return the exit status; the terminal is as it was."""
        self.wait(lambda: self.process.poll() is not None, "the end")
        while select.select([self.outer], [], [], 0.1)[0]:
            self.written += os.read(self.outer, 65536).decode(errors="replace")
        assert termios.tcgetattr(self.inner) == self.before
        assert self.written.count("\x1b[?1049h") == self.written.count("\x1b[?1049l") >= 1
        assert self.written.rindex("\x1b[?1049l") > self.written.rindex("\x1b[?1049h")
        assert self.written.rindex("\x1b[?25h") > self.written.rindex("\x1b[?25l")
        return self.process.wait()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.outer)
        os.close(self.inner)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open(*arguments: str, **options: Any) -> Terminal:
        opened.append(Terminal(*arguments, **options))
        return opened[-1]

    yield open
    for one in opened:
        one.close()


def test_keys_step_through_the_edits(data: str, terminal: Callable[..., Terminal]) -> None:
    on = terminal("show", f"{data}:1")
    on.wait_for("edit 1 of 3")
    screen = on.screen()
    assert screen[:5] == [
        "data.jsonl:1, area, draw 0: 3 edits",
        "Write area.",
        "",
        "edit 1 of 3: +1 line",
        "  1 + import math",
    ]
    assert "q leaves" in screen[-1]
    assert len(screen) == 24
    for key, heading in [
        ("\x1b[C", "edit 2 of 3"), (" ", "edit 3 of 3"), ("n", "edit 3 of 3"), ("\x1b[D", "edit 2 of 3"),
        ("p", "edit 1 of 3"), ("p", "before the first edit"), ("G", "edit 3 of 3"), ("g", "before the first edit"),
        ("\x1b[F", "edit 3 of 3"), ("\x1b[H", "before the first edit"), ("\x1bOC", "edit 1 of 3"),
        ("n", "edit 2 of 3"),
    ]:  # fmt: skip
        on.press(key)
        on.wait_for(heading)
    screen = on.screen()
    assert "  3 + def area(r):" in screen
    assert "line 3 needs line 4; line 4 needs line 3" in screen
    assert "\x1b[32m+ def area(r):" in on.written, "what is new is green"
    on.press("q")
    assert on.end() == 0


def test_keys_go_from_row_to_row(data: str, terminal: Callable[..., Terminal]) -> None:
    on = terminal("show", data)
    on.wait_for("data.jsonl:1")
    on.press("k")
    on.press("j")
    on.wait_for("data.jsonl:3, total")
    on.wait_for("before the first edit: 1 line")
    on.press("\x1b[B")
    on.wait_for("not-json: data.jsonl:4")
    on.press("j")
    on.wait_for("malformed-edit: data.jsonl:5")
    on.press("nj")
    on.wait_for("data.jsonl:6, long")
    on.press("j")
    on.press("G")
    on.wait_for("edit 100 of 100")
    on.press("\x1b[A\x1b[A\x1b[Ak")
    on.wait_for("data.jsonl:1, area")
    on.press("\x1b")
    assert on.end() == 0


def test_a_long_program_shows_what_is_new_and_scrolls(data: str, terminal: Callable[..., Terminal]) -> None:
    on = terminal("show", f"{data}:6", size=(16, 60))
    on.wait_for("edit 1 of 100")
    on.press("G")
    on.wait_for("edit 100 of 100")
    assert any(" + x" in line for line in on.screen())
    assert len(on.screen()) == 16
    assert max(map(len, on.screen())) <= 60
    for _ in range(40):
        on.press("p")
    on.wait_for("edit 60 of 100")
    on.press("\x1b[6~")
    on.resize(30, 100)
    on.wait(lambda: len(on.screen()) == 30, "the picture in its new size")
    on.press("?")
    on.wait_for("the next row of the data set")
    on.press("x")
    on.wait_for("edit 60 of 100")
    on.press("q")
    assert on.end() == 0


@pytest.mark.parametrize("size", [(1, 1), (6, 20), (8, 30), (200, 400)])
def test_any_size_will_do(size: tuple[int, int], data: str, terminal: Callable[..., Terminal]) -> None:
    on = terminal("show", data, size=size)
    on.wait(lambda: on.written.endswith("\x1b[J"), "a picture")
    on.press("Gjnq")
    assert on.end() == 0


def test_ctrl_c_and_signals_give_the_terminal_back(data: str, terminal: Callable[..., Terminal]) -> None:
    on = terminal("show", data)
    on.wait_for("edit 1 of 3")
    on.press("\x03")
    assert on.end() == 130
    for number in (signal.SIGTERM, signal.SIGHUP):
        on = terminal("show", data)
        on.wait_for("edit 1 of 3")
        on.process.send_signal(number)
        assert on.end() == 128 + number


def test_an_error_gives_the_terminal_back(tmp_path: Path, terminal: Callable[..., Terminal]) -> None:
    code = (
        "from lintseq.cli.screen import Screen\n"
        "with Screen() as screen:\n"
        "    screen.draw(['here'])\n"
        "    raise RuntimeError('broken')\n"
    )
    (tmp_path / "lintseq_breaks.py").write_text(code)
    on = terminal("--version")
    on.process.wait()
    on.process = subprocess.Popen([sys.executable, "-c", code], stdin=on.inner, stdout=on.inner, stderr=on.inner)
    assert on.end() == 1
    assert "RuntimeError: broken" in on.written.rpartition("\x1b[?1049l")[2]


def test_ctrl_z_gives_the_terminal_back_until_it_goes_on(data: str, terminal: Callable[..., Terminal]) -> None:
    shell = 'set -m; "$0" -m lintseq show "$1"; echo stopped; read x; fg >/dev/null; echo ended'
    on = terminal(command=["/bin/bash", "-c", shell, sys.executable, data])
    on.wait_for("edit 1 of 3")
    on.press("\x1a")
    on.wait(lambda: on.written.rstrip().endswith("stopped"), "the shell")
    assert on.written.count("\x1b[?1049l") == 1
    assert termios.tcgetattr(on.inner) == on.before
    on.press("\n")
    on.wait(lambda: on.written.count("\x1b[?1049h") == 2, "the screen")
    on.wait_for("edit 1 of 3")
    on.press("n")
    on.wait_for("edit 2 of 3")
    on.press("q")
    on.wait(lambda: on.written.rstrip().endswith("ended"), "the shell again")
    assert on.end() == 0


def test_without_a_terminal_on_both_sides_nothing_waits_for_keys(data: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lintseq", "show", data],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert b"edit 3 of 3" in done.stdout
    assert b"\x1b" not in done.stdout


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
    assert "2, chosen at random" in capsys.readouterr().out


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


def test_folders_and_pipes_are_looked_into_like_files(data: str, capfd: pytest.CaptureFixture[str]) -> None:
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
