"""The plots of a report: pass@k against k, and against the operations that sampling took."""

from collections.abc import Mapping, Sequence
from math import log10
from statistics import linear_regression
from typing import Any

from lintseq.evaluation.comparison import Scores, defined_ks
from lintseq.evaluation.intervals import Interval
from lintseq.evaluation.published import BASE, PublishedCurve
from lintseq.reporting.plots import Plot, Point, Series, log_ticks, power


def plots_of(
    scores: Scores, costs: Mapping[str, Mapping[int, float]], published: Sequence[PublishedCurve] = ()
) -> list[Plot]:
    """Return pass@k against k, and against the operations for k completions, as far as `costs` has them for a run.

    Published curves are in the background. No plot is empty.
    """
    by_k, by_flops = [], []
    for name, found in scores.items():
        defined = {k: score for k, score in found.items() if score is not None}
        if defined:
            by_k.append(Series(name, tuple(_point(name, k, k, score) for k, score in defined.items())))
        points = [
            _point(name, flops, k, score, f", {power(flops)} operations")
            for k, score in defined.items()
            if (flops := costs[name].get(k))
        ]
        if points:
            by_flops.append(fitted_series(name, points))
    plots = [_pass_plot(by_k, defined_ks(scores), published)] if by_k else []
    return [*plots, _flops_plot(by_flops, published)] if by_flops else plots


def _pass_plot(own: Sequence[Series], ks: Sequence[int], published: Sequence[PublishedCurve]) -> Plot:
    ticks = tuple((k, str(k)) for k in sorted({*ks, *(k for curve in published for k in curve.passed)}))
    series = (*(_published_series(curve, 1) for curve in published), *own)
    note = "Vertical bars: 95 % confidence intervals."
    return Plot("pass-at-k", "pass@k", "k, completions per problem", series, ticks, note)


def _published_series(curve: PublishedCurve, scale: float) -> Series:
    """Return a published curve over `scale` times k."""
    points = tuple(Point(scale * k, y) for k, y in curve.passed.items())
    return Series(curve.name, points, published=True, dashed=curve.arm == BASE)


def _point(name: str, x: float, k: int, score: Interval, cost: str = "") -> Point:
    text = f"{name}, pass@{k}: {100 * score.value:.1f} % ({100 * score.low:.1f} to {100 * score.high:.1f}){cost}"
    return Point(x, score.value, None if cost else score.low, None if cost else score.high, text)


def _flops_plot(own: Sequence[Series], published: Sequence[PublishedCurve]) -> Plot:
    background = [_published_series(curve, curve.flops_at_1) for curve in published if curve.flops_at_1 is not None]
    note = (
        "Points: pass@k for each k, at the operations for k completions of every problem; see the table for their"
        " intervals. Line: least squares, pass@k = a + b log₁₀ operations."
    )
    if background:
        note += " Published curves: k times the operations that the paper's plot shows at k = 1."
    values = [point.x for curve in (*background, *own) for point in curve.points]
    return Plot(
        "pass-at-k-by-operations",
        "pass@k against operations",
        "floating-point operations for k completions of every problem",
        (*background, *own),
        log_ticks(min(values), max(values)),
        note,
    )


def costs_of(summary: Mapping[str, Any], ks: Sequence[int]) -> dict[int, float]:
    """Return the operations for k completions of every problem, for each k where they are known."""
    return {k: flops for k in ks if (flops := flops_of(summary, k))}


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
