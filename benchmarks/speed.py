"""Speed compared with pylintseq: alternating whole processes, each on one core, and a profile of lintseq's stages.

In each round, pylintseq gets a different subset of the programs, evenly spaced by length and small enough for a few
minutes. lintseq gets all programs in each round, then only pylintseq's subset.
"""

import gc
import shutil
import sys
import tempfile
import warnings
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import TypeVar

from common import (
    HERE,
    Cost,
    Goal,
    Report,
    Source,
    Table,
    arguments,
    build_command,
    count_lines,
    instruction_pairs,
    note,
    one_output,
    percent,
    pylintseq_command,
    pylintseq_versions,
    real_files,
    run,
    spread,
    write_jsonl,
)

from lintseq.codecs import DIFF
from lintseq.dataset.shapes import SHAPES, ProgramRow
from lintseq.languages.python.syntax import parse
from lintseq.program import Program
from lintseq.rows import encode_line
from lintseq.walks import ProgramSampler

Result = TypeVar("Result")


@dataclass(slots=True)
class Runs:
    """All runs of one command."""

    name: str
    programs: int = 0
    sequences: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0

    def add(self, cost: Cost, programs: int, sequences: int) -> None:
        self.programs += programs
        self.sequences += sequences
        self.seconds += cost.seconds
        self.cpu_seconds += cost.cpu_seconds
        self.peak_mb = max(self.peak_mb, cost.peak_mb)

    @property
    def rate(self) -> float:
        """Sequences per second."""
        return self.sequences / self.seconds

    def row(self, where: str) -> list[object]:
        times = [f"{self.seconds:.1f}", f"{self.cpu_seconds:.1f}", f"{self.rate:,.2f}", f"{self.peak_mb:.0f}"]
        return [where, self.name, self.programs, self.sequences, *times]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each (default: 3)")
    parser.add_argument("--files", type=int, default=6, help="files for pylintseq in a round (default: 6)")
    parser.add_argument("--pair-programs", type=int, default=30, help="pairs for pylintseq in a round (default: 30)")
    parser.add_argument("--core", type=int, default=0, help="CPU core to run on (default: 0)")
    options = parser.parse_args()
    report = Report("speed", "Speed compared with pylintseq: whole processes, one core")
    report.notes.append(
        f"Sums over {options.rounds} alternating runs of each, including interpreter startup, with one worker."
        " pylintseq got different programs in each round, all evenly spaced by length."
        " *floor* reads the same rows, calls `ast.parse` on each program and writes as many bytes as lintseq wrote."
        f" {pylintseq_versions()}."
    )
    warnings.simplefilter("ignore")
    files = real_files(seed=options.seed)
    pairs = instruction_pairs(options.pairs, seed=options.seed)
    rows, stages = [], []
    for where, sources, count, samples, least in (
        ("real files", files, options.files, 20, 3000),
        ("pairs", pairs, options.pair_programs, 5, 1500),
    ):
        theirs, ours, same, floor = compare(sources, count, samples, options)
        rows += [runs.row(where) for runs in (theirs, ours, same, floor)]
        report.goals.append(
            Goal(f"{where}: sequences per second relative to pylintseq", ours.rate / theirs.rate, least=least)
        )
        report.numbers[where] = {
            "samples": samples,
            "pylintseq": theirs.rate,
            "lintseq": ours.rate,
            "lintseq_same_programs": same.rate,
            "floor": floor.rate,
            "ratio": ours.rate / theirs.rate,
        }
        stages += [[where, *row] for row in stage_times(sources[:1000], samples)]
    header = ["", "process", "programs", "sequences", "seconds", "of processor", "sequences a second", "peak MB"]
    report.tables.append(Table("Whole processes", header, rows))
    header = ["programs", "stage", "ms a program", "share"]
    report.tables.append(Table("Where the time goes (in the process, on 1,000 of the programs)", header, stages))
    report.publish(options.results)


def compare(sources: Sequence[Source], count: int, samples: int, options: Namespace) -> tuple[Runs, Runs, Runs, Runs]:
    """Run pylintseq, lintseq, lintseq on pylintseq's programs, and the lower bound, alternating."""
    theirs, ours = Runs("pylintseq"), Runs("lintseq")
    same, floor = Runs("lintseq, pylintseq's programs"), Runs("floor")
    core, extra = options.core, ["--samples", str(samples), "--workers", "1"]
    subset = spread(sources, count * options.rounds)
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        folder = Path(name)
        output, their_folder = folder / "out.jsonl", folder / "theirs"
        everything = write_jsonl(folder / "all.jsonl", sources)
        for number in range(options.rounds):
            share = subset[number :: options.rounds]
            subset_file = write_jsonl(folder / "some.jsonl", share)
            note(f"round {number + 1}: lintseq on {len(sources)} programs, pylintseq on {len(share)}")
            cost = run(build_command(everything, output, *extra), core=core)
            sequences = count_lines(output)
            ours.add(cost, len(sources), sequences)
            size = str(output.stat().st_size)
            cost = run([sys.executable, HERE / "floor.py", everything, folder / "floor.out", size], core=core)
            floor.add(cost, len(sources), sequences)
            cost = run(build_command(subset_file, output, *extra), core=core)
            same.add(cost, len(share), count_lines(output))
            cost = run(pylintseq_command(subset_file, their_folder, samples=samples), core=core)
            theirs.add(cost, len(share), count_lines(one_output(their_folder)))
            shutil.rmtree(their_folder)
            note(f"  {ours.rate:,.0f} sequences per second, pylintseq {theirs.rate:.2f}")
    return theirs, ours, same, floor


def stage_times(sources: Sequence[Source], samples: int) -> list[list[str]]:
    """Return the milliseconds per program and the share of each stage."""
    spent: defaultdict[str, float] = defaultdict(float)

    def timed(stage: str, work: Callable[[], Result]) -> Result:
        """Call `work` three times, record the shortest duration, and return its result."""
        times = []
        for _ in range(3):
            started = process_time()
            result = work()
            times.append(process_time() - started)
        spent[stage] += min(times)
        return result

    def examine(source: Source) -> None:
        program = Program.from_text(source.text)
        item = ProgramRow(source.name, source.instruction, source.text)
        timed("parsed", lambda: parse(source.text))
        sampler = timed("set up", lambda: ProgramSampler(program))
        sequences = timed("draws", lambda: [sampler.sample(id=source.name, draw=draw) for draw in range(samples)])
        timed("texts", lambda: [DIFF.write_edits(sequence) for sequence in sequences])
        write = SHAPES["lintseq"].write
        timed("records", lambda: [encode_line(write(item, sequence, 0, {}, DIFF)) for sequence in sequences])

    gc.disable()  # as lintseq does while processing a batch
    for source in sources:
        examine(source)
    gc.enable()
    stages = {
        "parsing and compiling": spent["parsed"],
        "analysis": spent["set up"] - spent["parsed"],
        "draws": spent["draws"],
        "edit texts": spent["texts"],
        "records": max(0.0, spent["records"] - spent["texts"]),
    }
    total = sum(stages.values())
    return [[stage, f"{1000 * time / len(sources):.3f}", percent(time, total)] for stage, time in stages.items()]


if __name__ == "__main__":
    main()
