# Raises something whose message takes forever.
# verdict: timeout
# limits: seconds=0.6
import time


class Slow(Exception):
    def __str__(self):
        end = time.time() + 60
        while time.time() < end:
            pass
        return 'late'


def add(a, b):
    raise Slow
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
