from __future__ import annotations
from enum import Enum
from typing import Literal


class Key(Enum):
    UP = 1


def press(
    key: Literal[Key.UP, "Down"],
    other: "Literal[Key.UP]",
) -> None:
    print(
        key,
        other,
    )
# 2: 4 5 6 7 11 12 15 16
# 3: 11 12 15 16
# 6: 4 5 7 11 12 15 16
# 7: 4 5 6 11 12 15 16
# 10: 8 9 11 12 13 14 15 16 17
# 11: 15
# 12: 16
# 14: 8 9 10 11 12 13 15 16 17
