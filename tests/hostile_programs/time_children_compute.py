# Lets children use the CPU.
# verdict: timeout
# limits: seconds=0.6
import os, time
for _ in range(3):
    if os.fork() == 0:
        end = time.time() + 60
        while time.time() < end:
            pass
        os._exit(0)
for _ in range(3):
    os.wait()

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
