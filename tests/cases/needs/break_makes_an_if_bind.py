def f(go):
    while True:
        if go:
            x = 1
            break
        go = not go
    return x
# 1: 2 3 4 5 6 7
# 2: 1 3 4 5 6 7
# 3: 4 5 7
# 4: 7
# 5: 7
