"""The cost of real pylint: `--certify pylint` and `--linter pylint+imports` compared with pylintseq, whole processes.

All sample the same number of sequences of the same programs on one core. lintseq's pylint linter and stock pylint then
check the certified states again.
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from common import (
    Cost,
    Goal,
    Report,
    Source,
    Table,
    arguments,
    build_command,
    count_lines,
    instruction_pairs,
    note,
    one_output,
    percent,
    pylintseq_command,
    pylintseq_versions,
    read_jsonl,
    real_files,
    run,
    share,
    spread,
    write_jsonl,
)
from judges import IMPORTS_UNRESOLVED, Findings, new_findings, own_pylint, pylint_all

from lintseq.codecs import DIFF

SETTINGS = {
    "--certify pylint": ["--certify", "pylint"],
    "--linter pylint+imports": ["--linter", "pylint+imports"],
    "--linter pylint": ["--linter", "pylint"],
}
LEAST = {"--certify pylint": 8.0, "--linter pylint+imports": 4.0}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="runs of each tool (default: 2)")
    parser.add_argument("--files", type=int, default=16, help="number of real files (default: 16)")
    parser.add_argument("--pair-programs", type=int, default=40, help="number of pairs (default: 40)")
    parser.add_argument("--samples", type=int, default=5, help="sequences per program (default: 5)")
    parser.add_argument("--core", type=int, default=0, help="CPU core to run on (default: 0)")
    options = parser.parse_args()
    report = Report("certify", "Linters as judges, compared with pylintseq: whole processes on one core")
    report.notes.append(
        f"Medians of {options.rounds} alternating runs of each tool, {options.samples} sequences per program."
        f" {pylintseq_versions()}."
    )
    rows: list[list[object]] = []
    clean_rows: list[list[object]] = []
    left_rows: list[list[object]] = []
    for where, sources in (
        ("real files", spread(real_files(seed=options.seed), options.files)),
        ("pairs", spread(instruction_pairs(options.pairs, seed=options.seed), options.pair_programs)),
    ):
        with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
            folder = Path(name)
            sequences, costs = compare(sources, folder, options.samples, options.rounds, options.core)
            rates = {}
            for process, runs in costs.items():
                seconds = median(cost.seconds for cost in runs)
                busy = median(cost.cpu_seconds for cost in runs)
                rates[process] = sequences[process] / seconds
                figures = [f"{seconds:.1f}", f"{busy:.1f}", f"{rates[process]:,.2f}"]
                rows.append([where, process, sequences[process], *figures, f"{max(c.peak_mb for c in runs):.0f}"])
            for setting, least in LEAST.items():
                ratio = rates[setting] / rates["pylintseq"]
                report.goals.append(Goal(f"{where}: {setting}, speed relative to pylintseq", ratio, least=least))
            report.numbers[where] = {"sequences_per_second": rates}
            certified = folder / f"{list(SETTINGS).index('--certify pylint')}.jsonl"
            states, dirty, left = judge_again(certified)
        own = "lintseq's pylint linter"
        report.goals.append(Goal(f"{where}: % clean by {own}", share(states - dirty[own], states), least=100))
        clean_rows += [[where, states, judge, percent(states - bad, states)] for judge, bad in dirty.items()]
        left_rows += [[where, *row] for row in left]
        report.numbers[where] |= {"states": states, "not_clean": dirty}
    header = ["programs", "process", "sequences", "seconds", "of CPU", "sequences per second", "peak MB"]
    report.tables.append(Table("Whole processes", header, rows))
    header = ["programs", "states", "judge", "clean"]
    report.tables.append(Table("Certified states, checked again", header, clean_rows))
    header = ["programs", "judge", "code", "message", "for example in"]
    report.tables.append(Table("Remaining findings", header, left_rows[:20]))
    report.publish(options.results)


def compare(
    sources: Sequence[Source], folder: Path, samples: int, rounds: int, core: int
) -> tuple[dict[str, int], dict[str, list[Cost]]]:
    """Run pylintseq and our settings alternately; return the number of sequences and the cost of the runs of each."""
    path = write_jsonl(folder / "programs.jsonl", sources)
    costs: dict[str, list[Cost]] = {name: [] for name in ("pylintseq", *SETTINGS)}
    sequences: dict[str, int] = {}
    for number in range(rounds):
        note(f"{len(sources)} programs, round {number + 1} of {rounds}")
        their_folder = folder / "theirs"
        costs["pylintseq"].append(run(pylintseq_command(path, their_folder, samples=samples), core=core))
        sequences["pylintseq"] = count_lines(one_output(their_folder))
        shutil.rmtree(their_folder)
        for index, (setting, flags) in enumerate(SETTINGS.items()):
            output = folder / f"{index}.jsonl"
            extra = ["--samples", str(samples), "--workers", "1", "--row-timeout", "600", *flags]
            costs[setting].append(run(build_command(path, output, *extra), core=core))
            sequences[setting] = count_lines(output)
    return sequences, costs


def judge_again(certified: Path) -> tuple[int, dict[str, int], list[list[object]]]:
    """Return the number of distinct states, how many each judge finds not clean, and the findings."""
    texts: list[str] = []
    wholes: list[tuple[int, int, str]] = []
    seen: set[str] = set()
    for row in read_jsonl(certified):
        program = row["program"]
        states = list(DIFF.read_edits(row["edits"], final_newline=program.endswith("\n")).states())
        fresh = [state for state in dict.fromkeys(states[:-1]) if state not in seen]
        seen.update(fresh)
        wholes.append((len(texts), len(fresh), row["id"]))
        texts += [program, *fresh]
    own = own_pylint()
    verdicts: dict[str, list[Findings]] = {
        "lintseq's pylint linter": [own(text) for text in texts],
        "stock pylint, import resolution off": pylint_all(texts, options=IMPORTS_UNRESOLVED),
        "stock pylint, imports resolved": pylint_all(texts, options=[]),
    }
    dirty = dict.fromkeys(verdicts, 0)
    left: list[list[object]] = []
    for judge, found in verdicts.items():
        for start, count, name in wholes:
            for state in found[start + 1 : start + 1 + count]:
                new = new_findings(state, found[start])
                dirty[judge] += bool(new)
                left += [[judge, code, message[:100], name] for code, message in new]
    return sum(count for _, count, _ in wholes), dirty, left


if __name__ == "__main__":
    main()
