from math import *
from one import *
from two import *

print(pi)
print(third())


def third(): ...


print(third(), fourth)
# 1: 4 5
# 2: 6 10 11 12
# 3: 6 10 11 12
# 5: 4
# 9: 6 7 8 10 11 12
# 12: 10 11
