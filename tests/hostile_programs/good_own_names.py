# Uses names of builtins for its own things.
# verdict: passed
import sys
input = sys.stdin.readline
max = 3
list = [1, 2]


def add(a, b):
    return a + b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
