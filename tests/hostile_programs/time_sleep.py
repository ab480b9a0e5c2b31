# Sleeps.
# verdict: timeout
# limits: seconds=0.6
import time
time.sleep(60)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
