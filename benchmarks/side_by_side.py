"""pylintseq's and lintseq's edits of the same programs: number, size, replayed result, and examples.

Both use their default settings. The example programs are in `programs/`.
"""

import tempfile
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from common import (
    HERE,
    Report,
    Source,
    Table,
    arguments,
    build_command,
    instruction_pairs,
    note,
    one_output,
    percent,
    pylintseq_command,
    pylintseq_versions,
    read_jsonl,
    real_files,
    run,
    spread,
    write_jsonl,
)
from judges import compiles, pylint_all

from lintseq.codecs import DIFF, SEPARATOR

SIZES = [(1, 9), (10, 19), (20, 39), (40, 79), (80, 120)]
"""Groups of programs by number of lines (inclusive)."""

SequencesByProgram = dict[str, list[list[str]]]
"""Sequences by name of the program, each a list of edit texts."""


@dataclass(slots=True)
class Shape:
    """Statistics of the sequences of several programs."""

    programs: int = 0
    edits: list[int] = field(default_factory=list)
    lines: int = 0
    """Lines inserted by all edits."""
    single: int = 0
    deleting: int = 0
    """Sequences that delete lines they inserted."""
    inexact: int = 0
    """Sequences that do not replay to the program, apart from line ends and surrounding blank lines."""
    not_byte_exact: int = 0
    states: int = 0
    broken: int = 0
    """States that do not compile."""
    missing: int = 0
    """Programs without any sequence."""
    distinct: list[float] = field(default_factory=list)
    """For each program, the share of distinct sequences."""

    def add(self, source: Source, sequences: Sequence[Sequence[str]]) -> None:
        self.programs += 1
        if not sequences:
            self.missing += 1
            return
        self.distinct.append(len({tuple(edits) for edits in sequences}) / len(sequences))
        for edits in sequences:
            rows = [row for edit in edits for row in edit.split("\n")]
            self.edits.append(len(edits))
            self.lines += sum(row.startswith("+") for row in rows)
            self.single += len(edits) == 1
            self.deleting += any(row.startswith("-") for row in rows)
            states = list(grown(edits))
            self.states += len(states)
            self.broken += sum(not compiles(state) for state in states)
            self.inexact += normalized(states[-1]) != normalized(source.text)
            self.not_byte_exact += states[-1] != source.text and states[-1] + "\n" != source.text

    def numbers(self) -> dict[str, float]:
        count, total = len(self.edits), sum(self.edits)
        return {
            "sequences": count,
            "edits_per_sequence": round(total / count, 3),
            "lines_per_edit": round(self.lines / total, 3),
            "single_edit_share": round(self.single / count, 4),
            "distinct_share": round(sum(self.distinct) / len(self.distinct), 4),
            "states_not_compiling": self.broken,
            "taking_lines_away": self.deleting,
            "replaying_to_a_different_program": self.inexact,
            "not_byte_for_byte": self.not_byte_exact,
        }

    def row(self, name: str) -> list[object]:
        count = len(self.edits)
        total = sum(self.edits)
        return [
            name,
            count,
            f"{total / count:.2f}",
            f"{median(self.edits):g}",
            f"{self.lines / total:.2f}",
            percent(self.single, count),
            f"{sum(self.distinct) / len(self.distinct):.2f}",
            percent(self.broken, self.states),
            percent(self.deleting, count),
            percent(self.inexact, count),
            percent(self.not_byte_exact, count),
        ]


HEADER = [
    "",
    "sequences",
    "edits per sequence",
    "median",
    "lines per edit",
    "single-edit",
    "distinct draws",
    "states that do not compile",
    "remove lines again",
    "replay to a different program",
    "not byte for byte",
]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--files", type=int, default=40, help="number of real files (default: 40)")
    parser.add_argument("--pair-programs", type=int, default=80, help="number of pairs (default: 80)")
    parser.add_argument("--samples", type=int, default=3, help="sequences per program (default: 3)")
    parser.add_argument("--draws", type=int, default=8, help="draws of each program in programs/ (default: 8)")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    files = spread(real_files(least=10, seed=options.seed), options.files)
    pairs = spread(instruction_pairs(options.pairs, seed=options.seed), options.pair_programs)
    report = Report("side_by_side", "pylintseq's and lintseq's edits of the same programs")
    report.notes.append(
        f"Both sampled {options.samples} sequences per program; pylintseq's edits were replayed with lintseq's"
        " `resolve`, which applies deletions too. *Replay to a different program*: lines differ, apart"
        f" from line ends and blank lines at the start and end. {pylintseq_versions()}."
    )
    sizes: dict[str, Shape] = {}
    cause_rows: list[list[object]] = []
    for where, sources in (("real files", files), ("pairs", pairs)):
        theirs, ours = draw_both(sources, options.samples)
        rows = []
        for name, sequences_by_program in (("pylintseq", theirs), ("lintseq", ours)):
            shape = merged(Shape(), sources, sequences_by_program)
            rows.append(shape.row(name))
            report.numbers[f"{where}, {name}"] = shape.numbers()
            for least, most in SIZES:
                group = [source for source in sources if least <= source.lines <= most]
                key = f"{least} to {most} lines, {name}"
                sizes[key] = merged(sizes.get(key, Shape()), group, sequences_by_program)
        report.tables.append(Table(f"{where}: {len(sources)} programs", HEADER, rows))
        cause_rows += [[where, *row] for row in causes(sources, theirs)]
    by_size = [
        sizes[key].row(key)
        for key in (f"{least} to {most} lines, {name}" for least, most in SIZES for name in ("pylintseq", "lintseq"))
        if sizes[key].edits
    ]
    report.tables.append(Table("By size of the program", HEADER, by_size))
    header = ["", "pylint finds in the whole program", "programs"]
    report.tables.append(Table("Programs that pylintseq always writes in a single edit", header, cause_rows))
    add_examples(report, options.draws)
    report.publish(options.results)


def causes(sources: Sequence[Source], sequences_by_program: SequencesByProgram) -> list[list[object]]:
    """Return pylint's findings, with pylintseq's settings, in the programs whose sequences are all a single edit."""
    single = [
        source
        for source in sources
        if sequences_by_program[source.name] and all(len(edits) == 1 for edits in sequences_by_program[source.name])
    ]
    count: Counter[str] = Counter()
    for found in pylint_all([source.text for source in single], options=[]):
        count[", ".join(sorted({code for code, _ in found})) or "nothing"] += 1
    return [[codes, number] for codes, number in count.most_common()]


def add_examples(report: Report, draws: int) -> None:
    """Add a table of the example programs, and a draw of median length of each by both tools."""
    sources = [Source(path.stem, path.read_text()) for path in sorted((HERE / "programs").glob("*.py"))]
    theirs, ours = draw_both(sources, draws)
    rows: list[list[object]] = []
    for source in sources:
        counts = [
            sorted(len(edits) for edits in sequences_by_program[source.name])
            for sequences_by_program in (theirs, ours)
        ]
        rows.append([source.name, source.lines, *(" ".join(map(str, numbers)) or "rejected" for numbers in counts)])
        report.texts.append(f"## {source.name}")
        for name, sequences_by_program in (("pylintseq", theirs), ("lintseq", ours)):
            if sequences := sorted(sequences_by_program[source.name], key=len):
                edits = sequences[len(sequences) // 2]
                report.texts.append(f"{name}, {len(edits)} edits:")
                report.texts.append("```diff\n" + "\n".join(SEPARATOR + edit for edit in edits) + "\n```")
    header = ["program", "lines", f"pylintseq: edits of {draws} draws", f"lintseq: edits of {draws} draws"]
    report.tables.append(Table("Example programs", header, rows))


def draw_both(sources: Sequence[Source], samples: int) -> tuple[SequencesByProgram, SequencesByProgram]:
    """Return pylintseq's sequences and ours."""
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        folder = Path(name)
        path = write_jsonl(folder / "programs.jsonl", sources)
        note(f"pylintseq on {len(sources)} programs, {samples} times")
        run(pylintseq_command(path, folder / "theirs", samples=samples))
        run(build_command(path, folder / "ours.jsonl", "--samples", str(samples)))
        theirs: SequencesByProgram = defaultdict(list)
        for row in read_jsonl(one_output(folder / "theirs")):
            theirs[sources[row["index"]].name].append(row["edit_path"])
        ours: SequencesByProgram = defaultdict(list)
        for row in read_jsonl(folder / "ours.jsonl"):
            ours[row["id"]].append(row["edits"])
        return theirs, ours


def merged(shape: Shape, sources: Iterable[Source], sequences_by_program: SequencesByProgram) -> Shape:
    """Add the sequences of several programs to `shape` and return it."""
    for source in sources:
        shape.add(source, sequences_by_program[source.name])
    return shape


def grown(edits: Sequence[str]) -> Iterable[str]:
    """Yield the state after each edit."""
    for number in range(1, len(edits) + 1):
        yield DIFF.resolve(SEPARATOR + f"\n{SEPARATOR}".join(edits[:number])).text


def normalized(text: str) -> str:
    """Return a text normalized as in pylintseq: plain line ends, no blank lines at the start and end."""
    return "\n".join(text.strip().splitlines())


if __name__ == "__main__":
    main()
