"""What does a pair of versions cost? Milliseconds in one process, and rows per second of `lintseq build`.

    python benchmarks/versions_cost.py commits.jsonl --build mined.jsonl

Pairs of about 400 lines are taken from the files of pairs (see `versions.py`); `lintseq build` reads the commits in
`data/commits` and the files given by `--build`.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median, quantiles
from time import process_time

from common import Goal, Report, Table, arguments, build_command, count_lines, data_folder, note, run
from versions import ORDERS, Pair, read_pairs

from lintseq.errors import ProgramError
from lintseq.walks import ProgramSampler

LINES = range(360, 441)
UNCHECKED = "uniform, unchecked"
"""The walk by needs alone, without the syntax check of each state."""


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="JSON Lines files of pairs")
    parser.add_argument("--number", type=int, default=100, help="pairs of 400 lines per file (default: 100)")
    parser.add_argument("--draws", type=int, default=50, help="draws per pair (default: 50)")
    parser.add_argument("--data", type=Path, help="folder of benchmark files")
    parser.add_argument("--build", type=Path, action="append", default=[], help="more rows for `lintseq build`")
    options = parser.parse_args()
    report = Report("versions_cost", "Between two versions: what does a pair cost?")
    report.notes.append(
        f"CPU time for pairs whose versions both have {LINES.start} to {LINES.stop - 1} lines, medians over pairs;"
        f" *start*: from two texts to the first draw, analyses and merge; *draw*: each of {options.draws} draws, in"
        " which each new state is checked for its syntax, unless *unchecked*, or by pyflakes (*certified*)."
    )
    rows: list[list[object]] = []
    for path in options.files:
        pairs = [pair for pair in read_pairs(path) if all(t.count("\n") in LINES for t in (pair.old, pair.new))]
        pairs = pairs[:: max(1, len(pairs) // options.number)][: options.number]
        for walk in (UNCHECKED, *ORDERS):
            costs = [cost for pair in pairs if (cost := cost_of(pair, walk, options.draws))]
            start, draw = median(cost[0] for cost in costs), median(cost[1] for cost in costs)
            p90 = [f"{quantiles([cost[part] for cost in costs], n=10)[-1]:.2f}" for part in (0, 1)]
            mean = [f"{fmean(cost[part] for cost in costs):.2f}" for part in (0, 1)]
            rows.append([path.stem, walk, len(costs), f"{start:.1f}", mean[0], p90[0], f"{draw:.3f}", mean[1], p90[1]])
            report.numbers[f"{path.stem}, {walk}"] = {"pairs": len(costs), "start_ms": start, "draw_ms": draw}
            if walk == UNCHECKED:
                report.goals.append(Goal(f"{path.stem}, {walk}: analyses and merge, ms", start, most=45))
                report.goals.append(Goal(f"{path.stem}, {walk}: a draw, ms", draw, most=0.2))
    header = ["pairs", "walk", "number", "start, ms", "mean", "p90", "a draw, ms", "mean", "p90"]
    report.tables.append(Table("One process", header, rows))
    commits = data_folder(options.data) / "commits" / "python_commits.jsonl.gz"
    rates = [rate_row(path, workers) for path in (commits, *options.build) for workers in (1, 2)]
    header = ["rows", "workers", "sequences", "seconds", "CPU seconds", "sequences per second", "peak MB"]
    report.tables.append(Table("`lintseq build`", header, rates))
    report.publish(options.results)


def cost_of(pair: Pair, walk: str, draws: int) -> tuple[float, float] | None:
    """Return the milliseconds before the first draw, and per draw; None if there is no sequence."""
    try:
        started = process_time()
        sampler = ProgramSampler(pair.new, ORDERS[walk.split(",", maxsplit=1)[0]], start=pair.old)
        if walk == UNCHECKED:
            sampler._walk.blamed = lambda removals: []
        ready = process_time()
        for draw in range(draws):
            sampler.sample(id=pair.name, draw=draw)
        return (ready - started) * 1000, (process_time() - ready) * 1000 / draws
    except ProgramError:
        return None


def rate_row(path: Path, workers: int) -> Sequence[object]:
    """Return the cost of building the sequences of a file with some workers."""
    note(f"lintseq build {path.name}, {workers} workers")
    with tempfile.TemporaryDirectory(prefix="lintseq-bench-") as folder:
        output = Path(folder) / "edits.jsonl"
        cost = run(build_command(path, output, "--workers", str(workers)))
        rows = count_lines(output)
    numbers = [f"{cost.seconds:.1f}", f"{cost.cpu_seconds:.1f}", f"{rows / cost.seconds:.1f}", f"{cost.peak_mb:.0f}"]
    return [path.name, workers, rows, *numbers]


if __name__ == "__main__":
    main()
