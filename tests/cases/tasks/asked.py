"""What is asked for, and what is answered."""

from __future__ import annotations

import functools
from dataclasses import dataclass
import math
from collections.abc import Iterable

import numpy as np

LIMIT = 10


def area(radius: float, *, unit: str = "cm") -> float:
    """Return the area of a circle.

    It grows with the square of the radius, see :func:`math.pi` and ``unit``.

    Args:
        radius: Half of the diameter.

    >>> area(0)
    0.0
    """

    # Nothing is smaller than a point.
    if radius < 0:
        raise ValueError(unit)
    return math.pi * radius**2


@functools.lru_cache(maxsize=None)
def mean(values: Iterable[float]) -> float:
    """Compute the mean of some values, of as many as there may be.

    Parameters
    ----------
    values : iterable
    """
    some = _some(values)
    if not some:
        return 0.0
    return np.mean(some)


def _some(values):
    """Return no more values than there may be."""
    return list(values)[:LIMIT]


class Stack(list):
    """A stack that never holds more values than there may be."""

    def push(self, value):
        """Put a value on top. There has to be room for it.

        :param value: anything
        """
        if len(self) >= LIMIT:
            raise OverflowError
        self.append(value)

    def top(self):
        return self[-1]


async def wait(seconds): "Wait for some seconds, and for as many again."; await seconds; return seconds


def shown(value):
    """Return the docstring of a value, or that of this function."""
    return value.__doc__ or shown.__doc__


@dataclass(frozen=True)
class Plate:
    """A plate that has a size and may have a colour."""

    size: float
    """In centimetres."""
    colour: str | None = None

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError(self.size)


def shouted(words: list[str], places: dict[str, tuple[int, ...]]) -> list[str]:
    """Return some words in capitals, as often as there are places for them."""
    return [word.upper() for word in words for _ in places.get(word, ())]
