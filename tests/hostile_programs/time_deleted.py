# Passes, and has an object that takes forever to free.
# verdict: passed
# limits: seconds=0.6
import time


class Slow:
    def __del__(self):
        time.sleep(60)


slow = Slow()


def add(a, b):
    return a + b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
