import sys
x = 0
if sys.argv:
    x = 1
    print(sys)
print(x)
# 1: 3 4 5
# 2: 6
# 3: 4 5
