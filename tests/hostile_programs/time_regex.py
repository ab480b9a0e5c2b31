# Backtracks for a very long time.
# verdict: timeout
# limits: seconds=0.6
import re
re.match(r'(a+)+$', 'a' * 31 + 'b')

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
