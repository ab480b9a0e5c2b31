from math import *
print(pi)
# 1: 2
