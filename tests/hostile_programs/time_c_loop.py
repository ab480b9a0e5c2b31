# Stays in C code for a long time.
# verdict: timeout
# limits: seconds=0.6
sum(range(2 * 10**9))

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
