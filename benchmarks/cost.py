"""What a corpus costs: processor time of `lintseq build` for a megabyte of real files, and core-hours from it.

Installed Python files are copied into a folder, which is built from start to end. Processor time is counted,
of all processes, so what else the machine does matters little.
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
    """A corpus by what its makers say of it."""

    name: str
    files: int
    gigabytes: float


STACK = Corpus("The Stack v1.2, near-deduplicated, Python", 12_962_249, 64.3)
"""As the paper on StarCoder counts it (before that model's own filters)."""
CORPORA = [Corpus("850,000 files, as D3 has", 850_000, 850_000 * STACK.gigabytes / STACK.files), STACK]
"""D3 took its files out of The Stack; how large they are is assumed to be as there."""

MINED = "functions and classes, 5 draws"
RUNS = {"files, 1 draw": ["--samples", "1"], "files, 5 draws": ["--samples", "5"], MINED: ["--samples", "5"]}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--files", type=int, default=3000, help="files to build (default: 3000)")
    parser.add_argument("--largest", type=int, default=100_000, help="bytes of the largest of them (default: 100000)")
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
                seconds = run([*mining, "--workers", "2"]).processor_seconds
                source = pairs
            seconds += run(build_command(source, output, "--workers", "2", *extra)).processor_seconds
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
            note(f"{what}: {rate:.2f} s of processor time a megabyte")
            report.numbers[what] = {"seconds_per_mb": rate, "written_per_mb": written / size}
            for corpus in CORPORA:
                hours = corpus.gigabytes * 1000 * rate / 3600
                out = corpus.gigabytes * written / size
                expected.append([corpus.name, what, f"{hours:,.1f}", f"{out:,.0f}"])
    report.notes.append(
        f"{files:,} installed files of at most {options.largest:,} bytes, drawn at random: {size:.1f} MB,"
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
    report.texts.append("Core-hours are GB × 1000 × (s a MB) / 3600.")
    report.texts += [f"- {one.name}: {one.files:,} files, {one.gigabytes:.1f} GB" for one in CORPORA]
    report.numbers |= {"files": files, "mb": size}
    report.publish(options.results)


def copy_files(folder: Path, count: int, largest: int, seed: int) -> tuple[int, float]:
    """Copy installed Python files into a folder, and nothing else; return how many, and their megabytes."""
    found = [path for _, path in python_files(installed_folders()) if path.stat().st_size <= largest]
    random.Random(seed).shuffle(found)
    size = 0
    for number, path in enumerate(found[:count]):
        place = folder / f"{number // 1000:03}" / f"{number % 1000:03}.py"
        place.parent.mkdir(parents=True, exist_ok=True)
        size += place.write_bytes(path.read_bytes())
    return min(count, len(found)), size / MEGABYTE


if __name__ == "__main__":
    main()
