"""Sample: a reader sees the program grow; a machine gets the exact text."""

import io
import json
import sys
from pathlib import Path
from typing import Literal

import pytest
from rich.console import Console

from lintseq.cli import main
from lintseq.codecs import DIFF, get_codec
from lintseq.edits import STAYS, EditSequence
from lintseq.program import Program
from lintseq.reporting.terminal import headers, print_sequence, printable, visible_lines
from lintseq.walks import sample_edits

AREA = "import math\n\ndef area(r):\n    return math.pi * r ** 2\n\nprint(area(2))\n"


@pytest.fixture
def area(tmp_path: Path) -> str:
    path = tmp_path / "area.py"
    path.write_text(AREA)
    return str(path)


def printed(sequence: EditSequence, *, terminal: bool = False) -> str:
    colors: Literal["standard"] | None = "standard" if terminal else None
    to = Console(file=io.StringIO(), width=80, force_terminal=terminal, highlight=False, color_system=colors)
    print_sequence(sequence, to, title="area.py")
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


OLD = "import os\n\n\ndef area(r):\n    return 3 * r * r\n\n\nprint(area(2))\n"
NEW = "import math\n\n\ndef area(r):\n    return math.pi * r * r\n\n\nprint(area(2))\n"


def test_an_old_version_changes_edit_by_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.py").write_text(OLD)
    Path("new.py").write_text(NEW)
    assert main(["sample", "new.py", "--start", "old.py", "--order", "forward"]) == 0
    sequence = sample_edits(NEW, start=OLD, order="forward")
    title = f"new.py from old.py, seed 0, draw 0: {len(sequence)} edits\n\n"
    output = capsys.readouterr().out
    assert output == title + printed(sequence).partition("\n\n")[2]
    assert "   1 - import os\n" in output
    assert "   5 +     return math.pi * r * r\n" in output
    assert main(["sample", "new.py", "--start", "old.py", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["state"], record["program"]) == (OLD, NEW)


@pytest.mark.parametrize(
    ("old", "words"),
    [("old.py", "the old version: line 1"), ("new.py", "the same"), ("none.py", "none.py"), ("-", "read once")],
)
def test_an_old_version_that_cannot_be_used_is_a_line(
    old: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.py").write_text("x = (")
    Path("new.py").write_text(NEW)
    assert main(["sample", "-" if old == "-" else "new.py", "--start", old]) != 0
    assert words in capsys.readouterr().err


REPLACED = EditSequence(Program(("x = 1", "y = 1", "z = 2", "y = 3"), True), (-1, -1, 0, 1), (STAYS, 0, 1, STAYS))


def test_removed_lines_stand_above_new_ones_with_their_number_before_the_edit() -> None:
    assert printed(REPLACED) == (
        "area.py: 2 edits\n"
        "\n"
        "edit 1 of 2: +1 line, -1 line\n"
        "  1   x = 1\n"
        "  2 - y = 1\n"
        "  2 + z = 2\n"
        "\n"
        "edit 2 of 2: +1 line, -1 line\n"
        "  1   x = 1\n"
        "  2 - z = 2\n"
        "  2 + y = 3\n"
    )


def test_removed_lines_are_red_and_struck_through() -> None:
    assert "\x1b[2m  2 \x1b[0m\x1b[31m- \x1b[0m\x1b[9;31my = 1\x1b[0m" in printed(REPLACED, terminal=True)


def test_a_program_grows_edit_by_edit() -> None:
    sequence = EditSequence(Program.from_text(AREA), (0, 1, 1, 1, 2, 2))
    assert printed(sequence) == (
        "area.py: 3 edits\n"
        "\n"
        "edit 1 of 3: +1 line\n"
        "  1 + import math\n"
        "\n"
        "edit 2 of 3: +3 lines\n"
        "  1   import math\n"
        "  2 +\n"
        "  3 + def area(r):\n"
        "  4 +     return math.pi * r ** 2\n"
        "\n"
        "edit 3 of 3: +2 lines\n"
        "  1   import math\n"
        "  2\n"
        "  3   def area(r):\n"
        "  4       return math.pi * r ** 2\n"
        "  5 +\n"
        "  6 + print(area(2))\n"
    )


def test_on_a_terminal_new_lines_are_green_and_long_ones_cut() -> None:
    program = Program.from_text("x = 1\ny = '" + "long " * 40 + "'\n")
    out = printed(EditSequence(program, (0, 1)), terminal=True)
    assert "\x1b[32m+ x = 1\x1b[0m" in out
    assert "\x1b[2m  1   x = 1\x1b[0m" in out or "\x1b[2m  1 \x1b[0m\x1b[2m  x = 1\x1b[0m" in out
    assert out.count("…") == 1


def test_off_a_terminal_no_line_is_cut() -> None:
    program = Program.from_text("y = '" + "long " * 40 + "'\n")
    assert program.lines[0] in printed(EditSequence(program, (0,)))


def test_long_programs_show_the_surroundings_and_headers_of_new_lines() -> None:
    body = [f"        a{n} = {n}" for n in range(60)]
    program = Program.from_text("\n".join(["class A:", "    def f(self):", *body, "", "x = 1"]))
    arrivals = [0] * len(program.lines)
    arrivals[40] = 1
    last = printed(EditSequence(program, tuple(arrivals))).split("edit 2 of 2")[1]
    assert last == (
        ": +1 line\n"
        "   1   class A:\n"
        "   2       def f(self):\n"
        "   ⋮   36 lines more\n"
        "  39           a36 = 36\n"
        "  40           a37 = 37\n"
        "  41 +         a38 = 38\n"
        "  42           a39 = 39\n"
        "  43           a40 = 40\n"
        "   ⋮   21 lines more\n"
    )


def test_headers_are_the_lines_that_open_the_blocks_around() -> None:
    state = ["class A:", "    x = 1", "", "    def f(self):", "        if x:", "\t\t\tpass"]
    assert list(headers(state, 5)) == [4, 3, 0]
    assert list(headers(state, 2)) == [1, 0], "a blank line is taken to be within what is before it"
    assert list(headers(state, 0)) == []


def test_a_gap_of_one_line_is_filled() -> None:
    state = [f"x{n} = {n}" for n in range(50)]
    assert visible_lines(state, {3}) == [0, 1, 2, 3, 4, 5], "line 0 alone would be left out"
    assert visible_lines(state, {10, 16}) == list(range(8, 19))


def test_control_characters_are_replaced_by_visible_symbols() -> None:
    assert printable("\ta\x1b[31m\x0c\x7f\x9b\r") == "    a␛[31m␌␡�"
    assert printable("a\rb\ud800") == "a␍b�"


def test_the_command_shows_the_edits_of_the_draw(area: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", area, "--seed", "3"]) == 0
    out, err = capsys.readouterr()
    edits = len(sample_edits(AREA, seed=3))
    assert out.startswith(f"area.py, seed 3, draw 0: {edits} edit")
    assert out.count("edit ") - 1 == edits if edits == 1 else out.count("\nedit ") == edits
    assert "\x1b" not in out
    assert err == ""


@pytest.mark.parametrize(
    "text", [AREA, AREA.rstrip("\n"), AREA.replace("\n", "\r\n"), "x = 'é😀\u2028'\n\f\n\ny = x\n"]
)
def test_the_text_is_the_encoding_byte_for_byte(
    text: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = tmp_path / "program.py"
    path.write_bytes(text.encode())
    assert main(["sample", str(path), "--text", "--seed", "1"]) == 0
    out = capfdbinary.readouterr().out.decode()
    assert out == DIFF.write(sample_edits(text, seed=1))
    assert DIFF.read(out).program.text == text


def test_the_record_replays_to_the_file(area: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", area, "--json", "--draw", "2"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert DIFF.read_edits(record["edits"], final_newline=True).program.text == record["program"] == AREA
    assert record["draw"] == 2
    assert record["meta"]["seed"] == 0


def test_a_dash_reads_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(AREA.encode())))
    assert main(["sample", "-", "--text"]) == 0
    assert capsys.readouterr().out == DIFF.write(sample_edits(AREA))


def test_a_file_is_decoded_as_python_decodes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "latin.py"
    path.write_bytes("# coding: latin-1\nx = 'é'\n".encode("latin-1"))
    assert main(["sample", str(path)]) == 0
    assert "x = 'é'" in capsys.readouterr().out
    path.write_bytes(b"\xef\xbb\xbfx = 1\n")
    assert main(["sample", str(path), "--text"]) == 0
    assert capsys.readouterr().out == "<|diff|>@@ -0,0 +1 @@\n+x = 1\n"


def test_a_preset_shows_what_a_model_learns_to_write(area: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", area, "--preset", "recommended", "--text"]) == 0
    printed = capsys.readouterr()
    assert printed.out == get_codec("search-replace").write(sample_edits(AREA, order="forward"))
    assert printed.err == "lintseq: preset recommended: order forward, format search-replace\n"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"def f(:\n", "bad.py: line 1: invalid syntax"),
        (b"print 'hello'\n", "bad.py: line 1: Missing parentheses"),
        (b"", "bad.py: there is no text"),
        (b"x = '\xff'\n", "bad.py: the source does not decode"),
        (b"# coding: klingon\n", "bad.py: the source does not decode"),
        (b"x = '\0'\n", "null byte"),
    ],
)
def test_a_program_that_cannot_be_used_is_one_clear_line(
    data: bytes, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.py"
    path.write_bytes(data)
    assert main(["sample", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert reason in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [["nowhere.py"], ["{area}", "--text", "--json"], ["{area}", "--linter", "nonsense"], ["{area}", "--order", "x"]],
)
def test_wrong_usage_exits_with_2(arguments: list[str], area: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", *(argument.format(area=area) for argument in arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err


def test_no_color_means_no_color_even_on_a_terminal(
    area: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert main(["sample", area]) == 0
    assert "\x1b[" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["sample", area]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("command", ["sample", "verify", "stats"])
def test_help_ends_in_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"Example: lintseq {command} " in capsys.readouterr().out
