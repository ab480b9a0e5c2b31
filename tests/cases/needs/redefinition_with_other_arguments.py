def f(a):
    return a


def f(a, b):
    return a, b


print(f(1, 2))
# 1: 2
# 2: 1
# 5: 3 4 6 7 8 9
# 6: 3 4 5 7 8 9
# 9: 7 8
