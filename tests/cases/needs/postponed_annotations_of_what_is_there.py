from __future__ import annotations
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from decimal import Decimal


class Node:
    size: int
    left: Optional[int]

    def depth(self, most: Optional[int]) -> list[int]: ...

    def value(self) -> Decimal: ...

    def other(self) -> Node: ...

    def list(self): ...


def outer():
    def inner(number: Optional[int]): ...

    def exact(number: Decimal): ...
# 1: 13 14 15 16 23 24
# 2: 3 4 5 10 11 12 13 14 19 20 21 22 23 24
# 4: 3 5 13 14 23 24
# 5: 3 4 13 14 23 24
# 8: 6 7 9 10 11 12 13 14 15 16 17 18
# 12: 11
# 14: 13
# 16: 15
# 18: 17
# 21: 19 20 22 23 24
# 24: 23
