from __future__ import annotations


def f() -> Later:
    return Later()


class Later:
    pass
# 1: 2 3 4 5
# 4: 2 3 5
# 5: 2 3 4
# 8: 2 3 4 5 6 7 9
# 9: 2 3 4 5 6 7 8
