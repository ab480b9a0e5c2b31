# Skips from the function that is checked.
# verdict: error
import unittest


def add(a, b):
    raise unittest.SkipTest('not today')
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
