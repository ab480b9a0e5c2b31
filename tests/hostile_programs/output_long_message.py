# Raises an exception with a message of one megabyte.
# verdict: error
def add(a, b):
    raise ValueError('x' * 1_000_000)
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
