# Closes every descriptor.
# verdict: error
import os
os.closerange(0, 100000)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
