# Replaces its process by one that succeeds.
# verdict: error
import os
os.execv('/bin/true', ['true'])

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
