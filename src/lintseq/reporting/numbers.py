"""Arithmetic on counts, and numbers in words, the same in the terminal and on pages."""

from collections.abc import Mapping


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
    """Return a quantile of the values in `counts`, linear between neighbors as NumPy has it."""
    total = sum(counts.values())
    if not total:
        return 0.0
    rank = (total - 1) * fraction
    low = _ranked(counts, int(rank))
    high = _ranked(counts, min(int(rank) + 1, total - 1))
    return low + (high - low) * (rank - int(rank))


def _ranked(counts: Mapping[int, int], rank: int) -> int:
    """Return the value at `rank`, from 0, of all values in order."""
    for value in sorted(counts):
        rank -= counts[value]
        if rank < 0:
            return value
    raise IndexError("rank past the last value")


def histogram(counts: Mapping[int, int], *, single: int = 10) -> list[tuple[str, int]]:
    """Return (label, count) of each bin: one for each value up to `single`, then wider and wider ones."""
    bins: list[tuple[str, int]] = []
    low, largest = min(counts, default=1), max(counts, default=0)
    while low <= largest:
        high = low if low <= single else _bin_end(low)
        label = str(low) if low == high else f"{low}-{high}"
        bins.append((label, sum(n for value, n in counts.items() if low <= value <= high)))
        low = high + 1
    return bins


def _bin_end(low: int) -> int:
    """Return where the bin that starts at `low` ends: at 15, 20, 30, 50, 70, 100, or these times a power of ten."""
    scale = 10
    while low > 10 * scale:
        scale *= 10
    return next(scale * end // 10 for end in (15, 20, 30, 50, 70, 100) if low <= scale * end // 10)


def described(numbers: Mapping[str, float]) -> str:
    """Return mean, quartiles and maximum in one line."""
    return (
        f"mean {numbers['mean']:.2f}, quartiles {numbers['q1']:g} / {numbers['median']:g} / {numbers['q3']:g},"
        f" max {numbers['max']:,}"
    )


def plural(number: int, noun: str) -> str:
    """Return a count with its noun: `1 row`, `4,246 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
