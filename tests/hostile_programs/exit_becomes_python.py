# Replaces its process by a Python that reports success.
# verdict: error
import os, sys
os.execv(sys.executable, [sys.executable, '-c', 'print("passed")'])

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
