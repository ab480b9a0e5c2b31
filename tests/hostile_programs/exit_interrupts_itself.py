# Sends itself SIGINT.
# verdict: error
import os, signal, time
os.kill(os.getpid(), signal.SIGINT)
time.sleep(1)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
