"""The official files of benchmarks: all are read, have the right number of problems, and their references pass."""

import gzip
import json
from pathlib import Path

import pytest
from plain_runner import PlainRunner, judge

from lintseq.benchmarks import BENCHMARKS, load_problems, reference_completions
from lintseq.benchmarks.contests import contest_problems
from lintseq.benchmarks.loading import find_file
from lintseq.errors import ConfigError
from lintseq.evaluation.completions import Completion
from lintseq.evaluation.judging import JudgingOptions
from lintseq.evaluation.prerequisites import with_expectations

DATA = Path(__file__).parents[2] / "shared" / "data"
CHECKERS = Path(__file__).with_name("cases") / "checkers"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="needs the benchmarks' own files in ../shared/data")

SIZES = {"codecontests": 300, "apps": 150}
"""Number of problems where the file is not the official one."""


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_official_file_is_read(name):
    loaded = load_problems(name, str(DATA))
    assert len(loaded.problems) == SIZES.get(name, BENCHMARKS[name].size)
    assert loaded.version != "unknown"
    assert len({problem.task_id for problem in loaded.problems}) == len(loaded.problems)
    for problem in loaded.problems:
        assert problem.prompt
        assert problem.instruction
        assert problem.tests


SAMPLE = {
    "humaneval": 8,
    "humaneval+": 16,
    "humanevalpack": 24,
    "humanevalfix": 24,
    "mbpp-full": 40,
    "mbpp-sanitized": 30,
    "mbpp+": 30,
}
"""Only every n-th problem runs, because all of them take minutes."""


@pytest.mark.parametrize("form", ["code", "diff"])
@pytest.mark.parametrize("name", SAMPLE)
def test_reference_solutions_pass_as_code_and_as_edits(name, form):
    runner = PlainRunner()
    problems = with_expectations(load_problems(name, str(DATA)).problems[:: SAMPLE[name]], runner, None)
    completions = [
        Completion(row["task_id"], 0, row["completion"], form) for row in reference_completions(problems, form)
    ]
    rows = judge(problems, completions, runner, JudgingOptions())
    assert [(row.task_id, row.detail) for row in rows if row.verdict != "passed"] == []


def test_a_wrong_solution_fails_on_the_inputs_that_evalplus_added():
    (problem,) = (
        problem for problem in load_problems("humaneval+", str(DATA)).problems if problem.task_id == "HumanEval/0"
    )
    runner = PlainRunner()
    problems = with_expectations([problem], runner, None)
    # Correct on HumanEval's inputs, in which no number appears twice.
    wrong = "    return any(abs(a - b) < threshold for a in numbers for b in numbers if a != b)\n"
    (row,) = judge(problems, [Completion(problem.task_id, 0, wrong, "code")], runner, JudgingOptions())
    assert row.stages["base"] in ("passed", "failed")
    assert row.verdict == "failed"


def test_contests_are_judged_by_what_programs_print():
    loaded = load_problems("codecontests", str(DATA))
    problems = [problem for problem in loaded.problems if problem.task_id == "846_E. Chemistry in Berland"]
    runner = PlainRunner()
    completions = [
        Completion(problems[0].task_id, index, text, "code")
        for index, text in enumerate([problems[0].reference, "print('NO')\n", "print(1 / 0)\n"])
    ]
    rows = judge(problems, completions, runner, JudgingOptions())
    assert [row.verdict for row in rows] == ["passed", "failed", "error"]


@pytest.mark.parametrize("name", ["633_C", "749_B", "862_C"])
def test_a_checker_accepts_the_other_answers_of_reference_solutions(name):
    source = DATA / "codecontests" / "codecontests_train_300.jsonl.gz"
    rows = map(json.loads, gzip.decompress(source.read_bytes()).splitlines())
    (row,) = (row for row in rows if row["name"].startswith(name))
    checker = CHECKERS.joinpath(f"{name}.py").read_text(encoding="utf-8")
    problems = contest_problems([row | {"checker": text} for text in ("", checker)])
    completions = [
        Completion(problem.task_id, index, text, "program")
        for problem in problems
        for index, text in enumerate([row["solution_python3"], "print('NO')\n"])
    ]
    verdicts = [row.verdict for row in judge(problems, completions, PlainRunner(), JudgingOptions())]
    assert verdicts == ["failed", "failed", "passed", "failed"]
    assert problems[0].several_answers == "known"


def test_functions_of_apps_are_called_with_the_lines_of_an_input():
    problems = [problem for problem in load_problems("apps", str(DATA)).problems if problem.entry_point == "gym_slang"]
    (stage,) = problems[0].tests
    text = "def gym_slang(phrase):\n    return phrase.replace('I have', \"I've\")\n"
    (row,) = judge(problems[:1], [Completion(problems[0].task_id, 0, text, "code")], PlainRunner(), JudgingOptions())
    assert stage.name == "tests"
    assert row.verdict in ("passed", "failed")


def test_problems_name_the_libraries_that_they_require():
    problems = load_problems("ds1000", str(DATA)).problems
    assert {"pandas", "numpy", "matplotlib", "scipy", "sklearn", "torch", "tensorflow"} <= {
        name for problem in problems for name in problem.required_modules
    }


def test_the_hard_subset_is_the_same_in_every_file():
    path = DATA / "bigcodebench" / "BigCodeBench-Hard-v0.1.0_qwen2.5-coder.json.gz"
    names = {row["task_id"] for row in json.loads(gzip.decompress(path.read_bytes())).values()}
    loaded = load_problems("bigcodebench-hard-complete", str(DATA))
    assert {problem.task_id for problem in loaded.problems} == names


def test_the_hard_file_alone_is_enough(tmp_path):
    path = DATA / "bigcodebench" / "BigCodeBench-Hard-v0.1.0_qwen2.5-coder.json.gz"
    (tmp_path / path.name).symlink_to(path)
    assert len(load_problems("bigcodebench-hard-instruct", str(tmp_path)).problems) == 148


def test_another_version_of_a_file_is_rejected(tmp_path, monkeypatch):
    rows = gzip.decompress((DATA / "humaneval" / "HumanEval.jsonl.gz").read_bytes()).splitlines()
    (tmp_path / "HumanEval.jsonl").write_bytes(b"\n".join(rows[:100]) + b"\n")
    with pytest.raises(ConfigError, match="has 100 rows, and HumanEval has 164"):
        load_problems("humaneval", str(tmp_path))
    (tmp_path / "HumanEval.jsonl").write_bytes(b"\n".join(rows).replace(b'"test"', b'"tests"') + b"\n")
    with pytest.raises(ConfigError, match="row 1 has no column test"):
        load_problems("humaneval", str(tmp_path))


def test_files_are_found_in_subfolders(tmp_path, monkeypatch):
    monkeypatch.setenv("LINTSEQ_CACHE", str(tmp_path / "cache"))
    assert find_file(BENCHMARKS["humaneval"], str(tmp_path)) is None
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "HumanEval.jsonl").write_text("")
    assert find_file(BENCHMARKS["humaneval"], str(tmp_path)) == str(tmp_path / "deep" / "HumanEval.jsonl")


def test_references_run_once_unless_their_cached_results_cannot_be_read(tmp_path):
    problems = load_problems("humaneval+", str(DATA)).problems[:3]
    first, second, third = (PlainRunner(timed=False) for _ in range(3))
    found = with_expectations(problems, first, tmp_path)
    assert with_expectations(problems, second, tmp_path) == found
    (file,) = tmp_path.iterdir()
    file.write_text("not a cache")
    assert with_expectations(problems, third, tmp_path) == found
    assert (first.jobs, second.jobs, third.jobs) == (6, 0, 6)
