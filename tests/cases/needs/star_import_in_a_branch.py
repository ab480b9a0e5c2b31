try:
    from cmath import *
except ImportError:
    from math import *
print(pi, hypot)
# 1: 2 3 4 5
# 2: 1 3 4 5
# 3: 1 2 4 5
# 4: 1 2 3 5
