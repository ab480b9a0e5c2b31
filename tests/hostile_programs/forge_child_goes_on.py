# Forks, exits successfully, and lets the child claim success.
# verdict: error
import os
if os.fork():
    os._exit(0)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
