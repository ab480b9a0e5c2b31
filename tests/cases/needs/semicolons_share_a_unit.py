a = 1; b = 2
print(b)
# 1: 2
