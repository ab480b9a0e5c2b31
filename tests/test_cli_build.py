"""The command line as a whole, and `lintseq build`: exit statuses, what is printed where, Ctrl-C."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

import lintseq
from lintseq.cli import COMMANDS, load_command, main
from lintseq.dataset.outputs import KINDS
from lintseq.dataset.outputs.shards import ShardKind
from lintseq.dataset.shapes import SHAPES, ShapeName

GOOD = {"id": "a", "instruction": "Write it.", "program": "import math\n\nprint(math.pi)\n"}
BAD = {"id": "b", "instruction": "Write it.", "program": "print 1"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, *rows: Any) -> str:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "lintseq", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)


def test_a_build_writes_the_records_and_prints_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    write("in.jsonl", GOOD, BAD)
    assert main(["build", "in.jsonl", "--output", "out.jsonl", "--samples", "3"]) == 0
    printed = capsys.readouterr()
    assert re.search(r"^rows +2$", printed.out, re.M)
    assert re.search(r"^sequences +3$", printed.out, re.M)
    assert re.search(r"^  syntax +1$", printed.out, re.M)
    assert re.search(r"^output +out.jsonl$", printed.out, re.M)
    assert printed.err == ""
    assert len(Path("out.jsonl").read_text().splitlines()) == 3
    assert json.loads(Path("out.rejected.jsonl").read_text())["record"] == BAD


def test_json_prints_the_summary_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    write("in.jsonl", GOOD, BAD)
    assert main(["build", "in.jsonl", "--output", "out.jsonl", "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert (numbers["rows"], numbers["sequences"], numbers["rejections"]) == (2, 1, {"syntax": 1})


def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    write("in.jsonl", GOOD, BAD)
    assert main(["build", "in.jsonl", "--output", "out.jsonl", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "message", "options"),
    [
        ([], "", (1, "uniform", "diff")),
        (["--preset", "paper"], "preset paper: samples 5, order uniform, format diff", (5, "uniform", "diff")),
        (
            ["--preset", "recommended"],
            "preset recommended: samples 1, order forward, format search-replace",
            (1, "forward", "search-replace"),
        ),
        (
            ["--order", "indent", "--samples", "2", "--preset", "recommended"],
            "preset recommended: format search-replace; overridden: samples 2, order indent",
            (2, "indent", "search-replace"),
        ),
        (
            ["--preset", "paper", "--samples=1", "--order=forward", "--format=states"],
            "preset paper: nothing; overridden: samples 1, order forward, format states",
            (1, "forward", "states"),
        ),
        (["--preset", "recommended", "--quiet"], "", (1, "forward", "search-replace")),
    ],
)
def test_a_preset_sets_the_options_that_are_not_given_and_says_so(
    arguments: list[str], message: str, options: tuple[Any, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", write("in.jsonl", GOOD), "--output", "out.jsonl", *arguments]) == 0
    assert capsys.readouterr().err == (f"lintseq: {message}\n" if message else "")
    settings = json.loads(Path("out.manifest.json").read_text())["settings"]["options"]
    assert (settings["samples"], settings["sampling"]["order"], settings["format"]) == options


def test_rejections_fail_the_run_only_if_it_is_strict() -> None:
    write("in.jsonl", GOOD, BAD)
    write("good.jsonl", GOOD)
    assert main(["build", "in.jsonl", "--output", "out.jsonl", "--strict"]) == 1
    assert Path("out.jsonl").exists()
    assert main(["build", "good.jsonl", "--output", "out2.jsonl", "--strict"]) == 0


def test_a_truncated_input_fails_the_run_but_keeps_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [GOOD | {"id": n, "noise": os.urandom(50).hex()} for n in range(100)]
    whole = gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())
    Path("in.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    assert main(["build", "in.jsonl.gz", "--output", "out.jsonl"]) == 1
    records = Path("out.jsonl").read_text().splitlines()
    assert 20 < len(records) < 80
    assert f"in.jsonl.gz: the compressed data is cut off in line {len(records) + 1}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in.jsonl"], "--output"),
        (["--output", "out.jsonl"], "INPUT"),
        (["in.jsonl", "--output", "out.jsonl", "--samples", "0"], "--samples"),
        (["in.jsonl", "--output", "out.jsonl", "--shape", "xml"], "prompt-completion"),
        (
            ["in.jsonl", "--output", "out.jsonl", "--order", "forward", "--samples", "5"],
            "has one sequence in order forward",
        ),
        (["in.jsonl", "--output", "out.jsonl", "--order", "heavy"], "--order heavy: use one of uniform"),
        (["in.jsonl", "--output", "out.jsonl", "--code-field", "x"], "columns: id, instruction, program"),
        (["nowhere.jsonl", "--output", "out.jsonl"], "cannot read nowhere.jsonl"),
        (["in.jsonl", "--output", "in.jsonl", "--overwrite"], "named twice"),
        (["in.jsonl", "--output", "-"], "--rejected"),
        (["in.jsonl", "--output", "-", "--json", "--rejected", "r"], "choose one"),
    ],
)
def test_wrong_usage_has_status_2_and_says_why(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    write("in.jsonl", GOOD)
    assert main(["build", *arguments]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.out == ""
    assert os.listdir() == ["in.jsonl"]


def test_an_existing_output_has_status_2_and_names_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    write("in.jsonl", GOOD)
    Path("out.jsonl").write_text("old")
    assert main(["build", "in.jsonl", "--output", "out.jsonl"]) == 2
    assert capsys.readouterr().err == (
        "lintseq: out.jsonl exists; choose another name, or replace it with --overwrite\n"
    )
    assert main(["build", "in.jsonl", "--output", "out.jsonl", "--overwrite"]) == 0
    assert Path("out.jsonl").read_text() != "old"


def test_options_reach_the_records(capsys: pytest.CaptureFixture[str]) -> None:
    write("in.jsonl", {"key": 3, "ask": "Do it.", "python": "# c\nx = 1\ny = 2\n", "program": "z = 1"})
    fields = ["--instruction-field", "ask", "--code-field", "python", "--id-field", "key"]
    draws = ["--seed", "4", "--order", "indent", "--comments", "first", "--linter", "compile"]
    assert main(["build", "in.jsonl", "--output", "out.jsonl", *fields, *draws, "--workers", "1"]) == 0
    record = json.loads(Path("out.jsonl").read_text())
    assert (record["id"], record["instruction"], record["program"]) == (3, "Do it.", "# c\nx = 1\ny = 2\n")
    assert record["meta"] == {"linter": "compile", "seed": 4, "order": "indent", "comments": "first"}
    assert record["edits"][0] == "@@ -0,0 +1 @@\n+# c"


def test_standard_input_and_output_make_a_pipe() -> None:
    done = run(
        "build",
        "-",
        "--output",
        "-",
        "--rejected",
        "r.jsonl",
        stdin=f"{json.dumps(GOOD)}\n{json.dumps(BAD)}\n".encode(),
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["id"] == "a"
    assert b"rows" in done.stderr
    assert json.loads(Path("r.jsonl").read_text())["id"] == "b"


def test_a_reader_that_has_enough_ends_the_run_quietly() -> None:
    write("in.jsonl", *(GOOD | {"id": n} for n in range(2000)))
    command = f"{sys.executable} -m lintseq build in.jsonl --output - --rejected r.jsonl --quiet | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, timeout=60, check=False)
    assert json.loads(done.stdout)["id"] == 0
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_ctrl_c_leaves_no_traceback_and_the_build_resumes(workers: str) -> None:
    write("in.jsonl", *(GOOD | {"id": n} for n in range(60)))
    command = [sys.executable, "-m", "lintseq", "build", "in.jsonl", "--output", "out.jsonl", "--samples", "3000"]
    # A process group of its own, which gets the signal as one does at a terminal.
    process = subprocess.Popen(
        [*command, "--workers", workers],
        stderr=subprocess.PIPE,
        start_new_session=True,
        # A shell's background jobs ignore Ctrl-C, and so would their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    records = Path("out.jsonl.partial/records-0.jsonl")
    wait_for(lambda: records.exists() and records.stat().st_size)
    os.killpg(process.pid, signal.SIGINT)
    _, printed = process.communicate(timeout=20)
    assert process.returncode == 130
    assert not Path("out.jsonl").exists()
    done = json.loads(Path("out.jsonl.partial/state.json").read_text())["progress"]["progress"]["tally"]["rows"]
    assert 0 < done < 60
    assert re.fullmatch(
        rb"lintseq: interrupted after \d+ rows?; what is done is in .*partial; continue with --resume\n", printed
    )
    resumed = run(*command[3:], "--resume", "--json", "--workers", workers)
    assert json.loads(resumed.stdout)["rows_before"] == done
    assert run(*command[3:5], "--output", "alone.jsonl", *command[7:]).returncode == 0
    assert Path("out.jsonl").read_bytes() == Path("alone.jsonl").read_bytes()
    assert not Path("out.jsonl.partial").exists()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_workers_do_not_outlive_a_run_that_was_killed() -> None:
    write("in.jsonl", *(GOOD | {"id": n} for n in range(200)))
    command = [sys.executable, "-m", "lintseq", "build", "in.jsonl", "--output", "out.jsonl", "--samples", "5000"]
    process = subprocess.Popen([*command, "--workers", "2"], start_new_session=True)
    workers = wait_for(lambda: children(process.pid))
    process.kill()
    process.wait()
    assert workers
    assert wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def wait_for(condition: Callable[[], Any]) -> Any:
    """Return what `condition` gives as soon as that is true, or at last."""
    deadline = time.monotonic() + 20
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def test_progress_is_printed_in_lines_without_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lintseq.cli.console._LINE_EVERY", 0.0)
    write("in.jsonl", *[GOOD] * 20, BAD)
    assert main(["build", "in.jsonl", "--output", "out.jsonl", "--workers", "1"]) == 0
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.fullmatch(r"100%  21 rows, [\d,]+ a second, 1 rejected, 0:00 left", last)


# All commands


def test_the_choices_of_shape_and_kind_are_complete() -> None:
    assert get_args(ShapeName) == tuple(SHAPES)
    assert get_args(ShardKind) == KINDS


def test_the_version_is_printed() -> None:
    done = run("--version")
    assert done.stdout.decode() == f"lintseq {lintseq.__version__}\n"


def command_names() -> list[str]:
    """Return the commands, those of groups behind the group's name."""
    found = {name: load_command(name) for panel in COMMANDS.values() for name in panel}
    return [f"{name} {sub}".strip() for name, command in found.items() for sub in getattr(command, "commands", [""])]


@pytest.mark.parametrize("command", command_names())
def test_the_help_of_every_command_ends_in_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--help"]) == 0
    text = capsys.readouterr().out
    example = re.split("\n\n[A-Z][a-z ]+:\n", text)[0].split("\n\n")[-1]
    assert example.strip().startswith("Example: lintseq ")
    assert f"lintseq {command}" in example


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, lintseq.cli; print(*sorted(set(sys.modules) & set(sys.argv)))"
    heavy = ["rich", "orjson", "zstandard", "multiprocessing", "pyflakes", "pylint", "tokenizers"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--license-field", "nope"], "no column 'nope' in the first rows (columns: id, instruction, program)"),
        (["--similarity", "0.5"], "--similarity has no effect without --duplicates near"),
        (["--shard-kind", "jsonl"], "--shard-kind needs --shards"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"id": 1, "instruction": "Go.", "program": "x = 1\\n"}\n')
    assert main(["build", str(source), "--output", str(tmp_path / "out.jsonl"), *options]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()
