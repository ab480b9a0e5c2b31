"""HumanEval, HumanEval+, HumanEvalPack, and a user's own problems in HumanEval's columns."""

import ast
import inspect
from collections.abc import Mapping
from typing import Any

from lintseq.benchmarks import plus
from lintseq.benchmarks.benchmark import Benchmark, Rows
from lintseq.benchmarks.comparing import PLUS_LIMITS
from lintseq.benchmarks.functions import body_of, function_in, signature_of
from lintseq.benchmarks.problems import Checked, Problem

OWN_COLUMNS = frozenset({"task_id", "prompt", "entry_point", "test"})

HELPERS = """\
import math
import re
import sys
import copy
import datetime
import itertools
import collections
import heapq
import statistics
import functools
import hashlib
import string
from typing import *
from collections import *
try:
    import numpy as np
except ImportError:
    pass
"""
"""What bigcode-evaluation-harness puts before programs of HumanEvalPack."""


def own_problems(rows: Rows) -> list[Problem]:
    """Return problems in HumanEval's columns: a completion is the whole program, or continues the prompt."""
    return [_checked(row) for row in rows]


def _checked(row: Mapping[str, Any]) -> Problem:
    prompt, entry, solution = str(row["prompt"]), str(row["entry_point"]), str(row.get("canonical_solution") or "")
    context = _context_of(prompt)
    return Problem(
        task_id=str(row["task_id"]),
        prompt=prompt,
        instruction=str(row.get("instruction") or instruction_of(prompt, entry)),
        entry_point=entry,
        reference=prompt + solution if solution else "",
        tests=(Checked(f"{row['test']}\ncheck({entry})\n" if entry else str(row["test"])),),
        prefix=prompt if context else "",
        context=context,
        continuation=solution,
    )


def plus_problems(rows: Rows) -> list[Problem]:
    """Return problems whose results are compared with those of the reference, on the inputs of EvalPlus."""
    return [_plus(row) for row in rows]


def _plus(row: Mapping[str, Any]) -> Problem:
    prompt, entry = row["prompt"], row["entry_point"]
    return Problem(
        task_id=row["task_id"],
        prompt=prompt,
        instruction=instruction_of(prompt, entry),
        entry_point=entry,
        reference=prompt + row["canonical_solution"],
        tests=plus.tests_of("humaneval", row),
        prefix=prompt,
        context=prompt,
        limits=PLUS_LIMITS,
        continuation=row["canonical_solution"],
    )


def synthesize_problems(rows: Rows) -> list[Problem]:
    """Return HumanEvalSynthesize: write the function that the instruction asks for."""
    return [_pack(row, f"{row['instruction'].strip()}\n\n{row['prompt']}") for row in rows]


def fix_problems(rows: Rows) -> list[Problem]:
    """Return HumanEvalFix: mend the function, given its tests."""
    problems = []
    for row in rows:
        broken = row["declaration"] + row["buggy_solution"]
        task = f"Fix bugs in {row['entry_point']}."
        shown = f"{broken}\n{row['test']}\n{task}"
        problems.append(_pack(row, f"{shown}\n\n{row['declaration']}", instruction=task, broken=broken))
    return problems


def _pack(row: Mapping[str, Any], prompt: str, *, instruction: str | None = None, broken: str = "") -> Problem:
    before = row["declaration"] if broken else row["prompt"]
    return Problem(
        task_id=row["task_id"],
        prompt=prompt,
        instruction=row["instruction"] if instruction is None else instruction,
        entry_point=row["entry_point"],
        reference=before + row["canonical_solution"],
        tests=(Checked(row["test"], imports="numpy"),),
        prefix=before,
        context=HELPERS + row["prompt"],
        start=broken,
        aliases=(row["task_id"].replace("Python/", "HumanEval/"),),
        continuation=row["canonical_solution"],
    )


def instruction_of(prompt: str, entry_point: str) -> str:
    """Return a prompt of HumanEval as an instruction, in the words of HumanEvalPack."""
    function = function_in(prompt, entry_point)
    if function is None:
        return prompt.strip()
    docstring = ast.get_docstring(function, clean=False) or ""
    words = "\n".join(line for line in inspect.cleandoc(docstring).split("\n") if line.strip())
    return f"Write a Python function `{signature_of(function)}` to solve the following problem:\n{words}"


def _context_of(prompt: str) -> str:
    """Return what a prompt that is code puts before a program; nothing if it is words."""
    return next((text for text in (prompt, f"{prompt}\n    pass\n") if body_of(text)), "")


_COLUMNS = OWN_COLUMNS | {"canonical_solution"}
_PACK = _COLUMNS | {"declaration", "buggy_solution", "instruction"}
_PLUS_HOME = "https://github.com/evalplus/humanevalplus_release/releases/download/v0.1.10/HumanEvalPlus.jsonl.gz"
_PACK_FILES = ("humanevalpack_python.jsonl", "humanevalpack.jsonl")
_PACK_VERSIONS = {"b1376d72be4bd016": "bigcode/humanevalpack, Python"}

BENCHMARKS = (
    Benchmark(
        name="humaneval",
        title="HumanEval",
        files=("HumanEval.jsonl",),
        size=164,
        home="hf:openai/openai_humaneval:test",
        license="MIT",
        columns=_COLUMNS,
        load=own_problems,
        versions={"1d49078ba3e2b196": "openai/human-eval 6d43fb9"},
    ),
    Benchmark(
        name="humaneval+",
        title="HumanEval+",
        files=("HumanEvalPlus-v0.1.10.jsonl", "HumanEvalPlus.jsonl", "HumanEvalPlus-v0.1.10-NoExtreme.jsonl"),
        size=164,
        home=_PLUS_HOME,
        license="Apache-2.0",
        columns=plus.COLUMNS,
        load=plus_problems,
        versions={
            "42526ec0e7d5f3ee": "v0.1.10",
            "3c5aa88735e442f3": "v0.1.10 NoExtreme",
            "78fbba8865b20c5a": "v0.1.10 Mini",
        },
    ),
    Benchmark(
        name="humanevalpack",
        title="HumanEvalPack Synthesize (Python)",
        files=_PACK_FILES,
        size=164,
        home="hf:bigcode/humanevalpack#python:test",
        license="MIT",
        columns=_PACK,
        load=synthesize_problems,
        versions=_PACK_VERSIONS,
    ),
    Benchmark(
        name="humanevalfix",
        title="HumanEvalPack Fix (Python, with tests)",
        files=_PACK_FILES,
        size=164,
        home="hf:bigcode/humanevalpack#python:test",
        license="MIT",
        columns=_PACK,
        load=fix_problems,
        versions=_PACK_VERSIONS,
    ),
)
