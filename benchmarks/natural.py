"""Natural states and edits: are blank lines where a person would put them, and do quoted lines say where they are?

Programs are real files, instruction pairs and the generated programs of the nano recipes. pycodestyle judges the blank
lines of every state between nothing and the program; a finding is new if the whole program has none of its kind.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from common import ROOT, Goal, Report, Source, Table, arguments, instruction_pairs, note, percent, real_files

from lintseq.codecs import get_codec
from lintseq.edits import EditSequence, apply
from lintseq.errors import ProgramError
from lintseq.languages import get_language
from lintseq.walks import ProgramSampler, SamplingOptions

FORMATS = ("search-replace", "original-updated", "udiff-words", "apply-patch", "udiff")
"""The formats that quote lines of the state. In `udiff` they do not locate anything: line numbers do."""
WALKS = {
    "uniform": SamplingOptions(),
    "indent": SamplingOptions(order="indent"),
    "forward": SamplingOptions(order="forward"),
    "black box": SamplingOptions(linter="pyflakes"),
    "certified": SamplingOptions(certify="pyflakes"),
}
KINDS = ("E301", "E302", "E303", "E304", "E305", "E306", "W391")
STARTS, ENDS, BLOCKS = "start with blank lines", "end with blank lines", "have a block that starts with blank lines"
WORD = re.compile(r"\w")


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--files", type=int, default=150, help="real files (default: 150)")
    parser.add_argument("--programs", type=int, default=600, help="pairs, and generated programs (default: 600)")
    parser.add_argument("--draws", type=int, default=2, help="draws of each program (default: 2)")
    options = parser.parse_args()
    blank_lines = BlankLines()
    report = Report("natural", "Natural: where blank lines are, and what edits quote")
    report.notes.append(
        f"{options.draws} draws of each program, with comments attached. States are those between nothing and the"
        " program. A state starts or ends with blank lines, or a block in it starts with them, if the program does not"
        " have them there; findings are pycodestyle's, of kinds that the whole program has none of. A quote is what an"
        " edit text shows of the state to locate a hunk; it has a word if any line has a letter or a digit."
    )
    kinds = {
        "real files": real_files(seed=options.seed)[: options.files],
        "pairs": instruction_pairs(options.pairs, seed=options.seed)[: options.programs],
        "generated": instruction_pairs(ROOT / "examples/nano/corpus.jsonl.gz", seed=options.seed)[: options.programs],
    }
    state_rows: list[list[object]] = []
    quote_rows: list[list[object]] = []
    for kind, sources in kinds.items():
        for walk, sampling in WALKS.items():
            note(f"{kind}, {walk}")
            some = sources if walk in ("uniform", "indent", "forward") else sources[: max(1, len(sources) // 5)]
            sequences = list(draws(some, sampling, options.draws, options.seed))
            counts = states(sequences, blank_lines)
            state_rows.append(state_row(report, kind, walk, counts))
            if walk == "uniform":
                quote_rows += [quote_row(report, kind, format, sequences) for format in FORMATS]
    new = ["new E30x", "new W391"]
    report.tables.append(Table("States", ["programs", "walk", "states", STARTS, ENDS, BLOCKS, *new], state_rows))
    header = ["programs", "format", "quotes", "without a word", "under 4 characters", "lines per quote"]
    report.tables.append(Table("Quotes", header, quote_rows))
    report.publish(options.results)


def draws(sources: Sequence[Source], options: SamplingOptions, count: int, seed: int) -> Iterator[EditSequence]:
    for source in sources:
        try:
            sampler = ProgramSampler(source.text, options)
        except ProgramError:  # too deeply nested, for example
            continue
        for draw in range(count):
            yield sampler.sample(seed=seed, id=source.name, draw=draw)


# States


class BlankLines:
    """pycodestyle's findings about blank lines."""

    def __init__(self) -> None:
        try:
            import pycodestyle
        except ImportError:
            raise SystemExit("natural.py needs pycodestyle: pip install pycodestyle") from None
        self.pycodestyle: Any = pycodestyle
        self.options = pycodestyle.StyleGuide(select=["E30", "W391"], quiet=True).options

    def kinds(self, text: str) -> set[str]:
        """Return the kinds of findings in a program."""
        report = self.pycodestyle.BaseReport(self.options)
        checker = self.pycodestyle.Checker(
            "main.py", text.splitlines(keepends=True), options=self.options, report=report
        )
        checker.check_all()
        return {kind for kind in KINDS if report.counters.get(kind)}


def states(sequences: Sequence[EditSequence], blank_lines: BlankLines) -> Counter[str]:
    """Count what is unnatural about the states of some sequences."""
    counts: Counter[str] = Counter()
    for sequence in sequences:
        program = sequence.program
        known = blank_lines.kinds(program.text)
        unit_of = get_language().analyze(program).unit_of
        blank = [unit is None and not line.strip() for line, unit in zip(program.lines, unit_of, strict=True)]
        for edit in range(len(sequence) - 1):
            state = [line for line, arrival in enumerate(sequence.arrivals) if arrival <= edit]
            counts["states"] += 1
            counts[STARTS] += blank[state[0]] and not blank[0]
            counts[ENDS] += blank[state[-1]] and not blank[-1]
            counts[BLOCKS] += any(
                blank[line]
                and not blank[above]
                and not blank[above + 1]
                and program.lines[above].rstrip().endswith(":")
                for above, line in pairwise(state)
            )
            counts.update(blank_lines.kinds(program.render([program.lines[line] for line in state])) - known)
    return counts


def state_row(report: Report, kind: str, walk: str, counts: Counter[str]) -> list[object]:
    total = counts["states"]
    spacing = sum(counts[kind] for kind in KINDS if kind != "W391")
    for name in (STARTS, ENDS, BLOCKS):
        report.goals.append(Goal(f"{kind}, {walk}: states that {name}", counts[name], most=0))
    if walk != "black box":  # which may take one line of a statement and leave the others
        report.goals.append(Goal(f"{kind}, {walk}: new E30x and W391", spacing + counts["W391"], most=0))
    report.numbers.setdefault("states", {})[f"{kind}, {walk}"] = dict(counts)
    shares = [percent(counts[name], total) for name in (STARTS, ENDS, BLOCKS)]
    return [kind, walk, total, *shares, percent(spacing, total), percent(counts["W391"], total)]


# Quotes


def quote_row(report: Report, kind: str, format: str, sequences: Sequence[EditSequence]) -> list[object]:
    """Count the quotes of a format; those of states without any word do not count."""
    counts: Counter[str] = Counter()
    for sequence in sequences:
        lines: Sequence[str] = sequence.start.lines
        for edit, text in zip(sequence.edits, get_codec(format).write_edits(sequence), strict=True):
            if WORD.search("".join(lines)):
                for quote in quotes(format, text):
                    counts["quotes"] += 1
                    counts["lines"] += len(quote)
                    counts["without a word"] += not WORD.search("".join(quote))
                    counts["short"] += len("\n".join(quote).strip()) < 4
            lines = apply(edit, lines)
    total = counts["quotes"]
    if format != "udiff":
        report.goals.append(Goal(f"{kind}, {format}: quotes without a word", counts["without a word"], most=0))
    report.numbers.setdefault("quotes", {})[f"{kind}, {format}"] = dict(counts)
    lines_each = f"{counts['lines'] / total:.2f}" if total else "-"
    return [kind, format, total, percent(counts["without a word"], total), percent(counts["short"], total), lines_each]


def quotes(format: str, text: str) -> list[list[str]]:
    """Return the lines of the state that an edit text shows, for each block or hunk."""
    if format == "search-replace":
        blocks = re.findall(r"^<+ SEARCH\n((?:.*\n)*?)=+\n(?:.*\n)*?>+ REPLACE$", text, flags=re.M)
        return [block.split("\n")[:-1] for block in blocks]
    if format == "original-updated":
        return [text.partition("\n<|updated|>")[0].split("\n")[1:]]
    sign = "CON " if format == "udiff-words" else " "
    hunks = re.split(r"^@@.*\n", text, flags=re.M)[1:]
    return [[row.removeprefix(sign) for row in hunk.split("\n") if row.startswith(sign)] for hunk in hunks]


if __name__ == "__main__":
    main()
