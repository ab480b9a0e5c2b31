def f(c):
    if c:
        x = 1
        print(c)
    else:
        print(c)
        raise ValueError(c)
    return x
# 1: 2 3 4 5 6 7 8
# 2: 1 3 4 5 6 7 8
# 3: 8
# 5: 6 7 8
# 7: 8
