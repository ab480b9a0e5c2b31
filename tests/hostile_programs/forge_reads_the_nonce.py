# Reads the nonce from the channel and writes the verdict itself, as a targeted program can.
# verdict: passed|error
# suspect: if passed
import json, os
for descriptor in range(3, 1024):
    try:
        os.set_blocking(descriptor, False)
        number = os.read(descriptor, 16)
        os.write(descriptor, number + b'{"verdict": "passed"}\n')
        os._exit(0)
    except OSError:
        pass

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
