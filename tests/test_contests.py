"""Contest problems with several correct answers: checkers run, the others are counted by name and by estimate."""

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from plain_runner import PlainRunner, judge

from lintseq.benchmarks.contests import apps_problems, contest_problems
from lintseq.evaluation.completions import Completion
from lintseq.evaluation.judging import JudgingOptions
from lintseq.evaluation.prerequisites import with_usable_checkers
from lintseq.evaluation.results import Evaluation
from lintseq.evaluation.summary import answers_of, summarize, warnings_of
from lintseq.sandbox.pool import Sandbox

SUM = """\
import sys

given, answer, output = (open(path).read().split() for path in sys.argv[1:])
numbers = list(map(int, output))
print(int(len(numbers) == 2 and sum(numbers) == int(given[0]) == sum(map(int, answer))))
"""
"""A checker: any two numbers with the right sum."""
EXITING = "import sys\nif __name__ == '__main__':\n    sys.exit(open(sys.argv[3]).read().strip() != '3 2')\n"
TESTLIB = '#include "testlib.h"\nint main(int argc, char* argv[]) { registerTestlibCmd(argc, argv); }\n'


def row(**columns: Any) -> dict[str, Any]:
    return {
        "name": "1_A. Two Numbers",
        "description": "Print two numbers with the given sum.",
        "tests": [{"input": "5", "output": "1 4"}, {"input": "7", "output": "3 4"}],
        **columns,
    }


def verdicts(columns: dict[str, Any], *programs: str, runner: Any = None) -> list[tuple[str, str]]:
    (problem,) = contest_problems([row(**columns)])
    completions = [Completion(problem.task_id, number, text, "program") for number, text in enumerate(programs)]
    rows = judge([problem], completions, runner or PlainRunner(), JudgingOptions())
    return [(row.verdict, row.detail) for row in rows]


OTHER, EQUAL = "n = int(input())\nprint(n, 0)\n", "print(*('1', '4') if input() == '5' else ('3', '4'))\n"


@pytest.mark.parametrize(
    ("checker", "program", "verdict"),
    [
        ("", OTHER, "failed"),
        ("", EQUAL, "passed"),
        (SUM, OTHER, "passed"),
        (SUM, "print(1, 1)\n", "failed"),
        (SUM, "print('many')\n", "failed"),  # the checker raises an exception
        (SUM, "print(1 / 0)\n", "error"),
        (SUM, "n = int(input())\nprint(n, 0 if n < 7 else 1 / 0)\n", "error"),
        (SUM, "import sys\nsys.stdout.buffer.write(b'\\xff')\n", "failed"),
        (EXITING, "print(3, 2)\n", "passed"),
        (EXITING, "print(2, 3)\n", "failed"),
        ("print(0)\n", EQUAL, "passed"),  # the file's own answer is correct whatever a checker says
        ("print(0)\n", OTHER, "failed"),
        ("print('0.5')\n", OTHER, "failed"),
        ("from __future__ import annotations\n", OTHER, "passed"),
        ("raise SystemExit(1)\n", OTHER, "failed"),
        ("while True:\n    pass\n", EQUAL, "passed"),
        (TESTLIB, OTHER, "failed"),
    ],
)
def test_a_checker_judges_outputs_that_differ_from_the_file(checker, program, verdict):
    assert [found for found, _ in verdicts({"checker": checker}, program)] == [verdict]


def test_the_detail_names_the_checker():
    ((_, detail),) = verdicts({"checker": SUM}, "print(1, 1)\n")
    assert detail == "input 1: printed '1 1\\n', the checker rejects it (printed '0')"
    ((_, detail),) = verdicts({"checker": SUM}, "print('many')\n")
    assert detail.startswith("input 1: printed 'many\\n', the checker rejects it (error: ValueError")


def test_checkers_run_in_the_sandbox():
    spying = "import os, socket\nopen('/etc/hosts', 'w')\nprint(1)\n"
    with Sandbox(workers=1, level="auto") as sandbox:
        assert [v for v, _ in verdicts({"checker": SUM}, OTHER, "print(1, 1)\n", runner=sandbox)] == [
            "passed",
            "failed",
        ]
        assert [v for v, _ in verdicts({"checker": spying}, OTHER, runner=sandbox)] == ["failed"]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(["1 4", "5 0", "6 0", ""]), min_size=1, max_size=3), st.booleans())
def test_a_checker_only_ever_adds_passes(printed, accepts):
    programs = [f"input()\nprint({text!r})\n" for text in printed]
    columns = {"tests": [{"input": "5", "output": "1 4"}]}
    plain = verdicts(columns, *programs)
    checked = verdicts({**columns, "checker": f"print({int(accepts)})\n"}, *programs)
    assert [v for v, _ in checked] == (["passed"] * len(programs) if accepts else [v for v, _ in plain])


@pytest.mark.parametrize(
    ("columns", "scoring", "several"),
    [
        ({}, "exact match", ""),
        ({"name": "1041_E. Tree Reconstruction"}, "exact match", "known"),
        ({"name": "464_B. Restore Cube "}, "exact match", "known"),
        ({"checker": SUM}, "checker", ""),
        ({"generated_checker": SUM}, "checker", "known"),
        ({"generated_checker": ""}, "exact match", ""),
        ({"generated_checker": None}, "exact match", ""),
        ({"checker": TESTLIB}, "exact match without its checker", ""),
        ({"description": "Print it.\nIf there are multiple answers, print any."}, "exact match", "estimated"),
        ({"description": "Print it.", "output_format": "Print any valid pair."}, "exact match", "estimated"),
    ],
)
def test_problems_know_how_they_are_scored(columns, scoring, several):
    (problem,) = contest_problems([row(**columns)])
    assert (problem.scoring, problem.several_answers) == (scoring, several)


@pytest.mark.parametrize(
    ("sentence", "several"),
    [
        ("If there are multiple answers, print any of them.", True),
        ("If there is more than one possible answer, you may output any.", True),
        ("If there are several suitable permutations, you are allowed to print any of them.", True),
        ("If there are several such sequences, any of them is acceptable.", True),
        ("Otherwise, print any suitable value of d.", True),
        ("Then print the elements of the set in any order.", True),
        ("You can output the edges in arbitrary order.", True),
        ("Other answers are also possible.", True),
        ("You can print each letter in any case (upper or lower).", False),
        ("If there are multiple answers, print the smallest.", False),
        ("The edges are given in any order.", False),
        ("Each test contains multiple test cases. Print the answer for any of them modulo 7.", True),  # too much
        ("Output the number of snow drifts to reach any other.", False),
        ("Print the number of ways to reach any city.", False),
        ("A sequence can be obtained by deletion of several elements.", False),
    ],
)
def test_statements_that_seem_to_accept_several_answers(sentence, several):
    (problem,) = apps_problems([{"question": sentence, "input_output": ""}])
    assert problem.several_answers == ("estimated" if several else "")
    assert problem.scoring == "exact match"


def test_columns_of_open_r1_codeforces_are_read():
    found = {
        "id": "1/A", "title": "Two", "description": "Sum.", "input_format": "A number.", "output_format": "Two.",
        "official_tests": [{"input": "5", "output": "1 4"}], "time_limit": 2.0, "generated_checker": SUM,
    }  # fmt: skip
    (problem,) = contest_problems([found])
    assert problem.task_id == "1/A"
    assert problem.prompt == "Sum.\n\nInput\n\nA number.\n\nOutput\n\nTwo."
    (stage,) = problem.tests
    assert (stage.name, problem.limits.seconds) == ("tests", 10.0)


def test_the_summary_counts_what_is_scored_by_exact_match_only():
    rows = [
        row(name="a", checker=SUM),
        row(name="b", checker=TESTLIB),
        row(name="1041_E. Tree Reconstruction"),
        row(name="c", description="If there are several answers, print any of them."),
        row(name="d", generated_checker=TESTLIB),
        row(name="e", tests=[]),
    ]
    answers = answers_of(contest_problems(rows))
    assert answers == {
        "checker": 1,
        "exact_match": 4,
        "checker_unusable": 2,
        "several_known": ["1041_E. Tree Reconstruction", "d"],
        "several_estimated": ["c"],
    }
    summary = {
        **summarize([], problems=5),
        "answers": answers,
        "missing_problems": 0,
        "benchmark": {"version": "1", "file": "f"},
    }
    assert warnings_of(Evaluation((), {}, summary)) == [
        "4 of 5 problems scored by exact match only: 2 are known to accept several answers, 1 more seem to, by their"
        " statements; the checkers of 2 are not Python, or reject the answer in the file"
    ]


@pytest.mark.parametrize(
    ("checker", "usable"),
    [(SUM, True), ("print(0)\n", False), ("import a_module_that_is_missing\n", False), ("", True)],
)
def test_checkers_that_reject_the_answer_in_the_file_are_not_used(checker, usable):
    (problem,) = contest_problems([row(checker=checker)])
    (found,) = with_usable_checkers([problem], PlainRunner())
    assert (found == problem) == usable
    assert usable or (found.scoring, found.tests[0].checker) == ("exact match without its checker", "")


@pytest.mark.parametrize("tests", [[], None, ""])
def test_problems_without_tests_do_not_run(tests):
    ((verdict, detail),) = verdicts({"tests": tests}, "print(1)\n")
    assert (verdict, detail) == ("not-run", "has no tests")


def test_problems_tested_by_code_are_not_counted():
    assert answers_of([]) is None
