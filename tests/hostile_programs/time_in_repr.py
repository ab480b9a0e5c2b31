# Returns something whose repr takes forever.
# verdict: timeout
# task: calls
# calls: f [(1,)]
# limits: seconds=0.6
import time


class Slow:
    def __repr__(self):
        time.sleep(60)
        return 'late'


def f(x):
    return Slow()
