# Writes garbage to every descriptor before it fails.
# verdict: failed|error|output
import os
for descriptor in range(3, 1024):
    try:
        os.write(descriptor, b'\xff\x00{' * 1000)
    except OSError:
        pass

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
