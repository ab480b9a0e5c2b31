def f(x):
    match x:
        case [a, b]:
            return a
        case {"k": v}:
            return v
        case _:
            return 0
# 1: 2 3 4 5 6 7 8
# 2: 1 3 4 5 6 7 8
# 3: 4
# 4: 3
# 5: 6
# 6: 5
# 7: 8
# 8: 7
