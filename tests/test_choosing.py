"""Some of a benchmark's problems: which they are, and that results of different choices are kept apart."""

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
LOADED = ProblemSet("mbpp", PROBLEMS, "mbpp.jsonl", "0" * 64, "1")
EXAMPLES = str(Path(__file__).parents[1] / "examples" / "problems.jsonl")


def numbers(choice: Selection) -> list[int]:
    return [int(problem.task_id.partition("/")[2]) for problem in choice.problems]


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
def test_problems_are_chosen_by_name_and_stay_in_their_order(wanted: str, found: list[int]) -> None:
    choice = select_problems(LOADED, problems=wanted)
    assert numbers(choice) == found
    assert sorted([*choice.problems, *choice.left_out], key=PROBLEMS.index) == list(PROBLEMS)


def test_a_file_has_a_name_on_each_line(tmp_path: Path) -> None:
    path = tmp_path / "easy.txt"
    path.write_text("# the easiest\nMbpp/31\n\n  12  \n")
    assert numbers(select_problems(LOADED, problems=str(path))) == [12, 31]
    path.write_text("Mbpp/31\nMbpp/32\n")
    with pytest.raises(ConfigError, match=r"easy\.txt, line 2: mbpp has no problem 'Mbpp/32'.*like 'Mbpp/2'"):
        select_problems(LOADED, problems=str(path))
    path.write_text("# nothing\n")
    with pytest.raises(ConfigError, match="names no problem"):
        select_problems(LOADED, problems=str(path))
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        select_problems(LOADED, problems=str(path))


@pytest.mark.parametrize("wanted", ["Mbpp/1", "mbpp/11", "Mbpp/11,nope", "no/such/file.txt", "", ","])
def test_a_name_of_no_problem_is_refused(wanted: str) -> None:
    with pytest.raises(ConfigError, match="no problem"):
        select_problems(LOADED, problems=wanted)


def test_what_is_skipped_is_not_chosen_either() -> None:
    assert numbers(select_problems(LOADED, skip_first=2, problems="Mbpp/?1")) == [11, 31]
    with pytest.raises(ConfigError, match="after the first 2, which --skip-first leaves out"):
        select_problems(LOADED, skip_first=2, problems="Mbpp/3")
    with pytest.raises(ConfigError, match="--skip-first 6 leaves none"):
        select_problems(LOADED, skip_first=6)


def test_the_same_problems_are_the_same_choice_in_whatever_words() -> None:
    def asked(wanted: str | None, skip_first: int = 0) -> object:
        settings = select_problems(LOADED, problems=wanted, skip_first=skip_first).as_settings()
        return Evaluation((), {"benchmark": LOADED.as_dict(), **settings}, {}).problems

    assert asked("11,12") == asked("Mbpp/1*")
    assert asked("*") == asked(None)
    assert len({asked("11,12"), asked("11,20"), asked("11"), asked(None), asked(None, 2)}) == 5
    assert select_problems(LOADED).as_settings() == {"skip_first": 0}  # as it was before there were choices


def test_a_choice_is_scored_alone_and_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmarks", EXAMPLES, "--references", "code"]) == 0
    answers = tmp_path / "answers.jsonl"
    answers.write_text(capsys.readouterr().out)
    names = sorted(json.loads(line)["task_id"] for line in answers.read_text().splitlines())[:3]
    words = ["evaluate", str(answers), "--benchmark", EXAMPLES, "--sandbox", "unsafe", "--k", "1", "--linter", "none"]
    output = tmp_path / "results.jsonl"
    some = [*words, "--problems", ",".join(names), "--output", str(output)]
    assert main([*some, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["problems_scored"] == told["chosen"]["problems"] == told["completions"] == 3
    manifest = json.loads((tmp_path / "results.manifest.json").read_text())
    assert manifest["settings"]["chosen"] == manifest["summary"]["chosen"] == told["chosen"]
    assert sorted({json.loads(line)["task_id"] for line in output.read_text().splitlines()}) == names

    assert main([*words, "--output", str(output), "--resume"]) == 2
    assert "chosen was" in capsys.readouterr().err
    assert main([*some, "--resume"]) == 0
    assert "3 of 12, selected by name" in capsys.readouterr().out


def test_completions_of_a_choice_alone_can_be_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmarks", EXAMPLES, "--references", "code"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    answers = tmp_path / "answers.jsonl"
    answers.write_text(first + "\n")
    words = ["evaluate", str(answers), "--benchmark", EXAMPLES, "--sandbox", "unsafe", "--k", "1", "-q"]
    assert main(words) == 2
    assert "--problems" in capsys.readouterr().err
    assert main([*words, "--problems", json.loads(first)["task_id"]]) == 0


def test_a_choice_can_be_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmarks", EXAMPLES, "--problems", "example/m*", "--prompts", "edits"]) == 0
    found = [json.loads(line)["task_id"] for line in capsys.readouterr().out.splitlines()]
    assert found
    assert all(name.startswith("example/m") for name in found)
    assert main(["benchmarks", "--problems", "x"]) == 2
    assert "need a benchmark; name one" in capsys.readouterr().err
