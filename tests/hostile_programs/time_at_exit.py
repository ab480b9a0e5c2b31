# Passes, and would sleep at exit; the verdict does not wait.
# verdict: passed
# limits: seconds=0.6
import atexit, time
atexit.register(time.sleep, 60)


def add(a, b):
    return a + b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
