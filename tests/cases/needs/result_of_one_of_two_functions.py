import sys

if sys.platform == "win32":
    def size():
        print("computing")
        return 1, 2
else:
    def size():
        print("asking")
        return 3, 4

width, height = size()
# 1: 2 3 4 5 6 7 8 9 10 11 12
# 3: 2 4 5 6 7 8 9 10 11 12
# 4: 2 3 5 6 7 8 9 10 11 12
# 6: 11 12
# 7: 8 9 10 11 12
# 8: 7 9 10 11 12
# 10: 11 12
# 12: 11
