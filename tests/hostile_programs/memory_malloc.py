# Allocates memory with the C library.
# verdict: failed|memory|error
# limits: memory=268435456 seconds=5
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
got = 0
for _ in range(20):
    place = libc.malloc(ctypes.c_size_t(100_000_000))
    if place:
        ctypes.memset(place, 1, 100_000_000)
        got += 1
if got > 5:
    print('BREACH: took', got * 100, 'MB')

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
