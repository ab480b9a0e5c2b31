"""Selections of a benchmark's problems, and keeping results of different selections apart."""

import json
from pathlib import Path

import pytest

from lintseq.benchmarks import ProblemSet, Selection, select_problems
from lintseq.benchmarks.problem import Problem
from lintseq.cli import main
from lintseq.errors import ConfigError
from lintseq.evaluation.results import Evaluation

PROBLEMS = tuple(
    Problem(f"Mbpp/{number}", "", "", "", "", (), aliases=(str(number),)) for number in (2, 3, 11, 12, 20, 31)
)
PROBLEM_SET = ProblemSet("mbpp", PROBLEMS, "mbpp.jsonl", "0" * 64, "1")
EXAMPLES = str(Path(__file__).parents[1] / "examples" / "problems.jsonl")


def numbers(selection: Selection) -> list[int]:
    return [int(problem.task_id.partition("/")[2]) for problem in selection.problems]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("Mbpp/11", [11]),
        ("20,Mbpp/3", [3, 20]),
        ("Mbpp/1*, Mbpp/1?", [11, 12]),
        ("?", [2, 3]),
        ("Mbpp/[23]", [2, 3]),
        ("*", [2, 3, 11, 12, 20, 31]),
    ],
)
def test_problems_are_selected_by_name_and_keep_their_order(wanted: str, found: list[int]) -> None:
    selection = select_problems(PROBLEM_SET, problems=wanted)
    assert numbers(selection) == found
    assert sorted([*selection.problems, *selection.left_out], key=PROBLEMS.index) == list(PROBLEMS)


def test_a_file_contains_one_name_per_line(tmp_path: Path) -> None:
    path = tmp_path / "easy.txt"
    path.write_text("# the easiest\nMbpp/31\n\n  12  \n")
    assert numbers(select_problems(PROBLEM_SET, problems=str(path))) == [12, 31]
    path.write_text("Mbpp/31\nMbpp/32\n")
    with pytest.raises(ConfigError, match=r"easy\.txt, line 2: mbpp has no problem 'Mbpp/32'.*like 'Mbpp/2'"):
        select_problems(PROBLEM_SET, problems=str(path))
    path.write_text("# nothing\n")
    with pytest.raises(ConfigError, match="names no problem"):
        select_problems(PROBLEM_SET, problems=str(path))
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        select_problems(PROBLEM_SET, problems=str(path))


@pytest.mark.parametrize("wanted", ["Mbpp/1", "mbpp/11", "Mbpp/11,nope", "no/such/file.txt", "", ","])
def test_unknown_names_are_rejected(wanted: str) -> None:
    with pytest.raises(ConfigError, match="no problem"):
        select_problems(PROBLEM_SET, problems=wanted)


def test_skipped_problems_cannot_be_selected() -> None:
    assert numbers(select_problems(PROBLEM_SET, skip_first=2, problems="Mbpp/?1")) == [11, 31]
    with pytest.raises(ConfigError, match="after the first 2, which --skip-first leaves out"):
        select_problems(PROBLEM_SET, skip_first=2, problems="Mbpp/3")
    with pytest.raises(ConfigError, match="--skip-first 6 leaves none"):
        select_problems(PROBLEM_SET, skip_first=6)


def test_the_same_problems_give_the_same_record_however_they_are_selected() -> None:
    def benchmark_of(wanted: str | None, skip_first: int = 0) -> object:
        settings = select_problems(PROBLEM_SET, problems=wanted, skip_first=skip_first).as_settings()
        return Evaluation((), {"benchmark": PROBLEM_SET.as_dict(), **settings}, {}).problems

    assert benchmark_of("11,12") == benchmark_of("Mbpp/1*")
    assert benchmark_of("*") == benchmark_of(None)
    assert (
        len(
            {
                benchmark_of("11,12"),
                benchmark_of("11,20"),
                benchmark_of("11"),
                benchmark_of(None),
                benchmark_of(None, 2),
            }
        )
        == 5
    )
    assert select_problems(PROBLEM_SET).as_settings() == {"skip_first": 0}


def test_a_selection_is_scored_alone_and_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmarks", EXAMPLES, "--references", "code"]) == 0
    completions = tmp_path / "completions.jsonl"
    completions.write_text(capsys.readouterr().out)
    names = sorted(json.loads(line)["task_id"] for line in completions.read_text().splitlines())[:3]
    command = [
        "evaluate",
        str(completions),
        "--benchmark",
        EXAMPLES,
        "--sandbox",
        "unsafe",
        "--k",
        "1",
        "--linter",
        "none",
    ]
    output = tmp_path / "results.jsonl"
    selected = [*command, "--problems", ",".join(names), "--output", str(output)]
    assert main([*selected, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["problems_scored"] == summary["chosen"]["problems"] == summary["completions"] == 3
    manifest = json.loads((tmp_path / "results.manifest.json").read_text())
    assert manifest["settings"]["chosen"] == manifest["summary"]["chosen"] == summary["chosen"]
    assert sorted({json.loads(line)["task_id"] for line in output.read_text().splitlines()}) == names

    assert main([*command, "--output", str(output), "--resume"]) == 2
    assert "chosen was" in capsys.readouterr().err
    assert main([*selected, "--resume"]) == 0
    assert "3 of 12, selected by name" in capsys.readouterr().out


def test_completions_of_only_a_selection_can_be_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmarks", EXAMPLES, "--references", "code"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    completions = tmp_path / "completions.jsonl"
    completions.write_text(first + "\n")
    command = ["evaluate", str(completions), "--benchmark", EXAMPLES, "--sandbox", "unsafe", "--k", "1", "-q"]
    assert main(command) == 2
    assert "--problems" in capsys.readouterr().err
    assert main([*command, "--problems", json.loads(first)["task_id"]]) == 0


def test_a_selection_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmarks", EXAMPLES, "--problems", "example/m*", "--prompts", "edits"]) == 0
    found = [json.loads(line)["task_id"] for line in capsys.readouterr().out.splitlines()]
    assert found
    assert all(name.startswith("example/m") for name in found)
    assert main(["benchmarks", "--problems", "x"]) == 2
    assert "need a benchmark; name one" in capsys.readouterr().err
