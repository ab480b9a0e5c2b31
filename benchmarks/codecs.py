"""Text formats of edits: round trips, number of tokens, and speed.

Half of the sequences write the programs of instruction pairs, half of them real files; more go from one version of a
file to the next, by the commits in `data/commits`. `--plot FILE` also plots the number of tokens, for the
documentation, and `--commits-plot FILE` that of the commits.
"""

import gc
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

from common import (
    ROOT,
    Goal,
    Report,
    Source,
    Table,
    arguments,
    data_folder,
    instruction_pairs,
    note,
    read_jsonl,
    real_files,
    share,
)

from lintseq.codecs import CODECS, SEPARATOR, Codec
from lintseq.dataset.tokens import load_tokenizer
from lintseq.edits import EditSequence
from lintseq.errors import ConfigError, MalformedEditError, ProgramError
from lintseq.reporting.plots import Plot, Point, Series, svg_document
from lintseq.walks import ProgramSampler

TOKENIZER = "data/tokenizers/smollm2/tokenizer.json"
"""Where the tokenizer is, in any folder next to the repository, unless `--tokenizer` names a file."""

PLAIN = "plain program"
COMMITS = "sequences from commits"
METHODS = ("strict, one text", "strict, list of edits", "repair, one text", "repair, edit by edit")
STEPS = ("write", "read strictly", "resolve")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Number of tokens of each program in one format."""

    format: str
    counts: Sequence[int]

    @property
    def quartiles(self) -> tuple[float, float, float]:
        low, middle, high = statistics.quantiles(self.counts, n=4, method="inclusive")
        return low, middle, high

    def times(self, plain: "Tokens") -> float:
        """Return the number of tokens relative to the plain programs, summed over all programs."""
        return sum(self.counts) / sum(plain.counts)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--sequences", type=int, default=5000, help="sequences to write and read (default: 5000)")
    parser.add_argument("--tokenizer", type=Path, help="a tokenizer.json (default: SmolLM2's, next to the repository)")
    parser.add_argument("--edits", type=int, default=5000, help="edits of commits, at least (default: 5000)")
    parser.add_argument("--data", type=Path, help="folder of benchmark files")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="plot the token counts as SVG")
    parser.add_argument("--commits-plot", type=Path, metavar="FILE", help="plot those of commits as SVG")
    options = parser.parse_args()
    try:
        tokenizer = load_tokenizer(tokenizer_file(options.tokenizer))
    except ConfigError as error:
        raise SystemExit(str(error)) from None
    report = Report("codecs", "Text formats: round trips, tokens, speed")
    report.notes += [
        "One draw per program, half from instruction pairs, half from real files of 20 to 120 lines; more draws"
        " of each if there are too few. Each sequence was read back in full and, if it has more than one edit,"
        " from a state in the middle: as one text and as a list of edit texts; strictly, where every state must be"
        " the same, and with `resolve`, which must not make any note either. *Edit by edit* reads each edit on the"
        " state before it. Commits are drawn again with other seeds until there are enough edits; `whole` keeps only"
        " the last state.",
        f"Tokens are SmolLM2's unless `--tokenizer` says otherwise; `{SEPARATOR}` is a single token. Counted is the"
        " text that a model has to write, all edits of a program together. *Times plain* divides the sums over all"
        " programs.",
    ]
    kinds = {
        "instruction pairs": instruction_pairs(options.pairs, seed=options.seed),
        "real files": real_files(seed=options.seed),
    }
    sequences = {
        kind: list(islice(sequences_of(sources, options.seed), options.sequences // len(kinds)))
        for kind, sources in kinds.items()
    }
    programs = [sequence for group in sequences.values() for sequence in group]
    sequences[COMMITS] = enough(sequences_of(commits(data_folder(options.data)), options.seed), options.edits)
    everything = [sequence for group in sequences.values() for sequence in group]
    parts = [*everything, *second_halves(everything, Random(options.seed))]
    failures = round_trips(report, parts, len(everything))
    tries = len(parts) * len(METHODS) * len(CODECS)
    report.goals += [
        Goal("sequences of programs written and read", len(programs), least=5000),
        Goal("edits of commits written and read", sum(map(len, sequences[COMMITS])), least=5000),
        Goal("% read back, in every format and way", 100 - share(failures, tries), least=100),
    ]
    tokens = {kind: count_tokens(group, tokenizer) for kind, group in sequences.items()}
    for kind, found in tokens.items():
        report.tables.append(tokens_table(kind, found))
    milliseconds = speeds(programs)
    report.tables.append(speed_table(milliseconds))
    report.numbers = {
        "sequences": len(everything),
        "parts_from_the_middle": len(parts) - len(everything),
        "failures": failures,
        "tokens": {
            kind: {
                column.format: {
                    "median": statistics.median(column.counts),
                    "mean": statistics.fmean(column.counts),
                    "times_plain": column.times(found[0]),
                }
                for column in found
            }
            for kind, found in tokens.items()
        },
        "milliseconds": {name: dict(zip(STEPS, times, strict=True)) for name, times in milliseconds.items()},
    }
    of_commits = {COMMITS: tokens.pop(COMMITS)}
    for path, plot in ((options.plot, tokens_plot(tokens)), (options.commits_plot, commits_plot(of_commits))):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(svg_document(plot), encoding="utf-8")
    report.publish(options.results)


def tokenizer_file(path: Path | None) -> Path:
    """Return the tokenizer file: `path`, or the default one in a folder next to the repository."""
    found = path or next(ROOT.parent.glob(f"*/{TOKENIZER}"), None)
    if found is None:
        raise ConfigError(f"no {TOKENIZER} in a folder next to the repository; name a tokenizer.json with --tokenizer")
    return found


def sequences_of(sources: Sequence[Source], seed: int) -> Iterator[EditSequence]:
    """Yield one sequence of each program, then another of each, endlessly."""
    usable = 1
    for draw in count():
        if not usable:
            raise SystemExit("no usable program")
        usable = 0
        for source in sources:
            try:
                sampler = ProgramSampler(source.text, start=source.start)
            except ProgramError:  # too deeply nested, for example
                continue
            usable += 1
            yield sampler.sample(seed=seed, id=source.name, draw=draw)


def commits(folder: Path) -> list[Source]:
    """Return the files that commits change, each with its version before."""
    found = []
    for row in read_jsonl(folder / "commits" / "python_commits.jsonl.gz"):
        found.append(Source(f"{row['commit']} {row['path']}", row["new_contents"], start=row["old_contents"]))
    for row in read_jsonl(folder / "commits" / "python_commits_several_files.jsonl.gz"):
        for file in row["files"]:
            if file["old"] and file["new"]:
                found.append(Source(f"{row['commit']} {file['path']}", file["new"], start=file["old"]))
    return found


def enough(sequences: Iterable[EditSequence], edits: int) -> list[EditSequence]:
    """Return as many sequences as have that many edits."""
    found: list[EditSequence] = []
    for sequence in sequences:
        found.append(sequence)
        edits -= len(sequence)
        if edits <= 0:
            break
    return found


def second_halves(sequences: Iterable[EditSequence], rng: Random) -> Iterator[EditSequence]:
    """Yield the rest of each sequence of two or more edits after a state in its middle."""
    for sequence in sequences:
        if len(sequence) > 1:
            yield sequence.after(rng.randrange(1, len(sequence)))


# Round trips


def round_trips(report: Report, parts: Sequence[EditSequence], whole: int) -> int:
    """Write and read all sequences in every format; add a table, and return the number of failed round trips."""
    rows: list[list[object]] = []
    failures = 0
    for codec in CODECS.values():
        good: Counter[str] = Counter()
        for part in parts:
            good.update(way for way, read in zip(METHODS, readings(codec, part), strict=True) if read)
        rows.append([codec.name, whole, len(parts) - whole, *(good[way] for way in METHODS)])
        failures += len(parts) * len(METHODS) - good.total()
        note(f"{codec.name}: {good.total():,} of {len(parts) * len(METHODS):,} read back")
    report.tables.append(Table("Read back", ["format", "sequences", "from the middle", *METHODS], rows))
    return failures


def readings(codec: Codec, part: EditSequence) -> tuple[bool, ...]:
    """Return whether a sequence round-trips, for each way to read it."""
    states = list(part.states())
    kept = states[-1:] if codec.single_edit else states
    text, start = codec.write(part), part.start
    edits = codec.write_edits(part)
    resolution = codec.resolve(text, start)
    return (
        comes_back(part, kept, lambda: codec.read(text, start)),
        comes_back(part, kept, lambda: codec.read_edits(edits, start, final_newline=part.program.final_newline)),
        (resolution.program, resolution.notes, resolution.edits_applied) == (part.program, (), len(kept)),
        all(reads_alone(codec, part.after(number).first(1), state) for number, state in enumerate(states)),
    )


def comes_back(part: EditSequence, states: list[str], read: Callable[[], EditSequence]) -> bool:
    try:
        found = read()
    except MalformedEditError:
        return False
    return found.program == part.program and list(found.states()) == states


def reads_alone(codec: Codec, edit: EditSequence, state: str) -> bool:
    """Return whether `resolve` reads the text of a single edit as `state`."""
    resolution = codec.resolve(codec.write(edit), edit.start)
    return resolution.text == state and not resolution.notes


# Tokens and speed


def count_tokens(sequences: Sequence[EditSequence], tokenizer: Any) -> list[Tokens]:
    """Return the token counts of the plain programs, and of their sequences in every format."""
    texts = {PLAIN: [sequence.program.text for sequence in sequences]}
    texts |= {codec.name: [codec.write(sequence) for sequence in sequences] for codec in CODECS.values()}
    return [
        Tokens(
            name,
            [
                len(encoding.ids)
                for encoding in tokenizer.encode_batch(
                    [text.encode("utf-8", "replace").decode() for text in group], add_special_tokens=False
                )
            ],
        )
        for name, group in texts.items()
    ]


def tokens_table(kind: str, tokens: Sequence[Tokens]) -> Table:
    rows = []
    for row in tokens:
        low, middle, high = row.quartiles
        mean = statistics.fmean(row.counts)
        rows.append(
            [row.format, f"{middle:,.0f}", f"{low:,.0f} to {high:,.0f}", f"{mean:,.0f}", f"{row.times(tokens[0]):.2f}"]
        )
    header = ["format", "median", "quartiles", "mean", "times plain"]
    return Table(f"Tokens of {len(tokens[0].counts):,} {kind}", header, rows)


def speeds(sequences: Sequence[EditSequence]) -> dict[str, list[float]]:
    """Return milliseconds of CPU time per sequence in each format, for each step of `STEPS`."""
    found = {}
    for codec in CODECS.values():
        texts: list[str] = []
        spent = [
            clock(lambda codec=codec, texts=texts: texts.extend(map(codec.write, sequences))),
            clock(lambda codec=codec, texts=texts: [codec.read(text) for text in texts]),
            clock(lambda codec=codec, texts=texts: [codec.resolve(text) for text in texts]),
        ]
        found[codec.name] = [1000 * seconds / len(sequences) for seconds in spent]
    return found


def speed_table(speeds: dict[str, list[float]]) -> Table:
    rows = [[name, *(f"{time:.3f}" for time in times)] for name, times in speeds.items()]
    return Table("Milliseconds of CPU time per sequence", ["format", *STEPS], rows)


def clock(work: Callable[[], object]) -> float:
    """Return the CPU seconds that a call takes."""
    gc.collect()
    started = process_time()
    work()
    return process_time() - started


# The plot


def tokens_plot(tokens: dict[str, list[Tokens]]) -> Plot:
    """Return tokens relative to the plain program for each kind of program: medians and quartiles over programs."""
    formats = [column.format for column in next(iter(tokens.values()))][1:]
    series = tuple(
        Series(name, tuple(relative(found, index, kind) for kind, found in enumerate(tokens.values())), joined=False)
        for index, name in enumerate(formats, 1)
    )
    ticks = tuple((kind, f"{len(found[0].counts):,} {name}") for kind, (name, found) in enumerate(tokens.items()))
    ticks = ((-0.5, ""), *ticks, (len(tokens) - 0.5, ""))
    title, note = "Tokens for one program, relative to the plain program", "medians and quartiles of the programs"
    return Plot("tokens-by-format", title, note, series, ticks, linear=True)


def commits_plot(tokens: dict[str, list[Tokens]]) -> Plot:
    """Return the tokens of a sequence in each format that does not repeat the file: medians and quartiles."""
    ((kind, columns),) = tokens.items()
    changes = [column for column in columns[1:] if column.format not in ("states", "whole")]
    series = tuple(
        Series(column.format, (Point(index, middle, low, high, f"{column.format}: {middle:,.0f}"),), joined=False)
        for index, column in enumerate(changes)
        for low, middle, high in (column.quartiles,)
    )
    ticks = ((-1, ""), ((len(changes) - 1) / 2, f"{len(columns[0].counts):,} {kind}"), (len(changes), ""))
    title, note = "Tokens from one version of a file to the next", "medians and quartiles; states and whole left out"
    return Plot("tokens-of-commits", title, note, series, ticks, linear=True)


def relative(tokens: Sequence[Tokens], index: int, kind: int) -> Point:
    """Return the point of a format, beside those of the other formats for the same kind of program."""
    counts = zip(tokens[index].counts, tokens[0].counts, strict=True)
    low, middle, high = statistics.quantiles((count / plain for count, plain in counts), n=4, method="inclusive")
    return Point(kind + (index - len(tokens) / 2) * 0.11, middle, low, high, f"{tokens[index].format}: {middle:.2f}")


if __name__ == "__main__":
    main()
