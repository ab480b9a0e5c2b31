# Waits for a signal that never comes.
# verdict: timeout
# limits: seconds=0.6
import signal
signal.alarm(60)
signal.pause()

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
