# Passes its check.
# verdict: passed
def add(a, b):
    return a + b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
