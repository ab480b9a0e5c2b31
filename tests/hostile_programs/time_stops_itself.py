# Stops its own process.
# verdict: timeout
# limits: seconds=0.6
import os, signal
os.kill(os.getpid(), signal.SIGSTOP)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
