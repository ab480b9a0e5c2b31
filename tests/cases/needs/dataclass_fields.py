from dataclasses import dataclass


@dataclass
class P:
    x: int
    y: int = 0


print(P(1, y=2).y)
# 1: 2 3 4 5 6 7 8 9 10
# 4: 2 3 5 6 7 8 9 10
# 6: 8 9 10
# 7: 8 9 10
# 10: 8 9
