from itertools import *
from math import *
from string import *
from typing import *


def area(radius: Optional[int]):
    return pi * pow(radius, 2)


def count(values):
    return len(list(values))


print(e, digits, unknown, count([]))
inf = 3
print(inf)
# 2: 5 6 7 8 13 14 15
# 3: 13 14 15
# 4: 5 6 7 8
# 7: 5 6 8
# 8: 5 6 7
# 11: 9 10 12 13 14 15
# 12: 9 10 11 13 14 15
# 15: 13 14
# 16: 17
