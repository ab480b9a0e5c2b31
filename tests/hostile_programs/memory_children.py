# Lets ten children allocate 150 MB each.
# verdict: memory
# needs: proc
# limits: memory=268435456 seconds=5
import os, time
for _ in range(10):
    if os.fork() == 0:
        x = bytearray(b'x' * 150_000_000)
        time.sleep(5)
        os._exit(0)
for _ in range(10):
    os.wait()

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
