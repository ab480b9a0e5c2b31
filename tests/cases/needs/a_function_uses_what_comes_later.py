def f():
    return LIMIT


LIMIT = 3
print(f())
# 1: 2 6
# 2: 1 6
# 5: 1 2 3 4 6
