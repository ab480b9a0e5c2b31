"""The cost of a corpus: CPU time of `lintseq build` per megabyte of real files, and core-hours derived from it.

Copies installed Python files into a folder and builds it. Measures the CPU time of all processes, which is less
sensitive to other load.
"""

import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from common import Report, Table, arguments, build_command, count_lines, installed_folders, note, python_files, run

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus, with the size that its authors publish."""

    name: str
    files: int
    gigabytes: float


STACK = Corpus("The Stack v1.2, near-deduplicated, Python", 12_962_249, 64.3)
"""Size from the StarCoder paper (before that model's own filters)."""
CORPORA = [Corpus("850,000 files, as D3 has", 850_000, 850_000 * STACK.gigabytes / STACK.files), STACK]
"""D3 took its files from The Stack; their mean size is assumed to be the same."""

MINED = "functions and classes, 5 draws"
RUNS = {"files, 1 draw": ["--samples", "1"], "files, 5 draws": ["--samples", "5"], MINED: ["--samples", "5"]}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--files", type=int, default=3000, help="number of files to build (default: 3000)")
    parser.add_argument(
        "--largest", type=int, default=100_000, help="maximum size of a file in bytes (default: 100000)"
    )
    options = parser.parse_args()
    report = Report("cost", "Cost: core-hours for a corpus")
    measured: list[list[object]] = []
    expected: list[list[object]] = []
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        folder = Path(name)
        files, size = copy_files(folder / "files", options.files, options.largest, options.seed)
        note(f"{files:,} files, {size:.1f} MB")
        for what, extra in RUNS.items():
            output = folder / "out.jsonl"
            source, seconds = folder / "files", 0.0
            if what == MINED:
                pairs = folder / "pairs.jsonl"
                mining = [sys.executable, "-m", "lintseq", "mine", source, "--functions", "--output", pairs, "--quiet"]
                seconds = run([*mining, "--workers", "2"]).cpu_seconds
                source = pairs
            seconds += run(build_command(source, output, "--workers", "2", *extra)).cpu_seconds
            written = output.stat().st_size / MEGABYTE
            rate = seconds / size
            measured.append(
                [
                    what,
                    f"{seconds:,.1f}",
                    f"{1000 * seconds / files:.1f}",
                    f"{rate:.2f}",
                    f"{count_lines(output):,}",
                    f"{written / size:.1f}",
                ]
            )
            note(f"{what}: {rate:.2f} s of CPU time per megabyte")
            report.numbers[what] = {"seconds_per_mb": rate, "written_per_mb": written / size}
            for corpus in CORPORA:
                hours = corpus.gigabytes * 1000 * rate / 3600
                out = corpus.gigabytes * written / size
                expected.append([corpus.name, what, f"{hours:,.1f}", f"{out:,.0f}"])
    report.notes.append(
        f"{files:,} installed files of at most {options.largest:,} bytes, chosen at random: {size:.1f} MB,"
        f" {1000 * size / files:.1f} kB each."
    )
    header = ["what", "processor s", "ms a file", "s a MB", "records", "MB written for a MB"]
    report.tables.append(Table("Measured", header, measured))
    report.tables.append(
        Table(
            "Core-hours",
            ["corpus", "what", "core-hours", "GB of JSON lines"],
            sorted(expected, key=lambda row: [corpus.name for corpus in CORPORA].index(str(row[0]))),
        )
    )
    report.texts.append("Core-hours are GB × 1000 × (s per MB) / 3600.")
    report.texts += [f"- {corpus.name}: {corpus.files:,} files, {corpus.gigabytes:.1f} GB" for corpus in CORPORA]
    report.numbers |= {"files": files, "mb": size}
    report.publish(options.results)


def copy_files(folder: Path, count: int, largest: int, seed: int) -> tuple[int, float]:
    """Copy installed Python files into a folder; return their number and their size in megabytes."""
    found = [path for _, path in python_files(installed_folders()) if path.stat().st_size <= largest]
    random.Random(seed).shuffle(found)
    size = 0
    for number, path in enumerate(found[:count]):
        target = folder / f"{number // 1000:03}" / f"{number % 1000:03}.py"
        target.parent.mkdir(parents=True, exist_ok=True)
        size += target.write_bytes(path.read_bytes())
    return min(count, len(found)), size / MEGABYTE


if __name__ == "__main__":
    main()
