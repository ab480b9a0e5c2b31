"""HumanEval, HumanEval+, HumanEvalPack, and your own problems in HumanEval's columns."""

import ast
import inspect
from collections.abc import Mapping
from typing import Any

from lintseq.benchmarks import evalplus
from lintseq.benchmarks.loading import Rows
from lintseq.benchmarks.problem import CheckTest, Problem
from lintseq.benchmarks.python_code import find_function, parse_body, signature_of, snippet
from lintseq.errors import ConfigError, ProgramError
from lintseq.languages.python.syntax import parse
from lintseq.rows import json_type

OWN_COLUMNS = ("entry_point", "prompt", "task_id", "test")

PACK_IMPORTS = snippet("pack_imports.txt")
"""What bigcode-evaluation-harness puts before programs of HumanEvalPack."""


def own_problems(rows: Rows) -> list[Problem]:
    """Return problems in HumanEval's columns; a completion is the whole program or continues the prompt."""
    return list(map(_own_problem, rows))


def _own_problem(row: Mapping[str, Any]) -> Problem:
    prompt, entry, solution = str(row["prompt"]), str(row["entry_point"]), str(row.get("canonical_solution") or "")
    # A code prompt is the context of the program; a natural-language prompt is not.
    context = next((text for text in (prompt, f"{prompt}\n    pass\n") if parse_body(text)), "")
    return Problem(
        task_id=str(row["task_id"]),
        prompt=prompt,
        instruction=str(row.get("instruction") or instruction_of(prompt, entry)),
        entry_point=entry,
        reference=prompt + solution if solution else "",
        tests=(CheckTest(f"{row['test']}\ncheck({entry})\n" if entry else str(row["test"])),),
        prefix=prompt if context else "",
        context=context,
        continuation=solution,
    )


def check_own_rows(path: str, rows: Rows) -> None:
    """Raise `ConfigError` for mistakes in a file of your own that would otherwise only show in the verdicts."""
    numbers: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        where = f"{path}, row {number}"
        for name in ("prompt", "entry_point", "test"):
            if not isinstance(row[name], str):
                raise ConfigError(f"{where}: {name} is {json_type(row[name])}, where a string was expected")
        if not row["test"].strip():
            raise ConfigError(f"{where}: its test is empty, so any program would pass; write a test")
        try:
            parse(row["test"])
        except ProgramError as error:
            raise ConfigError(f"{where}: its test does not parse ({error}); correct it") from None
        if (first := numbers.setdefault(str(row["task_id"]), number)) != number:
            raise ConfigError(f"{where} repeats the task_id {row['task_id']!r} of row {first}; ids must be unique")


def plus_problem(row: Mapping[str, Any]) -> Problem:
    """Return a problem of HumanEval+."""
    instruction = instruction_of(row["prompt"], row["entry_point"])
    return evalplus.plus_problem("humaneval", row, instruction, context=row["prompt"])


def synthesize_problem(row: Mapping[str, Any]) -> Problem:
    """Return a problem of HumanEvalSynthesize: write the function."""
    return _pack_problem(row, f"{row['instruction'].strip()}\n\n{row['prompt']}", row["instruction"], row["prompt"])


def fix_problem(row: Mapping[str, Any]) -> Problem:
    """Return a problem of HumanEvalFix: repair the function, with its tests in the prompt."""
    task = f"Fix bugs in {row['entry_point']}."
    broken, declaration = row["declaration"] + row["buggy_solution"], row["declaration"]
    prompt = f"{broken}\n{row['test']}\n{task}\n\n{declaration}"
    return _pack_problem(row, prompt, task, declaration, start=broken)


def _pack_problem(row: Mapping[str, Any], prompt: str, instruction: str, prefix: str, *, start: str = "") -> Problem:
    return Problem(
        task_id=row["task_id"],
        prompt=prompt,
        instruction=instruction,
        entry_point=row["entry_point"],
        reference=prefix + row["canonical_solution"],
        tests=(CheckTest(row["test"], imports="numpy"),),
        prefix=prefix,
        context=PACK_IMPORTS + row["prompt"],
        start=start,
        aliases=(row["task_id"].replace("Python/", "HumanEval/"),),
        continuation=row["canonical_solution"],
    )


def instruction_of(prompt: str, entry_point: str) -> str:
    """Return a prompt of HumanEval as an instruction, in the words of HumanEvalPack."""
    function = find_function(prompt, entry_point)
    if function is None:
        return prompt.strip()
    docstring = ast.get_docstring(function, clean=False) or ""
    text = "\n".join(line for line in inspect.cleandoc(docstring).split("\n") if line.strip())
    return f"Write a Python function `{signature_of(function)}` to solve the following problem:\n{text}"
