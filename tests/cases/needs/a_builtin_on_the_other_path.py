import os
import sys

if os.path.exists("data.txt"):
    lines = iter(open("data.txt"))

    def input():
        return next(lines)
else:
    input = lambda: sys.stdin.readline().strip()

print(input())
# 1: 3 4 5 6 7 8 9 10 11 12
# 2: 9 10
# 4: 3 5 6 7 8 9 10 11 12
# 5: 3 4 6 7 8 9 10 11 12
# 7: 6 8
# 8: 6 7
# 9: 10
# 10: 9
# 12: 11
