"""pass@k, and how sure one can be of it.

Pure, without numpy. pass@k is the unbiased estimator of the Codex paper (Chen et al. 2021, arXiv 2107.03374,
section 2.1): with c of n completions right, the chance that k of them drawn without putting back hold a right one
is 1 - C(n-c, k) / C(n, k). Intervals are by bootstrap over problems: problems are what a benchmark is a sample of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb, fsum
from random import Random
from typing import Any

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A number and what it may well be."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        return {"value": self.value, "low": self.low, "high": self.high}


Counts = Mapping[str, tuple[int, int]]
"""For each problem how many completions it has, and how many of them are right."""


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the chance that of k out of n completions, of which c are right, one is right.

    Raises `ValueError` where it is not defined: for k over n, and for k under 1.
    """
    if not 0 <= c <= n:
        raise ValueError(f"{c} of {n} completions cannot be right")
    if not 1 <= k <= n:
        raise ValueError(f"pass@{k} is not defined for {n} completions")
    return 1.0 - comb(n - c, k) / comb(n, k)


def scores(counts: Counts, ks: Sequence[int], *, seed: int = 0) -> dict[int, Interval | None]:
    """Return pass@k over all problems for each k; None where some problem has fewer than k completions.

    The order in which problems are given does not matter.
    """
    problems = sorted(counts)
    found: dict[int, Interval | None] = dict.fromkeys(ks)
    defined = [k for k in ks if problems and k <= min(counts[problem][0] for problem in problems)]
    values = {k: [pass_at_k(*counts[problem], k) for problem in problems] for k in defined}
    for k, interval in zip(defined, intervals([values[k] for k in defined], seed=seed), strict=True):
        found[k] = interval
    return found


def intervals(series: Sequence[Sequence[float]], *, seed: int = 0, resamples: int = RESAMPLES) -> list[Interval]:
    """Return the mean of each series of values, one for each problem, with its percentile interval.

    The series are of the same problems, which are drawn together: the same seed gives the same intervals.
    """
    if not series or not series[0]:
        return []
    size = len(series[0])
    places = range(size)
    rng = Random(seed)
    means: list[list[float]] = [[] for _ in series]
    for _ in range(resamples):
        drawn = rng.choices(places, k=size)
        for values, kept in zip(series, means, strict=True):
            kept.append(sum(map(values.__getitem__, drawn)) / size)
    return [interval_of(fsum(values) / size, kept) for values, kept in zip(series, means, strict=True)]


def difference(one: Counts, other: Counts, k: int, *, seed: int = 0) -> Interval | None:
    """Return by how much pass@k of `one` is above that of `other`, by a bootstrap over the problems that both have.

    Problems are drawn for both runs together, so that what is hard for both does not blur the difference. None if
    pass@k is not defined for both.
    """
    problems = sorted(one.keys() & other.keys())
    if not problems or k > min(counts[problem][0] for counts in (one, other) for problem in problems):
        return None
    values = [pass_at_k(*one[problem], k) - pass_at_k(*other[problem], k) for problem in problems]
    (interval,) = intervals([values], seed=seed)
    return interval


def interval_of(value: float, resampled: Sequence[float]) -> Interval:
    """Return a value with the interval that holds 95 % of what resampling gave."""
    ordered = sorted(resampled)
    return Interval(value, _quantile(ordered, (1 - LEVEL) / 2), _quantile(ordered, (1 + LEVEL) / 2))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile, between two values in proportion, as numpy's default does."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def counts_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """Return how many completions of each problem were judged, and how many passed."""
    counts: dict[str, tuple[int, int]] = {}
    for row in rows:
        if row["verdict"] in UNJUDGED:
            continue
        n, c = counts.get(row["task_id"], (0, 0))
        counts[row["task_id"]] = n + 1, c + (row["verdict"] == "passed")
    return counts


UNJUDGED = ("not-run", "sandbox-error")
"""Verdicts that say nothing of the program."""
