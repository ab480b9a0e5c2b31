f = lambda: g()


def g():
    return 1
# 4: 1 2 3 5
# 5: 1 2 3 4
