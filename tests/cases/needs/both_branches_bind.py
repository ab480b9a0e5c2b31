import sys
if sys.argv:
    x = 1
    print(sys)
else:
    x = 2
    print(sys)
print(x)
# 1: 2 3 4 5 6 7 8
# 2: 3 4 5 6 7 8
# 3: 8
# 5: 6 7 8
# 6: 8
