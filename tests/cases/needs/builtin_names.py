import sys
from math import pow

input = sys.stdin.readline
sum = 0
number = int(input())
line = input(3)
text = map(input, [])
print(pow(2, 3), pow(1), sum)


def read():
    return input()


def early():
    print = input
    print("a", b"b")


def twice():
    input = read
    print(input())
    input = early
    print(input())


def next(state):
    return state


print(next(1))
# 1: 3 4 8 17
# 2: 9
# 4: 3 8 17
# 5: 9
# 12: 10 11 13 22 23
# 13: 10 11 12 22 23
# 16: 14 15 17 18 24
# 21: 19 20 22 23 24 25
# 22: 23
# 28: 26 27 29 30 31 32
# 29: 26 27 28 30 31 32
# 32: 30 31
