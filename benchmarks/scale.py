"""Two workers beside one, and how much memory a large input takes: `lintseq build` on a gigabyte.

The input is made of real pairs, each time with another comment and other blank lines, and deleted afterwards.
"""

import itertools
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from common import Goal, Report, Source, Table, arguments, build_command, instruction_pairs, note

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class TreeCost:
    """What a process and those that it started took."""

    seconds: float
    largest_mb: float
    """The peak of the process with the largest peak, its share of shared pages included."""
    sum_mb: float
    """The peak of all of them together, shared pages counted for each."""


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the large input (default: 1000)")
    parser.add_argument("--compare", type=int, default=60, help="megabytes of the input for the workers (default: 60)")
    parser.add_argument("--rounds", type=int, default=3, help="runs with one and with two workers (default: 3)")
    parser.add_argument("--samples", type=int, default=1, help="sequences of each program (default: 1)")
    parser.add_argument("--folder", type=Path, help="where there is room for input and output (default: temporary)")
    options = parser.parse_args()
    report = Report("scale", "Scale: two workers beside one, and memory")
    report.notes.append(
        "The first table's runs took turns on the smaller input, on two cores; the large input was built once, with"
        " two workers. Memory was read from the system ten times a second, of all processes of the build."
    )
    pairs = instruction_pairs(options.pairs, seed=options.seed)
    extra = ["--samples", str(options.samples)]
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-", dir=options.folder) as name:
        folder = Path(name)
        small, rows = write_input(folder / "small.jsonl", pairs, options.compare * MEGABYTE)
        costs: dict[int, list[TreeCost]] = {1: [], 2: []}
        for number in range(options.rounds):
            for workers, runs in costs.items():
                runs.append(run_tree(build_command(small, folder / "out.jsonl", "--workers", str(workers), *extra)))
                note(f"round {number + 1}: {workers} workers, {rows / runs[-1].seconds:,.0f} rows a second")
        rates = {workers: rows / middle([cost.seconds for cost in runs]) for workers, runs in costs.items()}
        table = [
            [workers, f"{options.compare} MB", rows, *figures(rates[workers], runs)] for workers, runs in costs.items()
        ]
        large, rows = write_input(folder / "large.jsonl", pairs, options.megabytes * MEGABYTE)
        note(f"{rows:,} rows in {large.stat().st_size / MEGABYTE:,.0f} MB")
        cost = run_tree(build_command(large, folder / "out.jsonl", "--workers", "2", *extra))
        table.append([2, f"{options.megabytes} MB", rows, *figures(rows / cost.seconds, [cost])])
        written = (folder / "out.jsonl").stat().st_size / MEGABYTE
    report.goals += [
        Goal("two workers beside one", rates[2] / rates[1], least=1.8),
        Goal("MB, all processes together, large input", cost.sum_mb, most=300),
    ]
    header = ["workers", "input", "rows", "seconds", "rows a second", "largest process, MB", "all processes, MB"]
    report.tables.append(Table("Whole builds", header, table))
    report.numbers = {
        "rows_per_second": {str(workers): rate for workers, rate in rates.items()},
        "large_input_mb": options.megabytes,
        "large_input_rows": rows,
        "large_input_rows_per_second": rows / cost.seconds,
        "large_output_mb": written,
        "largest_process_mb": cost.largest_mb,
        "all_processes_mb": cost.sum_mb,
    }
    report.publish(options.results)


def figures(rate: float, runs: Sequence[TreeCost]) -> list[str]:
    seconds = middle([cost.seconds for cost in runs])
    largest, together = max(cost.largest_mb for cost in runs), max(cost.sum_mb for cost in runs)
    return [f"{seconds:,.1f}", f"{rate:,.0f}", f"{largest:.0f}", f"{together:.0f}"]


def middle(numbers: Sequence[float]) -> float:
    return sorted(numbers)[len(numbers) // 2]


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


def run_tree(command: Sequence[str | Path]) -> TreeCost:
    """Run a command to its end, watching the memory of all its processes."""
    started = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command])
    peaks: dict[int, float] = {}
    together = 0.0
    while process.poll() is None:
        now = {pid: memory(pid) for pid in family(process.pid)}
        together = max(together, sum(resident for resident, _ in now.values()))
        peaks |= {pid: max(peak, peaks.get(pid, 0)) for pid, (_, peak) in now.items()}
        time.sleep(0.1)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with status {process.returncode}")
    return TreeCost(seconds, max(peaks.values()), together)


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
