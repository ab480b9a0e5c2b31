"""Is every closure tight? Each unit that fell with a chosen one, put back alone, has to break something.

The judges are the compiler, pyflakes and stock pylint; a unit breaks something if the state with it does
not compile or has a finding that the whole program does not have.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from common import Goal, Report, Source, Table, arguments, instruction_pairs, note, percent, real_files, share
from judges import MAY_BE_UNFINISHED, Verdict, judge, new_findings

from lintseq.errors import ProgramError
from lintseq.languages.python.analysis import analyze
from lintseq.languages.python.layout import lay_out
from lintseq.languages.python.syntax import parse
from lintseq.needs import NO_UNIT, Analysis
from lintseq.program import Program

EXAMPLES = 12
HOW = [
    "does not compile",
    "new pyflakes finding",
    "new pylint finding",
    "stands under another header",
    "nothing breaks",
]


@dataclass(frozen=True, slots=True)
class PutBack:
    """A state after a deletion, and the same with one fallen unit put back."""

    text: str
    seed_lines: Sequence[str]
    fallen_lines: Sequence[str]
    header_gone: bool
    """Whether the unit's own header fell with it: put back, it stands under another, or under none."""


@dataclass(slots=True)
class Count:
    """What happened to the units put back in one kind of programs."""

    programs: int = 0
    units: int = 0
    standing: int = 0
    """Units whose own header still stands."""
    standing_breaking: int = 0
    how: dict[str, int] = field(default_factory=lambda: dict.fromkeys(HOW, 0))
    loose: list[tuple[Source, PutBack]] = field(default_factory=list)
    """Where nothing broke."""

    @property
    def breaking(self) -> int:
        return sum(self.how[reason] for reason in HOW[:3])

    @property
    def with_structure(self) -> int:
        return self.breaking + self.how[HOW[3]]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--units", type=int, default=2000, help="units to put back, for each kind (default: 2000)")
    parser.add_argument("--per-program", type=int, default=6, help="units of one program (default: 6)")
    parser.add_argument("--dump", action="store_true", help="print the states in which nothing broke")
    options = parser.parse_args()
    report = Report("tight", "Tight: what fell with a chosen unit could not have stayed")
    report.notes.append(
        "Each program was taken apart once; of all units that fell with a chosen one, up to"
        f" {options.per_program}, chosen at random, were put back alone, without their comments and blank lines."
        " A unit *stands under another header* if its own header fell too and what is above it now takes it in:"
        " nothing complains, but it would no longer be where the program has it."
    )
    count_rows, loose_rows = [], []
    files = real_files(seed=options.seed)
    for name, sources in (("real files", files), ("pairs", instruction_pairs(options.pairs, seed=options.seed))):
        count = judged(sources, options.units, options.per_program, options.seed)
        count_rows += [[name, reason, number, percent(number, count.units)] for reason, number in count.how.items()]
        standing = percent(count.standing_breaking, count.standing)
        count_rows.append([name, "*breaks, of those whose header still stands*", count.standing, standing])
        for source, put_back in count.loose:
            loose_rows.append([name, shown(put_back.seed_lines), shown(put_back.fallen_lines), source.name])
            if options.dump:
                note(f"=== {source.name}: put back {put_back.fallen_lines}\n{put_back.text}\n")
        count_rows.append([name, "*breaks something (raw)*", count.breaking, percent(count.breaking, count.units)])
        report.goals.append(
            Goal(f"{name}: % tight, with structure", share(count.with_structure, count.units), least=98)
        )
        report.numbers[name] = {
            "programs": count.programs,
            "units": count.units,
            "breaking_raw": count.breaking,
            "how": count.how,
            "standing": [count.standing_breaking, count.standing],
        }
    report.tables.append(Table("Units put back", ["programs", "then", "units", "share"], count_rows))
    header = ["programs", "chosen", "fell with it", "in"]
    report.tables.append(Table("Where nothing broke", header, loose_rows[: 4 * EXAMPLES]))
    report.publish(options.results)


def judged(sources: Sequence[Source], units: int, per_program: int, seed: int) -> Count:
    """Put units back until there are enough and return what the judges say."""
    rng = random.Random(seed)
    count = Count()
    chosen: list[tuple[Source, list[PutBack]]] = []
    for source in sources:
        if count.units >= units:
            break
        try:
            found = list(put_backs(Program.from_text(source.text), rng))
        except ProgramError:
            continue
        found = rng.sample(found, min(per_program, len(found)))
        chosen.append((source, found))
        count.programs += 1
        count.units += len(found)
    texts = [text for source, found in chosen for text in (source.text, *(one.text for one in found))]
    note(f"judging {count.units} units of {count.programs} programs")
    verdicts = iter(judge(texts))
    for source, found in chosen:
        whole = next(verdicts)
        for one in found:
            reason = why(next(verdicts), whole, one)
            count.how[reason] += 1
            count.standing += not one.header_gone
            count.standing_breaking += not one.header_gone and reason in HOW[:3]
            if reason == HOW[-1]:
                count.loose.append((source, one))
    return count


def put_backs(program: Program, rng: random.Random) -> Iterator[PutBack]:
    """Take a program apart once and yield each unit that fell with a chosen one, put back alone."""
    analysis = analyze(program)
    parent_of = lay_out(parse(program.text), program.lines).parent_of
    lines_of: dict[int, list[int]] = defaultdict(list)
    for line, unit in enumerate(analysis.unit_of):
        if unit != NO_UNIT:
            lines_of[unit].append(line)
    removals = analysis.needs.start()
    alive = set(lines_of)
    order = [line for lines in lines_of.values() for line in lines]
    rng.shuffle(order)
    for line in order:
        seed = analysis.unit_of[line]
        if removals.removed[seed]:
            continue
        closure = removals.remove(seed)
        alive.difference_update(closure)
        for unit in closure:
            if unit == seed:
                continue
            yield PutBack(
                state(program, analysis, alive, {*lines_of[unit]}),
                [program.lines[index] for index in lines_of[seed]],
                [program.lines[index] for index in lines_of[unit]],
                parent_of[unit] >= 0 and parent_of[unit] not in alive,
            )


def state(program: Program, analysis: Analysis, alive: set[int], more: set[int]) -> str:
    """Return the text of the living units with what is anchored to them, and of some more lines."""
    stays = [
        anchor in alive or (anchor == NO_UNIT and analysis.unit_of[line] == NO_UNIT) or line in more
        for line, anchor in enumerate(analysis.anchor_of)
    ]
    return program.render([line for line, kept in zip(program.lines, stays, strict=True) if kept])


def why(verdict: Verdict, whole: Verdict, put_back: PutBack) -> str:
    """Return what says that the unit had to fall."""
    if not verdict.compiles:
        return HOW[0]
    if any(kind not in MAY_BE_UNFINISHED for kind, _ in new_findings(verdict.pyflakes, whole.pyflakes)):
        return HOW[1]
    if new_findings(verdict.pylint, whole.pylint):
        return HOW[2]
    return HOW[3] if put_back.header_gone else HOW[4]


def shown(lines: Sequence[str]) -> str:
    """Return some lines of code in a few words."""
    text = " ".join(line.strip() for line in lines)
    return f"`{text if len(text) <= 60 else text[:57] + '...'}`"


if __name__ == "__main__":
    main()
