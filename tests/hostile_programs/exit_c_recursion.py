# Exhausts the C stack.
# verdict: error
import sys
sys.setrecursionlimit(10**6)
value = []
for _ in range(200_000):
    value = [value]
class Deep:
    def __repr__(self):
        return repr(Deep())
repr(Deep())

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
