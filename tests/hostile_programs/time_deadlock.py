# Waits for a lock that it holds.
# verdict: timeout
# limits: seconds=0.6
import threading
lock = threading.Lock()
lock.acquire()
lock.acquire(timeout=60)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
