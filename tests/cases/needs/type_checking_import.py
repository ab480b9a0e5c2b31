from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from os import PathLike


def f(x: "PathLike"):
    return x
# 1: 2 3 4 5 6 7
# 2: 3 4 5 6 7
# 3: 2 4 5 6 7
# 6: 4 5 7
# 7: 4 5 6
