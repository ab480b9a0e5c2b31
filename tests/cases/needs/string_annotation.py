from typing import Optional


def f(x: "Optional[int]"):
    return x
# 1: 2 3 4 5
# 4: 2 3 5
# 5: 2 3 4
