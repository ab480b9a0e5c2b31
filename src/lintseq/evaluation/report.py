"""What a report says of runs of an evaluation: tables, plots, comparisons and examples, as plain values.

Pure: results in, values out. The page and the Markdown show the same values, so that they cannot disagree; how they
look is theirs. Runs of one benchmark are set beside each other in the order in which they were given; those of
another benchmark have a section of their own.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import fsum, log10, sqrt
from typing import Any

from lintseq.errors import ConfigError
from lintseq.evaluation.published import BASE, PUBLISHED, Published
from lintseq.evaluation.results import Asked, Results
from lintseq.evaluation.scoring import Counts, Interval, counts_of, difference, scores
from lintseq.reporting.numbers import plural
from lintseq.reporting.plots import Plot, Point, Series, log_ticks, power

LONGEST = 20_000
"""Characters of a text that a page holds; what is longer is cut."""
VERDICTS = ("passed", "failed", "error", "timeout", "memory", "output", "sandbox-error", "not-run")
MEANINGS = {
    "passed": "all tests",
    "failed": "a wrong result",
    "error": "it raised, or left early",
    "timeout": "too long",
    "memory": "too much memory",
    "output": "it printed or returned too much",
    "sandbox-error": "nobody's fault; not counted",
    "not-run": "a library is missing; not counted",
}

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """Results and what to call them."""

    name: str
    results: Results

    @property
    def rows(self) -> Sequence[Row]:
        return self.results.rows

    @property
    def summary(self) -> Mapping[str, Any]:
        return self.results.summary


@dataclass(frozen=True, slots=True)
class Cell:
    """A value in a table."""

    text: str
    note: str = ""
    share: float | None = None
    """How long a bar is."""
    pick: tuple[tuple[str, str], ...] = ()
    """Which examples stand behind it: names of filters and their values."""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    runs: bool = True
    """Whether the heads behind the first are runs."""


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much pass@k of a run is above that of an earlier one."""

    first: str
    second: str
    k: int
    problems: int
    """That both have."""
    interval: Interval | None
    """None where it is not defined."""


@dataclass(frozen=True, slots=True)
class Section:
    """All that is said of runs of one benchmark."""

    title: str
    runs: tuple[Run, ...]
    remarks: tuple[str, ...]
    tables: tuple[Table, ...]
    plots: tuple[Plot, ...]
    missing_plots: tuple[str, ...]
    """Why plots that belong here are left out."""
    scores: Mapping[str, Mapping[int, Interval | None]] = field(default_factory=dict)
    """pass@k of each run, for each k that was asked for."""
    differences: tuple[Difference, ...] = ()

    def table(self, name: str) -> Table | None:
        return next((table for table in self.tables if table.name == name), None)


@dataclass(frozen=True, slots=True)
class Report:
    sections: tuple[Section, ...]
    examples: tuple[dict[str, Any], ...]
    runs: tuple[str, ...]
    most: int
    """Examples of a problem and a run, at most."""

    @property
    def tables(self) -> list[Table]:
        return [table for section in self.sections for table in section.tables]


def report(
    runs: Sequence[Run],
    *,
    ks: Sequence[int] | None = None,
    seed: int = 0,
    published: bool = False,
    examples: int = 5,
) -> Report:
    """Return what is to be said of runs; `ks` are those of the runs if nothing else is asked for."""
    names = Counter(run.name for run in runs)
    for name, count in names.items():
        if count > 1:
            raise ConfigError(f"{count} runs are called {name}; give each a name: NAME=RESULTS")
    groups: dict[Asked, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.results.benchmark, []).append(run)
    sections = tuple(_section(group, ks, seed, published=published) for group in groups.values())
    told = tuple(example for run in runs for example in examples_of(run, examples))
    return Report(sections, told, tuple(run.name for run in runs), examples)


def _section(runs: Sequence[Run], ks: Sequence[int] | None, seed: int, *, published: bool) -> Section:
    asked_of = runs[0].results.benchmark
    counts = {run.name: counts_of(run.rows) for run in runs}
    asked = sorted(set(ks) if ks is not None else {k for run in runs for k in run.results.ks} | {1})
    found = {run.name: scores(counts[run.name], asked, seed=seed) for run in runs}
    defined = [k for k in asked if any(found[run.name][k] is not None for run in runs)]
    theirs = PUBLISHED.get(asked_of.name, ()) if published and asked_of.chosen is None else ()
    differences = _differences(runs, counts, defined, seed)
    tables = [
        _pass_table("pass-at-k", "pass@k", runs, found, defined),
        _base_table(runs, asked, seed),
        _comparisons(differences, defined),
        _published_table(theirs),
        _verdicts(runs),
        _kinds(runs),
        _edits(runs),
        _facts(runs, defined),
        _problems(runs, counts),
    ]
    plots = [_k_plot(runs, found, defined, theirs)] if defined else []
    flops, why = _flops_plot(runs, found, defined, theirs)
    plots += [flops] if flops is not None else []
    return Section(
        title_of(asked_of),
        tuple(runs),
        tuple(_remarks(runs, counts, asked, defined, published=published)),
        tuple(table for table in tables if table is not None and table.rows),
        tuple(plots),
        tuple(why),
        found,
        tuple(differences),
    )


def title_of(asked: Asked) -> str:
    """Return what a benchmark, or what was chosen of it, is called."""
    told = f"{asked.name}, without the first {asked.skipped}" if asked.skipped else asked.name
    return told if asked.chosen is None else f"{told}, {plural(asked.chosen, 'chosen problem')}"


# What has to be known

_NAMED = 5
"""Chosen problems that are named."""


def _remarks(
    runs: Sequence[Run],
    counts: Mapping[str, Counts],
    asked: Sequence[int],
    defined: Sequence[int],
    *,
    published: bool,
) -> list[str]:
    told = []
    asked_of = runs[0].results.benchmark
    if asked_of.chosen is not None:
        names = sorted({row["task_id"] for run in runs for row in run.rows})
        more = ", ..." if len(names) > _NAMED else ""
        told.append(
            f"Of {asked_of.name}, {plural(asked_of.chosen, 'problem')} were chosen by name"
            f" ({', '.join(names[:_NAMED])}{more}): scores of other choices, or of all, do not compare."
        )
    if lacking := [str(k) for k in asked if k not in defined]:
        told.append(f"pass@{', '.join(lacking)} is not defined: some problem has fewer completions.")
    for run in runs:
        summary = run.summary
        whole = asked_of.of(int(run.results.settings["benchmark"].get("problems", 0)))
        if (scored := len(counts[run.name])) < whole:
            told.append(f"{run.name}: {scored:,} of {plural(whole, 'problem')} scored.")
        told += [
            f"{run.name}: {plural(n, 'problem')} not run: {why}."
            for why, n in summary.get("problems_not_run", {}).items()
        ]
        if broken := sum(row["verdict"] == "sandbox-error" for row in run.rows):
            told.append(f"{run.name}: the sandbox broke with {plural(broken, 'completion')}; they are not counted.")
        if suspect := sum("suspect" in row for row in run.rows):
            told.append(f"{run.name}: {plural(suspect, 'pass')} may be forged: look for “suspect” among the examples.")
        if not any("completion" in row for row in run.rows):
            told.append(f"{run.name}: the results do not hold the completions; evaluate again to see them here.")
    if len({run.results.settings.get(name) for run in runs for name in ["timeout"]}) > 1 or (
        len({run.results.settings.get("memory") for run in runs}) > 1
    ):
        told.append("The runs had different limits of time or memory.")
    if published and asked_of.name not in PUBLISHED:
        told.append(f"There are no published figures for {asked_of.name}; there are for {', '.join(PUBLISHED)}.")
    elif published and asked_of.chosen is not None:
        told.append(f"The published figures are of all problems of {asked_of.name}, and are left out here.")
    return told


# pass@k


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _score(interval: Interval | None, **pick: str) -> Cell:
    if interval is None:
        return Cell("undefined", "fewer completions")
    return Cell(
        percent(interval.value), f"{100 * interval.low:.1f} to {100 * interval.high:.1f}", pick=tuple(pick.items())
    )


def _pass_table(
    name: str,
    title: str,
    runs: Sequence[Run],
    found: Mapping[str, Mapping[int, Interval | None]],
    defined: Sequence[int],
) -> Table:
    rows = tuple((Cell(f"pass@{k}"), *(_score(found[run.name][k], run=run.name) for run in runs)) for k in defined)
    note = "Below each: what 95 % of 2,000 draws of as many problems give."
    return Table(name, title, ("", *(run.name for run in runs)), rows, note)


def _base_table(runs: Sequence[Run], asked: Sequence[int], seed: int) -> Table | None:
    """Return pass@k on the base tests, of benchmarks that have more."""
    base = {
        run.name: counts_of(
            [{**row, "verdict": row.get("stages", {}).get("base", row["verdict"])} for row in run.rows]
        )
        for run in runs
        if any("base" in row.get("stages", {}) for row in run.rows)
    }
    if len(base) < len(runs):
        return None
    found = {name: scores(counts, asked, seed=seed) for name, counts in base.items()}
    defined = [k for k in asked if any(one[k] is not None for one in found.values())]
    return _pass_table("base-pass-at-k", "pass@k on the base tests", runs, found, defined)


def _differences(
    runs: Sequence[Run], counts: Mapping[str, Counts], defined: Sequence[int], seed: int
) -> list[Difference]:
    """Return how each two runs differ."""
    return [
        Difference(
            first.name,
            second.name,
            k,
            len(counts[first.name].keys() & counts[second.name].keys()),
            difference(counts[second.name], counts[first.name], k, seed=seed),
        )
        for first, second in combinations(runs, 2)
        for k in defined
    ]


def _comparisons(differences: Sequence[Difference], defined: Sequence[int]) -> Table | None:
    pairs: dict[tuple[str, str], list[Difference]] = defaultdict(list)
    for one in differences:
        pairs[one.first, one.second].append(one)
    rows, common = [], set()
    for (first, second), found in pairs.items():
        if any(one.interval is not None for one in found):
            common.add(found[0].problems)
            cells = (Cell("–") if one.interval is None else _difference(one.interval, first, second) for one in found)
            rows.append((Cell(f"{second} against {first}", "in points"), *cells))
    if not rows:
        return None
    told = " or ".join(f"{count:,}" for count in sorted(common))
    note = (
        f"Paired bootstrap: 2,000 draws of problems, for both runs together, of the {told} that both have; the"
        " interval holds 95 % of them. Where it holds 0, no difference was seen, which does not say that there is"
        " none. Of many comparisons, about one in twenty errs by chance."
    )
    heads = ("", *(f"pass@{k}" for k in defined))
    return Table("comparisons", "Does the difference mean anything?", heads, tuple(rows), note, runs=False)


def _difference(found: Interval, first: str, second: str) -> Cell:
    told = f"{points(found.low)} to {points(found.high)}"
    return Cell(points(found.value), f"{told}: {meaning(found, first, second)}")


def points(share: float) -> str:
    """Return a difference of shares in points, with its sign."""
    rounded = round(100 * share, 1) + 0.0
    return f"{rounded:+.1f}".replace("-", "−") if rounded else "0.0"


def meaning(found: Interval, first: str, second: str) -> str:
    """Say what the difference of `second` from `first` says."""
    if found.low <= 0 <= found.high:
        return "no difference seen"
    return f"{second if found.low > 0 else first} is better"


def _published_table(theirs: Sequence[Published]) -> Table | None:
    ks = sorted({k for one in theirs for k in one.passed})
    rows = tuple(
        (Cell(one.name), *(Cell(percent(one.passed[k]) if k in one.passed else "–") for k in ks)) for one in theirs
    )
    note = (
        "Of the LintSeq paper (arXiv 2410.02749), digitized: read off its plots, to about half a point; the best of a"
        " sweep over temperature, top-p and min-p, and without intervals."
    )
    return Table("published", "Published, digitized", ("", *(f"pass@{k}" for k in ks)), rows, note, runs=False)


# Plots


def _k_plot(
    runs: Sequence[Run],
    found: Mapping[str, Mapping[int, Interval | None]],
    defined: Sequence[int],
    theirs: Sequence[Published],
) -> Plot:
    own = [
        Series(
            run.name,
            tuple(
                Point(k, one.value, one.low, one.high, f"{run.name}, {_says(k, one)}")
                for k in defined
                if (one := found[run.name][k]) is not None
            ),
        )
        for run in runs
    ]
    drawn = [
        Series(one.name, tuple(Point(k, y) for k, y in one.passed.items()), published=True, dashed=one.arm == BASE)
        for one in theirs
    ]
    ks = sorted({*defined, *(k for one in theirs for k in one.passed)})
    return Plot(
        "pass-at-k",
        "pass@k against k",
        "k, completions of a problem",
        "pass@k",
        tuple(series for series in [*drawn, *own] if series.points),
        tuple((k, str(k)) for k in ks),
        "Lines from the points: the 95 % interval.",
    )


def _says(k: int, one: Interval) -> str:
    return f"pass@{k}: {percent(one.value)} ({100 * one.low:.1f} to {100 * one.high:.1f})"


def flops_of(summary: Mapping[str, Any], k: int) -> float | None:
    """Return the operations that k completions of each problem take; None if nobody knows.

    They grow evenly with k, so that any k can be told from two.
    """
    known = {int(key): float(value) for key, value in summary.get("cost", {}).get("flops_at_k", {}).items()}
    if k in known or len(known) < 2:
        return known.get(k)
    low, high = min(known), max(known)
    return known[low] + (known[high] - known[low]) / (high - low) * (k - low)


@dataclass(frozen=True, slots=True)
class Fit:
    """A straight line through points by least squares, y = intercept + slope x, and how far it can be trusted."""

    intercept: float
    slope: float
    error: float | None
    """Standard error of the residuals; None for two points."""
    count: int
    middle: float
    spread: float

    def at(self, x: float) -> tuple[float, float | None]:
        """Return the line at x, and its standard error there: s sqrt(1/n + (x - mean)^2 / Sxx)."""
        value = self.intercept + self.slope * x
        if self.error is None:
            return value, None
        return value, self.error * sqrt(1 / self.count + (x - self.middle) ** 2 / self.spread)


def fit(points: Sequence[tuple[float, float]]) -> Fit | None:
    """Return the line through points; None if they do not make one."""
    count = len(points)
    if count < 2:
        return None
    middle = fsum(x for x, _ in points) / count
    height = fsum(y for _, y in points) / count
    spread = fsum((x - middle) ** 2 for x, _ in points)
    if not spread:
        return None
    slope = fsum((x - middle) * (y - height) for x, y in points) / spread
    intercept = height - slope * middle
    left = fsum((y - intercept - slope * x) ** 2 for x, y in points)
    return Fit(intercept, slope, sqrt(left / (count - 2)) if count > 2 else None, count, middle, spread)


_STEPS = 40


def _flops_plot(
    runs: Sequence[Run],
    found: Mapping[str, Mapping[int, Interval | None]],
    defined: Sequence[int],
    theirs: Sequence[Published],
) -> tuple[Plot | None, list[str]]:
    series, why = [], []
    for run in runs:
        points = []
        for k in defined:
            one, flops = found[run.name][k], flops_of(run.summary, k)
            if one is not None and flops:
                points.append(Point(flops, one.value, says=f"{run.name}, {_says(k, one)}, {power(flops)} operations"))
        if points:
            series.append(series_over(run.name, points))
        else:
            why.append(
                f"pass@k against operations is left out for {run.name}: its cost is not known. Evaluate with"
                " --model-config and --tokenizer, or give the column flops with the completions."
            )
    if not series:
        return None, why
    drawn = [
        Series(
            one.name,
            tuple(Point(one.flops_at_1 * k, y) for k, y in one.passed.items()),
            published=True,
            dashed=one.arm == BASE,
        )
        for one in theirs
        if one.flops_at_1 is not None
    ]
    everything = [point.x for one in [*drawn, *series] for point in one.points]
    note = (
        "Points: pass@k at each k, over the operations of k completions of every problem. Line: least squares,"
        " pass@k = a + b log₁₀ operations. Band: one standard error of that line on either side,"
        " s √(1/n + (x − x̄)² / Σ(xᵢ − x̄)²) with s² = Σ residuals² / (n − 2). It says how straight the points lie,"
        " not how sure each is: that is the interval in the table."
    )
    if drawn:
        note += " Published: k times the operations that the paper's plot shows at k = 1."
    return (
        Plot(
            "pass-at-k-by-operations",
            "pass@k against total operations",
            "floating-point operations of k completions of every problem",
            "pass@k",
            (*drawn, *series),
            log_ticks(min(everything), max(everything)),
            note,
        ),
        why,
    )


def series_over(name: str, points: Sequence[Point]) -> Series:
    """Return points over operations with the line through them."""
    line = fit([(log10(point.x), point.y) for point in points])
    if line is None:
        return Series(name, tuple(points), joined=False)
    low, high = log10(points[0].x), log10(points[-1].x)
    steps = [low + (high - low) * step / _STEPS for step in range(_STEPS + 1)]
    values = [(10**x, *line.at(x)) for x in steps]
    return Series(
        name,
        tuple(points),
        joined=False,
        line=tuple((x, y) for x, y, _ in values),
        band=tuple((x, y - error, y + error) for x, y, error in values if error is not None),
    )


# How programs ended


def _counted(
    name: str,
    title: str,
    first: str,
    runs: Sequence[Run],
    found: Sequence[Counter[str]],
    order: Sequence[str],
    *,
    meanings: Mapping[str, str] = MEANINGS,
    note: str = "",
) -> Table:
    """Return a table of how often each of `order` is found in each run, as a share of that run's."""
    rows = []
    for value in order:
        cells = [
            Cell(
                f"{counts[value]:,}",
                percent(counts[value] / max(counts.total(), 1)),
                counts[value] / max(counts.total(), 1),
                (("run", run.name), (name, value)) if counts[value] else (),
            )
            for run, counts in zip(runs, found, strict=True)
        ]
        rows.append((Cell(value, meanings.get(value, "")), *cells))
    return Table(name, title, (first, *(run.name for run in runs)), tuple(rows), note)


def _verdicts(runs: Sequence[Run]) -> Table:
    found = [Counter(str(row["verdict"]) for row in run.rows) for run in runs]
    seen = set().union(*found)
    order = [*(one for one in VERDICTS if one in seen), *sorted(seen - set(VERDICTS))]
    return _counted("verdict", "How programs ended", "verdict", runs, found, order)


_KIND = re.compile(r"(?:raised |left early: |^input \d+: |^)([A-Za-z_][\w.]*)(?=[:(]| \(|$)")


def kind_of(row: Row) -> str:
    """Return the type of the error that a program ended with; nothing if it ended otherwise."""
    if row["verdict"] != "error":
        return ""
    detail = str(row["detail"])
    raised = re.search(r", raised ([A-Za-z_][\w.]*)(?=:|$)", detail)
    found = raised or _KIND.search(detail)
    return found[1] if found is not None else "other"


def _kinds(runs: Sequence[Run]) -> Table:
    found = [Counter(kind for row in run.rows if (kind := kind_of(row))) for run in runs]
    total = sum(found, Counter[str]())
    order = [kind for kind, _ in sorted(total.items(), key=lambda item: (-item[1], item[0]))]
    note = "What programs raised that ended with an error, as a share of these."
    return _counted("kind", "Types of errors", "type", runs, found, order, meanings={}, note=note)


def _edits(runs: Sequence[Run]) -> Table | None:
    told = [[row for row in run.rows if "edits" in row] for run in runs]
    if not any(told):
        return None

    def shares(name: str, what: str, column: str) -> tuple[Cell, ...]:
        cells = []
        for run, rows in zip(runs, told, strict=True):
            edits, some = sum(row["edits"] for row in rows), sum(row[column] for row in rows)
            pick = (("run", run.name), ("edits", name)) if some else ()
            cells.append(
                Cell(percent(some / edits), f"{some:,} of {edits:,}", some / edits, pick) if edits else Cell("–")
            )
        return Cell(f"{name} edits", what), *cells

    def completions() -> tuple[Cell, ...]:
        cells = []
        for run, rows in zip(runs, told, strict=True):
            some = sum(row["notes"] > 0 for row in rows)
            pick = (("run", run.name), ("edits", "repaired")) if some else ()
            note = f"{some:,} of {len(rows):,}"
            cells.append(Cell(percent(some / len(rows)), note, some / len(rows), pick) if rows else Cell("–"))
        return Cell("completions not as written", "something in them was ignored or repaired"), *cells

    return Table(
        "edits",
        "Malformed edits",
        ("", *(run.name for run in runs)),
        (
            shares("malformed", "something was wrong with them", "malformed_edits"),
            shares("ignored", "they changed nothing", "ignored_edits"),
            completions(),
        ),
    )


# All numbers


def _facts(runs: Sequence[Run], defined: Sequence[int]) -> Table:
    def share(group: str, name: str) -> tuple[Cell, ...]:
        values = [run.summary.get(group, {}).get(name) for run in runs]
        return tuple(Cell("–" if value is None else percent(value)) for value in values)

    def number(group: str, name: str, form: str = ",.2f") -> tuple[Cell, ...]:
        values = [run.summary.get(group, {}).get(name) for run in runs]
        return tuple(Cell("–" if value is None else format(value, form)) for value in values)

    def of(value: Any) -> tuple[Cell, ...]:
        return tuple(Cell(str(value(run))) for run in runs)

    rows: list[tuple[Cell, ...]] = [
        (Cell("problems scored"), *of(lambda run: f"{len(counts_of(run.rows)):,}")),
        (Cell("completions"), *of(lambda run: f"{len(run.rows):,}")),
        (Cell("completions of a problem"), *of(_each)),
        (Cell("format"), *of(lambda run: run.summary.get("format", "–"))),
        (Cell("edits of a program"), *number("edits", "edits_per_program")),
        (Cell("programs that are clean", "in the linter's eyes"), *share("clean", "programs")),
        (Cell("states that are clean"), *share("clean", "states")),
        (Cell("distinct programs", "of a problem's"), *share("diversity", "distinct_programs")),
        (Cell("distinct behaviors"), *share("diversity", "distinct_behaviors")),
        (Cell("similarity of two programs"), *number("diversity", "pairwise_similarity")),
        (Cell("tokens of a prompt"), *number("cost", "prompt_tokens", ",.1f")),
        (Cell("tokens of a completion"), *number("cost", "completion_tokens", ",.1f")),
    ]
    for k in defined:
        costs = [flops_of(run.summary, k) for run in runs]
        rows.append((Cell(f"operations for pass@{k}"), *(Cell("–" if not one else power(one)) for one in costs)))
    rows += [
        (Cell("linter"), *of(lambda run: run.results.settings.get("linter", "–"))),
        (Cell("isolation"), *of(lambda run: run.summary.get("isolation", {}).get("level", "–"))),
        (
            Cell("completions' checksum"),
            *of(lambda run: run.results.settings.get("completions", {}).get("sha256", "–")[:12]),
        ),
    ]
    told = tuple(row for row in rows if any(cell.text != "–" for cell in row[1:]))
    return Table("facts", "All numbers", ("", *(run.name for run in runs)), told)


def _each(run: Run) -> str:
    numbers = sorted({n for n, _ in counts_of(run.rows).values()}) or [0]
    return f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"


def _problems(runs: Sequence[Run], counts: Mapping[str, Counts]) -> Table:
    order = list(dict.fromkeys(str(row["task_id"]) for run in runs for row in run.rows))
    rows = []
    for task_id in order:
        cells = []
        for run in runs:
            n, c = counts[run.name].get(task_id, (0, 0))
            pick = (("run", run.name), ("problem", task_id))
            cells.append(Cell(f"{c} of {n}", "", c / n, pick) if n else Cell("–"))
        rows.append((Cell(task_id), *cells))
    return Table(
        "problem", "Problem by problem", ("problem", *(run.name for run in runs)), tuple(rows), "How many passed."
    )


# Examples


def examples_of(run: Run, most: int) -> list[dict[str, Any]]:
    """Return what a page is told of completions: of each problem as many as are allowed, of every verdict some."""
    by_problem: dict[str, list[Row]] = defaultdict(list)
    for row in run.rows:
        if "completion" in row:
            by_problem[str(row["task_id"])].append(row)
    asked = run.results.instructions
    return [
        _example(run.name, row, asked.get(task_id, ""))
        for task_id, rows in by_problem.items()
        for row in _some(rows, most)
    ]


def _some(rows: Sequence[Row], most: int) -> list[Row]:
    """Return rows of each verdict in turn, in their own order."""
    turns: dict[str, int] = defaultdict(int)
    ranked = []
    for place, row in enumerate(rows):
        ranked.append((turns[row["verdict"]], place))
        turns[row["verdict"]] += 1
    return [rows[place] for place in sorted(place for _, place in sorted(ranked)[:most])]


def _example(run: str, row: Row, instruction: str) -> dict[str, Any]:
    completion = str(row["completion"])
    told: dict[str, Any] = {
        "run": run,
        "problem": str(row["task_id"]),
        "index": row["index"],
        "verdict": str(row["verdict"]),
        "detail": str(row["detail"]),
        "kind": kind_of(row),
        "completion": completion[:LONGEST],
        "format": str(row.get("format", "")),
        "facts": _example_facts(row),
        "edits": [name for name, there in _faults(row) if there],
    }
    if instruction:
        told["instruction"] = instruction[:LONGEST]
    if "text" in row:
        told["text"] = str(row["text"])[:LONGEST]
    if max(len(completion), len(str(row.get("text", "")))) > LONGEST:
        told["cut"] = True
    if row.get("suspect"):
        told["suspect"] = "; ".join(map(str, row["suspect"]))
    return told


def _faults(row: Row) -> list[tuple[str, bool]]:
    return [
        ("malformed", row.get("malformed_edits", 0) > 0),
        ("ignored", row.get("ignored_edits", 0) > 0),
        ("repaired", row.get("notes", 0) > 0),
    ]


def _example_facts(row: Row) -> list[str]:
    told = []
    if "edits" in row:
        told.append(plural(row["edits"], "edit"))
        for name in ("malformed", "ignored"):
            if row[f"{name}_edits"]:
                told.append(f"{row[f'{name}_edits']} {name}")
        if row["notes"]:
            told.append(plural(row["notes"], "note"))
    if "clean" in row:
        told.append("clean" if row["clean"] else "not clean")
    if "stages" in row:
        told += [f"{name}: {verdict}" for name, verdict in row["stages"].items()]
    if "completion_tokens" in row:
        told.append(plural(row["completion_tokens"], "token"))
    told.append(f"{row.get('cpu_seconds', 0):.2f} s")
    return told
