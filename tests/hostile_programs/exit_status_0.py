# Exits with status 0 before its check.
# verdict: error
import sys
sys.exit(0)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
