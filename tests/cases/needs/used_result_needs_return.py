def f(x):
    print(x)
    return x + 1


y = f(1)
# 1: 2 3 4 5 6
# 3: 4 5 6
# 6: 4 5
