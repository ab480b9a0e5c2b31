"""Is every state clean? States of native draws before the compiler, pyflakes and pylint.

A finding is new if a state has it more often than the whole program has.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from common import Goal, Report, Source, Table, arguments, instruction_pairs, note, percent, real_files, share
from judges import MAY_BE_UNFINISHED, Verdict, judge, new_findings

from lintseq.errors import ProgramError
from lintseq.sampling import ProgramSampler

EXAMPLES = 12


@dataclass(slots=True)
class Count:
    """What became of the states of one kind of programs."""

    programs: int = 0
    states: int = 0
    broken: int = 0
    pyflakes: int = 0
    pylint: int = 0
    own_pylint: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """States by kind of new pyflakes message, of all kinds."""
    left: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    """New findings that count, and the programs where they came up."""


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--states", type=int, default=2000, help="states of each kind of programs (default: 2000)")
    parser.add_argument("--per-program", type=int, default=5, help="states of one program (default: 5)")
    parser.add_argument("--dump", action="store_true", help="print the states that are not clean")
    options = parser.parse_args()
    report = Report("clean", "Clean: no state has a finding that the whole program does not have")
    report.notes.append(
        "Each program was drawn once by `native`; up to"
        f" {options.per_program} states of it, chosen at random, were judged. pylint: messages E and F, W0311, W0231;"
        " E0401, E0402 and E0611 off (import resolution). *stock pylint* still looks into the modules that it finds,"
        " *lintseq's pylint* into none. Of pyflakes' messages those do not count that say that nothing uses a thing"
        " yet."
    )
    rows, kind_rows, left_rows = [], [], []
    for name, sources in (("real files", real_files(seed=options.seed)), ("pairs", pairs(options))):
        count = judged(sources, options.states, options.per_program, options.seed, dump=options.dump)
        rows.append(
            [name, count.programs, count.states]
            + [percent(count.states - bad, count.states) for bad in (count.broken, count.pyflakes)]
            + [percent(count.states - bad, count.states) for bad in (count.pylint, count.own_pylint)]
        )
        for kind, number in count.kinds.most_common():
            kind_rows.append([name, kind, number, "no" if kind in MAY_BE_UNFINISHED else "yes"])
        for (code, message), where in sorted(count.left.items(), key=lambda item: -len(item[1])):
            left_rows.append([name, code, len(where), message[:100], where[0]])
        report.goals += [
            Goal(f"{name}: states", count.states, least=min(2000, options.states)),
            Goal(f"{name}: % that compile", share(count.states - count.broken, count.states), least=100),
            Goal(f"{name}: % clean by pyflakes", share(count.states - count.pyflakes, count.states), least=100),
            Goal(f"{name}: % clean by stock pylint", share(count.states - count.pylint, count.states), least=99.8),
        ]
        report.numbers[name] = {
            "states": count.states,
            "programs": count.programs,
            "not_compiling": count.broken,
            "new_pyflakes": count.pyflakes,
            "new_pylint": count.pylint,
            "new_own_pylint": count.own_pylint,
        }
    header = ["programs", "number", "states", "compile", "pyflakes", "stock pylint", "lintseq's pylint"]
    report.tables.append(Table("States without a new finding", header, rows))
    header = ["programs", "judge: code", "states", "message", "for example in"]
    report.tables.append(Table("What is left", header, left_rows[: 4 * EXAMPLES]))
    header = ["programs", "kind", "states", "counts"]
    report.tables.append(Table("New pyflakes messages of any kind", header, kind_rows))
    report.publish(options.results)


def pairs(options) -> list[Source]:  # type: ignore[no-untyped-def]
    return instruction_pairs(options.pairs, seed=options.seed)


def judged(sources: Sequence[Source], states: int, per_program: int, seed: int, *, dump: bool) -> Count:
    """Draw states until there are enough and return what the judges say."""
    rng = random.Random(seed)
    count = Count()
    chosen: list[tuple[Source, list[str]]] = []
    for source in sources:
        if count.states >= states:
            break
        try:
            sequence = ProgramSampler(source.text).sample(seed=seed, id=source.name)
        except ProgramError:
            continue
        drawn = list(sequence.states())[:-1]
        drawn = rng.sample(drawn, min(per_program, len(drawn)))
        chosen.append((source, drawn))
        count.programs += 1
        count.states += len(drawn)
    texts = [text for source, drawn in chosen for text in (source.text, *drawn)]
    note(f"judging {count.states} states of {count.programs} programs")
    verdicts = iter(judge(texts, own_pylint=True))
    for source, drawn in chosen:
        whole = next(verdicts)
        for text in drawn:
            problems = compare(next(verdicts), whole, count)
            for problem in problems:
                count.left[problem].append(source.name)
            if problems and dump:
                note(f"=== {source.name}: {problems}\n{text}\n")
    return count


def compare(state: Verdict, whole: Verdict, count: Count) -> list[tuple[str, str]]:
    """Count what is new in a state; return the findings that count."""
    if not state.compiles:
        count.broken += 1
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
