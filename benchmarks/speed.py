"""How fast beside pylintseq: whole processes on one core each, in turns, and where lintseq's time goes.

pylintseq gets some of the programs in each round, others in the next, evenly spaced by length: as many as a
few minutes allow. lintseq gets all programs in each round, and once more only those that pylintseq got.
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
    processor_seconds: float = 0.0
    peak_mb: float = 0.0

    def add(self, cost: Cost, programs: int, sequences: int) -> None:
        self.programs += programs
        self.sequences += sequences
        self.seconds += cost.seconds
        self.processor_seconds += cost.processor_seconds
        self.peak_mb = max(self.peak_mb, cost.peak_mb)

    @property
    def rate(self) -> float:
        """Sequences a second."""
        return self.sequences / self.seconds

    def row(self, where: str) -> list[object]:
        times = [f"{self.seconds:.1f}", f"{self.processor_seconds:.1f}", f"{self.rate:,.2f}", f"{self.peak_mb:.0f}"]
        return [where, self.name, self.programs, self.sequences, *times]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (default: 3)")
    parser.add_argument("--files", type=int, default=6, help="files for pylintseq in a round (default: 6)")
    parser.add_argument("--pair-programs", type=int, default=30, help="pairs for pylintseq in a round (default: 30)")
    parser.add_argument("--core", type=int, default=0, help="the core that all of them run on (default: 0)")
    options = parser.parse_args()
    report = Report("speed", "Speed beside pylintseq: whole processes, one core")
    report.notes.append(
        f"Each ran {options.rounds} times, in turns with the others, from the start of its process to the end, with"
        " one worker; the table has the sums. pylintseq got other programs each time, all evenly spaced by length."
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
            Goal(f"{where}: times pylintseq's sequences a second", ours.rate / theirs.rate, least=least)
        )
        report.numbers[where] = {
            "samples": samples,
            "pylintseq": theirs.rate,
            "lintseq": ours.rate,
            "lintseq_same_programs": same.rate,
            "floor": floor.rate,
            "ratio": ours.rate / theirs.rate,
        }
        stages += [[where, *row] for row in where_time_goes(sources[:1000], samples)]
    header = ["", "process", "programs", "sequences", "seconds", "of processor", "sequences a second", "peak MB"]
    report.tables.append(Table("Whole processes", header, rows))
    header = ["programs", "stage", "ms a program", "share"]
    report.tables.append(Table("Where the time goes (in the process, on 1,000 of the programs)", header, stages))
    report.publish(options.results)


def compare(sources: Sequence[Source], count: int, samples: int, options: Namespace) -> tuple[Runs, Runs, Runs, Runs]:
    """Run pylintseq, lintseq, lintseq on pylintseq's programs, and the floor, in turns."""
    theirs, ours = Runs("pylintseq"), Runs("lintseq")
    same, floor = Runs("lintseq, pylintseq's programs"), Runs("floor")
    core, extra = options.core, ["--samples", str(samples), "--workers", "1"]
    subset = spread(sources, count * options.rounds)
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        folder = Path(name)
        output, their_folder = folder / "out.jsonl", folder / "theirs"
        everything = write_jsonl(folder / "all.jsonl", sources)
        for number in range(options.rounds):
            turn = subset[number :: options.rounds]
            some = write_jsonl(folder / "some.jsonl", turn)
            note(f"round {number + 1}: lintseq on {len(sources)} programs, pylintseq on {len(turn)}")
            cost = run(build_command(everything, output, *extra), core=core)
            sequences = count_lines(output)
            ours.add(cost, len(sources), sequences)
            size = str(output.stat().st_size)
            cost = run([sys.executable, HERE / "floor.py", everything, folder / "floor.out", size], core=core)
            floor.add(cost, len(sources), sequences)
            cost = run(build_command(some, output, *extra), core=core)
            same.add(cost, len(turn), count_lines(output))
            cost = run(pylintseq_command(some, their_folder, samples=samples), core=core)
            theirs.add(cost, len(turn), count_lines(one_output(their_folder)))
            shutil.rmtree(their_folder)
            note(f"  {ours.rate:,.0f} sequences a second beside {theirs.rate:.2f}")
    return theirs, ours, same, floor


def where_time_goes(sources: Sequence[Source], samples: int) -> list[list[str]]:
    """Return, for each stage of the work, the milliseconds that it takes for a program, and its share."""
    spent: defaultdict[str, float] = defaultdict(float)

    def timed(stage: str, work: Callable[[], Result]) -> Result:
        """Do the work three times, note the shortest, and return what it gave."""
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
        timed("records", lambda: [encode_line(write(item, sequence, 0, {})) for sequence in sequences])

    gc.disable()  # as lintseq does while it works
    for source in sources:
        examine(source)
    gc.enable()
    stages = {
        "parsing, and does it compile?": spent["parsed"],
        "analysis": spent["set up"] - spent["parsed"],
        "draws": spent["draws"],
        "edit texts": spent["texts"],
        "records": max(0.0, spent["records"] - spent["texts"]),
    }
    total = sum(stages.values())
    return [[stage, f"{1000 * time / len(sources):.3f}", percent(time, total)] for stage, time in stages.items()]


if __name__ == "__main__":
    main()
