# Hangs in the second call; the first has a result.
# verdict: timeout
# task: calls
# calls: f [(1,), (2,), (3,)]
# limits: seconds=0.6
# returns: [1]
import time


def f(x):
    if x == 2:
        time.sleep(60)
    return x
