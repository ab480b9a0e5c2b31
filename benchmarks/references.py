"""Do the benchmarks' reference solutions pass, as code and as edits that write them?

Runs the equivalent of these two commands for each benchmark file with solutions, and explains known failures:

    lintseq benchmarks B --references FORM --data DIR > references.jsonl
    lintseq evaluate references.jsonl --benchmark B --data DIR --output results.jsonl

Results for DS-1000 and BigCodeBench depend on library versions: run this in an environment with the right ones.
Problems with missing libraries do not run. With --folder, an interrupted run continues. With several --levels of
the sandbox, verdicts are compared between them.
"""

import argparse
import gzip
import json
import os
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from common import Goal, Report, Table, arguments, data_folder, lintseq_command, note, package_version, read_jsonl

from lintseq.benchmarks import BENCHMARKS

FORMS = ("code", "diff")
UNEXPLAINED = "not explained"


@dataclass(frozen=True, slots=True)
class File:
    """A file with problems and their solutions."""

    benchmark: str
    """Benchmark name, or `own` for a custom file with HumanEval's columns."""
    path: str
    """Path below the data folder."""


FILES = (
    File("humaneval", "humaneval/HumanEval.jsonl.gz"),
    File("humaneval+", "humanevalplus/HumanEvalPlus-v0.1.10.jsonl.gz"),
    File("humaneval+", "humanevalplus/HumanEvalPlus-v0.1.10-NoExtreme.jsonl.gz"),
    File("humaneval+", "humanevalplus/HumanEvalPlus-v0.1.10-Mini.jsonl.gz"),
    File("own", "humanevalplus/HumanEvalPlus-v0.1.10-OriginFmt.jsonl.gz"),
    File("humanevalpack", "humanevalpack/humanevalpack_python.jsonl.gz"),
    File("humanevalfix", "humanevalpack/humanevalpack_python.jsonl.gz"),
    File("mbpp-full", "mbpp/mbpp.jsonl.gz"),
    File("mbpp-sanitized", "mbpp/sanitized-mbpp.json.gz"),
    File("mbpp+", "mbppplus/MbppPlus-v0.2.0.jsonl.gz"),
    File("mbpp+", "mbppplus/MbppPlus-v0.2.0-NoExtreme.jsonl.gz"),
    File("mbpp+", "mbppplus/MbppPlus-v0.1.0.jsonl.gz"),
    File("codecontests", "codecontests/codecontests_train_300.jsonl.gz"),
    File("ds1000", "ds1000/ds1000.jsonl.gz"),
    File("bigcodebench-complete", "bigcodebench/BigCodeBench-v0.1.4.jsonl.gz"),
    File("bigcodebench-hard-complete", "bigcodebench/BigCodeBench-Hard-v0.1.0_qwen2.5-coder.json.gz"),
)
LEFT_OUT = (
    ("mbpp+", "MbppPlus-v0.2.0-OriginFmt.jsonl.gz", "the same problems, without the names of their functions"),
    (
        "bigcodebench-complete",
        "BigCodeBench-v0.1.0-annotation.jsonl.gz",
        "other columns, before problems were corrected",
    ),
    ("codecontests", "codecontests_sample_20_sandboxfusion.jsonl.gz", "no solutions"),
    ("codecontests", "codecontests_test_165_statements.jsonl.gz", "no solutions and no tests"),
    ("apps", "apps_selected150_mapcoder.jsonl.gz", "no solutions"),
)
"""Benchmark, file, and why it is skipped."""


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--data", type=Path, help="folder of the benchmark files")
    parser.add_argument("--only", help="names of benchmarks, separated by commas (default: all)")
    parser.add_argument("--name", default="references", help="name of the results (default: references)")
    parser.add_argument("--problems", help="only these problems: a file of task ids, or ids separated by commas")
    parser.add_argument("--forms", default=",".join(FORMS), help=f"(default: {','.join(FORMS)})")
    parser.add_argument("--levels", default="auto", help="levels of the sandbox, separated by commas (default: auto)")
    parser.add_argument("--folder", type=Path, help="folder for completions and results; an interrupted run continues")
    parser.add_argument("--workers", type=int, help="(default: all CPUs)")
    options = parser.parse_args()
    data = data_folder(options.data)
    wanted = options.only.split(",") if options.only else None
    files = [file for file in FILES if wanted is None or file.benchmark in wanted]
    report = Report(options.name, "Reference solutions, as code and as edits")
    with tempfile.TemporaryDirectory() as fresh:
        folder = (options.folder or Path(fresh)).resolve()
        os.environ["LINTSEQ_CACHE"] = str(folder / "cache")
        outcomes = [
            evaluate(file, form, level, data, folder, options)
            for file in files
            for form in options.forms.split(",")
            for level in options.levels.split(",")
        ]
    report.goals.append(
        Goal("failures without an explanation", sum(len(outcome.unexplained) for outcome in outcomes), most=0)
    )
    tables = (totals(outcomes), differences(outcomes), reasons(outcomes), failures(outcomes))
    report.tables += [table for table in tables if table.rows]
    report.goals.append(Goal("programs judged differently by level", len(judged_differently(outcomes)), most=0))
    left_out = [list(entry) for entry in LEFT_OUT if wanted is None or entry[0] in wanted]
    if left_out:
        report.tables.append(Table("Left out", ["benchmark", "file", "why"], left_out))
    report.notes.append(libraries())
    report.numbers |= {"files": [outcome.as_dict() for outcome in outcomes], "libraries": versions()}
    report.publish(options.results)


# Running


@dataclass(frozen=True)
class Outcome:
    """The results of a file's solutions in one form, at one level of the sandbox."""

    file: File
    form: str
    level: str
    problems: int
    rows: Sequence[Mapping[str, Any]]
    accepting: frozenset[str]
    """Problems whose solution does not print exactly the expected output, according to the file."""

    @property
    def seconds(self) -> float:
        """CPU time."""
        return sum(row["cpu_seconds"] for row in self.rows)

    @property
    def label(self) -> str:
        """Name in tables."""
        return (
            self.file.benchmark if self.file.benchmark != "own" else Path(self.file.path).name.partition(".jsonl")[0]
        )

    @property
    def how(self) -> str:
        return f"as {self.form}, {self.level}"

    @property
    def verdicts(self) -> Counter[str]:
        return Counter(row["verdict"] for row in self.rows)

    @property
    def failed(self) -> list[Mapping[str, Any]]:
        return [row for row in self.rows if row["verdict"] not in ("passed", "not-run")]

    @cached_property
    def reasons(self) -> dict[str, str]:
        """Reason for each failure."""
        return {row["task_id"]: reason(self.file.benchmark, row, self.accepting) for row in self.failed}

    @property
    def unexplained(self) -> list[str]:
        return [task_id for task_id, why in self.reasons.items() if why == UNEXPLAINED]

    @property
    def not_run(self) -> Counter[str]:
        return Counter(row["detail"] for row in self.rows if row["verdict"] == "not-run")

    def as_dict(self) -> dict[str, Any]:
        return {
            "benchmark": self.file.benchmark,
            "file": Path(self.file.path).name,
            "form": self.form,
            "level": self.level,
            "problems": self.problems,
            "verdicts": dict(self.verdicts.most_common()),
            "reasons": dict(Counter(self.reasons.values()).most_common()),
            "not_run": dict(self.not_run.most_common()),
            "failed": [
                {name: row[name] for name in ("task_id", "verdict", "detail")} | {"why": self.reasons[row["task_id"]]}
                for row in self.failed
            ],
            "seconds": round(self.seconds, 1),
        }


def evaluate(file: File, form: str, level: str, data: Path, folder: Path, options: argparse.Namespace) -> Outcome:
    """Write the solutions of a file as completions and evaluate them, with the command line."""
    source = (data / file.path).resolve()
    own = file.benchmark == "own"
    name = str(source) if own else file.benchmark
    workdir = folder / f"{file.benchmark}-{source.name}-{form}-{level}"
    workdir.mkdir(parents=True, exist_ok=True)
    (workdir / official_name(file)).unlink(missing_ok=True)
    (workdir / official_name(file)).symlink_to(source)
    completions, results = workdir / "references.jsonl", workdir / "results.jsonl"
    chosen = [] if options.problems is None else ["--problems", options.problems]
    text = lintseq("benchmarks", name, "--data", workdir, "--references", form, "--seed", options.seed, *chosen)
    completions.write_text(text)
    more = [*chosen, *([] if options.workers is None else ["--workers", options.workers])]
    lintseq(
        "evaluate", completions, "--benchmark", name, "--data", workdir, "--output", results, "--partial", "--k", "1",
        "--linter", "none", "--quiet", "--resume", "--sandbox", level, *more,
    )  # fmt: skip
    manifest = json.loads((workdir / "results.manifest.json").read_text())
    rows = list(read_jsonl(results))
    used, problems = manifest["summary"]["isolation"]["level"], manifest["summary"]["problems"]
    found = Outcome(file, form, used, problems, rows, accepting(source))
    note(f"{file.benchmark} {source.name} {found.how}: {dict(found.verdicts)} in {found.seconds:.0f} s of CPU time")
    return found


def official_name(file: File) -> str:
    """Return the name by which lintseq finds the file."""
    name = Path(file.path).name
    if file.benchmark == "own":
        return name
    known = BENCHMARKS[file.benchmark].files
    return name if name.removesuffix(".gz") in known else f"{known[0]}.gz"


def lintseq(*words: object) -> str:
    done = subprocess.run([*lintseq_command(), *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"lintseq {words[0]} ended with status {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout


def accepting(source: Path) -> frozenset[str]:
    """Return the problems of CodeContests whose solutions are marked as not printing the expected output."""
    if not source.name.startswith("codecontests"):
        return frozenset()
    with gzip.open(source, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return frozenset(row["name"] for row in rows if not row.get("solution_passes_all_tests", True))


# Explaining

_ANOTHER = "the file has the solution of another problem, with other input and output"
_OLDER = "passes with the numpy and scipy versions that BigCodeBench requires, which are too old for Python 3.11"
_INTERNET = "needs the internet, which the sandbox blocks"
_INTERACTIVE = "an interactive problem: the input is for a different sequence of queries"
KNOWN: dict[tuple[str, str], str] = {
    ("own", "HumanEval/32"): "an error of this file: its test unpacks the number that the solution returns",
    ("bigcodebench-complete", "BigCodeBench/111"): _OLDER,
    ("bigcodebench-complete", "BigCodeBench/176"): _INTERNET,
    ("bigcodebench-complete", "BigCodeBench/276"): _OLDER,
    ("bigcodebench-complete", "BigCodeBench/821"): "its tests measure time by the clock, on a busy machine",
    ("bigcodebench-hard-complete", "BigCodeBench/1006"): _INTERNET,
    ("codecontests", "1056_D. Decorate Apple Tree"): "an input of the file has lost its second line, which is empty",
    ("codecontests", "1118_F1. Tree Cutting (Easy Version)"): "an input of the file has wrong lines",
    ("codecontests", "1133_F1. Spanning Tree with Maximum Degree"): _ANOTHER,
    ("codecontests", "1176_E. Cover it!"): _ANOTHER,
    ("codecontests", "1264_C. Beautiful Mirrors with queries"): _ANOTHER,
    ("codecontests", "1324_F. Maximum White Subtree"): _ANOTHER,
    ("codecontests", "1534_E. Lost Array"): _INTERACTIVE,
    ("codecontests", "680_C. Bear and Prime 100"): _INTERACTIVE,
    (
        "codecontests",
        "1540_B. Tree Array",
    ): "the solution is wrong: it prints 1000000010 where 3 is right modulo 10⁹ + 7",
    ("codecontests", "623_D. Birthday"): (
        "right to 4e-8 of its size; the problem allows a relative error, the benchmark's comparison an absolute 1e-5"
    ),
}
"""By benchmark and problem."""

_BIGCODEBENCH = (
    (r"Name or service not known|\[Errno -[23]\]|NameResolutionError|gaierror", _INTERNET),
    (r"nltk|Resource \S+ not found|MissingCorpusError", "needs NLTK data, which are not downloaded here"),
)
_OWNED = "modes and times of files stay as they are, where programs run as the owner of what they may not change"
_LOOPBACK = "there is no loopback"
_PROCESSES = "processes cannot be examined in /proc"
CONFINED = {
    **dict.fromkeys((30, 785), "/tmp cannot be written"),
    **dict.fromkeys((147, 1038, 1040), _LOOPBACK),
    **dict.fromkeys((176, 314), f"{_INTERNET}, and {_LOOPBACK}"),
    **dict.fromkeys((263, 459, 460, 812), _OWNED),
    **dict.fromkeys((461, 1028), _PROCESSES),
}
"""Why problems of BigCodeBench do not run at the level `confined`, by number."""
PATTERNS = {"bigcodebench-complete": _BIGCODEBENCH, "bigcodebench-hard-complete": _BIGCODEBENCH}
"""By benchmark: a pattern in the detail, and what it means."""


def reason(benchmark: str, row: Mapping[str, Any], accepting: Iterable[str]) -> str:
    """Return why a reference solution failed."""
    task_id, detail = row["task_id"], row["detail"]
    if (known := KNOWN.get((benchmark, task_id))) is not None:
        return known
    if task_id in accepting and row["verdict"] == "failed":
        return "several answers are correct, and the file has a different one"
    for pattern, why in PATTERNS.get(benchmark, ()):
        if re.search(pattern, detail):
            return why
    return UNEXPLAINED


# Reporting


def totals(outcomes: Sequence[Outcome]) -> Table:
    rows = []
    for outcome in outcomes:
        passed, left_out = outcome.verdicts["passed"], outcome.verdicts["not-run"]
        ran = len(outcome.rows) - left_out
        rows.append([
            outcome.file.benchmark, Path(outcome.file.path).name, outcome.form, outcome.level, outcome.problems,
            left_out, f"{passed} of {ran}", len(outcome.failed) - len(outcome.unexplained), len(outcome.unexplained),
            f"{outcome.seconds:.0f}",
        ])  # fmt: skip
    header = ["benchmark", "file", "as", "level", "problems", "not run", "passed", "explained", "not explained"]
    return Table("Files", [*header, "CPU seconds"], rows)


def differences(outcomes: Sequence[Outcome]) -> Table:
    """Return the problems whose verdicts depend on the level."""
    levels = list(dict.fromkeys(outcome.level for outcome in outcomes))
    found = by_level(outcomes)
    rows = [
        [*key, *(row["verdict"] for row in verdicts.values()), _cause(key[2])]
        for key, verdicts in found.items()
        if len({row["verdict"] for row in verdicts.values()}) > 1
    ]
    return Table("Problems whose verdicts depend on the level", ["file", "as", "problem", *levels, "cause"], rows)


def _cause(task_id: str) -> str:
    name, _, number = task_id.partition("/")
    return CONFINED.get(int(number), UNEXPLAINED) if name == "BigCodeBench" else UNEXPLAINED


def by_level(outcomes: Sequence[Outcome]) -> dict[tuple[str, str, str], dict[str, Mapping[str, Any]]]:
    """Return the row of each file, form and problem at each level."""
    found: dict[tuple[str, str, str], dict[str, Mapping[str, Any]]] = {}
    for outcome in outcomes:
        for row in outcome.rows:
            found.setdefault((outcome.label, outcome.form, row["task_id"]), {})[outcome.level] = row
    return found


def judged_differently(outcomes: Sequence[Outcome]) -> list[tuple[str, str, str]]:
    """Return the programs that ran at several levels and got several verdicts."""
    return [
        key
        for key, verdicts in by_level(outcomes).items()
        if len({row["verdict"] for row in verdicts.values()} - {"not-run"}) > 1
    ]


def reasons(outcomes: Sequence[Outcome]) -> Table:
    """Return how often solutions failed for each reason in each form, and why some were not run."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for outcome in outcomes:
        for why in outcome.reasons.values():
            counts.setdefault((outcome.label, why), Counter())[outcome.how] += 1
        for why, count in outcome.not_run.items():
            counts.setdefault((outcome.label, f"not run: {why}"), Counter())[outcome.how] += count
    ways = list(dict.fromkeys(outcome.how for outcome in outcomes))
    rows = [[label, why, *(found[way] for way in ways)] for (label, why), found in counts.items()]
    rows.sort(key=lambda row: (row[0], str(row[1]).startswith("not run"), -row[2]))
    return Table("Why solutions failed, or were not run", ["file", "why", *ways], rows)


def failures(outcomes: Sequence[Outcome]) -> Table:
    """Return each failed solution, listed once if it failed the same way in several forms."""
    found: dict[tuple[str, str, str], list[str]] = {}
    details: dict[tuple[str, str, str], tuple[str, str]] = {}
    for outcome in outcomes:
        for row in outcome.failed:
            key = (outcome.label, row["task_id"], row["verdict"])
            found.setdefault(key, []).append(outcome.how)
            details.setdefault(key, (row["detail"][:160], outcome.reasons[row["task_id"]]))
    rows = [[*key, "; ".join(ways), *details[key]] for key, ways in found.items()]
    return Table("Solutions that failed", ["file", "problem", "verdict", "as", "detail", "why"], rows)


LIBRARIES = (
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "matplotlib",
    "seaborn",
    "torch",
    "tensorflow",
    "tensorflow-cpu",
)


def versions() -> dict[str, str]:
    return {name: found for name in LIBRARIES if (found := package_version(name))}


def libraries() -> str:
    text = ", ".join(f"{name} {found}" for name, found in versions().items())
    return f"Libraries: {text or 'none'}."


if __name__ == "__main__":
    main()
