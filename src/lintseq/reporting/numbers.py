"""The numbers of a data set in words, the same in the terminal and on pages."""

from collections.abc import Mapping
from typing import Any


def table_rows(numbers: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return name, value and remark of each number that `Stats.as_dict` gives."""
    rows = [("rows", f"{numbers['rows']:,}", "")]
    rows += [("  unreadable", f"{n:,}", reason) for reason, n in sorted(numbers["unreadable"].items())]
    sequences = max(numbers["sequences"], 1)
    rows += [
        ("programs", f"{numbers['programs']:,}", f"{numbers['draws_per_program']:.2f} draws of each on average"),
        ("single-edit programs", f"{numbers['single_edit_programs']:.2%}", ""),
        ("single-edit sequences", f"{numbers['single_edit_sequences']:.2%}", ""),
    ]
    if numbers["distinct_draws"] is not None:
        rows.append(("distinct draws", f"{numbers['distinct_draws']:.2%}", "of programs drawn more than once"))
    for unit in ("characters", "tokens"):
        if (written := numbers.get(f"sequence_{unit}")) is not None:
            plain = numbers[f"program_{unit}"]
            ratio = f"{written / plain:.3f} times the programs', " if plain else ""
            rows.append((unit, f"{written:,}", f"{ratio}{written / sequences:,.1f} a sequence"))
    return rows


def described(numbers: Mapping[str, float]) -> str:
    """Return mean, quartiles and maximum in one line."""
    return (
        f"mean {numbers['mean']:.2f}, quartiles {numbers['q1']:g} / {numbers['median']:g} / {numbers['q3']:g},"
        f" max {numbers['max']:,}"
    )


def plural(number: int, noun: str) -> str:
    """Return a count with its noun: `1 row`, `4,246 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
