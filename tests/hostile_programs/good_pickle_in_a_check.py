# Pickles an object of its own class, after a check.
# verdict: passed
import pickle


class Point:
    def __init__(self, x):
        self.x = x


def add(a, b):
    return pickle.loads(pickle.dumps(Point(a))).x + b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
