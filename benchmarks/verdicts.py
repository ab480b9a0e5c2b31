"""Do the sandbox's verdicts agree with those of a plain process? Asked of wrong mutants of reference solutions.

    python benchmarks/verdicts.py --data DIR [--mutants 1000] [--seed 0]

Each mutant is a reference solution of HumanEval or MBPP with one small change. Those that pass their tests in a plain
`python` process are thrown away: they are not wrong. The others are run in the sandbox, and every verdict is compared.
Mutants are small changes to programs that only compute, but they run without protection here: run this in a
container, or with a read-only root (`bwrap --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp ...`).
"""

import argparse
import ast
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lintseq.evaluation.benchmarks import load_problems
from lintseq.evaluation.candidates import read
from lintseq.evaluation.problems import Checked, Problem
from lintseq.evaluation.run import run_jobs
from lintseq.sandbox.job import Job, Limits
from lintseq.sandbox.pool import Sandbox

LIMITS = Limits(seconds=5.0)
SWAPS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


def mutant(text: str, rng: random.Random) -> str | None:
    """Return the program with one place changed, or None if there is none to change."""
    tree = ast.parse(text)
    places = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)) and type(node.op) in SWAPS:
            places.append((node, "op"))
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
            places.append((node, "ops"))
        elif isinstance(node, ast.Constant) and isinstance(node.value, (int, str)) and node.value != "":
            places.append((node, "value"))
        elif isinstance(node, ast.Return) and node.value is not None:
            places.append((node, "return"))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            places.append((node, "name"))
    if not places:
        return None
    node, what = rng.choice(places)
    if what == "op":
        node.op = SWAPS[type(node.op)]()
    elif what == "ops":
        node.ops[0] = SWAPS[type(node.ops[0])]()
    elif what == "value":
        node.value = node.value[:-1] if isinstance(node.value, str) else int(node.value) + rng.choice((-1, 1))
    elif what == "return":
        node.value = ast.Constant(None)
    else:
        names = sorted({one.id for one in ast.walk(tree) if isinstance(one, ast.Name)} - {node.id})
        node.id = rng.choice(names or ["_"])
    return ast.unparse(ast.fix_missing_locations(tree))


def plain(program: str, check: str, folder: str) -> tuple[str, float]:
    """Return the verdict of a process of its own, and the seconds that it took."""
    path = Path(folder) / "program.py"
    path.write_text(f"{program}\n\n{check}\n")
    started = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", f"__name__ = 'program'; exec(open({str(path)!r}).read())"],
            capture_output=True,
            text=True,
            timeout=3 * LIMITS.seconds + 1,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "timeout", time.monotonic() - started
    seconds = time.monotonic() - started
    if done.returncode == 0:
        return "passed", seconds
    last = (done.stderr.strip().splitlines() or [""])[-1]
    kind = last.partition(":")[0]
    return "memory" if kind == "MemoryError" else "failed" if kind == "AssertionError" else "error", seconds


def candidates(problems: list[Problem], rng: random.Random) -> Iterator[tuple[Problem, str, str]]:
    """Return problems with a mutant's program and the check that tests it, without end."""
    while True:
        problem = rng.choice(problems)
        (stage,) = problem.tests
        assert isinstance(stage, Checked)
        text = mutant(problem.reference, rng)
        if text is not None:
            yield problem, read(problem, text, "program").program, stage.code


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--mutants", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    problems = [one for name in ("humaneval", "mbpp-full") for one in load_problems(name, options.data).problems]
    chosen, wanted, seconds, tried = [], [], 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        for problem, program, check in candidates(problems, rng):
            tried += 1
            verdict, took = plain(program, check, folder)
            if verdict != "passed":
                chosen.append((problem, Job(program, problem.tests[0].jobs(program, LIMITS)[0].task, LIMITS)))
                wanted.append(verdict)
                seconds += took
            if len(chosen) == options.mutants:
                break
    started = time.monotonic()
    with Sandbox() as sandbox:
        found = [ending.verdict for ending in run_jobs([job for _, job in chosen], sandbox)]
    sandboxed = time.monotonic() - started
    differing = [
        (problem.task_id, one, other, job.program)
        for (problem, job), one, other in zip(chosen, wanted, found, strict=True)
        if one != other
    ]
    for task_id, one, other, program in differing:
        print(f"{task_id}: plain {one}, sandbox {other}\n{program}\n")
    print(
        json.dumps(
            {
                "mutants": len(chosen),
                "tried": tried,
                "verdicts": Counter(wanted),
                "equal": len(chosen) - len(differing),
                "plain_seconds": round(seconds, 1),
                "sandbox_seconds": round(sandboxed, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
