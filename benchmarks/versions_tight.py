"""Is every edit between two versions tight? Makes each hunk of an edit alone, which must break something.

    python benchmarks/versions_tight.py commits.jsonl releases.jsonl

Each file holds pairs of versions as for `versions.py`. The walk chose one hunk of an edit; the others had to come with
it. A hunk is loose if, alone, it breaks nothing and leaves every line under its header.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common import Goal, Report, Table, arguments, note, percent, share
from judges import compiles, new_findings, pylint_all
from versions import TITLES, Pair, draw, pyflakes, read_pairs

from lintseq.edits import EditSequence
from lintseq.errors import ProgramError

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
    """The state that one hunk of an edit makes without the others."""

    pair: Pair
    edit: int
    lines: Sequence[str]
    """What the hunk changes: removed and new lines, with signs."""
    text: str
    has_other_header: bool


@dataclass(slots=True)
class Edits:
    """The hunks of the edits that have several, by what each makes alone."""

    pairs: int = 0
    edits: int = 0
    how: Counter[str] = field(default_factory=Counter)
    loose: list[Alone] = field(default_factory=list)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="JSON Lines files of pairs, reported apart")
    parser.add_argument("--limit", type=int, default=600, help="pairs per file, chosen at random (default: 600)")
    parser.add_argument("--per-pair", type=int, default=6, help="edits per pair (default: 6)")
    parser.add_argument("--walk", action="append", choices=list(TITLES), help="a walk (default: uniform and forward)")
    parser.add_argument("--dump", type=int, default=0, help="print so many loose hunks")
    options = parser.parse_args()
    report = Report("versions_tight", "Between two versions: are the edits tight?")
    report.notes.append(NOTE.format(edits=options.per_pair))
    rows: list[list[object]] = []
    for path in options.files:
        pairs = read_pairs(path, options.limit, options.seed)
        for walk in options.walk or WALKS:
            edits = judged(pairs, walk, options.per_pair, options.seed)
            hunks, name = edits.how.total(), f"{path.stem}, {walk}"
            shares = [percent(edits.how[reason], hunks) for reason in HOW]
            excess = loose_beyond_one(edits.loose)
            others = hunks - edits.edits
            rows.append([path.stem, TITLES[walk], edits.edits, hunks, *shares, percent(others - excess, others)])
            report.goals.append(Goal(f"{name}: % tight", share(others - excess, others), least=92))
            report.numbers[name] = {"pairs": edits.pairs, "edits": edits.edits, "hunks": hunks, "how": edits.how}
            report.numbers[name]["loose_beyond_one"] = excess
            for alone in random.Random(options.seed).sample(edits.loose, min(options.dump, len(edits.loose))):
                note(f"=== {alone.pair.name}, edit {alone.edit + 1}, {walk}\n" + "\n".join(alone.lines))
    header = ["pairs", "walk", "edits of several hunks", "hunks", *HOW, "tight"]
    report.tables.append(Table("Each hunk alone", header, rows))
    report.publish(options.results)


NOTE = (
    "Up to {edits} edits of a walk that have several hunks, chosen at random; each of their hunks was made alone in"
    " the state before the edit, except those of comments and blank lines only. A finding is new if it occurs more"
    " often than in the old and in the new version. *under another header*: a line is under a header under which it is"
    " neither before nor after the edit. One hunk of an edit is the one that the walk chose, which may stand alone:"
    " *tight* leaves out one hunk of each edit, a loose one if there is one."
)


def loose_beyond_one(loose: Sequence[Alone]) -> int:
    """Return how many hunks are loose besides one of each edit."""
    return sum(number - 1 for number in Counter((alone.pair.name, alone.edit) for alone in loose).values())


def judged(pairs: Sequence[Pair], walk: str, per_pair: int, seed: int) -> Edits:
    """Walk over each pair, and judge the hunks of some of its edits."""
    edits = Edits()
    quiet: list[Alone] = []
    for number, pair in enumerate(pairs):
        if number % 100 == 0:
            note(f"{walk}: {number} of {len(pairs)} pairs, {dict(edits.how)}")
        try:
            sequence = draw(pair, walk, seed)
        except ProgramError:
            continue
        edits.pairs += 1
        found = list(edits_apart(pair, sequence))
        allowed = pyflakes(pair.old) | pyflakes(pair.new)
        for hunks in random.Random(f"{seed} {pair.name}").sample(found, min(per_pair, len(found))):
            edits.edits += 1
            for alone in hunks:
                if not compiles(alone.text):
                    edits.how[BROKEN] += 1
                elif new_findings(pyflakes(alone.text), allowed):
                    edits.how[FINDING] += 1
                else:
                    quiet.append(alone)
    texts = list(dict.fromkeys(text for alone in quiet for text in (alone.pair.old, alone.pair.new, alone.text)))
    lints = dict(zip(texts, pylint_all(texts), strict=True))
    for alone in quiet:
        if new_findings(lints[alone.text], lints[alone.pair.old] | lints[alone.pair.new]):
            edits.how[LINT] += 1
        elif alone.has_other_header:
            edits.how[HEADER] += 1
        else:
            edits.how[LOOSE] += 1
            edits.loose.append(alone)
    return edits


def edits_apart(pair: Pair, sequence: EditSequence) -> Iterator[list[Alone]]:
    """Yield the hunks of each edit that has several, each alone."""
    lines = sequence.merged.lines
    present = sequence.present()
    for number, placed in enumerate(sequence.placements()):
        after = list(present)
        for position, gone, new in reversed(placed):
            after[position : position + gone] = new
        changes = [[*present[at : at + gone], *new] for at, gone, new in placed]
        hunks = [hunk for hunk, change in zip(placed, changes, strict=True) if any(is_code(lines[i]) for i in change)]
        if len(hunks) > 1:
            known = headers(lines, present).items() | headers(lines, after).items()
            found = []
            for position, gone, new in hunks:
                mixed = [*present[:position], *new, *present[position + gone :]]
                other = any((line, header) not in known for line, header in headers(lines, mixed).items())
                changed = [f"-{lines[i]}" for i in present[position : position + gone]] + [f"+{lines[i]}" for i in new]
                text = sequence.program.render([lines[i] for i in mixed])
                found.append(Alone(pair, number, changed, text, other))
            yield found
        present = after


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
