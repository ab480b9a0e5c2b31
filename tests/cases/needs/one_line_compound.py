x = 1
if x: print(x)
else: print(0)
# 1: 2 3
# 2: 3
