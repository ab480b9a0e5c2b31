def grade(n):
    if n > 8:
        g = "a"
    elif n > 5:
        g = "b"
    else:
        g = "c"
    return g
# 1: 2 3 4 5 6 7 8
# 2: 1 3 4 5 6 7 8
# 3: 1 2 4 5 6 7 8
# 4: 5 6 7 8
# 5: 4 6 7 8
# 6: 7 8
# 7: 6 8
