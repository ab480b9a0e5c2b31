# Reads from a pipe that nobody writes to.
# verdict: timeout
# limits: seconds=0.6
import os, signal
signal.alarm(60)
r, w = os.pipe()
os.read(r, 1)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
