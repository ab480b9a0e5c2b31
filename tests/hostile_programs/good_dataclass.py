# Uses dataclasses and annotations that are not evaluated.
# verdict: passed
from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass
class Pair:
    a: int
    b: int = 0
    known: ClassVar[list[Pair]] = []
    more: list[int] = field(default_factory=list)


def add(a, b):
    pair = Pair(a, b)
    return pair.a + pair.b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
