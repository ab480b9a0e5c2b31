# Pretends that the sandbox failed.
# verdict: error
import os
for descriptor in range(3, 1024):
    try:
        os.write(descriptor, b'OSError: the sandbox is broken\n{"broken": "indeed"}\n')
    except OSError:
        pass
os._exit(1)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
