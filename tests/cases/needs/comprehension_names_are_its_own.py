xs = [1]
ys = [x for x in xs if x]
print(ys)
# 1: 2 3
# 2: 3
