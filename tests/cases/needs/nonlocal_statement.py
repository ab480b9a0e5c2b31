def outer():
    n = 0

    def inner():
        nonlocal n
        n += 1
        return n
    return inner
# 1: 2 3 4 5 6 7 8
# 2: 1 3 4 5 6 7 8
# 4: 3 5 6 7 8
# 5: 3 4 6 7 8
