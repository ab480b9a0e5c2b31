def f(x):
    print(x)
    return x
# 1: 2 3
