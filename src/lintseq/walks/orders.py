"""Orders: which line of code is removed next."""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

from lintseq.program import Program
from lintseq.walks.walk import RandomStream


class LineOrder(Protocol):
    """Orders lines so that taking the next one that remains is the choice among those that remain."""

    def order(self, lines: Sequence[int], stream: RandomStream) -> list[int]:
        """Return the indices of `lines` in the order in which they are to be tried."""


class Uniform:
    """Every remaining line is equally likely: a random permutation, in which removed lines are skipped."""

    def __init__(self, program: Program) -> None:
        pass

    def order(self, lines: Sequence[int], stream: RandomStream) -> list[int]:
        return sorted(range(len(lines)), key=stream.numbers(len(lines)).__getitem__)


class ByIndent:
    """The published code's choice: a line's weight is 1 at the margin, elsewhere its indentation in levels.

    Each line draws an exponential waiting time with its weight as the rate, and lines are sorted by it. Exponential
    times are memoryless, so whatever is removed meanwhile, the rest is in the order of a fresh weighted draw.
    """

    def __init__(self, program: Program) -> None:
        self.weights = indent_weights(program)

    def order(self, lines: Sequence[int], stream: RandomStream) -> list[int]:
        numbers = stream.numbers(len(lines))
        weights = [self.weights[line] for line in lines]
        times = [-math.log((number + 1) / 2**64) / weight for number, weight in zip(numbers, weights, strict=True)]
        return sorted(range(len(lines)), key=times.__getitem__)


class Forward:
    """The last remaining line is removed, so that the program grows from top to bottom."""

    def __init__(self, program: Program) -> None:
        pass

    def order(self, lines: Sequence[int], stream: RandomStream) -> list[int]:
        return sorted(range(len(lines)), key=lines.__getitem__, reverse=True)


ORDERS: dict[str, Callable[[Program], LineOrder]] = {"uniform": Uniform, "indent": ByIndent, "forward": Forward}


def indent_weights(program: Program) -> list[float]:
    """Return the published code's weight of each line: 1 at the margin, elsewhere its indentation in levels."""
    width = 0
    weights = []
    for line in program.lines:
        indent = len(line) - len(line.lstrip()) if len(line.lstrip()) > 1 else 0
        width = width or indent
        weights.append(indent / width if indent else 1.0)
    return weights
