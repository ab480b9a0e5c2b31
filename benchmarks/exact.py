"""Is every sequence exact? Samples, writes, reads back and replays every installed .py file, and compares the bytes.

Also compiles each state for some of the files.
"""

import ast
import json
import os
import random
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

from common import Goal, Report, Table, arguments, installed_folders, note, python_files, read_python, share
from judges import compiles

from lintseq.codecs import DIFF
from lintseq.dataset.shapes import SHAPES, ProgramRow
from lintseq.errors import ProgramError
from lintseq.rows import encode_line
from lintseq.walks import ProgramSampler


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    path: Path
    seed: int
    grow: bool
    """Whether to compile each state."""


@dataclass(frozen=True, slots=True)
class FileResult:
    """The result for one file."""

    name: str
    verdict: str
    """`exact`, `not exact`, `rejected: ...` or `no text`."""
    lines: int = 0
    edits: int = 0
    states: int = 0
    broken: int = 0
    seconds: float = 0.0
    """Seconds of CPU time to analyze, sample and encode."""


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--files", type=int, help="number of files (default: all)")
    parser.add_argument(
        "--grow", type=int, default=300, help="number of files whose states are compiled (default: 300)"
    )
    parser.add_argument("--folder", type=Path, action="append", default=[], help="another folder of .py files")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    found = list(python_files([*installed_folders(), *options.folder]))
    rng.shuffle(found)
    found = found[: options.files]
    jobs = [Job(name, path, options.seed, number < options.grow) for number, (name, path) in enumerate(found)]
    note(f"{len(jobs)} files")
    workers = len(os.sched_getaffinity(0))
    started = perf_counter()
    with ProcessPoolExecutor(workers) as pool:
        results = list(pool.map(examine, jobs, chunksize=16))
    seconds = perf_counter() - started
    verdicts = Counter(result.verdict for result in results)
    sampled = [result for result in results if result.verdict in ("exact", "not exact")]
    states, broken = (sum(getattr(result, name) for result in results) for name in ("states", "broken"))
    cpu_time = sum(result.seconds for result in sampled)
    slowest = max(sampled, key=lambda result: result.seconds)
    report = Report("exact", "Exact: replaying a sequence gives the program, byte for byte")
    report.notes.append(
        "Every .py file of the standard library and of the installed packages: sampled once with `native`, written as"
        " a JSON record and read back; the text form is read strictly and resolved as well."
    )
    report.goals += [
        Goal("files sampled", len(sampled), least=0 if options.files else 10_000),
        Goal("% exact", share(verdicts["exact"], len(sampled)), least=100),
        Goal("% of states that compile", share(states - broken, states), least=100),
    ]
    rows = [[verdict, number] for verdict, number in verdicts.most_common()]
    report.tables.append(Table("Files", ["verdict", "files"], rows))
    figures = [
        ["files per second of CPU time: analyzed, sampled, encoded", f"{len(sampled) / cpu_time:,.0f}"],
        ["lines per second of CPU time", f"{sum(result.lines for result in sampled) / cpu_time:,.0f}"],
        [f"files per second, the whole run with all checks, {workers} processes", f"{len(jobs) / seconds:,.0f}"],
        ["lines per file, mean and maximum", mean_and_maximum([result.lines for result in sampled])],
        ["edits per sequence, mean and maximum", mean_and_maximum([result.edits for result in sampled])],
        ["slowest file", f"{slowest.name}: {slowest.lines:,} lines, {slowest.edits:,} edits, {slowest.seconds:.2f} s"],
        ["states compiled", f"{states:,}"],
    ]
    report.tables.append(Table("Figures", ["measure", "value"], figures))
    bad: list[list[object]] = [
        [result.name, result.verdict, result.broken]
        for result in results
        if result.verdict == "not exact" or result.broken
    ]
    odd: list[list[object]] = [[result.name, result.verdict, ""] for result in results if "parses" in result.verdict]
    report.tables.append(
        Table("Failures and oddities", ["file", "verdict", "states that do not compile"], bad + odd[:20])
    )
    report.numbers = {
        "files": len(jobs),
        "verdicts": dict(verdicts),
        "files_per_second_of_cpu_time": len(sampled) / cpu_time,
        "seconds": seconds,
        "states": states,
        "states_not_compiling": broken,
    }
    report.publish(options.results)


def examine(job: Job) -> FileResult:
    """Sample an edit sequence of a file and compare the program read back with the file."""
    text = read_python(job.path)
    if text is None:
        return FileResult(job.name, "no text")
    started = process_time()
    try:
        sequence = ProgramSampler(text).sample(seed=job.seed, id=job.name)
    except ProgramError as error:
        return FileResult(job.name, f"rejected: {error.reason}{'' if error.reason != 'syntax' else parses(text)}")
    line = encode_line(SHAPES["lintseq"].write(ProgramRow(job.name, "", text), sequence, 0, {}, DIFF))
    sampled = process_time()
    record = json.loads(line)
    written = DIFF.write(sequence)
    resolution = DIFF.resolve(written)
    read_back = [
        DIFF.read_edits(record["edits"], final_newline=text.endswith("\n")).program.text,
        DIFF.read(written).program.text,
        resolution.text,
    ]
    exact = record["program"] == text and all(copy.encode() == text.encode() for copy in read_back)
    states = list(sequence.states()) if job.grow else []
    return FileResult(
        job.name,
        "exact" if exact and not resolution.notes else "not exact",
        lines=len(sequence.program.lines),
        edits=len(sequence),
        states=len(states),
        broken=sum(not compiles(state) for state in states),
        seconds=sampled - started,
    )


def parses(text: str) -> str:
    """Return a remark if a text parses but does not compile."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return " (parses, does not compile)"


def mean_and_maximum(numbers: list[int]) -> str:
    return f"{sum(numbers) / len(numbers):.1f}, {max(numbers):,}"


if __name__ == "__main__":
    main()
