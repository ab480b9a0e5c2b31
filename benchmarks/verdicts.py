"""Do the sandbox's verdicts on wrong programs equal those of a plain process?

The programs are mutants: reference solutions of HumanEval or MBPP with one small change. Mutants that pass their tests
in a plain `python` process are not wrong and are discarded. The others run in the sandbox, and every verdict is
compared. Plain processes have the same CPU time and memory limits, and run in the jail of `tests/jail.py`.
"""

import ast
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from common import HERE, Goal, Report, Table, arguments, data_folder, note
from jailed import run_jailed

from lintseq.benchmarks import load_problems
from lintseq.benchmarks.problem import CheckTest, Problem
from lintseq.evaluation.candidates import candidate_of
from lintseq.evaluation.judging import run_jobs
from lintseq.sandbox import Job, Limits, RunCheck
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
    """Return the program with one small change, or None if nothing can be changed."""
    tree = ast.parse(text)
    candidates = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)) and type(node.op) in SWAPS:
            candidates.append((node, "op"))
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
            candidates.append((node, "ops"))
        elif isinstance(node, ast.Constant) and isinstance(node.value, (int, str)) and node.value != "":
            candidates.append((node, "value"))
        elif isinstance(node, ast.Return) and node.value is not None:
            candidates.append((node, "return"))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            candidates.append((node, "name"))
    if not candidates:
        return None
    node, what = rng.choice(candidates)
    if what == "op":
        node.op = SWAPS[type(node.op)]()
    elif what == "ops":
        node.ops[0] = SWAPS[type(node.ops[0])]()
    elif what == "value":
        node.value = node.value[:-1] if isinstance(node.value, str) else int(node.value) + rng.choice((-1, 1))
    elif what == "return":
        node.value = ast.Constant(None)
    else:
        names = sorted({name.id for name in ast.walk(tree) if isinstance(name, ast.Name)} - {node.id})
        node.id = rng.choice(names or ["_"])
    return ast.unparse(ast.fix_missing_locations(tree))


def candidates(problems: list[Problem], rng: random.Random) -> Iterator[tuple[Problem, str, str]]:
    """Endlessly yield problems, each with a mutant's program and its check."""
    while True:
        problem = rng.choice(problems)
        (stage,) = problem.tests
        assert isinstance(stage, CheckTest)
        text = mutant(problem.reference, rng)
        if text is not None:
            yield problem, candidate_of(problem, text, "program").program, stage.code


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, help="folder of the benchmark files")
    parser.add_argument("--mutants", type=int, default=1000, help="number of wrong programs (default: 1,000)")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="(default: all CPUs)")
    options = parser.parse_args()
    report = Report("verdicts", "Verdicts on wrong programs, in the sandbox and in a plain process")
    found = mutants(str(data_folder(options.data)), options.mutants, options.workers, random.Random(options.seed))
    jobs = [Job(wrong.program, wrong.check, LIMITS) for wrong in found.wrong]
    note(f"{found.tried} mutants, {len(jobs)} of them wrong; now in the sandbox")
    started = time.monotonic()
    with Sandbox(workers=options.workers) as sandbox:
        report.notes.append(f"{sandbox.isolation.summary}; {options.workers} workers.")
        results = run_jobs(jobs, sandbox)
    seconds = time.monotonic() - started
    differing = [
        (wrong, result) for wrong, result in zip(found.wrong, results, strict=True) if wrong.verdict != result.verdict
    ]
    wanted, got = (Counter(item.verdict for item in group) for group in (found.wrong, results))
    report.goals.append(Goal("verdicts that differ", len(differing), most=0))
    rows = [[name, wanted[name], got[name]] for name in wanted | got]
    rows.append(["wall-clock seconds", f"{found.seconds:.0f}", f"{seconds:.0f}"])
    report.tables.append(Table(f"{len(jobs)} wrong mutants", ["verdict", "plain process", "sandbox"], rows))
    if differing:
        rows = [[wrong.task_id, wrong.verdict, result.verdict, result.detail] for wrong, result in differing]
        report.tables.append(Table("Differences", ["problem", "plain process", "sandbox", "detail"], rows))
    report.numbers |= {
        "mutants": len(jobs),
        "tried": found.tried,
        "verdicts": dict(wanted.most_common()),
        "equal": len(jobs) - len(differing),
        "differing": [
            {"task_id": wrong.task_id, "plain": wrong.verdict, "sandbox": result.verdict, "program": wrong.program}
            for wrong, result in differing
        ],
        "plain_seconds": round(found.seconds, 1),
        "sandbox_seconds": round(seconds, 1),
    }
    report.publish(options.results)


@dataclass(frozen=True, slots=True)
class Wrong:
    """A mutant that does not pass its tests in a plain process."""

    task_id: str
    program: str
    check: RunCheck
    verdict: str


@dataclass(frozen=True, slots=True)
class Mutants:
    wrong: list[Wrong]
    tried: int
    seconds: float
    """Duration of the plain processes in seconds, including mutants that passed."""


def mutants(data: str, count: int, workers: int, rng: random.Random) -> Mutants:
    """Return wrong mutants of solutions of HumanEval and MBPP, judged by plain processes in a jail."""
    problems = [problem for name in ("humaneval", "mbpp-full") for problem in load_problems(name, data).problems]
    source = candidates(problems, rng)
    wrong: list[Wrong] = []
    tried, seconds = 0, 0.0
    limits = {"seconds": int(LIMITS.seconds), "memory": LIMITS.memory, "workers": workers}
    while len(wrong) < count:
        batch = list(islice(source, count - len(wrong) + 50))
        order = {"programs": [f"{program}\n\n{check}\n" for _, program, check in batch], "limits": limits}
        started = time.monotonic()
        verdicts = [verdict for verdict, _ in run_jailed([sys.executable, HERE / "plain.py"], order)]
        seconds += time.monotonic() - started
        for (problem, program, check), verdict in zip(batch, verdicts, strict=True):
            if len(wrong) < count:
                tried += 1
                if verdict != "passed":
                    wrong.append(Wrong(problem.task_id, program, RunCheck(check), verdict))
        note(f"{len(wrong)} wrong mutants of {tried}, {seconds:.0f} s")
    return Mutants(wrong, tried, seconds)


if __name__ == "__main__":
    main()
