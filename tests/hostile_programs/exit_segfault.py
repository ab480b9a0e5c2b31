# Reads from address 0.
# verdict: error
import ctypes
ctypes.string_at(0)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
