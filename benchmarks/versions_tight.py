"""Is every edit between two versions tight? What came with a chosen change is made alone, and must break something.

    python benchmarks/versions_tight.py commits.jsonl releases.jsonl

Each file holds pairs of versions as for `versions.py`. A walk turns the new version back into the old one: it chooses
an atom of change and removes it together with what needs it. Each of these is put back alone. It is loose if that
breaks nothing and leaves every line under its header.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common import Goal, Report, Table, arguments, note, percent, share
from judges import compiles, new_findings, pylint_all
from versions import TITLES, Pair, pyflakes, read_pairs

from lintseq.errors import ProgramError
from lintseq.languages.python.analysis import analyze
from lintseq.program import Program
from lintseq.walks.changes import Changes
from lintseq.walks.orders import ORDERS
from lintseq.walks.pairing import Version
from lintseq.walks.walk import RandomStream

WALKS = ("uniform", "forward")
BROKEN, FINDING, LINT, HEADER, LOOSE = HOW = (
    "does not compile",
    "new pyflakes finding",
    "new pylint finding",
    "a line is under another header",
    "loose",
)
_CLAUSE = re.compile(r"(?:elif|else|except|finally|case)\b")


@dataclass(frozen=True, slots=True)
class Alone:
    """A state after a removal with one of the atoms put back."""

    pair: Pair
    chosen: Sequence[str]
    """What the chosen atom changes: removed and new lines, with signs."""
    lines: Sequence[str]
    """What the other atom changes."""
    text: str
    has_other_header: bool


@dataclass(slots=True)
class Restored:
    """The atoms put back, by what each breaks."""

    pairs: int = 0
    how: Counter[str] = field(default_factory=Counter)
    loose: list[Alone] = field(default_factory=list)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="JSON Lines files of pairs, reported apart")
    parser.add_argument("--limit", type=int, default=600, help="pairs per file, chosen at random (default: 600)")
    parser.add_argument("--per-pair", type=int, default=6, help="atoms per pair (default: 6)")
    parser.add_argument("--walk", action="append", choices=WALKS, help="a walk (default: both)")
    parser.add_argument("--dump", type=int, default=0, help="print so many loose atoms")
    options = parser.parse_args()
    report = Report("versions_tight", "Between two versions: are the edits tight?")
    report.notes.append(NOTE.format(most=options.per_pair))
    rows: list[list[object]] = []
    for path in options.files:
        pairs = read_pairs(path, options.limit, options.seed)
        for walk in options.walk or WALKS:
            restored = judged(pairs, walk, options.per_pair, options.seed)
            atoms, name = restored.how.total(), f"{path.stem}, {walk}"
            shares = [percent(restored.how[reason], atoms) for reason in HOW]
            rows.append([path.stem, TITLES[walk], restored.pairs, atoms, *shares])
            tight = share(atoms - restored.how[LOOSE], atoms)
            report.goals.append(Goal(f"{name}: % that breaks something or lost its header", tight, least=92))
            report.numbers[name] = {"pairs": restored.pairs, "atoms": atoms, "how": restored.how}
            for alone in random.Random(options.seed).sample(restored.loose, min(options.dump, len(restored.loose))):
                shown = "\n".join([*alone.lines, "--- came with", *alone.chosen])
                note(f"=== {alone.pair.name}, {walk}\n{shown}")
    header = ["pairs", "walk", "number", "atoms", *HOW]
    report.tables.append(Table("Each alone", header, rows))
    report.publish(options.results)


NOTE = (
    "Each pair was walked once, from the new version back to the old one. Of all atoms of change that were removed"
    " along with a chosen one, up to {most} a pair, chosen at random, were put back alone, but not comments and blank"
    " lines. A finding is new if it occurs more often than in the old and in the new version. *under"
    " another header*: a line is under a header under which it is neither before nor after the edit. *loose*: nothing"
    " breaks."
)


def judged(pairs: Sequence[Pair], walk: str, per_pair: int, seed: int) -> Restored:
    """Walk over each pair, and judge some of the atoms that came with others."""
    restored = Restored()
    quiet: list[Alone] = []
    for number, pair in enumerate(pairs):
        if number % 100 == 0:
            note(f"{walk}: {number} of {len(pairs)} pairs, {dict(restored.how)}, {len(quiet)} to see")
        try:
            found = list(atoms_apart(pair, walk, seed))
        except ProgramError:
            continue
        restored.pairs += 1
        for alone in random.Random(f"{seed} {pair.name}").sample(found, min(per_pair, len(found))):
            if not compiles(alone.text):
                restored.how[BROKEN] += 1
            elif new_findings(pyflakes(alone.text), pyflakes(pair.old) | pyflakes(pair.new)):
                restored.how[FINDING] += 1
            else:
                quiet.append(alone)
    texts = list(dict.fromkeys(text for alone in quiet for text in (alone.pair.old, alone.pair.new, alone.text)))
    lints = dict(zip(texts, pylint_all(texts), strict=True))
    for alone in quiet:
        if new_findings(lints[alone.text], lints[alone.pair.old] | lints[alone.pair.new]):
            restored.how[LINT] += 1
        elif alone.has_other_header:
            restored.how[HEADER] += 1
        else:
            restored.how[LOOSE] += 1
            restored.loose.append(alone)
    return restored


def atoms_apart(pair: Pair, walk: str, seed: int) -> Iterator[Alone]:
    """Walk from the new version to the old one; yield each atom that was removed along with a chosen one, put back."""
    old, new = [Program.from_text(text) for text in (pair.old, pair.new)]
    changes = Changes.between(Version(old, analyze(old)), Version(new, analyze(new)))
    removals = changes.needs.start()
    is_new = [True] * changes.needs.units
    lines = changes.merged.lines
    code = {atom for atom, line in zip(changes.atom_of, lines, strict=True) if is_code(line)}
    order = ORDERS["forward" if walk == "forward" else "uniform"](changes.merged)
    for index in order.order(changes.code, RandomStream(seed, pair.name, 0)):
        chosen = changes.atom_of[changes.code[index]]
        if chosen is None or removals.removed[chosen]:
            continue
        after = headers(lines, present(changes, is_new)).items()
        closure = removals.remove(chosen)
        for atom in closure:
            is_new[atom] = False
        before = headers(lines, present(changes, is_new)).items()
        for atom in closure:
            if atom == chosen or atom not in code:
                continue
            is_new[atom] = True
            mixed = present(changes, is_new)
            is_new[atom] = False
            other = any(item not in before and item not in after for item in headers(lines, mixed).items())
            text = new.render([lines[i] for i in mixed])
            yield Alone(pair, changed(changes, chosen), changed(changes, atom), text, other)


def present(changes: Changes, is_new: Sequence[bool]) -> list[int]:
    """Return the merged lines of the state in which some atoms are new and the others old."""
    found = []
    for line, (arrives, departs, atom) in enumerate(
        zip(changes.arrives, changes.departs, changes.atom_of, strict=True)
    ):
        if atom is None or not (departs if is_new[atom] else arrives):
            found.append(line)
    return found


def changed(changes: Changes, atom: int) -> list[str]:
    """Return the lines that an atom changes, with signs."""
    lines = zip(changes.merged.lines, changes.departs, changes.atom_of, strict=True)
    return [("-" if departs else "+") + line for line, departs, other in lines if other == atom]


def is_code(line: str) -> bool:
    return line.strip() != "" and not line.lstrip().startswith("#")


def headers(lines: Sequence[str], present: Sequence[int]) -> dict[int, int | None]:
    """Return the header of each line that is present: the line above it with less indentation.

    That of a clause such as `else` is the one before it.
    """
    above: list[tuple[int, int]] = []
    found: dict[int, int | None] = {}
    for index in present:
        text = lines[index].lstrip()
        if not is_code(text):
            continue
        indent = len(lines[index]) - len(text)
        before = None
        while above and above[-1][0] >= indent:
            column, line = above.pop()
            before = line if column == indent else before
        is_clause = before is not None and _CLAUSE.match(text)
        found[index] = before if is_clause else above[-1][1] if above else None
        above.append((indent, index))
    return found


if __name__ == "__main__":
    main()
