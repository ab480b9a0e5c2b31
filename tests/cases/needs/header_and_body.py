def f():
    return 1


while f():
    pass
# 1: 2 3 4 5 6
# 2: 1 3 4 5 6
# 5: 3 4 6
# 6: 3 4 5
