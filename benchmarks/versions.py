"""Is every state between two versions clean? Walks over commits and releases, next to the hunks of their diffs.

    python benchmarks/versions.py commits.jsonl releases.jsonl

Each file holds pairs of versions as `version_pairs.py` makes them (any rows with old_contents and new_contents do)
and is reported apart. A finding is new if it occurs more often in a state than in the old and in the new version. Only
states strictly between the two are judged. `--failures DIR` writes the first state of each walk that is not clean.
"""

import multiprocessing
import random
import re
import shutil
import signal
import statistics
import time
import traceback
from argparse import Namespace
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import unified_diff
from functools import lru_cache
from pathlib import Path
from typing import Any

from common import Goal, Report, Table, arguments, note, percent, read_jsonl, share
from judges import compiles, new_findings, pylint_all

from lintseq.edits import INITIAL, STAYS, EditSequence, apply
from lintseq.errors import ProgramError
from lintseq.languages.linters import shared_linter
from lintseq.linting import Finding, findings
from lintseq.program import Program
from lintseq.walks import ProgramSampler, SamplingOptions
from lintseq.walks.hunks import HunksWalk

ORDERS = {
    "uniform": SamplingOptions(),
    "forward": SamplingOptions(order="forward"),
    "certified": SamplingOptions(certify="pyflakes"),
}
CONTROLS = ("hunks", "top to bottom", "deletions first")
TITLES = {
    "uniform": "needs, random order",
    "forward": "needs, from top to bottom",
    "certified": "needs, certified by pyflakes",
    "hunks": "control: the diff's hunks in random order",
    "top to bottom": "control: hunks from top to bottom",
    "deletions first": "control: deletions first",
}
PATIENCE = 60
"""Seconds of CPU time after which a walk of one pair is given up."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two versions of a file and their origin."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class StateBetween:
    """A state between the two versions of a pair."""

    pair: Pair
    number: int
    """How many edits lead to it."""
    before: str
    text: str
    new: Sequence[Finding] = ()
    """The new findings."""


@dataclass(slots=True)
class Measured:
    """What one walk made of some pairs."""

    pairs: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    """Pairs without a sequence, by reason."""
    inexact: list[str] = field(default_factory=list)
    hunks: int = 0
    single: int = 0
    """Pairs that are one edit."""
    sizes: list[int] = field(default_factory=list)
    """The number of lines that each edit inserts and removes."""
    kinds: Counter[str] = field(default_factory=Counter)
    walks: int = 0
    """Walks with a state in between."""
    clean_walks: int = 0
    states: int = 0
    broken: int = 0
    dirty: int = 0
    bad: list[StateBetween] = field(default_factory=list)
    """The first state of each walk that is not clean."""
    sample: list[StateBetween] = field(default_factory=list)
    """States that compile, for a slower judge."""

    def add(self, other: "Measured") -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, Counter):
                value.update(getattr(other, name))
            else:
                setattr(self, name, value + getattr(other, name))

    def summary(self) -> str:
        clean = f"{self.states} states, {self.broken} do not compile, {self.dirty} not clean"
        return f"{clean}, {len(self.inexact)} inexact, {self.rejected.total()} rejected"

    def row(self, title: str) -> list[object]:
        edits, pairs = len(self.sizes), self.pairs or 1
        p90 = statistics.quantiles(self.sizes, n=10)[-1] if edits > 1 else 0
        kinds = [percent(self.kinds[kind], edits) for kind in ("replace", "insert", "delete")]
        return [
            title,
            self.pairs,
            self.rejected.total(),
            self.states,
            percent(self.states - self.broken, self.states),
            percent(self.states - self.dirty, self.states),
            percent(self.clean_walks, self.walks),
            f"{edits / pairs:.2f}",
            f"{edits / (self.hunks or 1):.3f}",
            percent(self.single, pairs),
            f"{statistics.fmean(self.sizes or [0]):.1f} ({p90:.0f})",
            *kinds,
        ]


HEADER = [
    "walk",
    "pairs",
    "no sequence",
    "states",
    "compile",
    "pyflakes-clean",
    "walks all clean",
    "edits a pair",
    "edits a hunk",
]
HEADER += ["single edit", "lines an edit (p90)", "replace", "insert", "delete"]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="JSON Lines files of pairs, reported apart")
    parser.add_argument("--limit", type=int, help="pairs per file, chosen at random (default: all)")
    parser.add_argument("--walk", action="append", choices=[*ORDERS, *CONTROLS], help="a walk (default: all)")
    parser.add_argument("--states", type=int, default=20, help="states judged per walk, at most (default: 20)")
    parser.add_argument("--pylint", type=int, default=0, help="states that lintseq's pylint judges, per walk and file")
    parser.add_argument(
        "--stock-pylint", type=int, default=0, help="states that stock pylint judges, per walk and file"
    )
    parser.add_argument("--exact", action="store_true", help="only check that the sequences are exact; judge no state")
    parser.add_argument(
        "--failures", type=Path, help="write the first state of each walk that is not clean into this folder"
    )
    parser.add_argument("--enough", type=int, help="stop walking each file's pairs once every walk has so many states")
    parser.add_argument("--minutes", type=float, help="stop walking each file's pairs after this time")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--name", default="versions", help="name of the results (default: versions)")
    options = parser.parse_args()
    report = Report(options.name, "Between two versions: is every state clean?")
    report.notes.append(EXACT_NOTE if options.exact else NOTE.format(states=options.states))
    for path in options.files:
        pairs = read_pairs(path, options.limit, options.seed)
        repositories = sorted({pair.name.split(" ")[0] for pair in pairs})
        until = f"until each walk had {options.enough:,} states" if options.enough else "as far as the time went"
        sample = f"a sample of {len(pairs)} pairs, walked {until}"
        report.notes.append(f"*{path.stem}*: {sample}, from {', '.join(repositories)}.")
        found = measure(pairs, options.walk or list(TITLES), options)
        if options.exact:
            exact = [[TITLES[w], m.pairs, m.rejected.total(), m.pairs - len(m.inexact)] for w, m in found.items()]
            report.tables.append(Table(path.stem, ["walk", "pairs", "no sequence", "exact"], exact))
        else:
            rows = [measured.row(TITLES[walk]) for walk, measured in found.items()]
            report.tables.append(Table(path.stem, HEADER, rows))
        lints = [row for walk, measured in found.items() for row in walk_report(report, path, walk, measured, options)]
        if lints:
            header = ["walk", "judge", "states", "clean", "most frequent new messages"]
            report.tables.append(Table(f"{path.stem}: pylint", header, lints))
    report.publish(options.results)


NOTE = (
    "Each pair was walked once; up to {states} states of a walk, chosen at random, were judged: those strictly between"
    " the old and the new version. *clean*: no finding occurs more often than in the old version or in the new one,"
    " whichever has it more often. A state that does not compile is not clean. *lines an edit*: inserted and removed."
    " pylint: E, F, W0311, W0231, import resolution off, on up to three states of a walk that compile; stock pylint"
    " also inspects the modules that it finds."
)

EXACT_NOTE = (
    "*exact*: a sequence starts from the old version, and its edits, applied to that, give the new one, byte for byte."
)


def walk_report(report: Report, path: Path, walk: str, measured: Measured, options: Namespace) -> list[list[object]]:
    """Add the numbers and goals of a walk, write its failures, and return what pylint says of its states."""
    numbers = numbers_of(measured)
    folder = options.failures and options.failures / path.stem
    if folder:
        write_failures(folder / walk.replace(" ", "-"), measured.bad, measured)
    rows: list[list[object]] = []
    for judge, most in (("lintseq's pylint", options.pylint), ("stock pylint", options.stock_pylint)):
        if not most or not measured.sample:
            continue
        judged, bad = pylint_judged(judge, measured.sample, most, options)
        kinds = Counter(code for state in bad for code in {code for code, _ in state.new}).most_common(8)
        shown = ", ".join(f"{code} {number}" for code, number in kinds)
        rows.append([TITLES[walk], judge, judged, percent(judged - len(bad), judged), shown])
        numbers[judge] = {"states": judged, "not_clean": len(bad)}
        if folder:
            write_failures(folder / f"{walk}, {judge}".replace(" ", "-"), bad)
    report.numbers[f"{path.stem}: {walk}"] = numbers
    add_goals(report, f"{path.stem}, {walk}", walk, measured, numbers)
    return rows


def numbers_of(measured: Measured) -> dict[str, Any]:
    numbers: dict[str, Any] = {
        name: getattr(measured, name) for name in ("pairs", "hunks", "single", "walks", "clean_walks")
    }
    numbers |= {"edits": len(measured.sizes), "states": measured.states, "not_compiling": measured.broken}
    numbers |= {"new_pyflakes": measured.dirty, "inexact": measured.inexact[:20], "rejected": dict(measured.rejected)}
    return numbers | {
        "families of first states": dict(Counter(family(bad.new[0]) for bad in measured.bad).most_common(12))
    }


def add_goals(report: Report, name: str, walk: str, measured: Measured, numbers: dict[str, Any]) -> None:
    """Add the targets that apply to a walk."""
    if walk in CONTROLS:
        return
    states, clean = measured.states, 100.0 if walk == "certified" else 99.8
    report.goals.append(Goal(f"{name}: % exact", share(measured.pairs - len(measured.inexact), measured.pairs), 100))
    if states:
        report.goals.append(Goal(f"{name}: states", states, least=5000))
        report.goals.append(Goal(f"{name}: % that compile", share(states - measured.broken, states), least=100))
        report.goals.append(Goal(f"{name}: % clean by pyflakes", share(states - measured.dirty, states), least=clean))
    for judge in sorted(numbers.keys() & {"lintseq's pylint", "stock pylint"}):
        judged = numbers[judge]["states"]
        lint = share(judged - numbers[judge]["not_clean"], judged)
        report.goals.append(Goal(f"{name}: % clean by {judge}", lint, least=98.5))
    if states and walk != "certified" and "release" not in name:
        least = 1.15 if walk == "forward" else 1.05
        report.goals.append(Goal(f"{name}: edits per hunk", len(measured.sizes) / (measured.hunks or 1), least=least))


def read_pairs(path: Path, limit: int | None = None, seed: int = 0) -> list[Pair]:
    """Return the pairs of a file, or some of them chosen at random."""
    pairs = []
    for row in read_jsonl(path):
        name = f"{row.get('repo', path.stem)} {str(row.get('commit', ''))[:16]} {row.get('path', '')}"
        pairs.append(Pair(name, row["old_contents"], row["new_contents"]))
    return pairs if limit is None else random.Random(seed).sample(pairs, min(limit, len(pairs)))


def measure(pairs: Sequence[Pair], walks: Sequence[str], options: Namespace) -> dict[str, Measured]:
    """Walk over all pairs in some processes."""
    totals = {walk: Measured() for walk in walks}
    judged = 0 if options.exact else options.states
    jobs = [(pair, walks, options.seed, judged, 3 if options.pylint or options.stock_pylint else 0) for pair in pairs]
    stop = time.monotonic() + (options.minutes * 60 if options.minutes else float("inf"))
    with multiprocessing.Pool(options.workers) as pool:
        for done, found in enumerate(pool.imap(measure_pair, jobs, chunksize=4), 1):
            for walk, measured in zip(walks, found, strict=True):
                totals[walk].add(measured)
            is_enough = options.enough and min(total.states for total in totals.values()) >= options.enough
            late = is_enough or time.monotonic() > stop
            if done % 200 == 0 or done == len(pairs) or late:
                note(f"{done} of {len(pairs)} pairs")
                for walk, total in totals.items():
                    note(f"  {walk}: {total.summary()}")
            if late:
                break
    return totals


def measure_pair(job: tuple[Pair, Sequence[str], int, int, int]) -> list[Measured]:
    """Walk over one pair in several ways."""
    pair, walks, seed, most, kept = job
    if most and not (compiles(pair.old) and compiles(pair.new)):
        return [Measured(rejected=Counter(["a version does not compile"])) for _ in walks]
    return [measure_walk(pair, walk, seed, most, kept) for walk in walks]


def measure_walk(pair: Pair, walk: str, seed: int, most: int, kept: int) -> Measured:
    """Walk over one pair and judge the states in between; a walk that fails or takes too long is counted."""
    measured = Measured(pairs=1)
    signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
    try:
        sequence = draw(pair, walk, seed)
        edits = sequence.edits
    except ProgramError as error:
        return Measured(rejected=Counter([str(error)[:60]]))
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__}: {str(error)[:60]} ({Path(place.filename).name}:{place.lineno}), {pair.name}"
        return Measured(rejected=Counter([reason]))
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    if most:
        measured.hunks = len(HunksWalk(Program.from_text(pair.new), Program.from_text(pair.old)).hunks)
    measured.single = len(edits) == 1
    for edit in edits:
        new, gone = sum(len(hunk.lines) for hunk in edit.hunks), sum(hunk.removed for hunk in edit.hunks)
        measured.sizes.append(new + gone)
        measured.kinds["replace" if new and gone else "insert" if new else "delete"] += 1
    if not is_exact(pair, sequence):
        measured.inexact.append(pair.name)
    if most:
        judge_states(pair, list(sequence.states()), most, kept, seed, measured)
    return measured


def give_up(*_: object) -> None:
    raise TimeoutError("no sequence in time")


def draw(pair: Pair, walk: str, seed: int) -> EditSequence:
    """Return a sequence of a pair."""
    if walk in ORDERS:
        return ProgramSampler(pair.new, ORDERS[walk], start=pair.old).sample(seed=seed, id=pair.name)
    hunks_walk = HunksWalk(Program.from_text(pair.new), Program.from_text(pair.old))
    hunks = hunks_walk.hunks
    if walk == "deletions first":
        none = range(0)
        hunks = [*((gone, none) for gone, _ in hunks if gone), *((none, new) for _, new in hunks if new)]
    elif walk == "hunks":
        hunks = random.Random(f"{seed} {pair.name}").sample(hunks, len(hunks))
    count = len(hunks_walk.merged.lines)
    arrivals, departures = [INITIAL] * count, [STAYS] * count
    for number, (gone, new) in enumerate(hunks):
        for line in gone:
            departures[line] = number
        for line in new:
            arrivals[line] = number
    return EditSequence(hunks_walk.merged, tuple(arrivals), tuple(departures), hunks_walk.start.final_newline)


def is_exact(pair: Pair, sequence: EditSequence) -> bool:
    """Return whether a sequence starts from the old version, and its edits, applied to that, give the new one."""
    lines: list[str] = list(Program.from_text(pair.old).lines)
    for edit in sequence.edits:
        lines = apply(edit, lines)
    replayed = Program(tuple(lines), sequence.program.final_newline).text
    return sequence.start.text == pair.old and sequence.program.text == pair.new == replayed


def judge_states(pair: Pair, states: list[str], most: int, kept: int, seed: int, measured: Measured) -> None:
    """Judge up to `most` of the states before the last; keep some for a slower judge."""
    rng = random.Random(f"{seed} {pair.name}")
    numbers = sorted(rng.sample(range(len(states) - 1), min(most, len(states) - 1)))
    measured.states = len(numbers)
    if not numbers:
        return
    allowed = pyflakes(pair.old) | pyflakes(pair.new)
    for number in numbers:
        state = states[number]
        if not compiles(state):
            measured.broken += 1
            new = [finding for finding in pyflakes(state) if allowed[finding] < 1] or [("compile", "does not compile")]
        else:
            new = new_findings(pyflakes(state), allowed)
        found = StateBetween(pair, number + 1, states[number - 1] if number else pair.old, state, new)
        if compiles(state):
            measured.sample.append(found)
        if new:
            measured.dirty += 1
            measured.bad.append(found)
    measured.bad = measured.bad[:1]
    measured.sample = rng.sample(measured.sample, min(kept, len(measured.sample)))
    measured.walks = 1
    measured.clean_walks = int(not measured.dirty)


@lru_cache(4096)
def pyflakes(text: str) -> Counter[Finding]:
    return findings(shared_linter("pyflakes").check(text))


def pylint_judged(
    judge: str, sample: Sequence[StateBetween], most: int, options: Namespace
) -> tuple[int, list[StateBetween]]:
    """Let pylint judge up to `most` states; return how many it judged, and those with new findings."""
    chosen = random.Random(options.seed).sample(sample, min(most, len(sample)))
    note(f"{judge} judges {len(chosen)} states")
    texts = list(dict.fromkeys(text for state in chosen for text in (state.pair.old, state.pair.new, state.text)))
    if judge == "stock pylint":
        found = pylint_all(texts)
    else:
        with multiprocessing.Pool(options.workers) as pool:
            found = pool.map(pylint, texts, chunksize=16)
    verdicts = dict(zip(texts, found, strict=True))
    judged = [(state, verdicts[state.pair.old] | verdicts[state.pair.new]) for state in chosen]
    bad = [replace(state, new=new_findings(verdicts[state.text], allowed)) for state, allowed in judged]
    return len(chosen), [state for state in bad if state.new]


def pylint(text: str) -> Counter[Finding]:
    return findings(shared_linter("pylint").check(text))


# Failures


def family(finding: Finding) -> str:
    """Return a finding without the names in it."""
    return f"{finding[0]}: " + re.sub(r"'[^']*'|\"[^\"]*\"", "_", finding[1])[:70]


def write_failures(folder: Path, states: Sequence[StateBetween], measured: Measured | None = None) -> None:
    """Write each bad state into a folder of its own, and an index by family."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    index: dict[str, list[str]] = defaultdict(list)
    for count, bad in enumerate(states):
        place = folder / f"{count:03}"
        place.mkdir()
        index[family(bad.new[0])].append(f"{place.name}  {bad.pair.name}, edit {bad.number}: {bad.new[0][1]}")
        texts = {"old.py": bad.pair.old, "new.py": bad.pair.new, "before.py": bad.before, "state.py": bad.text}
        texts["edit.diff"] = difference(bad.before, bad.text)
        texts["change.diff"] = difference(bad.pair.old, bad.pair.new)
        lines = [f"{bad.pair.name}, state after edit {bad.number}", *(f"{code}: {text}" for code, text in bad.new)]
        for linter in ("pyflakes", "pylint"):
            found = [found for found in shared_linter(linter).check(bad.text) if found.finding in bad.new]
            lines += [f"  line {diagnostic.line}: {diagnostic.message}" for diagnostic in found]
        texts["finding.txt"] = "\n".join(lines) + "\n"
        for name, text in texts.items():
            (place / name).write_text(text)
    rows = [f"{len(places)}  {name}\n" + "".join(f"    {row}\n" for row in places) for name, places in ranked(index)]
    if measured:
        rows += [f"{number}  without a sequence: {reason}\n" for reason, number in measured.rejected.most_common()]
        rows += [f"inexact: {name}\n" for name in measured.inexact]
    (folder / "index.txt").write_text("".join(rows))


def ranked(index: dict[str, list[str]]) -> list[tuple[str, list[str]]]:
    return sorted(index.items(), key=lambda item: -len(item[1]))


def difference(old: str, new: str) -> str:
    return "".join(f"{line}\n" for line in unified_diff(old.split("\n"), new.split("\n"), "old", "new", lineterm=""))


if __name__ == "__main__":
    main()
