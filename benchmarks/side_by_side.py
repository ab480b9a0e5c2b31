"""pylintseq's edits and ours of the same programs: their number and size, what they replay to, and examples.

Both draw as they do by default. The programs to read are in `programs/`.
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
"""Groups of programs by their lines, both ends included."""

Drawn = dict[str, list[list[str]]]
"""Name of a program -> its sequences, each a list of edit texts."""


@dataclass(slots=True)
class Shape:
    """Statistics of the sequences of some programs."""

    programs: int = 0
    edits: list[int] = field(default_factory=list)
    lines: int = 0
    """Lines inserted by all edits."""
    single: int = 0
    deleting: int = 0
    """Sequences that remove lines again."""
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
            self.inexact += plainly(states[-1]) != plainly(source.text)
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
            "replaying_to_something_else": self.inexact,
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
    "replay to something else",
    "not byte for byte",
]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--files", type=int, default=40, help="real files (default: 40)")
    parser.add_argument("--pair-programs", type=int, default=80, help="pairs (default: 80)")
    parser.add_argument("--samples", type=int, default=3, help="sequences of each program (default: 3)")
    parser.add_argument("--draws-to-read", type=int, default=8, help="of each program in programs/ (default: 8)")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    files = spread(real_files(least=10, seed=options.seed), options.files)
    pairs = spread(instruction_pairs(options.pairs, seed=options.seed), options.pair_programs)
    report = Report("side_by_side", "pylintseq's edits and ours of the same programs")
    report.notes.append(
        f"Each program was drawn {options.samples} times by both; pylintseq's edits were replayed by lintseq's"
        " `resolve`, which applies deletions too. *Replay to something else*: other lines than the program's, apart"
        f" from line ends and blank lines around it. {pylintseq_versions()}."
    )
    sizes: dict[str, Shape] = {}
    cause_rows: list[list[object]] = []
    for where, sources in (("real files", files), ("pairs", pairs)):
        theirs, ours = draw_both(sources, options.samples)
        rows = []
        for name, drawn in (("pylintseq", theirs), ("lintseq", ours)):
            shape = merged(Shape(), sources, drawn)
            rows.append(shape.row(name))
            report.numbers[f"{where}, {name}"] = shape.numbers()
            for least, most in SIZES:
                group = [source for source in sources if least <= source.lines <= most]
                key = f"{least} to {most} lines, {name}"
                sizes[key] = merged(sizes.get(key, Shape()), group, drawn)
        report.tables.append(Table(f"{where}: {len(sources)} programs", HEADER, rows))
        cause_rows += [[where, *row] for row in causes(sources, theirs)]
    by_size = [
        sizes[key].row(key)
        for key in (f"{least} to {most} lines, {name}" for least, most in SIZES for name in ("pylintseq", "lintseq"))
        if sizes[key].edits
    ]
    report.tables.append(Table("By the size of the program", HEADER, by_size))
    header = ["", "pylint finds in the whole program", "programs"]
    report.tables.append(Table("Programs that pylintseq always writes in a single edit", header, cause_rows))
    read_aloud(report, options.draws_to_read)
    report.publish(options.results)


def causes(sources: Sequence[Source], drawn: Drawn) -> list[list[object]]:
    """Return what pylint, run as by pylintseq, finds in the programs of which each sequence is a single edit."""
    single = [one for one in sources if drawn[one.name] and all(len(edits) == 1 for edits in drawn[one.name])]
    count: Counter[str] = Counter()
    for found in pylint_all([source.text for source in single], options=[]):
        count[", ".join(sorted({code for code, _ in found})) or "nothing"] += 1
    return [[codes, number] for codes, number in count.most_common()]


def read_aloud(report: Report, draws: int) -> None:
    """Add a table of the example programs, and for each a draw of median length by both."""
    sources = [Source(path.stem, path.read_text()) for path in sorted((HERE / "programs").glob("*.py"))]
    theirs, ours = draw_both(sources, draws)
    rows: list[list[object]] = []
    for source in sources:
        counts = [sorted(len(edits) for edits in drawn[source.name]) for drawn in (theirs, ours)]
        rows.append([source.name, source.lines, *(" ".join(map(str, numbers)) or "rejected" for numbers in counts)])
        report.texts.append(f"### {source.name}")
        for name, drawn in (("pylintseq", theirs), ("lintseq", ours)):
            if sequences := sorted(drawn[source.name], key=len):
                edits = sequences[len(sequences) // 2]
                report.texts.append(f"{name}, {len(edits)} edits:")
                report.texts.append("```diff\n" + "\n".join(SEPARATOR + edit for edit in edits) + "\n```")
    header = ["program", "lines", f"pylintseq: edits of {draws} draws", f"lintseq: edits of {draws} draws"]
    report.tables.append(Table("Programs to read", header, rows))


def draw_both(sources: Sequence[Source], samples: int) -> tuple[Drawn, Drawn]:
    """Return pylintseq's sequences and ours."""
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        folder = Path(name)
        path = write_jsonl(folder / "programs.jsonl", sources)
        note(f"pylintseq on {len(sources)} programs, {samples} times")
        run(pylintseq_command(path, folder / "theirs", samples=samples))
        run(build_command(path, folder / "ours.jsonl", "--samples", str(samples)))
        theirs: Drawn = defaultdict(list)
        for row in read_jsonl(one_output(folder / "theirs")):
            theirs[sources[row["index"]].name].append(row["edit_path"])
        ours: Drawn = defaultdict(list)
        for row in read_jsonl(folder / "ours.jsonl"):
            ours[row["id"]].append(row["edits"])
        return theirs, ours


def merged(shape: Shape, sources: Iterable[Source], drawn: Drawn) -> Shape:
    """Add the sequences of some programs to `shape` and return it."""
    for source in sources:
        shape.add(source, drawn[source.name])
    return shape


def grown(edits: Sequence[str]) -> Iterable[str]:
    """Yield the state after each edit."""
    for number in range(1, len(edits) + 1):
        yield DIFF.resolve(SEPARATOR + f"\n{SEPARATOR}".join(edits[:number])).text


def plainly(text: str) -> str:
    """Return a text as pylintseq compares it: with plain line ends and without blank lines around it."""
    return "\n".join(text.strip().splitlines())


if __name__ == "__main__":
    main()
