import functools


@functools.cache
def f(): return 1


@functools.cache
def g():
    return f()
# 1: 2 3 4 5 6 7 8 9 10
# 4: 2 3 5 6 7 8 9 10
# 8: 6 7 9 10
# 10: 6 7 8 9
