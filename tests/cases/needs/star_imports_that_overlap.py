from math import *
from cmath import *
from statistics import *

print(sqrt(4), hypot(3, 4), phase(1))
# 1: 4 5
# 2: 4 5
# 5: 4
