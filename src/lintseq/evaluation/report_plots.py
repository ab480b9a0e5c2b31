"""The plots of a report: pass@k against k, and against the operations that sampling took."""

from collections.abc import Mapping, Sequence
from math import log10
from statistics import linear_regression
from typing import Any

from lintseq.evaluation.comparison import Comparison, defined_ks
from lintseq.evaluation.published import BASE, PublishedCurve
from lintseq.evaluation.scoring import Interval
from lintseq.reporting.plots import Plot, Point, Series, log_ticks, power


def k_plot(comparison: Comparison, published: Sequence[PublishedCurve]) -> Plot:
    """Return pass@k against k, with published curves in the background."""
    ks = defined_ks(comparison.scores)
    own = [
        Series(name, tuple(_point(name, k, k, score) for k in ks if (score := scores[k]) is not None))
        for name, scores in comparison.scores.items()
    ]
    background = [_published_series(curve, 1) for curve in published]
    ticks = sorted({*ks, *(k for curve in published for k in curve.passed)})
    return pass_plot([*background, *(series for series in own if series.points)], ticks)


def _published_series(curve: PublishedCurve, scale: float) -> Series:
    """Return a published curve over `scale` times k."""
    points = tuple(Point(scale * k, y) for k, y in curve.passed.items())
    return Series(curve.name, points, published=True, dashed=curve.arm == BASE)


def pass_plot(
    series: Sequence[Series], ks: Sequence[int], note: str = "Vertical bars: 95 % confidence intervals."
) -> Plot:
    """Return a plot of pass@k against k."""
    ticks = tuple((k, str(k)) for k in ks)
    return Plot("pass-at-k", "pass@k", "k, completions per problem", tuple(series), ticks, note)


def _point(name: str, x: float, k: int, score: Interval, cost: str = "") -> Point:
    text = f"{name}, pass@{k}: {100 * score.value:.1f} % ({100 * score.low:.1f} to {100 * score.high:.1f}){cost}"
    return Point(x, score.value, None if cost else score.low, None if cost else score.high, text)


def flops_plot(comparison: Comparison, published: Sequence[PublishedCurve]) -> tuple[Plot | None, list[str]]:
    """Return pass@k against operations, and for each run that is missing there, why."""
    own, missing = [], []
    for name, run in comparison.runs.items():
        points = []
        for k in defined_ks(comparison.scores):
            score, flops = comparison.scores[name][k], flops_of(run.summary, k)
            if score is not None and flops:
                points.append(_point(name, flops, k, score, f", {power(flops)} operations"))
        if points:
            own.append(fitted_series(name, points))
        else:
            missing.append(
                f"{name} is missing from the plot of pass@k against operations because its cost is unknown. Evaluate"
                " with --model-config and --tokenizer, or add the column flops to the completions."
            )
    if not own:
        return None, missing
    background = [_published_series(curve, curve.flops_at_1) for curve in published if curve.flops_at_1 is not None]
    note = (
        "Points: pass@k for each k, at the operations for k completions of every problem; see the table for their"
        " intervals. Line: least squares, pass@k = a + b log₁₀ operations."
    )
    if background:
        note += " Published curves: k times the operations that the paper's plot shows at k = 1."
    return operations_plot([*background, *own], note), missing


def operations_plot(series: Sequence[Series], note: str) -> Plot:
    """Return a plot of pass@k against operations."""
    values = [point.x for curve in series for point in curve.points]
    return Plot(
        "pass-at-k-by-operations",
        "pass@k against operations",
        "floating-point operations for k completions of every problem",
        tuple(series),
        log_ticks(min(values), max(values)),
        note,
    )


def flops_of(summary: Mapping[str, Any], k: int) -> float | None:
    """Return the operations for k completions of every problem, or None if unknown; linear in k."""
    known = {int(key): float(value) for key, value in summary.get("cost", {}).get("flops_at_k", {}).items()}
    if k in known or len(known) < 2:
        return known.get(k)
    low, high = min(known), max(known)
    return known[low] + (known[high] - known[low]) / (high - low) * (k - low)


def fitted_series(name: str, points: Sequence[Point]) -> Series:
    """Return points over operations with the least-squares line through them, if there are two different x."""
    xs, line = [log10(point.x) for point in points], []
    if len(set(xs)) > 1:
        slope, intercept = linear_regression(xs, [point.y for point in points])
        line = [(points[index].x, intercept + slope * xs[index]) for index in (0, -1)]
    return Series(name, tuple(points), joined=False, line=tuple(line))
