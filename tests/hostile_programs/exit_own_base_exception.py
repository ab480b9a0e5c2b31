# Raises an exception of its own that is not an Exception.
# verdict: error
class Through(BaseException):
    pass
raise Through('let me')

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
