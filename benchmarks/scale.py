"""A gigabyte of rows through `lintseq build`: rows per second, memory, and overhead.

The input repeats real pairs, each time with a different comment and blank lines, and is deleted afterwards.
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
    """The cost of a process and its descendants."""

    seconds: float
    cpu_seconds: float
    """CPU seconds of all processes, including interpreter startup."""
    largest_mb: float
    """The largest peak of a single process in MB, including shared pages."""
    sum_mb: float
    """The peak of the sum over all processes in MB; shared pages count for each."""


@dataclass(slots=True)
class Work:
    """CPU seconds of the core work of a build, without the overhead."""

    analysis: float = 0.0
    walk: float = 0.0
    encoding: float = 0.0

    @property
    def total(self) -> float:
        return self.analysis + self.walk + self.encoding


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the input in MB (default: 1000)")
    parser.add_argument("--samples", type=int, default=1, help="sequences per program (default: 1)")
    parser.add_argument("--folder", type=Path, help="folder for input and output (default: temporary)")
    options = parser.parse_args()
    report = Report("scale", "Scale: a gigabyte of rows, with one and two workers")
    report.notes += [
        "The main process reads and writes in addition to the workers, so a single worker keeps more than one core"
        " busy, and two are not twice as fast. Memory was sampled ten times per second, for all processes of"
        " the build.",
        "*Outside* is the CPU time of the whole build (all processes, including interpreters and imports) minus that"
        " of *analysis* (parsing, compile check, needs), *walk* and *encoding* (edit texts) of the same rows,"
        " which were measured between the two builds in one process. So it includes reading, JSON, hashes, limits,"
        " communication between processes, writing and saving progress.",
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
            note(f"{workers} workers: {rows / costs[workers].seconds:,.0f} rows per second")
            if workers == WORKERS[0]:
                work = work_alone(source, options.samples, options.seed)
                note(f"core work: {work.total:,.1f} of {costs[workers].cpu_seconds:,.1f} seconds")
        written = (folder / "out.jsonl").stat().st_size / MEGABYTE
    outside = {workers: share(cost.cpu_seconds - work.total, cost.cpu_seconds) for workers, cost in costs.items()}
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
            *(f"{seconds:,.1f}" for seconds in (cost.cpu_seconds, *parts, cost.cpu_seconds - work.total)),
            f"{outside[workers]:.1f}",
        ]
        for workers, cost in costs.items()
    ]
    report.tables.append(Table("CPU seconds", header, table))
    report.numbers = {
        "input_mb": options.megabytes,
        "rows": rows,
        "output_mb": written,
        "rows_per_second": {str(workers): rows / cost.seconds for workers, cost in costs.items()},
        "two_beside_one": costs[1].seconds / costs[2].seconds,
        "largest_process_mb": max(cost.largest_mb for cost in costs.values()),
        "all_processes_mb": max(cost.sum_mb for cost in costs.values()),
        "cpu_seconds": {str(workers): cost.cpu_seconds for workers, cost in costs.items()},
        "work_seconds": {"analysis": work.analysis, "walk": work.walk, "encoding": work.encoding},
        "outside_percent": {str(workers): part for workers, part in outside.items()},
    }
    report.publish(options.results)


def work_alone(source: Path, samples: int, seed: int) -> Work:
    """Return the CPU seconds that analysis, walk and encoding of all rows take in this process."""
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
        sampled = process_time()
        for sequence in sequences:
            DIFF.write_edits(sequence)
        work.analysis += analyzed - started
        work.walk += sampled - analyzed
        work.encoding += process_time() - sampled
    gc.enable()
    return work


def write_input(path: Path, pairs: Sequence[Source], size: int) -> tuple[Path, int]:
    """Write rows until the file has `size` bytes; return its path and the number of rows."""
    written = rows = 0
    with path.open("wb") as file:
        for row in altered(pairs):
            if written >= size:
                break
            written += file.write(json.dumps(row).encode() + b"\n")
            rows += 1
    return path, rows


def altered(pairs: Sequence[Source]) -> Iterator[dict[str, str]]:
    """Yield rows endlessly, no two with the same program."""
    for number in itertools.count():
        for pair in pairs:
            text = f"# version {number}\n" + "\n" * (number % 3) + pair.text
            yield {"id": f"{pair.name}/{number}", "instruction": pair.instruction, "program": text}


def run_tree(command: Sequence[str | Path], *, cwd: Path | None = None) -> TreeCost:
    """Run a command, and sample the memory of all its processes."""
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
    """Yield a process and all its descendants."""
    yield pid
    for task in _listed(Path(f"/proc/{pid}/task")):
        for child in _read(task / "children").split():
            yield from family(int(child))


def memory(pid: int) -> tuple[float, float]:
    """Return the current and peak resident megabytes of a process; zeros if it has exited."""
    sizes = {"VmRSS": 0.0, "VmHWM": 0.0}
    for line in _read(Path(f"/proc/{pid}/status")).splitlines():
        name, _, value = line.partition(":")
        if name in sizes:
            sizes[name] = int(value.split()[0]) * 1024 / MEGABYTE
    return sizes["VmRSS"], sizes["VmHWM"]


def _listed(folder: Path) -> list[Path]:
    try:
        return [folder / name for name in os.listdir(folder)]
    except FileNotFoundError:  # the process has just exited
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):  # the process has just exited
        return ""


if __name__ == "__main__":
    main()
