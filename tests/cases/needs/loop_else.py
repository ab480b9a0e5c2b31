def f(xs):
    for x in xs:
        if x:
            break
    else:
        x = None
    return x
# 1: 2 3 4 5 6 7
# 2: 1 3 4 5 6 7
# 3: 1 2 4 5 6 7
# 4: 1 2 3 5 6 7
# 5: 6
# 6: 5
