"""Is every state clean? Checks states of native draws with the compiler, pyflakes and pylint.

A finding is new if it occurs more often in a state than in the whole program.
"""

import random
from argparse import Namespace
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from common import Goal, Report, Source, Table, arguments, instruction_pairs, note, percent, real_files, share
from judges import MAY_BE_UNFINISHED, Verdict, judge, new_findings

from lintseq.errors import ProgramError
from lintseq.walks import ProgramSampler, SamplingOptions

MOST_FINDINGS = 40


@dataclass(slots=True)
class Count:
    """The states of one kind of program, and how many are not clean."""

    programs: int = 0
    states: int = 0
    broken: int = 0
    pyflakes: int = 0
    pylint: int = 0
    own_pylint: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """Number of states by kind of new pyflakes message."""
    left: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    """New findings that count, and the programs in which they occur."""

    def row(self) -> list[object]:
        bad = (self.broken, self.pyflakes, self.pylint, self.own_pylint)
        return [self.programs, self.states, *(percent(self.states - dirty, self.states) for dirty in bad)]

    def numbers(self) -> dict[str, int]:
        return {
            "states": self.states,
            "programs": self.programs,
            "not_compiling": self.broken,
            "new_pyflakes": self.pyflakes,
            "new_pylint": self.pylint,
            "new_own_pylint": self.own_pylint,
        }


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--states", type=int, default=2000, help="states per kind of program (default: 2000)")
    parser.add_argument("--per-program", type=int, default=5, help="states per program (default: 5)")
    parser.add_argument("--control", type=int, default=200, help="states sampled with linter `none` (default: 200)")
    parser.add_argument("--dump", action="store_true", help="print the states that are not clean")
    options = parser.parse_args()
    report = Report("clean", "Clean: no state has a finding that the whole program lacks")
    report.notes.append(
        "Each program was sampled once with `native`; up to"
        f" {options.per_program} of its states, chosen at random, were checked. pylint: messages E and F, W0311,"
        " W0231; E0401, E0402 and E0611 off (import resolution). *stock pylint* still inspects the modules that it"
        " finds, *lintseq's pylint* inspects none. pyflakes' messages about unused names do not count."
        " A state that does not compile counts as not clean for every judge. The control uses no analysis."
    )
    files = real_files(seed=options.seed)
    pairs = instruction_pairs(options.pairs, seed=options.seed)
    rows: list[list[object]] = []
    kind_rows: list[list[object]] = []
    left_rows: list[list[object]] = []
    for name, sources in (("real files", files), ("pairs", pairs)):
        count = judged(sources, options.states, options, "native")
        rows.append([f"{name}, `native`", *count.row()])
        kind_rows += [[name, kind, number, counts(kind)] for kind, number in count.kinds.most_common()]
        for (code, message), where in sorted(count.left.items(), key=lambda item: -len(item[1])):
            left_rows.append([name, code, len(where), message[:100], where[0]])
        report.goals += [
            Goal(f"{name}: states", count.states, least=min(2000, options.states)),
            Goal(f"{name}: % that compile", share(count.states - count.broken, count.states), least=100),
            Goal(f"{name}: % clean by pyflakes", share(count.states - count.pyflakes, count.states), least=100),
            Goal(f"{name}: % clean by stock pylint", share(count.states - count.pylint, count.states), least=99.8),
        ]
        report.numbers[name] = count.numbers()
        count = judged(sources, options.control, options, "none")
        rows.append([f"{name}, `none` (control)", *count.row()])
        report.numbers[f"{name}, control"] = count.numbers()
    header = ["programs", "number", "states", "compile", "pyflakes", "stock pylint", "lintseq's pylint"]
    report.tables.append(Table("States without a new finding", header, rows))
    header = ["programs", "judge: code", "states", "message", "for example in"]
    report.tables.append(Table("Remaining findings", header, left_rows[:MOST_FINDINGS]))
    header = ["programs", "kind", "states", "counts"]
    report.tables.append(Table("New pyflakes messages of any kind", header, kind_rows))
    report.publish(options.results)


def counts(kind: str) -> str:
    """Return "yes" if this kind of pyflakes message counts as a finding, else "no"."""
    return "no" if kind in MAY_BE_UNFINISHED else "yes"


def judged(sources: Sequence[Source], states: int, options: Namespace, linter: str) -> Count:
    """Sample states until there are enough; return the counts of the judges."""
    rng = random.Random(options.seed)
    count = Count()
    chosen: list[tuple[Source, list[str]]] = []
    for source in sources:
        if count.states >= states:
            break
        try:
            sampler = ProgramSampler(source.text, SamplingOptions(linter=linter))
        except ProgramError:
            continue
        drawn = list(sampler.sample(seed=options.seed, id=source.name).states())[:-1]
        drawn = rng.sample(drawn, min(options.per_program, len(drawn)))
        chosen.append((source, drawn))
        count.programs += 1
        count.states += len(drawn)
    texts = [text for source, drawn in chosen for text in (source.text, *drawn)]
    note(f"judging {count.states} states of {count.programs} programs, sampled with {linter}")
    verdicts = iter(judge(texts, with_own=True))
    for source, drawn in chosen:
        whole = next(verdicts)
        for text in drawn:
            problems = compare(next(verdicts), whole, count)
            for problem in problems:
                count.left[problem].append(source.name)
            if problems and options.dump and linter == "native":
                note(f"=== {source.name}: {problems}\n{text}\n")
    return count


def compare(state: Verdict, whole: Verdict, count: Count) -> list[tuple[str, str]]:
    """Count the new findings of a state; return those that count."""
    if not state.compiles:
        count.broken += 1
        count.pyflakes += 1
        count.pylint += 1
        count.own_pylint += 1
        return [("compile", "does not compile")]
    flakes = new_findings(state.pyflakes, whole.pyflakes)
    count.kinds.update({kind for kind, _ in flakes})
    flakes = [finding for finding in flakes if finding[0] not in MAY_BE_UNFINISHED]
    lints = new_findings(state.pylint, whole.pylint)
    assert state.own_pylint is not None
    assert whole.own_pylint is not None
    own = new_findings(state.own_pylint, whole.own_pylint)
    count.pyflakes += bool(flakes)
    count.pylint += bool(lints)
    count.own_pylint += bool(own)
    problems = [(f"pyflakes: {code}", message) for code, message in flakes]
    problems += [(f"stock pylint: {code}", message) for code, message in lints]
    return problems + [(f"lintseq's pylint: {code}", message) for code, message in own if (code, message) not in lints]


if __name__ == "__main__":
    main()
