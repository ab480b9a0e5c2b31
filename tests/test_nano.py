"""The small world in `examples/nano`: its files are reproducible and as its README describes them."""

import ast
import gzip
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyflakes.checker import Checker

from lintseq.benchmarks import prompt_for
from lintseq.benchmarks.humaneval import own_problems
from lintseq.benchmarks.problem import Problem
from lintseq.codecs import DIFF
from lintseq.evaluation.candidates import candidate_of
from lintseq.evaluation.judging import run_jobs
from lintseq.sandbox import Limits
from lintseq.sandbox.pool import Sandbox
from lintseq.walks import sample_edits

NANO = Path(__file__).parents[1] / "examples" / "nano"

sys.path.insert(0, str(NANO))
import failures  # noqa: E402
import make  # noqa: E402
import world  # noqa: E402

sys.path.remove(str(NANO))


def rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (NANO / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


PAIRS = rows("pairs")
HELD_OUT = rows("problems") + rows("validation")


def problems() -> list[Problem]:
    return own_problems(HELD_OUT)


def code_of(row: dict[str, str]) -> str:
    """Return the program that solves a problem, without its docstring."""
    return row["prompt"].partition("\n")[0] + "\n" + row["canonical_solution"]


@pytest.fixture(scope="module")
def pool() -> Iterator[Sandbox]:
    with Sandbox(workers=2) as made:
        yield made


def verdicts(programs: list[tuple[Problem, str]], pool: Sandbox) -> list[str]:
    """Return how programs end on their problems' tests."""
    jobs = [job for problem, text in programs for job in problem.tests[0].jobs(text, Limits())]
    assert len(jobs) == len(programs)
    return [ending.verdict for ending in run_jobs(jobs, pool)]


@pytest.fixture(scope="module")
def made() -> dict[str, make.Rows]:
    return make.world()


def test_the_files_are_what_make_makes(made):
    for name, rows in made.items():
        assert (NANO / f"{name}.jsonl").read_bytes() == make.lines(rows), f"{name}: run python examples/nano/make.py"


def test_the_corpus_starts_as_make_makes_it(made):
    texts = make.corpus(300, [*made["problems"], *made["validation"]])
    kept = gzip.decompress((NANO / "corpus.jsonl.gz").read_bytes()).splitlines(keepends=True)
    assert kept[:300] == make.lines(texts).splitlines(keepends=True)
    assert len(kept) == make.TEXTS


def test_the_files_are_small():
    assert sum(path.stat().st_size for path in NANO.iterdir() if path.is_file()) < 1_500_000


def test_rows_have_ids_instructions_and_programs_of_their_own():
    assert len(PAIRS) == make.PAIRS
    for column in ("id", "instruction", "program"):
        assert len({row[column] for row in PAIRS}) == len(PAIRS)
    assert len({row["task_id"] for row in HELD_OUT}) == len(HELD_OUT) == make.PROBLEMS + make.VALIDATION


def test_every_program_compiles_and_is_clean_under_pyflakes():
    for row in PAIRS:
        compile(row["program"], row["id"], "exec", dont_inherit=True)
        messages = Checker(ast.parse(row["program"])).messages
        assert not messages, (row["id"], [str(message) for message in messages])


def test_the_instruction_names_what_the_program_defines():
    for row in PAIRS:
        head = re.search(r"\w+\([^()]*\)", row["instruction"])[0]
        assert f"def {head}:" in row["program"] or f"class {head.partition('(')[0]}:" in row["program"], row["id"]


def test_programs_are_a_few_lines_and_most_take_several_edits():
    assert all(row["program"].count("\n") in make.LINES for row in PAIRS)
    several = [len(sample_edits(row["program"], seed=1).edits) > 1 for row in PAIRS[:200]]
    assert sum(several) > 150


def test_all_styles_of_a_plan_behave_alike():
    stream = make.plans(random.Random(5), held_out=False)
    for _ in range(300):
        plan = next(stream)
        names = world.draw_names(plan, random.Random(plan.name))
        calls = make.pool(plan.source, names.parameters, names.defaults)
        own = make.outcomes(plan, names, calls)
        for style in world.styles(plan):
            assert make.outcomes(plan, names, calls, style=style) == own, world.program(plan, names, style)


def test_no_combination_of_a_problem_is_in_a_pair_or_in_the_corpus(made):
    cores = {plan.core for name in ("problems", "validation") for plan, _ in made[name]}
    texts = make.corpus(1000, [*made["problems"], *made["validation"]])
    assert not cores & {plan.core for plan, _ in [*made["pairs"], *texts]}
    done = {mark for name in ("problems", "validation") for plan, _ in made[name] for mark in make.marks_of(plan)}
    assert not done & {mark for plan, _ in texts for mark in make.marks_of(plan)}
    assert len(cores) == len(HELD_OUT)


def test_each_idea_of_a_problem_is_in_several_pairs(made):
    seen = Counter(idea for plan, _ in made["pairs"] for idea in ideas(plan))
    evaluated = {idea for name in ("problems", "validation") for plan, _ in made[name] for idea in ideas(plan)}
    rare = {idea: seen[idea] for idea in evaluated if seen[idea] < 5}
    assert not rare


def ideas(plan: world.Plan) -> set[tuple[str, str, str]]:
    """Return the ideas of a plan, each with the kind of thing that it is about."""
    kind, keep, change, end = plan.core
    given = plan.change.gives if plan.change else kind
    special = plan.extra.name if plan.extra else ""
    return {
        (kind, "source", plan.source.name),
        (kind, "keep", keep),
        (kind, "change", change),
        (given, "end", end),
        (kind, "extra", special),
    }


def test_no_problem_is_a_pair_under_other_names():
    seen = {make.shape(row["program"]) for row in PAIRS}
    assert not [row["task_id"] for row in HELD_OUT if make.shape(code_of(row)) in seen]


def test_the_shape_of_a_program_leaves_names_aside_and_nothing_else():
    first, second = "def f(a):\n    return a.upper()\n", "def g(b):\n    return b.upper()\n"
    assert make.shape(first) == make.shape(second)
    assert make.shape(first) != make.shape(first.replace("upper", "lower"))
    assert make.shape(first) != make.shape("def f(a, b):\n    return b.upper()\n")
    assert make.shape("def f(a):\n    return sum(a)\n") != make.shape("def f(a):\n    return max(a)\n")


def test_no_pair_behaves_as_a_problem_does(made):
    seen = {make.behavior(plan) for plan, _ in made["pairs"]}
    assert not [
        plan.name for name in ("problems", "validation") for plan, _ in made[name] if make.behavior(plan) in seen
    ]


def test_references_pass_their_tests(pool):
    programs = [(problem, problem.reference) for problem in problems()]
    assert verdicts(programs, pool) == ["passed"] * len(programs)


def test_edit_sequences_of_the_references_pass_too(pool):
    programs = []
    for row, problem in zip(HELD_OUT, problems(), strict=True):
        text = DIFF.write(sample_edits(code_of(row), seed=3))
        programs.append((problem, candidate_of(problem, text, "diff").program))
    assert verdicts(programs, pool) == ["passed"] * len(programs)


def test_wrong_programs_fail(pool):
    programs, sources = [], []
    for row, problem in zip(HELD_OUT, problems(), strict=True):
        for mutant in mutants(code_of(row)):
            programs.append((problem, mutant))
            sources.append(row["task_id"])
        programs.append((problem, row["prompt"]))
    found = verdicts(programs, pool)
    passed = [program for (_, program), verdict in zip(programs, found, strict=True) if verdict == "passed"]
    assert len(programs) > 3 * len(HELD_OUT)
    assert len(passed) < 0.08 * len(programs), "\n".join(passed)


def mutants(code: str) -> Iterator[str]:
    """Yield programs with one comparison turned, one number raised, or one step undone."""
    turned = {ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
              ast.In: ast.NotIn, ast.NotIn: ast.In}  # fmt: skip
    for index, node in enumerate(ast.walk(ast.parse(code))):
        tree = ast.parse(code)
        twin = list(ast.walk(tree))[index]
        if isinstance(node, ast.Compare) and type(node.ops[0]) in turned:
            twin.ops[0] = turned[type(node.ops[0])]()
        elif isinstance(node, ast.Constant) and type(node.value) is int:
            twin.value = node.value + 1
        elif isinstance(node, ast.AugAssign):
            twin.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        else:
            continue
        yield ast.unparse(tree) + "\n"


def test_a_neighbor_of_a_plan_fails_the_tests_of_the_plan():
    rng = random.Random(8)
    stream = make.plans(random.Random(8), held_out=True)
    for _ in range(20):
        plan = next(stream)
        names = world.draw_names(plan, rng)
        calls = make.distinguishing_calls(plan, names)
        if calls is None:
            continue
        assert len(calls) >= make.CALLS
        own = make.outcomes(plan, names, calls)
        for other in make.neighbors(plan):
            assert make.outcomes(other, names, calls) != own, (plan.name, other.name)
        for name in ("keep", "change", "extra"):
            less = replace(plan, **{name: None})
            assert less == plan or not make.fits(less) or make.outcomes(less, names, calls) != own


def test_both_arms_are_prompted_with_the_instruction():
    for row, problem in zip(HELD_OUT, problems(), strict=True):
        assert prompt_for(problem, "plain") == row["instruction"] + "\n"
        assert prompt_for(problem, "edits") == row["instruction"] + "\n<|diff|>"


def test_wrong_programs_are_classified_by_what_they_do(made, pool):
    wanted, jobs = [], []
    for plan, row in made["validation"][:12]:
        names = replace(make.behavior_names(plan), function=row["entry_point"], defaults=False)
        problem = failures.problem_of(plan, names.function)
        less = next(
            (neighbor for neighbor in make.neighbors(plan) if plan.keep and not neighbor.keep and make.fits(neighbor)),
            None,
        )
        other = "return Other()" if plan.source.is_class else "return 'no'"
        for kind, code in (
            ("correct", world.program(plan, names, list(world.styles(plan))[-1])),
            ("omits an idea", less and world.program(less, names, "nested")),
            ("does not compile", "def"),
            ("always raises an exception", f"def {names.function}(*all): nothing"),
            (
                "does something else",
                f"class Other:\n    add = answer = lambda *all: 'no'\ndef {names.function}(*all): {other}",
            ),
        ):
            if code:
                wanted.append(kind)
                jobs.append((problem, code))
    endings = pool.run(problem.job(code) for problem, code in jobs)
    found = [problem.kind(code, ending) for (problem, code), ending in zip(jobs, endings, strict=True)]
    assert found == wanted
    assert set(failures.KINDS) - set(found) == {"replaces an idea"}
