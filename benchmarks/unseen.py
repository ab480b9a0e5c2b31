"""Clean and tight on code nobody has tuned lintseq on: draws programs from packages that are downloaded for it.

Every state is judged by the compiler and pyflakes, a random part of the states also by stock pylint. A multi-hunk
edit is loose if two of its hunks do not need each other: the state with either of them alone has no new finding, and
each name of a function or class there that is its own in the program still is, not that of an outer scope. As pylint
says nothing about the members of a class of which it cannot import a base, such bases are also left out.

Example: python benchmarks/unseen.py flask attrs --draws 2
"""

import math
import multiprocessing
import random
import subprocess
import symtable
import sys
import tempfile
import zipfile
from argparse import Namespace
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common import Goal, Report, Source, Table, arguments, instruction_pairs, is_usable, note, read_python
from judges import (
    MAY_BE_UNFINISHED,
    Findings,
    compiles,
    foreign_names,
    new_findings,
    pyflakes_findings,
    pylint_all,
    without_foreign_bases,
)

from lintseq.edits import EditSequence
from lintseq.errors import ProgramError
from lintseq.languages.python.layout import lay_out
from lintseq.languages.python.syntax import parse
from lintseq.program import Program
from lintseq.walks import ProgramSampler

EXAMPLES = 40


@dataclass(frozen=True, slots=True)
class Candidate:
    """A state with one hunk of a multi-hunk edit, clean by the compiler and pyflakes."""

    edit: tuple[str, int, int]
    """Program, draw and edit."""
    text: str
    hunks: str
    """All hunks of the edit, for people."""


@dataclass(slots=True)
class Drawn:
    """What the draws of one program gave."""

    source: Source
    states: int = 0
    edits: int = 0
    multi_hunk: int = 0
    tried: int = 0
    """Multi-hunk edits whose hunks were tried alone."""
    broken: list[str] = field(default_factory=list)
    """States that do not compile."""
    unclean: list[tuple[tuple[str, str], str]] = field(default_factory=list)
    """New findings of pyflakes, each with its state."""
    sample: list[str] = field(default_factory=list)
    """States for pylint."""
    candidates: list[Candidate] = field(default_factory=list)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("packages", nargs="*", help="names of packages on the package index, or folders")
    parser.add_argument("--draws", type=int, default=2, help="draws of each program (default: 2)")
    parser.add_argument("--lines", type=int, default=400, help="longest program (default: 400)")
    parser.add_argument("--pylint", type=float, default=0.15, help="share of the states for pylint (default: 0.15)")
    parser.add_argument("--loose", type=float, default=0.1, help="share of multi-hunk edits to try (default: 0.1)")
    parser.add_argument(
        "--installed", type=Path, help="pylint judges in this folder of installed packages, where imports resolve"
    )
    parser.add_argument("--dump", type=Path, help="a folder for the states that are not clean and the loose hunks")
    options = parser.parse_args()
    kinds: dict[str, list[Source]] = {}
    versions: list[str] = []
    if options.packages:
        with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as folder:
            root = options.installed or Path(folder)
            kinds["packages"] = list(package_files(options.packages, root, options.lines, versions))
    if options.pairs or not options.packages:
        kinds["pairs"] = instruction_pairs(options.pairs, seed=options.seed)
    report = Report("unseen", "Clean and tight on unseen code")
    report.notes.append(
        f"{options.draws} draws of each program of at most {options.lines:,} lines; a state is clean if it has no"
        " finding more often than the whole program. Bounds are one-sided 95 % bounds (Clopper-Pearson), as if states"
        " were independent. Pylint resolves imports of the standard library, and no others: what is installed makes no"
        " difference."
    )
    if options.installed:
        report.notes.append("But here pylint judged states beside the installed packages: all their imports resolved.")
    if versions:
        report.notes.append(f"Packages: {', '.join(versions)}.")
    rows: list[list[object]] = []
    found: list[list[object]] = []
    for name, sources in kinds.items():
        note(f"{name}: {len(sources):,} programs")
        jobs = [(source, options.draws, options.seed, options.pylint, options.loose) for source in sources]
        with multiprocessing.Pool() as pool:
            drawn = [program for program in pool.imap_unordered(draw, jobs, chunksize=8) if program is not None]
        drawn.sort(key=lambda program: program.source.name)
        report_kind(name, drawn, report, rows, found, options)
    header = ["programs", "what", "number", "not", "share, %", "95 % bound, %"]
    report.tables.append(Table("States and edits", header, rows))
    report.tables.append(Table("What was found", ["programs", "judge", "times", "message", "for example in"], found))
    report.publish(options.results)


# Programs


def package_files(packages: Sequence[str], folder: Path, lines: int, versions: list[str]) -> Iterator[Source]:
    """Yield the usable files of packages, each text once."""
    seen: set[str] = set()
    for name in packages:
        root = Path(name)
        if not root.is_dir():
            root = folder / name
        if not root.is_dir():
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
            done = subprocess.run([*command, "-d", root, name], capture_output=True, text=True, check=False)
            wheels = list(root.glob("*.whl"))
            if done.returncode or not wheels:
                note(f"{name} has no wheel here: {done.stderr.strip()[-200:]}")
                continue
            versions.append(" ".join(wheels[0].name.split("-")[:2]))
            with zipfile.ZipFile(wheels[0]) as archive:
                archive.extractall(root)
        for path in sorted(root.rglob("*.py")):
            text = read_python(path)
            if text is None or text in seen or not is_usable(text) or len(Program.from_text(text).lines) > lines:
                continue
            seen.add(text)
            yield Source(f"{name}/{path.relative_to(root).as_posix()}", text)


# Draws


def draw(job: tuple[Source, int, int, float, float]) -> Drawn | None:
    """Return what the draws of a program gave; None if it is rejected."""
    source, draws, seed, for_pylint, for_loose = job
    rng = random.Random(f"{seed} {source.name}")
    try:
        sampler = ProgramSampler(source.text)
    except ProgramError:
        return None
    whole, drawn = pyflakes_findings(source.text), Drawn(source)
    seen: set[str] = set()
    for number in range(draws):
        sequence = sampler.sample(seed=seed, id=source.name, draw=number)
        drawn.edits += len(sequence)
        for state in list(sequence.states())[:-1]:
            drawn.states += 1
            if state in seen:
                continue
            seen.add(state)
            if not compiles(state):
                drawn.broken.append(state)
                continue
            drawn.unclean += [(finding, state) for finding in counted(pyflakes_findings(state), whole)]
            if rng.random() < for_pylint:
                drawn.sample.append(state)
        try_hunks(drawn, sequence, number, whole, rng, for_loose)
    return drawn


def counted(state: Findings, whole: Findings) -> list[tuple[str, str]]:
    return [finding for finding in new_findings(state, whole) if finding[0] not in MAY_BE_UNFINISHED]


def try_hunks(
    drawn: Drawn, sequence: EditSequence, number: int, whole: Findings, rng: random.Random, share: float
) -> None:
    """Put the hunks of some multi-hunk edits into the state before them, one at a time."""
    program = sequence.program
    if "\r" in program.text.replace("\r\n", "\n"):
        return  # Python also ends lines there, so that they have other numbers
    layout = lay_out(parse(program.text), program.lines)
    units = layout.unit_of
    own = names_of_scopes(program.text, range(len(program.lines)), local=True)
    for index, hunks in enumerate(sequence.placements()):
        code = [lines for _, _, lines in hunks if any(line in units for line in lines)]
        if len(code) < 2:
            continue
        drawn.multi_hunk += 1
        if rng.random() >= share:
            continue
        drawn.tried += 1
        before = {line for line, arrival in enumerate(sequence.arrivals) if arrival < index}
        shown = "\n--- and\n".join("\n".join(program.lines[line] for line in lines) for lines in code)
        for lines in code:
            present = before | set(lines)
            standing = {None, *map(units.get, present)}
            added = {units[line] for line in lines if line in units}
            # Under another header, or with only a part of a unit, it would be a different program.
            cut = any(unit in added and line not in present for line, unit in units.items())
            if cut or not all(layout.parent_of[unit] in standing for unit in added):
                continue
            kept = sorted(present)
            text = program.render([program.lines[line] for line in kept])
            if not compiles(text) or counted(pyflakes_findings(text), whole):
                continue
            if own.isdisjoint(names_of_scopes(text, kept, local=False)):
                drawn.candidates.append(Candidate((drawn.source.name, number, index), text, shown))


def names_of_scopes(text: str, lines: Sequence[int], *, local: bool) -> set[tuple[int, str]]:
    """Return the used names of functions and classes: those of their own, or those of outer scopes.

    Each with the line of the header. A name that is no longer its scope's own means something else.
    """
    found: set[tuple[int, str]] = set()
    tables = symtable.symtable(text, "program", "exec").get_children()
    for table in tables:  # grows during the iteration
        tables += table.get_children()
        if table.get_name() not in ("lambda", "genexpr", "listcomp", "setcomp", "dictcomp"):
            header = lines[table.get_lineno() - 1]
            symbols = (symbol for symbol in table.get_symbols() if symbol.is_referenced())
            found.update((header, symbol.get_name()) for symbol in symbols if symbol.is_local() is local)
    return found


# Results


def report_kind(
    name: str,
    drawn: Sequence[Drawn],
    report: Report,
    rows: list[list[object]],
    found: list[list[object]],
    options: Namespace,
) -> None:
    """Judge the samples with pylint, and add the rows and goals of one kind of programs."""
    states, broken = sum(program.states for program in drawn), sum(len(program.broken) for program in drawn)
    unclean = sum(len({state for _, state in program.unclean}) for program in drawn)
    messages: dict[tuple[str, str], list[str]] = defaultdict(list)
    shown: list[tuple[str, str, str]] = []
    for program in drawn:
        for state in program.broken:
            messages["compile", "does not compile"].append(program.source.name)
            shown.append((program.source.name, "does not compile", state))
        for (code, message), state in program.unclean:
            messages[f"pyflakes {code}", message].append(program.source.name)
            shown.append((program.source.name, f"{code}: {message}", state))
    linted, dirty, silent, loose = judge_with_pylint(drawn, messages, shown, options.installed)
    tried, sampled = sum(program.tried for program in drawn), sum(len(program.sample) for program in drawn)
    for what, number, bad, goal in (
        ("states compile", states, broken, 100.0),
        ("states clean by pyflakes", states, broken + unclean, 99.99 if name == "packages" else 99.95),
        ("states clean by stock pylint", linted, dirty, 99.9 if name == "packages" else 99.95),
        ("multi-hunk edits tight, bases not imported", tried, silent, None),
        ("multi-hunk edits tight, such bases left out", tried, loose, 98.5),
    ):
        rows.append([name, what, number, bad, f"{100 - 100 * bad / max(number, 1):.3f}", lower_bound(number, bad)])
        if goal is not None:
            report.goals.append(Goal(f"{name}: % of {what}", 100 - 100 * bad / max(number, 1), least=goal))
    edits = sum(program.edits for program in drawn)
    multi = sum(program.multi_hunk for program in drawn)
    report.notes.append(f"{name}: {len(drawn):,} programs, {edits:,} edits, {multi:,} of several hunks.")
    for (judge, message), names in sorted(messages.items(), key=lambda item: -len(item[1]))[:EXAMPLES]:
        found.append([name, judge, len(names), message[:90], names[0]])
    report.numbers[name] = {
        "programs": len(drawn),
        "edits": edits,
        "multi_hunk": multi,
        "states": states,
        "not_compiling": broken,
        "new_pyflakes": unclean,
        "pylint_states": sampled,
        "new_pylint": dirty,
        "hunks_tried": tried,
        "loose_with_bases": silent,
        "loose": loose,
    }
    if options.dump:
        options.dump.mkdir(parents=True, exist_ok=True)
        text = "".join(f"=== {where}: {why}\n{state}\n" for where, why, state in shown)
        (options.dump / f"{name}.txt").write_text(text)


def judge_with_pylint(
    drawn: Sequence[Drawn],
    messages: dict[tuple[str, str], list[str]],
    shown: list[tuple[str, str, str]],
    installed: Path | None,
) -> tuple[int, int, int, int]:
    """Return how many states pylint judged, how many of them were not clean, and how many edits are loose.

    The latter twice: with the bases that pylint cannot import, and without them.
    """
    foreign = {program.source.name: foreign_names(program.source.text) for program in drawn if program.candidates}
    folder_of: dict[str, Path] = {}
    for program in drawn:
        texts = [candidate.text for candidate in program.candidates]
        if program.candidates:
            names = foreign[program.source.name]
            texts += [without_foreign_bases(text, names) for text in (program.source.text, *texts)]
        if texts or program.sample:
            folder = (installed or Path()) / Path(program.source.name).parent
            folder_of |= dict.fromkeys((program.source.text, *program.sample, *texts), folder)
    note(f"judging {len(folder_of):,} texts with pylint")
    folders = list(folder_of.values()) if installed else ()
    found = dict(zip(folder_of, pylint_all(list(folder_of), folders=folders), strict=True))
    linted = dirty = 0
    silent, alone = Counter[tuple[str, int, int]](), Counter[tuple[str, int, int]]()
    for program in drawn:
        for state in program.sample:
            linted += 1
            new = new_findings(found[state], found[program.source.text])
            dirty += bool(new)
            for code, message in new:
                messages[f"pylint {code}", message].append(program.source.name)
                shown.append((program.source.name, f"{code}: {message}", state))
        for candidate in program.candidates:
            names = foreign[program.source.name]
            text, whole = (without_foreign_bases(text, names) for text in (candidate.text, program.source.text))
            if new_findings(found[candidate.text], found[program.source.text]):
                continue
            silent[candidate.edit] += 1
            if not new_findings(found[text], found[whole]):
                alone[candidate.edit] += 1
                if alone[candidate.edit] == 2:
                    shown.append((program.source.name, f"{candidate.hunks}\n--- for example, alone", candidate.text))
    return linted, dirty, *(sum(count > 1 for count in edits.values()) for edits in (silent, alone))


def lower_bound(number: int, bad: int) -> str:
    """Return the one-sided 95 % Clopper-Pearson bound of a share of good ones, in percent."""
    if bad == number:
        return "" if not number else "0.000"
    low, high = 0.0, 1.0
    for _ in range(60):  # bisection for the share of bad ones that makes so few of them as unlikely as 5 %
        middle = (low + high) / 2
        logs = [
            math.lgamma(number + 1)
            - math.lgamma(k + 1)
            - math.lgamma(number - k + 1)
            + (k * math.log(middle) if k else 0.0)
            + (number - k) * math.log1p(-middle)
            for k in range(bad + 1)
        ]
        low, high = (middle, high) if sum(map(math.exp, logs)) > 0.05 else (low, middle)
    return f"{100 - 100 * high:.3f}"


if __name__ == "__main__":
    main()
