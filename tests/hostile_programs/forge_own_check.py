# Defines what it expects to be checked with.
# verdict: failed
def check(candidate):
    pass
assert_ = None
__debug__ is False

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
