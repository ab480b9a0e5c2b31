def f(c):
    x = None
    if c:
        x = [1]
    for y in x:
        print(y)
# 1: 2 3 4 5 6
# 2: 5 6
# 3: 4 5 6
# 4: 3 5 6
# 5: 6
# 6: 5
