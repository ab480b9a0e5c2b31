# Raises what unittest treats as a skipped test.
# verdict: error
import unittest
raise unittest.SkipTest('not today')

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
