"""How large a difference a planned study detects, before it runs.

Pure. The assumptions are those of benchmarks/claims.py, which measures that the answer holds.
"""

from collections.abc import Iterator, Mapping
from math import sqrt
from random import Random
from statistics import NormalDist, fmean

from lintseq.evaluation.intervals import LEVEL, combined, t_quantile
from lintseq.reporting.numbers import plural
from lintseq.study.files import Study

POWER = 0.8
"""The probability with which a study detects the differences below."""
SPREADS = (0.01, 0.02, 0.03, 0.04, 0.06)
"""Standard deviations of pass@1 between trainings of one arm: what repeated trainings show."""
_DRAWS = 1000
_CHANCE = 0.16
"""Variance of one completion of a problem: a mean of c (1 - c) over easy and hard problems."""
_TRAINED = 0.0075
"""Variance of a training's score on a problem around that of its arm."""
_ARMS = 0.015
"""Variance between problems of the difference between arms."""


def smallest_difference(
    seeds: int, problems: int, *, completions: int, spread: float, paired: bool = False, comparisons: int = 1
) -> float | None:
    """Return the smallest difference in pass@1 that is detected with 80 % probability; None with one seed or problem.

    `spread` is the standard deviation between trainings, or between what is left of it if arms are `paired` by seed.
    `comparisons` is how many are corrected for.
    """
    if seeds < 2 or problems < 2:
        return None
    within = _CHANCE / completions + _TRAINED
    training = spread**2 + within / problems
    parts = [((_ARMS + 2 * within / seeds) / problems, problems - 1)]
    parts += [(2 * training / seeds, seeds - 1)] if paired else [(training / seeds, seeds - 1)] * 2
    rng, margins = Random(0), []
    for _ in range(_DRAWS):  # of the variances that a study would estimate
        drawn = [(part * rng.gammavariate(degrees / 2, 2 / degrees), degrees) for part, degrees in parts]
        variance, degrees = combined(drawn)
        margins.append(t_quantile(degrees, 1 - (1 - LEVEL) / comparisons) * sqrt(variance))
    error = NormalDist(0, sqrt(_ARMS / problems + 2 * training / seeds))
    low, high = 0.0, 10 * max(margins)
    for _ in range(40):
        middle = (low + high) / 2
        detected = fmean(error.cdf(middle - margin) for margin in margins)
        low, high = (middle, high) if detected < POWER else (low, middle)
    return high


def power_text(study: Study, problems: Mapping[str, int]) -> str:
    """Return in words and a table what a study detects; `problems` is the number of problems of each benchmark."""
    pairs, seeds = study.compared, len(study.seeds)
    if seeds < 2 or not pairs:
        arms = f"{plural(len(study.arms), 'arm')}, {plural(seeds, 'seed')}"
        return f"{arms}: nothing will follow about ways to train. Use at least three seeds, and two arms."
    measured = [benchmark.title for benchmark in study.benchmarks if not benchmark.validation]
    chosen = len(measured) < len(study.benchmarks)
    count = len(pairs) * len(study.planned_k) * len(measured) * (1 if chosen else study.sampling.settings)
    planned, completions = plural(count, "planned comparison"), plural(study.sampling.n, "completion")
    lines = [
        f"{planned}, {plural(seeds, 'seed')}, {completions} per problem. The smallest difference in pass@1 that is",
        "detected with 80 % probability, in points: as the only comparison, and with all others.",
    ]
    for title in measured:
        lines.append(f"{title}, {plural(problems[title], 'problem')}")
        for name, spread, paired in _kinds(study):
            least = (
                smallest_difference(
                    seeds,
                    problems[title],
                    completions=study.sampling.n,
                    spread=spread,
                    paired=paired,
                    comparisons=every,
                )
                for every in (1, count)
            )
            lines.append(f"  {name:<40}" + "".join(map(_points, least)))
    return "\n".join(lines)


def _kinds(study: Study) -> Iterator[tuple[str, float, bool]]:
    """Yield the kinds of comparisons in a study: name, spread between trainings, and whether seeds are paired."""
    same = [study.same_models(*pair) for pair in study.compared]
    if any(same):
        yield "arms with the same models", 0.0, True
    for spread in SPREADS if not all(same) else ():
        yield (f"arms whose trainings vary by {100 * spread:g} points", spread, study.base.varies)


def _points(difference: float | None) -> str:
    if difference is None:
        return "     –"
    return f"{100 * difference:6.1f}" if difference < 1 else "  >100"
