"""The same rows by the local runner, by datatrove and by Ray Data: equal bytes, and what each costs.

Whole processes, from start to end, one after the other and in turns; the time that an engine takes to start
is what the small input shows. Processor time is that of all processes, also of those that outlive the build.
"""

import ctypes
import importlib.util
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import orjson
from common import Goal, Report, Table, arguments, build_command, instruction_pairs, note
from scale import altered

PACKAGES = {"local": "lintseq", "datatrove": "datatrove", "ray": "ray"}


@dataclass(frozen=True, slots=True)
class Whole:
    """What a command and everything that it started took."""

    seconds: float
    processor_seconds: float


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rows", type=int, default=50_000, help="rows of the larger input (default: 50000)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each engine (default: 3)")
    parser.add_argument("--workers", type=int, default=2, help="workers of each engine (default: 2)")
    options = parser.parse_args()
    report = Report("engines", "Engines: equal bytes, and what each costs")
    engines = [name for name, package in PACKAGES.items() if importlib.util.find_spec(package)]
    for name in PACKAGES.keys() - set(engines):
        note(f"{name} is not installed: pip install 'lintseq[{name}]'")
    adopt_orphans()
    pairs = instruction_pairs(options.pairs, seed=options.seed)
    different = 0
    costs: dict[tuple[int, str], list[Whole]] = {}
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        folder = Path(name)
        for rows in (options.rows // 10, options.rows):
            source = folder / "rows.jsonl"
            source.write_bytes(lines(islice(altered(pairs), rows)))
            for number in range(options.rounds):
                for engine in engines:
                    output = folder / f"{engine}.jsonl"
                    extra = ["--engine", engine, "--workers", str(options.workers), "--samples", "2"]
                    cost = run_whole(build_command(source, output, *extra))
                    costs.setdefault((rows, engine), []).append(cost)
                    different += unequal(folder, engine)
                    note(f"{rows:,} rows, round {number + 1}, {engine}: {cost.seconds:.1f} s")
    table = []
    for (rows, engine), runs in costs.items():
        seconds, processor = middle(one.seconds for one in runs), middle(one.processor_seconds for one in runs)
        local = costs[rows, "local"]
        table.append(
            [
                f"{rows:,}",
                engine,
                f"{seconds:.1f}",
                f"{processor:.1f}",
                f"{seconds / middle(one.seconds for one in local):.2f}",
                f"{processor / middle(one.processor_seconds for one in local):.2f}",
            ]
        )
        report.numbers[f"{engine} {rows}"] = {"seconds": seconds, "processor_seconds": processor}
    report.goals.append(Goal("outputs that differ", different, most=0))
    report.notes.append(
        f"Instruction pairs, each time with another comment and other blank lines, 2 draws of each, {options.workers}"
        f" workers; medians of {options.rounds} runs that took turns. Ray ends its processes in a way that hides what"
        " some of them took: its processor seconds may be far too few."
    )
    header = ["rows", "engine", "seconds", "processor s", "seconds, × local", "processor, × local"]
    report.tables.append(Table("Whole builds", header, table))
    report.publish(options.results)


def lines(rows: Iterable[dict[str, str]]) -> bytes:
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def unequal(folder: Path, engine: str) -> int:
    """Return how many files of an engine's build differ from those of the local runner's."""
    ends = (".jsonl", ".rejected.jsonl", ".manifest.json")
    return sum((folder / f"{engine}{end}").read_bytes() != (folder / f"local{end}").read_bytes() for end in ends)


def adopt_orphans() -> None:
    """Make this process the parent of what its children leave behind, so that their processor time is counted."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER


def run_whole(command: list[str | Path]) -> Whole:
    """Run a command until nothing of it is left."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run([str(word) for word in command], check=True)
    seconds = time.perf_counter() - started
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Whole(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def middle(numbers: Iterable[float]) -> float:
    ordered = sorted(numbers)
    return ordered[len(ordered) // 2]


if __name__ == "__main__":
    main()
