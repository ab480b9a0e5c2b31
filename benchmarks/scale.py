"""A gigabyte of rows through `lintseq build`: rows a second, memory, and the time that is not the work itself.

The input is made of real pairs, each time with another comment and other blank lines, and deleted afterwards.
"""

import gc
import itertools
import json
import os
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

from common import Goal, Report, Source, Table, arguments, build_command, instruction_pairs, note, read_jsonl, share

from lintseq.codecs import DIFF
from lintseq.errors import ProgramError
from lintseq.walks import ProgramSampler

MEGABYTE = 1_000_000
WORKERS = (1, 2)


@dataclass(frozen=True, slots=True)
class TreeCost:
    """What a process and those that it started took."""

    seconds: float
    processor_seconds: float
    """Of all of them together, from the start of the interpreter to the end."""
    largest_mb: float
    """The peak of the process with the largest peak, its share of shared pages included."""
    sum_mb: float
    """The peak of all of them together, shared pages counted for each."""


@dataclass(slots=True)
class Work:
    """The processor's seconds of what a build is for, without the build around it."""

    analysis: float = 0.0
    walk: float = 0.0
    encoding: float = 0.0

    @property
    def total(self) -> float:
        return self.analysis + self.walk + self.encoding


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the input (default: 1000)")
    parser.add_argument("--samples", type=int, default=1, help="sequences of each program (default: 1)")
    parser.add_argument("--folder", type=Path, help="where there is room for input and output (default: temporary)")
    options = parser.parse_args()
    report = Report("scale", "Scale: a gigabyte of rows, with one worker and with two")
    report.notes += [
        "Workers are processes beside the one that reads and writes, so a single worker keeps more than one core busy,"
        " and two are not to be twice as fast. Memory was read from the system ten times a second, of all processes of"
        " the build.",
        "*Outside* is what the whole build took of the processors (its first process and its workers, interpreters and"
        " imports included) beyond *analysis* (parsing, the question whether the program compiles, the needs), *walk*"
        " and *encoding* (the edit texts) of the same rows. These three were measured between the two builds, in one"
        " process in which the clock runs for nothing else. So reading, JSON both ways, hashes, limits, handing over"
        " between processes, writing and saving progress are all outside.",
    ]
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-", dir=options.folder) as name:
        folder = Path(name)
        pairs = instruction_pairs(options.pairs, seed=options.seed)
        source, rows = write_input(folder / "in.jsonl", pairs, options.megabytes * MEGABYTE)
        del pairs
        note(f"{rows:,} rows in {source.stat().st_size / MEGABYTE:,.0f} MB")
        extra = ["--samples", str(options.samples), "--seed", str(options.seed)]
        costs: dict[int, TreeCost] = {}
        work = Work()
        for workers in WORKERS:
            command = build_command(source, folder / "out.jsonl", "--workers", str(workers), *extra)
            costs[workers] = run_tree(command)
            note(f"{workers} workers: {rows / costs[workers].seconds:,.0f} rows a second")
            if workers == WORKERS[0]:
                work = work_alone(source, options.samples, options.seed)
                note(f"the work alone: {work.total:,.1f} of {costs[workers].processor_seconds:,.1f} seconds")
        written = (folder / "out.jsonl").stat().st_size / MEGABYTE
    outside = {
        workers: share(cost.processor_seconds - work.total, cost.processor_seconds) for workers, cost in costs.items()
    }
    report.goals += [
        Goal("MB, all processes together", max(cost.sum_mb for cost in costs.values()), most=300),
        Goal("% of time outside analysis, walk and encoding", max(outside.values()), most=40),
    ]
    header = ["workers", "rows", "seconds", "rows a second", "beside one", "largest process, MB", "all processes, MB"]
    table = []
    for workers, cost in costs.items():
        speed = [f"{cost.seconds:,.1f}", f"{rows / cost.seconds:,.0f}", f"{costs[1].seconds / cost.seconds:.2f}"]
        table.append([workers, rows, *speed, f"{cost.largest_mb:.0f}", f"{cost.sum_mb:.0f}"])
    report.tables.append(Table(f"Whole builds: {options.megabytes:,} MB in, {written:,.0f} MB out", header, table))
    header = ["workers", "whole build", "analysis", "walk", "encoding", "outside", "outside, %"]
    parts = [work.analysis, work.walk, work.encoding]
    table = [
        [
            workers,
            *(f"{seconds:,.1f}" for seconds in (cost.processor_seconds, *parts, cost.processor_seconds - work.total)),
            f"{outside[workers]:.1f}",
        ]
        for workers, cost in costs.items()
    ]
    report.tables.append(Table("Seconds of the processors", header, table))
    report.numbers = {
        "input_mb": options.megabytes,
        "rows": rows,
        "output_mb": written,
        "rows_per_second": {str(workers): rows / cost.seconds for workers, cost in costs.items()},
        "two_beside_one": costs[1].seconds / costs[2].seconds,
        "largest_process_mb": max(cost.largest_mb for cost in costs.values()),
        "all_processes_mb": max(cost.sum_mb for cost in costs.values()),
        "processor_seconds": {str(workers): cost.processor_seconds for workers, cost in costs.items()},
        "work_seconds": {"analysis": work.analysis, "walk": work.walk, "encoding": work.encoding},
        "outside_percent": {str(workers): part for workers, part in outside.items()},
    }
    report.publish(options.results)


def work_alone(source: Path, samples: int, seed: int) -> Work:
    """Return what analysis, walk and encoding of all rows take in this process."""
    warnings.simplefilter("ignore")
    gc.disable()  # as lintseq does while it works on a batch
    work = Work()
    for number, row in enumerate(read_jsonl(source)):
        if number % 1000 == 0:
            gc.collect()
        started = process_time()
        try:
            sampler = ProgramSampler(row["program"])
        except ProgramError:  # a row that a build rejects
            work.analysis += process_time() - started
            continue
        analyzed = process_time()
        sequences = [sampler.sample(seed=seed, id=row["id"], draw=draw) for draw in range(samples)]
        drawn = process_time()
        for sequence in sequences:
            DIFF.write_edits(sequence)
        work.analysis += analyzed - started
        work.walk += drawn - analyzed
        work.encoding += process_time() - drawn
    gc.enable()
    return work


def write_input(path: Path, pairs: Sequence[Source], size: int) -> tuple[Path, int]:
    """Write rows until the file has `size` bytes; return it and how many there are."""
    written = rows = 0
    with path.open("wb") as file:
        for row in altered(pairs):
            if written >= size:
                break
            written += file.write(json.dumps(row).encode() + b"\n")
            rows += 1
    return path, rows


def altered(pairs: Sequence[Source]) -> Iterator[dict[str, str]]:
    """Yield rows without end, no two with the same program."""
    for turn in itertools.count():
        for pair in pairs:
            text = f"# version {turn}\n" + "\n" * (turn % 3) + pair.text
            yield {"id": f"{pair.name}/{turn}", "instruction": pair.instruction, "program": text}


def run_tree(command: Sequence[str | Path], *, cwd: Path | None = None) -> TreeCost:
    """Run a command to its end, watching the memory of all its processes; each has waited for those it started."""
    started = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], cwd=cwd)
    peaks: dict[int, float] = {}
    together = 0.0
    ended = 0
    while not ended:
        now = {pid: memory(pid) for pid in family(process.pid)}
        together = max(together, sum(resident for resident, _ in now.values()))
        peaks |= {pid: max(peak, peaks.get(pid, 0)) for pid, (_, peak) in now.items()}
        time.sleep(0.1)
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with status {process.returncode}")
    return TreeCost(seconds, usage.ru_utime + usage.ru_stime, max(peaks.values()), together)


def family(pid: int) -> Iterator[int]:
    """Yield a process and all that descend from it."""
    yield pid
    for task in _listed(Path(f"/proc/{pid}/task")):
        for child in _read(task / "children").split():
            yield from family(int(child))


def memory(pid: int) -> tuple[float, float]:
    """Return the resident megabytes of a process: now, and at its peak; none if it is gone."""
    sizes = {"VmRSS": 0.0, "VmHWM": 0.0}
    for line in _read(Path(f"/proc/{pid}/status")).splitlines():
        name, _, value = line.partition(":")
        if name in sizes:
            sizes[name] = int(value.split()[0]) * 1024 / MEGABYTE
    return sizes["VmRSS"], sizes["VmHWM"]


def _listed(folder: Path) -> list[Path]:
    try:
        return [folder / name for name in os.listdir(folder)]
    except FileNotFoundError:  # the process has just ended
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):  # the process has just ended
        return ""


if __name__ == "__main__":
    main()
