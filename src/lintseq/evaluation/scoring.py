"""pass@k and its confidence intervals.

Pure, without numpy. pass@k is the unbiased estimator of the Codex paper (Chen et al. 2021, arXiv 2107.03374,
section 2.1): with c of n completions correct, the probability that k of them, drawn without replacement, include a
correct one is 1 - C(n-c, k) / C(n, k). Intervals come from a bootstrap over problems, because a benchmark is a sample
of problems.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb, fsum
from random import Random

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its confidence interval."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        return {"value": self.value, "low": self.low, "high": self.high}


Counts = Mapping[str, tuple[int, int]]
"""For each problem, the number of completions and the number of correct ones."""


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the unbiased estimate of pass@k from `c` correct completions out of `n` (Chen et al. 2021, eq. 1).

    Raises `ValueError` unless 1 <= k <= n: the estimate is undefined elsewhere.
    """
    if not 0 <= c <= n:
        raise ValueError(f"{c} of {n} completions cannot be correct")
    if not 1 <= k <= n:
        raise ValueError(f"pass@{k} is not defined for {n} completions")
    return 1.0 - comb(n - c, k) / comb(n, k)


def scores(counts: Counts, ks: Sequence[int], *, seed: int = 0) -> dict[int, Interval | None]:
    """Return pass@k over all problems for each k; None where some problem has fewer than k completions.

    Independent of the order of the problems.
    """
    problems = sorted(counts)
    found: dict[int, Interval | None] = dict.fromkeys(ks)
    defined = [k for k in ks if problems and k <= min(counts[problem][0] for problem in problems)]
    values = [[pass_at_k(*counts[problem], k) for problem in problems] for k in defined]
    return found | dict(zip(defined, intervals(values, seed=seed), strict=True))


def intervals(series: Sequence[Sequence[float]], *, seed: int = 0, resamples: int = RESAMPLES) -> list[Interval]:
    """Return the mean of each series (one value per problem) with its percentile bootstrap interval.

    All series are about the same problems, which are resampled together; the same seed gives the same intervals.
    """
    if not series or not series[0]:
        return []
    size = len(series[0])
    rng = Random(seed)
    means: list[list[float]] = [[] for _ in series]
    for _ in range(resamples):
        sample = rng.choices(range(size), k=size)
        for values, resampled in zip(series, means, strict=True):
            resampled.append(sum(map(values.__getitem__, sample)) / size)
    return [interval_of(fsum(values) / size, resampled) for values, resampled in zip(series, means, strict=True)]


def difference(first: Counts, second: Counts, k: int, *, seed: int = 0) -> Interval | None:
    """Return how far pass@k of `first` is above that of `second`, by a paired bootstrap over their common problems.

    Problems are resampled for both together, so that how hard they are cancels out. None if pass@k is not defined
    for both.
    """
    problems = sorted(first.keys() & second.keys())
    if not problems or k > min(counts[problem][0] for counts in (first, second) for problem in problems):
        return None
    values = [pass_at_k(*first[problem], k) - pass_at_k(*second[problem], k) for problem in problems]
    (interval,) = intervals([values], seed=seed)
    return interval


def interval_of(value: float, resampled: Sequence[float]) -> Interval:
    """Return a value with the central 95 % of its resampled values."""
    ordered = sorted(resampled)
    return Interval(value, _quantile(ordered, (1 - LEVEL) / 2), _quantile(ordered, (1 + LEVEL) / 2))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile, interpolated linearly as numpy does by default."""
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
