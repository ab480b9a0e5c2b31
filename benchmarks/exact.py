"""Is every sequence exact? All installed .py files: drawn, written as JSON, read back, compared byte for byte.

A sample of the files is also grown state by state, and each state has to compile.
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
    """Whether each state is to be compiled."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    name: str
    verdict: str
    """`exact`, `not exact`, `rejected: ...` or `no text`."""
    lines: int = 0
    edits: int = 0
    states: int = 0
    broken: int = 0
    drawing: float = 0.0
    """Seconds of processor time to analyze, draw and encode."""


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--files", type=int, help="stop after so many files (default: all)")
    parser.add_argument("--grow", type=int, default=300, help="files whose states are compiled (default: 300)")
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
        outcomes = list(pool.map(examine, jobs, chunksize=16))
    seconds = perf_counter() - started
    verdicts = Counter(outcome.verdict for outcome in outcomes)
    drawn = [outcome for outcome in outcomes if outcome.verdict in ("exact", "not exact")]
    states, broken = (sum(getattr(one, name) for one in outcomes) for name in ("states", "broken"))
    drawing = sum(outcome.drawing for outcome in drawn)
    slowest = max(drawn, key=lambda outcome: outcome.drawing)
    report = Report("exact", "Exact: replaying a sequence gives the program, byte for byte")
    report.notes.append(
        "Every .py file of the standard library and of the installed packages: drawn once by `native`, written as a"
        " record of JSON, read back, its edits resolved strictly; and the text form resolved strictly and tolerantly."
    )
    report.goals += [
        Goal("files drawn", len(drawn), least=0 if options.files else 10_000),
        Goal("% exact", share(verdicts["exact"], len(drawn)), least=100),
        Goal("% of states that compile", share(states - broken, states), least=100),
    ]
    rows = [[verdict, number] for verdict, number in verdicts.most_common()]
    report.tables.append(Table("Files", ["verdict", "files"], rows))
    figures = [
        ["files a second of processor time: analyzed, drawn, encoded", f"{len(drawn) / drawing:,.0f}"],
        ["lines a second, likewise", f"{sum(one.lines for one in drawn) / drawing:,.0f}"],
        [f"files a second, the whole run with all checks, {workers} processes", f"{len(jobs) / seconds:,.0f}"],
        ["lines of a file, mean and most", _mean_and_most([one.lines for one in drawn])],
        ["edits of a sequence, mean and most", _mean_and_most([one.edits for one in drawn])],
        ["slowest file", f"{slowest.name}: {slowest.lines:,} lines, {slowest.edits:,} edits, {slowest.drawing:.2f} s"],
        ["states compiled", f"{states:,}"],
    ]
    report.tables.append(Table("Figures", ["what", "measured"], figures))
    bad: list[list[object]] = [
        [one.name, one.verdict, one.broken] for one in outcomes if one.verdict == "not exact" or one.broken
    ]
    odd: list[list[object]] = [[one.name, one.verdict, ""] for one in outcomes if "parses" in one.verdict]
    report.tables.append(Table("Files to look at", ["file", "verdict", "states that do not compile"], bad + odd[:20]))
    report.numbers = {
        "files": len(jobs),
        "verdicts": dict(verdicts),
        "files_per_second_of_processor_time": len(drawn) / drawing,
        "seconds": seconds,
        "states": states,
        "states_not_compiling": broken,
    }
    report.publish(options.results)


def examine(job: Job) -> Outcome:
    """Draw a file and compare what is read back with what is there."""
    text = read_python(job.path)
    if text is None:
        return Outcome(job.name, "no text")
    started = process_time()
    try:
        sequence = ProgramSampler(text).sample(seed=job.seed, id=job.name)
    except ProgramError as error:
        return Outcome(job.name, f"rejected: {error.reason}{'' if error.reason != 'syntax' else parses(text)}")
    line = encode_line(SHAPES["lintseq"].write(ProgramRow(job.name, "", text), sequence, 0, {}))
    drawn = process_time()
    record = json.loads(line)
    written = DIFF.write(sequence)
    tolerant = DIFF.resolve(written)
    read_back = [
        DIFF.read_edits(record["edits"], final_newline=text.endswith("\n")).program.text,
        DIFF.read(written).program.text,
        tolerant.text,
    ]
    exact = record["program"] == text and all(one.encode() == text.encode() for one in read_back)
    states = list(sequence.states()) if job.grow else []
    return Outcome(
        job.name,
        "exact" if exact and not tolerant.notes else "not exact",
        lines=len(sequence.program.lines),
        edits=len(sequence),
        states=len(states),
        broken=sum(not compiles(state) for state in states),
        drawing=drawn - started,
    )


def parses(text: str) -> str:
    """Return a remark if a text that does not compile does parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return " (parses, does not compile)"


def _mean_and_most(numbers: list[int]) -> str:
    return f"{sum(numbers) / len(numbers):.1f}, {max(numbers):,}"


if __name__ == "__main__":
    main()
