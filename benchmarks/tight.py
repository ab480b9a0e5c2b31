"""Is every closure tight? Each unit that was removed along with a chosen one must break something when restored alone.

The judges are the compiler, pyflakes and stock pylint; a unit breaks something if the state with it does
not compile or has a finding that the whole program lacks.
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
from lintseq.languages.python.lines import SourceLines
from lintseq.languages.python.syntax import parse
from lintseq.needs import Analysis
from lintseq.program import Program

EXAMPLES = 12
HOW = ["does not compile", "new pyflakes finding", "new pylint finding", "under another header", "nothing breaks"]


@dataclass(frozen=True, slots=True)
class RestoredUnit:
    """A state after a deletion with one removed unit restored."""

    text: str
    chosen_lines: Sequence[str]
    unit_lines: Sequence[str]
    header_removed: bool
    """Whether the unit's header was removed with it, so that the restored unit is under another header or none."""


@dataclass(slots=True)
class Count:
    """The restored units of one kind of program, by what broke."""

    programs: int = 0
    units: int = 0
    standing: int = 0
    """Units whose own header is present."""
    standing_breaking: int = 0
    how: dict[str, int] = field(default_factory=lambda: dict.fromkeys(HOW, 0))
    unneeded: list[tuple[Source, RestoredUnit]] = field(default_factory=list)
    """Units that broke nothing."""

    @property
    def breaking(self) -> int:
        return sum(self.how[reason] for reason in HOW[:3])

    @property
    def with_structure(self) -> int:
        return self.breaking + self.how[HOW[3]]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument(
        "--units", type=int, default=2000, help="units to restore, per kind of program (default: 2000)"
    )
    parser.add_argument("--per-program", type=int, default=6, help="units per program (default: 6)")
    parser.add_argument("--dump", action="store_true", help="print the states in which nothing broke")
    options = parser.parse_args()
    report = Report("tight", "Tight: units removed along with a chosen one could not have stayed")
    report.notes.append(
        "Each program was walked once; of all units that were removed along with a chosen one, up to"
        f" {options.per_program}, chosen at random, were restored alone, without their comments and blank lines."
        " A unit is *under another header* if its own header was removed too and it now belongs to the block above:"
        " no tool reports it, but it is a different program."
    )
    count_rows, unneeded_rows = [], []
    files = real_files(seed=options.seed)
    for name, sources in (("real files", files), ("pairs", instruction_pairs(options.pairs, seed=options.seed))):
        count = judged(sources, options.units, options.per_program, options.seed)
        count_rows += [[name, reason, number, percent(number, count.units)] for reason, number in count.how.items()]
        standing = percent(count.standing_breaking, count.standing)
        count_rows.append([name, "*breaks, among those whose header is present*", count.standing, standing])
        for source, restored in count.unneeded:
            unneeded_rows.append([name, excerpt(restored.chosen_lines), excerpt(restored.unit_lines), source.name])
            if options.dump:
                note(f"=== {source.name}: restored {restored.unit_lines}\n{restored.text}\n")
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
    report.tables.append(Table("Restored units", ["programs", "result", "units", "share"], count_rows))
    header = ["programs", "chosen", "removed with it", "in"]
    report.tables.append(Table("Units that broke nothing", header, unneeded_rows[: 4 * EXAMPLES]))
    report.publish(options.results)


def judged(sources: Sequence[Source], units: int, per_program: int, seed: int) -> Count:
    """Restore units until there are enough; return the counts of the judges."""
    rng = random.Random(seed)
    count = Count()
    chosen: list[tuple[Source, list[RestoredUnit]]] = []
    for source in sources:
        if count.units >= units:
            break
        try:
            found = list(restored_units(Program.from_text(source.text), rng))
        except ProgramError:
            continue
        found = rng.sample(found, min(per_program, len(found)))
        chosen.append((source, found))
        count.programs += 1
        count.units += len(found)
    texts = [text for source, found in chosen for text in (source.text, *(restored.text for restored in found))]
    note(f"judging {count.units} units of {count.programs} programs")
    verdicts = iter(judge(texts))
    for source, found in chosen:
        whole = next(verdicts)
        for restored in found:
            reason = why(next(verdicts), whole, restored)
            count.how[reason] += 1
            count.standing += not restored.header_removed
            count.standing_breaking += not restored.header_removed and reason in HOW[:3]
            if reason == HOW[-1]:
                count.unneeded.append((source, restored))
    return count


def restored_units(program: Program, rng: random.Random) -> Iterator[RestoredUnit]:
    """Walk a program once; yield each unit that was removed along with a chosen one, restored alone."""
    analysis = analyze(program)
    parent_of = lay_out(parse(program.text), SourceLines.of(program).texts).parent_of
    lines_of: dict[int, list[int]] = defaultdict(list)
    for line, unit in enumerate(analysis.unit_of):
        if unit is not None:
            lines_of[unit].append(line)
    removals = analysis.needs.start()
    present = set(lines_of)
    order = [line for lines in lines_of.values() for line in lines]
    rng.shuffle(order)
    for line in order:
        chosen = analysis.unit_of[line]
        if removals.removed[chosen]:
            continue
        closure = removals.remove(chosen)
        present.difference_update(closure)
        for unit in closure:
            if unit == chosen:
                continue
            yield RestoredUnit(
                state(program, analysis, present, {*lines_of[unit]}),
                [program.lines[index] for index in lines_of[chosen]],
                [program.lines[index] for index in lines_of[unit]],
                parent_of[unit] is not None and parent_of[unit] not in present,
            )


def state(program: Program, analysis: Analysis, present: set[int], more: set[int]) -> str:
    """Return the text of the remaining units, of their comments and blank lines, and of `more` lines."""
    stays = [
        anchor in present or (anchor is None and analysis.unit_of[line] is None) or line in more
        for line, anchor in enumerate(analysis.anchor_of)
    ]
    return program.render([line for line, kept in zip(program.lines, stays, strict=True) if kept])


def why(verdict: Verdict, whole: Verdict, restored: RestoredUnit) -> str:
    """Return why the unit had to be removed."""
    if not verdict.compiles:
        return HOW[0]
    if any(kind not in MAY_BE_UNFINISHED for kind, _ in new_findings(verdict.pyflakes, whole.pyflakes)):
        return HOW[1]
    if new_findings(verdict.pylint, whole.pylint):
        return HOW[2]
    return HOW[3] if restored.header_removed else HOW[4]


def excerpt(lines: Sequence[str]) -> str:
    """Return the beginning of some lines of code."""
    text = " ".join(line.strip() for line in lines)
    return f"`{text if len(text) <= 60 else text[:57] + '...'}`"


if __name__ == "__main__":
    main()
