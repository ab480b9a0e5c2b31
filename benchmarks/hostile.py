"""How do rows that hang, crash or exhaust memory affect the others?

Builds the same ordinary rows with and without hostile ones among them, with two workers. pylint judges the ordinary
rows; for the hostile ones, the linter of `traps.py` misbehaves.
"""

import json
import random
import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from common import HERE, Goal, Report, Table, arguments, build_command, instruction_pairs, note, read_jsonl
from kills import children_left
from scale import TreeCost, altered, run_tree
from traps import MARK, TRAPS

WORKERS = 2
LINES = 30
"""Maximum lines of a program, so that an ordinary row takes a small part of its time limit."""
REASONS = ("timeout", "crashed", "memory")
Row = dict[str, str]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rows", type=int, default=1000, help="total number of rows (default: 1000)")
    parser.add_argument(
        "--each",
        type=int,
        default=20,
        help="number of rows that hang, that crash, and that exhaust memory (default: 20)",
    )
    parser.add_argument("--row-timeout", type=float, default=4, help="time limit per row in seconds (default: 4)")
    parser.add_argument("--samples", type=int, default=8, help="sequences per program (default: 8)")
    options = parser.parse_args()
    report = Report("hostile", "Hostile rows: ordinary rows are unaffected")
    limits = options.each * options.row_timeout / WORKERS
    report.notes += [
        f"A row may take {options.row_timeout:g} seconds and 1 GB; the rows that exhaust memory try to take 3 GB."
        f" *Limits* is the time that the rows that hang are allowed to take: {options.each} rows,"
        f" {options.row_timeout:g} seconds each, {WORKERS} at a time. It includes nothing for rows that crash or"
        " exhaust memory, for killing a process that ignores signals, or for starting another one. The build with"
        " hostile rows is compared with the build without them plus the limits; *the rest* is what it took beyond"
        " the limits."
    ]
    pairs = [pair for pair in instruction_pairs(options.pairs, seed=options.seed) if pair.lines <= LINES]
    ordinary = list(islice(altered(pairs), options.rows - len(REASONS) * options.each))
    hostile = hostile_rows(options.each)
    mixed = [*ordinary, *hostile]
    random.Random(options.seed).shuffle(mixed)
    dropped = {row["id"] for row in hostile}
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as name:
        folder = Path(name)
        without = build(folder / "without", [row for row in mixed if row["id"] not in dropped], options)
        note(f"without hostile rows: {without.seconds:.1f} s")
        among = build(folder / "with", mixed, options)
        note(f"with them: {among.seconds:.1f} s, of which the limits allow {limits:.0f}")
        left = children_left(folder)
        rejections = {row["record"]["id"]: row for row in read_jsonl(folder / "with" / "out.rejected.jsonl")}
        outputs = [(folder / name / "out.jsonl").read_bytes() for name in ("without", "with")]
        lost = sum(1 for _ in read_jsonl(folder / "without" / "out.rejected.jsonl"))
    expected = {row["id"]: TRAPS[row["trap"]][1] for row in hostile}
    found = {id: row["reason"] for id, row in rejections.items()}
    longer = 100 * (among.seconds / (without.seconds + limits) - 1)
    report.goals += [
        Goal("ordinary rows in the output", outputs[1].count(b"\n") / options.samples, least=len(ordinary)),
        Goal("same bytes as without hostile rows, 1 for yes", outputs[0] == outputs[1] and not lost, least=1),
        Goal("hostile rows rejected for the right reason", right(expected, found), least=len(hostile)),
        Goal("ordinary rows rejected", len(found.keys() - expected.keys()), most=0),
        Goal("% longer than without them, after subtracting their time limits", longer, most=20),
        Goal("processes left behind", left, most=0),
    ]
    report.tables += [
        Table(
            "Builds",
            [
                "rows",
                "of them hostile",
                "seconds",
                "limits",
                "the rest",
                "CPU seconds",
                "largest process, MB",
                "all processes, MB",
            ],
            [build_row(len(ordinary), 0, without, 0.0), build_row(len(mixed), len(hostile), among, limits)],
        ),
        Table("Hostile rows", ["trap", "rows", "rejected for", "detail"], trap_rows(hostile, rejections)),
    ]
    report.numbers = {
        "rows": len(mixed),
        "reasons": dict(Counter(found.values())),
        "ordinary_rows_rejected": {id: reason for id, reason in found.items() if id not in expected},
        "seconds_without": without.seconds,
        "seconds_with": among.seconds,
        "seconds_of_limits": limits,
        "percent_longer": longer,
        "percent_longer_without_the_limits": 100 * ((among.seconds - limits) / without.seconds - 1),
    }
    report.publish(options.results)


def hostile_rows(each: int) -> list[Row]:
    """Return `each` rows per reason, alternating between the traps."""
    rows = []
    for reason in REASONS:
        traps = [name for name, (_, due) in TRAPS.items() if due == reason]
        for number, trap in enumerate(islice(cycle(traps), each)):
            program = f"{MARK}{trap}\nnumber = {number}\nprint(number)\n"
            rows.append({"id": f"{trap}/{number}", "instruction": "Print it.", "program": program, "trap": trap})
    return rows


def build(folder: Path, rows: Sequence[Row], options: Namespace) -> TreeCost:
    """Build the rows in their own folder and return the cost."""
    folder.mkdir()
    source = folder / "in.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    limits = ["--row-timeout", str(options.row_timeout), "--row-memory", "1", "--workers", str(WORKERS)]
    samples = ["--samples", str(options.samples)]
    command = build_command(source, folder / "out.jsonl", "--linter", "traps:TrapLinter", *samples, *limits)
    return run_tree(command, cwd=HERE)


def right(expected: dict[str, str], found: dict[str, str]) -> int:
    return sum(found.get(id) == reason for id, reason in expected.items())


def build_row(rows: int, hostile: int, cost: TreeCost, limits: float) -> list[object]:
    times = [f"{seconds:.1f}" for seconds in (cost.seconds, limits, cost.seconds - limits)]
    return [rows, hostile, *times, f"{cost.cpu_seconds:.1f}", f"{cost.largest_mb:,.0f}", f"{cost.sum_mb:,.0f}"]


def trap_rows(hostile: Sequence[Row], rejections: dict[str, dict[str, Any]]) -> list[list[object]]:
    """Return a row of the table for each trap: the number of rows, and their rejections."""
    rows: list[list[object]] = []
    for trap in TRAPS:
        rows_of_trap = [rejections.get(row["id"], {}) for row in hostile if row["trap"] == trap]
        words = [
            ", ".join(sorted({row.get(name, "not rejected") or "-" for row in rows_of_trap}))
            for name in ("reason", "detail")
        ]
        rows.append([trap, len(rows_of_trap), *words])
    return rows


if __name__ == "__main__":
    main()
