# Locks memory.
# verdict: failed|error|memory
# limits: memory=268435456 seconds=5
import ctypes
if ctypes.CDLL(None).mlockall(3) == 0:
    x = bytearray(50_000_000)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
