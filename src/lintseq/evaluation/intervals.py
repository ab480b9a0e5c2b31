"""Confidence intervals and p-values for means over few trainings and many problems.

Pure, without numpy. Another training would have given another score, and so would other problems. The variance of a
mean is the sum of two parts: the variance between the means of trainings, and that between the means of problems,
each divided by how many there are. Chance within a training is in both parts, which makes the sum rather too large.
The degrees of freedom are Welch's and Satterthwaite's, so that intervals are wide where few trainings matter.
`benchmarks/claims.py` measures how often such intervals are wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import atan2, cos, pi, sin, sqrt
from statistics import fmean, variance

LEVEL = 0.95
_MOST_DEGREES = 200
"""With more degrees of freedom, the t distribution is taken to have these; its quantile is 1.972, not 1.960."""
_NOTHING = 1e-9
"""Sums of squares below are rounding errors."""

SeedScores = Sequence[Mapping[str, float]]
"""For each training, the score of each problem."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its confidence interval."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean score, or a difference of two, and how exact it is."""

    value: float
    variance: float
    """Of `value`."""
    degrees: float
    """Degrees of freedom of the variance."""
    problems: int

    @property
    def p_value(self) -> float:
        """The probability of a value at least as far from 0, if the truth is 0."""
        return t_tails(abs(self.value) / sqrt(self.variance), self.degrees)

    def difference_interval(self) -> Interval:
        """Return a difference with its confidence interval."""
        margin = t_quantile(self.degrees) * sqrt(self.variance)
        return Interval(self.value, max(self.value - margin, -1.0), min(self.value + margin, 1.0))

    def score_interval(self) -> Interval:
        """Return a score with Wilson's interval, for as many problems as would have this variance."""
        spread = self.value * (1 - self.value)
        return wilson(self.value, spread / self.variance if spread > _NOTHING else self.problems, self.degrees)


def estimate(scores: SeedScores, other: SeedScores | None = None, *, paired: bool = False) -> Estimate:
    """Return the mean over trainings and problems, or its difference to that of `other` on their common problems.

    `paired` if the trainings of the same position share what makes them vary, such as the model. With one training,
    the estimate is about this model only. With one problem, it is as uncertain as it can be.
    """
    arms = [scores] if other is None else [scores, other]
    problems = sorted(set.intersection(*(set(seed) for arm in arms for seed in arm)))
    by_seed = [[fmean(seed[problem] for problem in problems) for seed in arm] for arm in arms]
    by_problem = [[fmean(seed[problem] for seed in arm) for problem in problems] for arm in arms]
    value = fmean(by_seed[0]) - (fmean(by_seed[1]) if other is not None else 0.0)
    parts = [_part(_differences(by_problem), at_least=1.0)]
    parts += [_part(means) for means in ([_differences(by_seed)] if paired else by_seed) if len(means) > 1]
    return Estimate(value, *combined(parts), len(problems))


def combined(parts: Sequence[tuple[float, int]]) -> tuple[float, float]:
    """Return the sum of variances, and its degrees of freedom from theirs.

    Those of two arms, each with its own trainings, are Satterthwaite's. With one part for trainings, they would
    be too many (7.5 % false claims at three seeds), so that the weights are not squared.
    """
    total, power = sum(part for part, _ in parts), 2 if len(parts) > 2 else 1
    return total, total**power / sum(part**power / degrees for part, degrees in parts)


def _differences(means: Sequence[Sequence[float]]) -> list[float]:
    return [first - sum(others) for first, *others in zip(*means, strict=True)]


def _part(values: Sequence[float], at_least: float = 0.0) -> tuple[float, int]:
    """Return the variance of the mean of values, and its degrees of freedom.

    `at_least` is the sum of squares of values that are all equal: one problem more or less, of many.
    """
    count = len(values)
    if count == 1:
        return 1.0, 1
    squares = variance(values) * (count - 1)
    return (squares if squares > _NOTHING else at_least) / (count - 1) / count, count - 1


def wilson(share: float, count: float, degrees: float = _MOST_DEGREES) -> Interval:
    """Return a share of `count` with Wilson's confidence interval, which is never empty and never leaves 0 to 1."""
    square = t_quantile(degrees) ** 2 / count
    middle = (share + square / 2) / (1 + square)
    margin = sqrt(square * (share * (1 - share) + square / 4)) / (1 + square)
    return Interval(share, max(min(middle - margin, share), 0.0), min(max(middle + margin, share), 1.0))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979): of all studies, 5 % make any false claim at 0.05."""
    corrected, least = [1.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min((len(p_values) - rank) * p_values[index], 1.0))
        corrected[index] = least
    return corrected


def t_tails(t: float, degrees: float) -> float:
    """Return the probability that Student's t is farther from 0 than `t`; degrees of freedom are rounded down."""
    df = int(min(degrees + _NOTHING, _MOST_DEGREES))
    angle = atan2(t, sqrt(df))
    term, total = (cos(angle), 0.0) if df % 2 else (1.0, 0.0)
    for step in range(3 if df % 2 else 2, df + 1, 2):  # Abramowitz and Stegun, 26.7.3 and 26.7.4
        total += term
        term *= cos(angle) ** 2 * (step - 1) / step
    inside = 2 / pi * (angle + sin(angle) * total) if df % 2 else sin(angle) * total
    return max(1.0 - inside, 0.0)


def t_quantile(degrees: float, level: float = LEVEL) -> float:
    """Return how far from 0 Student's t is with probability `level` at most."""
    return _t_quantile(int(min(degrees + _NOTHING, _MOST_DEGREES)), level)


@cache
def _t_quantile(degrees: int, level: float) -> float:
    low, high = 0.0, 1e6
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if t_tails(middle, degrees) > 1 - level else (low, middle)
    return high
