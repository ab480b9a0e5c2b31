a = 1 + \
    2
assert a, \
    "no"
# 1: 2 3 4
# 3: 4
