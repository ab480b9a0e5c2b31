"""Arithmetic on counts, and number formatting shared by the terminal and the pages."""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from math import ceil, floor

_BIN_ENDS = (15, 20, 30, 50, 70, 100)


def share(part: float, whole: float) -> float:
    """Return `part / whole`, and 0 where there is nothing to divide."""
    return part / whole if whole else 0.0


def describe(counts: Mapping[int, int]) -> dict[str, float]:
    """Return mean, quartiles and maximum of the values in `counts` (value -> how often)."""
    total = sum(counts.values())
    return {
        "mean": share(sum(value * n for value, n in counts.items()), total),
        "q1": quantile(counts, 0.25),
        "median": quantile(counts, 0.5),
        "q3": quantile(counts, 0.75),
        "max": max(counts, default=0),
    }


def quantile(counts: Mapping[int, int], fraction: float) -> float:
    """Return a quantile of the values in `counts`, interpolated linearly as NumPy does by default."""
    if not counts:
        return 0.0
    values = sorted(counts)
    ranks = list(accumulate(counts[value] for value in values))
    position = (ranks[-1] - 1) * fraction
    low, high = (values[bisect_right(ranks, rank)] for rank in (floor(position), ceil(position)))
    return low + (high - low) * (position - floor(position))


def histogram(counts: Mapping[int, int]) -> list[tuple[str, int]]:
    """Return (label, count) of each bin: one for each value up to 10, then ever wider ones."""
    bins: list[tuple[str, int]] = []
    low, largest = min(counts, default=1), max(counts, default=0)
    while low <= largest:
        scale = 10 ** (len(str(low - 1)) - 1)  # bins end at 15, 20, 30, 50, 70, 100, or these times a power of ten
        high = low if low <= 10 else next(end * scale // 10 for end in _BIN_ENDS if low <= end * scale // 10)
        label = str(low) if low == high else f"{low}-{high}"
        bins.append((label, sum(n for value, n in counts.items() if low <= value <= high)))
        low = high + 1
    return bins


def described(numbers: Mapping[str, float]) -> str:
    """Return mean, quartiles and maximum in one line."""
    return (
        f"mean {numbers['mean']:.2f}, quartiles {numbers['q1']:g} / {numbers['median']:g} / {numbers['q3']:g},"
        f" max {numbers['max']:,}"
    )


def percent(share: float) -> str:
    """Return a share as a percentage with one decimal."""
    return f"{100 * share:.1f} %"


def plural(number: int, noun: str) -> str:
    """Return a count with its noun: `1 row`, `4,246 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
