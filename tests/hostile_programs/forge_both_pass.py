# Parent and child both reach the end: one verdict.
# verdict: passed
import os
os.fork()


def add(a, b):
    return a + b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
