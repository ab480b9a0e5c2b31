x = 1
print(x)
del x
x = 2
print(x)
# 1: 2 3
# 4: 5
