"""What does a row cost in a task of a cluster, and what does a lost node cost?

    python benchmarks/distributed.py FILE...
    python benchmarks/distributed.py FILE --lost

Rates are CPU time, so other processes matter little: of one task of `examples/with_datatrove.py` that reads all rows
of a file (see `version_pairs.py` for files of versions), without its start. `--lost` kills the examples and starts
them again.
"""

import argparse
import json
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from common import ROOT, Report, Table, arguments, count_lines, data_folder, note, read_jsonl
from scale import TreeCost, family, run_tree

from lintseq.dataset.sampler import BuildOptions
from lintseq.dataset.screening import ScreeningOptions
from lintseq.integrations.datatrove import DuplicateSignatures, EditSampling, ProgramReader, RecordWriter
from lintseq.rows import FieldNames, parse_row, read_rows

MEGABYTE = 1_000_000
KEYS, KEY_FILES, COPIES = 1_000_000, 50, 0.2
ROWS, TASKS = 1000, 8
PATIENCE = 120


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="JSON Lines files of programs or of pairs of versions")
    parser.add_argument("--samples", type=int, default=2, help="sequences per program (default: 2)")
    parser.add_argument("--data", type=Path, help="folder of benchmark files")
    parser.add_argument("--lost", action="store_true", help="kill workers and whole runs of the examples")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    options = parser.parse_args()
    benchmark = data_folder(options.data) / "humaneval" / "HumanEval.jsonl.gz"
    if options.step:
        run_step(options.step, options.files[0], options.samples, benchmark)
    elif options.lost:
        report_losses(options.files[0], benchmark).publish(options.results)
    else:
        report_rates(options.files, options.samples, options.data).publish(options.results)


# Rates


def run_step(step: str, path: Path, samples: int, benchmark: Path) -> None:
    """Do the work of one task, in this process; output goes to the working directory."""
    screening = ScreeningOptions(decontaminate=(str(benchmark),), duplicates="exact")
    names = FieldNames(instruction_field="")
    options = BuildOptions(samples=samples, names=names, screening=screening)
    if step == "matches":
        find_matches(DuplicateSignatures("signatures", options))
    elif step == "signatures":
        DuplicateSignatures("signatures", options).run(ProgramReader([str(path)], names=names).run())
    else:
        sampling = EditSampling(options, duplicates="duplicates", exclusion_writer=RecordWriter("rejected"))
        writer = RecordWriter("records", output_filename="${rank}.jsonl.zst")
        for _ in writer.run(sampling.run(ProgramReader([str(path)], names=names).run())):
            pass


def find_matches(step: DuplicateSignatures) -> None:
    """Find the duplicates among many keys in many files."""
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster

    generator = random.Random(0)
    folder = Path("signatures/bucket_000")
    folder.mkdir(parents=True)
    for rank in range(KEY_FILES):
        keys = [generator.randrange(round(KEYS * (1 - COPIES))) * 1_000_003 for _ in range(KEYS // KEY_FILES)]
        pairs = sorted((key, index) for index, key in enumerate(keys))
        (folder / f"{rank:05}.minhash.sig").write_bytes(b"".join(struct.pack("<QI", *pair) for pair in pairs))
    MinhashDedupBuckets("signatures", "matches", config=step.config).run()
    MinhashDedupCluster("matches", "duplicates", config=step.config).run()


def report_rates(files: Sequence[Path], samples: int, data: Path | None) -> Report:
    """Return the costs of rows, and of finding duplicates."""
    report = Report("distributed", "Distributed: what does a row cost?")
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        folder = Path(name)
        empty = folder / "one.jsonl"
        empty.write_text(json.dumps({"id": 0, "program": "x = 1\nprint(x)\n"}))
        start = measure("records", empty, samples, data, folder / "start")
        rows = []
        for path in files:
            note(str(path))
            costs = {step: measure(step, path, samples, data, folder / path.name / step) for step in STEPS}
            rows.append(rate_row(report, path, costs, start, folder / path.name / "records"))
        matches = measure("matches", empty, samples, data, folder / "matches")
    report.notes.append(
        f"CPU time of one task, without its start ({start.cpu_seconds:.1f} s): of the first pass, which writes the"
        f" signatures of programs, and of the second one, which writes {samples} records of each, compressed by zstd."
        " Rows are checked against HumanEval. *MB*: the peak of a task's two processes together. *kB*: JSON lines."
    )
    header = ["rows", "number", "kB each", "1st pass, ms a row", "2nd pass, ms a row", "rows per core second"]
    report.tables.append(Table("Tasks", [*header, "records", "kB out per row", "compressed", "MB"], rows))
    duplicates = KEYS / MEGABYTE
    report.texts.append(
        f"Matches and clusters of {KEYS:,} programs in {KEY_FILES} files, 43 % of them copies:"
        f" {matches.cpu_seconds / duplicates:.0f} s of CPU time and {matches.largest_mb / duplicates:.0f} MB"
        " per million programs (with making up the signatures)."
    )
    report.numbers["matches"] = {"seconds": matches.cpu_seconds / duplicates, "mb": matches.largest_mb / duplicates}
    return report


STEPS = ("signatures", "records")


def measure(step: str, path: Path, samples: int, data: Path | None, folder: Path) -> TreeCost:
    """Return the cost of a process that does one step."""
    folder.mkdir(parents=True)
    (folder / "duplicates").mkdir()
    more = ["--data", data.resolve()] if data else []
    command = [sys.executable, Path(__file__).resolve(), path.resolve(), "--samples", samples, "--step", step, *more]
    return run_tree(list(map(str, command)), cwd=folder)


def rate_row(report: Report, path: Path, costs: dict[str, TreeCost], start: TreeCost, folder: Path) -> list[object]:
    """Return a row of the table, and note its numbers."""
    rows = count_lines(path) if path.suffix != ".gz" else sum(1 for _ in read_jsonl(path))
    size = sum(len(row.data) for row in read_rows(str(path)))
    passes = [1000 * (costs[step].cpu_seconds - start.cpu_seconds) / rows for step in STEPS]
    lines = [row.data for file in (folder / "records").iterdir() for row in read_rows(str(file))]
    packed = sum(file.stat().st_size for file in (folder / "records").iterdir())
    out, memory = sum(map(len, lines)) / rows, max(cost.sum_mb for cost in costs.values())
    report.numbers[path.name] = {"rows": rows, "ms": passes, "bytes_in": size / rows, "bytes_out": out, "mb": memory}
    rates = [f"{passes[0]:.2f}", f"{passes[1]:.2f}", f"{1000 / sum(passes):,.0f}"]
    sizes = [f"{out / 1000:.1f}", f"{packed / rows / 1000:.2f}", f"{memory:.0f}"]
    return [path.name, f"{rows:,}", f"{size / rows / 1000:.1f}", *rates, f"{len(lines):,}", *sizes]


# Losses


def report_losses(path: Path, benchmark: Path) -> Report:
    """Return what is done again after kills of the examples, and whether the records are the same."""
    report = Report("distributed_lost", "Distributed: what does a lost node cost?")
    report.notes.append(
        f"The examples on {ROWS:,} rows in {TASKS} Parquet files, on this machine. Processes are killed by SIGKILL"
        " while records are made; a run that ends, or makes no progress for two minutes, is started again."
    )
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        folder = Path(name)
        corpus = write_corpus(path, folder / "corpus")
        for engine, kills in KILLS.items():
            note(f"{engine}: not killed")
            start(engine, corpus, folder / engine, benchmark).wait()
            for what, kill in kills.items():
                note(f"{engine}: {what} killed")
                output = folder / f"{engine}-{kill.__name__}"
                process = start(engine, corpus, output, benchmark)
                while process.poll() is None and not BEGUN[engine](process, output):
                    time.sleep(0.05)
                kill(process)
                ending = end_of(process, output)
                kept = sum(1 for _ in output.glob("logs/3/completions/*"))
                if process.returncode:
                    start(engine, corpus, output, benchmark).wait()
                same = "yes" if records(output) == records(folder / engine) else "NO"
                note(f"{ending}, {kept} tasks kept, same records: {same}")
                rows.append([engine, what, ending, f"{kept} of {TASKS}" if engine == "datatrove" else "", same])
                report.numbers[f"{engine}, {what}"] = {"ending": ending, "kept": kept, "same": same}
    header = ["engine", "killed", "the run then", "tasks not repeated by the next run", "same records"]
    report.tables.append(Table("Losses", header, rows))
    return report


def end_of(process: subprocess.Popen[bytes], output: Path) -> str:
    """Return how a run ends of which something was killed; one that makes no progress is killed."""
    last, since = -1.0, time.monotonic()
    while process.poll() is None:
        time.sleep(0.5)
        latest = max((file.stat().st_mtime for file in output.rglob("*") if file.is_file()), default=0.0)
        if latest > last:
            last, since = latest, time.monotonic()
        elif time.monotonic() > since + PATIENCE:
            kill_run(process)
            process.wait()
            return "hangs"
    return "ends" if process.returncode else "completes"


def write_corpus(path: Path, folder: Path) -> Path:
    """Write rows of a file to Parquet files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir()
    rows = [{"id": n, "instruction": "", **row} for n, row in enumerate(islice(read_jsonl(path), ROWS))]
    for part in range(TASKS):
        pq.write_table(pa.Table.from_pylist(rows[part::TASKS]), folder / f"{part}.parquet")
    return folder


def start(engine: str, corpus: Path, output: Path, benchmark: Path) -> subprocess.Popen[bytes]:
    """Start an example in a session of its own."""
    command = [sys.executable, ROOT / "examples" / f"with_{engine}.py", corpus, output, benchmark]
    environment = {**os.environ, "TASKS": str(TASKS)}
    return subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )


def records(output: Path) -> list[str]:
    """Return all records of an example's output, sorted."""
    folder = output / "records" if (output / "records").is_dir() else output
    files = [file for file in folder.iterdir() if file.suffix in (".zst", ".parquet")]
    return sorted(json.dumps(parse_row(row.data)) for file in files for row in read_rows(str(file)))


def named(root: int, words: bytes) -> list[int]:
    """Return the descendants of a process whose command line contains some words."""
    found = []
    for pid in family(root):
        with suppress(OSError):
            found += [pid] if words in Path(f"/proc/{pid}/cmdline").read_bytes() else []
    return found


def kill_run(process: subprocess.Popen[bytes]) -> None:
    for pid in [*family(process.pid)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_pool_process(process: subprocess.Popen[bytes]) -> None:
    os.kill(at_work(process)[-1], signal.SIGKILL)


def at_work(process: subprocess.Popen[bytes]) -> list[int]:
    """Return the processes of datatrove's pool that have a process for rows, behind that of the pool itself."""
    return [pid for pid in named(process.pid, b"forkserver") if named(pid, b"spawn_main")]


def kill_ray_worker(process: subprocess.Popen[bytes]) -> None:
    os.kill(named(process.pid, SAMPLING)[-1], signal.SIGKILL)


SAMPLING = b"_sample_block"
"""In the title of a Ray process that makes records."""
BEGUN: dict[str, Callable[[subprocess.Popen[bytes], Path], bool]] = {
    "datatrove": lambda process, output: len(at_work(process)) > 1 < len([*output.glob("logs/3/completions/*")]),
    "ray": lambda process, output: bool(named(process.pid, SAMPLING)),
}
KILLS = {
    "datatrove": {"the run": kill_run, "the process of a task": kill_pool_process},
    "ray": {"the run": kill_run, "the process of a task": kill_ray_worker},
}


if __name__ == "__main__":
    main()
