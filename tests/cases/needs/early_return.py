def f(c):
    if c:
        return 0
    x = 1
    return x
# 1: 2 3 4 5
# 2: 3
# 3: 2
# 4: 5
