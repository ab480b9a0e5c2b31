"""How fast beside pylintseq: whole processes on one core each, in turns, and where lintseq's time goes.

pylintseq gets a subset of the programs, evenly spaced by length, as large as a few minutes allow, and draws each
fewer times: it starts afresh with each draw, so its sequences a second do not depend on how many there are of a
program, but much on which programs there are. lintseq gets all programs, and once more only that subset.
"""

import ast
import shutil
import statistics
import sys
import tempfile
import warnings
from argparse import Namespace
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time

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

from lintseq.analysis import analyse
from lintseq.codecs import DIFF
from lintseq.dataset.records import Item, encode_line, lintseq_record
from lintseq.program import Program, parse_python
from lintseq.sampling import ProgramSampler


@dataclass(slots=True)
class Runs:
    """The runs of one program of ours or theirs on one input."""

    name: str
    programs: int
    sequences: int = 0
    costs: list[Cost] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Sequences a second, the median of the runs."""
        return statistics.median(self.sequences / cost.seconds for cost in self.costs)

    def row(self, where: str) -> list[object]:
        seconds = statistics.median(cost.seconds for cost in self.costs)
        busy = statistics.median(cost.processor_seconds for cost in self.costs)
        peak = max(cost.peak_mb for cost in self.costs)
        times = [f"{seconds:.2f}", f"{busy:.2f}", f"{self.rate:,.1f}", f"{peak:.0f}"]
        return [where, self.name, self.programs, self.sequences, *times]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each (default: 3)")
    parser.add_argument("--files", type=int, default=40, help="real files for pylintseq (default: 40)")
    parser.add_argument("--pair-programs", type=int, default=120, help="pairs for pylintseq (default: 120)")
    parser.add_argument("--their-samples", type=int, default=2, help="of each program by pylintseq (default: 2)")
    parser.add_argument("--core", type=int, default=0, help="the core that all of them run on (default: 0)")
    options = parser.parse_args()
    report = Report("speed", "Speed beside pylintseq: whole processes, one core")
    report.notes.append(
        f"Each ran {options.rounds} times, in turns with the others, from the start of its process to the end, one"
        " worker; medians. *floor* reads the same rows, calls `ast.parse` on each program and writes as many bytes"
        f" as lintseq wrote. pylintseq starts afresh with each draw, so it drew fewer of each program. {pylintseq_versions()}."
    )
    warnings.simplefilter("ignore")
    files = real_files(seed=options.seed)
    pairs = instruction_pairs(options.pairs, seed=options.seed)
    rows, stages = [], []
    for where, sources, count, samples, least in (
        ("real files", files, options.files, 20, 3000),
        ("pairs", pairs, options.pair_programs, 5, 1500),
    ):
        theirs, ours, same, floor = compare(sources, spread(sources, count), samples, options)
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
    header = ["programs", "process", "number", "sequences", "seconds", "of processor", "sequences a second", "peak MB"]
    report.tables.append(Table("Whole processes", header, rows))
    header = ["programs", "stage", "ms a program", "share"]
    report.tables.append(Table("Where the time goes (in the process, on 1,000 of the programs)", header, stages))
    report.publish(options.results)


def compare(
    sources: Sequence[Source], subset: Sequence[Source], samples: int, options: Namespace
) -> tuple[Runs, Runs, Runs, Runs]:
    """Run pylintseq, lintseq, lintseq on pylintseq's programs, and the floor, in turns."""
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        folder = Path(name)
        everything = write_jsonl(folder / "all.jsonl", sources)
        some = write_jsonl(folder / "some.jsonl", subset)
        output = folder / "out.jsonl"
        theirs = Runs("pylintseq", len(subset))
        ours = Runs("lintseq", len(sources))
        same = Runs("lintseq, pylintseq's programs", len(subset))
        floor = Runs("floor", len(sources))
        extra = ["--samples", str(samples), "--workers", "1"]
        core = options.core
        for number in range(options.rounds):
            note(f"round {number + 1}: lintseq on {len(sources)} programs")
            ours.costs.append(run(build_command(everything, output, *extra), core=core))
            ours.sequences = floor.sequences = count_lines(output)
            size = output.stat().st_size
            floor_command: list[str | Path] = [
                sys.executable,
                HERE / "floor.py",
                everything,
                folder / "floor.out",
                str(size),
            ]
            floor.costs.append(run(floor_command, core=core))
            same.costs.append(run(build_command(some, output, *extra), core=core))
            same.sequences = count_lines(output)
            note(f"round {number + 1}: pylintseq on {len(subset)} programs")
            their_folder = folder / "theirs"
            command = pylintseq_command(some, their_folder, samples=options.their_samples)
            theirs.costs.append(run(command, core=core))
            theirs.sequences = count_lines(one_output(their_folder))
            shutil.rmtree(their_folder)
            note(f"round {number + 1}: {ours.rate:,.0f} sequences a second beside {theirs.rate:.2f}")
    return theirs, ours, same, floor


def where_time_goes(sources: Sequence[Source], samples: int) -> list[list[str]]:
    """Return, for each stage of the work, the milliseconds that it takes for a program, and its share."""
    spent: defaultdict[str, float] = defaultdict(float)
    for source in sources:
        program = Program.from_text(source.text)
        clock = process_time()

        def lap(stage: str) -> None:
            nonlocal clock
            spent[stage] += process_time() - clock
            clock = process_time()

        ast.parse(source.text)
        lap("ast.parse")
        parse_python(source.text)
        lap("parsed")
        analyse(program)
        lap("analysed")
        sampler = ProgramSampler(program)
        lap("set up")
        sequences = [sampler.sample(id=source.name, draw=draw) for draw in range(samples)]
        lap("draws")
        for sequence in sequences:
            DIFF.edit_texts(sequence)
        lap("texts")
        item = Item(source.name, source.instruction, source.text)
        for draw, sequence in enumerate(sequences):
            encode_line(lintseq_record(item, sequence, draw, {}))
        lap("records")
    stages = {
        "ast.parse": spent["ast.parse"],
        "compile (does it?)": spent["parsed"] - spent["ast.parse"],
        "analysis": spent["analysed"] - spent["parsed"],
        "setting up the walk": spent["set up"] - spent["analysed"],
        "draws": spent["draws"],
        "edit texts": spent["texts"],
        "JSON": spent["records"] - spent["texts"],
    }
    total = sum(stages.values())
    return [[stage, f"{1000 * time / len(sources):.3f}", percent(time, total)] for stage, time in stages.items()]


if __name__ == "__main__":
    main()
