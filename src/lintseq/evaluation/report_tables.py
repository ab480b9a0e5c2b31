"""The tables of a report, from a comparison of runs."""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lintseq.evaluation.comparison import Comparison, PairDifference, Scores, defined_ks, in_words
from lintseq.evaluation.intervals import Interval
from lintseq.evaluation.published import PublishedCurve
from lintseq.evaluation.report_plots import flops_of
from lintseq.evaluation.results import Evaluation, JudgedCompletion, counts_of
from lintseq.reporting.numbers import percent
from lintseq.reporting.plots import power
from lintseq.reporting.sections import Cell, Table

_TABLES = tomllib.loads(Path(__file__).with_name("report_rows.toml").read_text(encoding="utf-8"))
VERDICTS: Mapping[str, str] = _TABLES["verdicts"]
"""What each verdict means, in the order in which tables show them."""

Cells = tuple[Cell, ...]


def points(share: float) -> str:
    """Return a difference of shares in percentage points, with its sign."""
    rounded = round(100 * share, 1) + 0.0
    return f"{rounded:+.1f}".replace("-", "−") if rounded else "0.0"


def score_cell(interval: Interval | None, filters: tuple[tuple[str, str], ...] = ()) -> Cell:
    """Return pass@k with its interval."""
    if interval is None:
        return Cell("undefined", "fewer completions")
    bounds = f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
    return Cell(percent(interval.value), bounds, filters=filters)


def _difference_cell(interval: Interval, verdict: str) -> Cell:
    """Return a difference of two scores, its interval, and what it shows."""
    return Cell(points(interval.value), f"{points(interval.low)} to {points(interval.high)}: {verdict}")


def without_empty_rows(rows: Sequence[Cells]) -> tuple[Cells, ...]:
    """Return the rows in which some run has a value."""
    return tuple(row for row in rows if any(cell.text != "–" for cell in row[1:]))


def tables_of(comparison: Comparison, published: Sequence[PublishedCurve]) -> list[Table]:
    """Return the tables of a section, except those that would be empty."""
    tables = [_pass_table("pass-at-k", "pass@k", comparison.scores)]
    if comparison.base_scores is not None:
        tables.append(_pass_table("base-pass-at-k", "pass@k on the base tests", comparison.base_scores))
    tables += [
        _difference_table(comparison),
        published_table(published, "the best results of a sweep over temperature, top-p and min-p"),
        _verdict_table(comparison.runs),
        _kind_table(comparison.runs),
        _facts_table(comparison),
        _problem_table(comparison),
    ]
    return [table for table in tables if table.rows]


def _pass_table(name: str, title: str, scores: Scores) -> Table:
    rows = tuple(
        (Cell(f"pass@{k}"), *(score_cell(found[k], (("run", run),)) for run, found in scores.items()))
        for k in defined_ks(scores)
    )
    note = "With 95 % confidence intervals (Wilson), for other problems and the same model."
    return Table(name, title, ("", *scores), rows, note)


def _difference_table(comparison: Comparison) -> Table:
    pairs = [pair for pair in comparison.differences if any(pair.intervals.values())]
    sizes = " or ".join(f"{count:,}" for count in sorted({pair.problems for pair in pairs}))
    note = (
        f"On the {sizes} problems that both runs have, with 95 % confidence intervals for other problems (t), each"
        " problem compared with itself. If the interval contains 0, no difference was detected; there may be a small"
        " one. About one in twenty comparisons is wrong by chance. Each run is of one model: what another training of"
        " it would score is not known."
    )
    heads = ("", *(f"pass@{k}" for k in defined_ks(comparison.scores)))
    return Table("comparisons", "Are the differences significant?", heads, difference_rows(pairs), note, runs=False)


def difference_rows(pairs: Sequence[PairDifference]) -> tuple[Cells, ...]:
    """Return a row for each pair, with a cell for each k."""
    rows = []
    for pair in pairs:
        cells = (
            _difference_cell(found, in_words(found, pair.first, pair.second)) if found else Cell("–")
            for found in pair.intervals.values()
        )
        rows.append((Cell(f"{pair.second} - {pair.first}", "percentage points"), *cells))
    return tuple(rows)


def published_table(curves: Sequence[PublishedCurve], what: str) -> Table:
    """Return the published results; `what` describes them in the note."""
    ks = sorted({k for curve in curves for k in curve.passed})
    rows = tuple(
        (Cell(curve.name), *(Cell(percent(curve.passed[k]) if k in curve.passed else "–") for k in ks))
        for curve in curves
    )
    note = (
        "From the LintSeq paper (arXiv 2410.02749), digitized: read off its plots to about half a percentage point,"
        f" without confidence intervals; {what}."
    )
    return Table("published", "Published, digitized", ("", *(f"pass@{k}" for k in ks)), rows, note, runs=False)


# How programs ended


def _count_table(
    name: str, title: str, head: str, found: Mapping[str, Counter[str]], order: Mapping[str, str], note: str = ""
) -> Table:
    """Return how often each value of `order` (with its meaning) occurs in each run, and its share of the run."""
    rows = []
    for value, meaning in order.items():
        cells = []
        for run, counts in found.items():
            share = counts[value] / max(counts.total(), 1)
            filters = (("run", run), (name, value)) if counts[value] else ()
            cells.append(Cell(f"{counts[value]:,}", percent(share), share, filters))
        rows.append((Cell(value, meaning), *cells))
    return Table(name, title, (head, *found), tuple(rows), note)


def _verdict_table(runs: Mapping[str, Evaluation]) -> Table:
    found = {name: Counter(row.verdict for row in run.rows) for name, run in runs.items()}
    seen: set[str] = set().union(*found.values())
    order = {verdict: meaning for verdict, meaning in VERDICTS.items() if verdict in seen}
    order |= dict.fromkeys(sorted(seen - set(VERDICTS)), "")
    return _count_table("verdict", "Verdicts", "verdict", found, order)


_KIND = re.compile(r"(?:raised |left early: |^input \d+: |^)([A-Za-z_][\w.]*)(?=[:(]| \(|$)")


def kind_of(row: JudgedCompletion) -> str:
    """Return the type of the error that a program ended with; empty if it ended otherwise."""
    if row.verdict != "error":
        return ""
    found = re.search(r", raised ([A-Za-z_][\w.]*)(?=:|$)", row.detail) or _KIND.search(row.detail)
    return found[1] if found is not None else "other"


def _kind_table(runs: Mapping[str, Evaluation]) -> Table:
    found = {name: Counter(kind for row in run.rows if (kind := kind_of(row))) for name, run in runs.items()}
    total = sum(found.values(), Counter[str]())
    order = dict.fromkeys((kind for kind, _ in sorted(total.items(), key=lambda item: (-item[1], item[0]))), "")
    note = "Exceptions of the programs with the verdict error, as a share of these programs."
    return _count_table("kind", "Types of errors", "type", found, order, note)


# All numbers


def facts_of(run: Evaluation, ks: Sequence[int]) -> list[tuple[Cell, str]]:
    """Return names and values of what is known about a run; a dash for what is not."""
    numbers = ((Cell(name, note), number(run, group, key, spec)) for name, group, key, spec, note in SUMMARY_NUMBERS)
    costs = ((Cell(f"operations for pass@{k}"), flops_of(run.summary, k)) for k in ks)
    return [
        (Cell("problems scored"), _problems(run)),
        (Cell("completions"), f"{len(run.rows):,}"),
        (Cell("completions per problem"), _per_problem(run)),
        (Cell("format"), str(run.summary.get("format", "–"))),
        *numbers,
        *((name, power(cost) if cost else "–") for name, cost in costs),
        (Cell("linter"), str(run.settings.get("linter", "–"))),
        (Cell("isolation"), _isolation(run)),
        (Cell("checksum of the completions"), run.settings.get("completions", {}).get("sha256", "–")[:12]),
    ]


def _facts_table(comparison: Comparison) -> Table:
    ks = defined_ks(comparison.scores)
    facts = zip(*(facts_of(run, ks) for run in comparison.runs.values()), strict=True)
    rows = [(cells[0][0], *(Cell(value) for _, value in cells)) for cells in facts]
    return Table("facts", "All numbers", ("", *comparison.runs), without_empty_rows(rows))


SUMMARY_NUMBERS = tuple((title, *cells) for title, cells in _TABLES["numbers"].items())
"""Numbers of a summary: row title, group, key, format, note."""


def number(run: Evaluation, group: str, key: str, spec: str) -> str:
    """Return a number of a run's summary as text."""
    return formatted(run.summary.get(group, {}).get(key), spec)


def formatted(value: Any, spec: str) -> str:
    """Return a number, or a dash for None, in a format in which `%` is a share with one decimal."""
    if value is None:
        return "–"
    return percent(value) if spec == "%" else format(value, spec)


def _problems(run: Evaluation) -> str:
    summary, scored = run.summary, len(counts_of(run.rows))
    size = summary.get("benchmark", {}).get("problems", scored)
    text = f"{scored:,}" if scored == size else f"{scored:,} of {size:,}"
    text += f", without the first {summary['skip_first']}" if summary.get("skip_first") else ""
    return text + (", selected by name" if "chosen" in summary else "")


def _isolation(run: Evaluation) -> str:
    isolation = run.summary.get("isolation", {})
    off = ", ".join(isolation.get("off", ()))
    return str(isolation.get("level", "–")) + (f", without {off}" if off else "")


def _per_problem(run: Evaluation) -> str:
    sizes = sorted({n for n, _ in counts_of(run.rows).values()}) or [0]
    return f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"


def _problem_table(comparison: Comparison) -> Table:
    rows = []
    for task_id in dict.fromkeys(row.task_id for run in comparison.runs.values() for row in run.rows):
        cells = []
        for name, counts in comparison.counts.items():
            n, c = counts.get(task_id, (0, 0))
            cells.append(Cell(f"{c} of {n}", "", c / n, (("run", name), ("problem", task_id))) if n else Cell("–"))
        rows.append((Cell(task_id), *cells))
    heads = ("problem", *comparison.runs)
    return Table("problem", "Problem by problem", heads, tuple(rows), "Number of completions that passed.")
