import sys
if sys.argv:
    print(1)
elif sys.path:
    print(2)
else:
    print(3)
# 1: 2 3 4 5 6 7
# 2: 3 4 5 6 7
# 3: 2 4 5 6 7
# 4: 5 6 7
# 5: 4 6 7
# 6: 7
# 7: 6
