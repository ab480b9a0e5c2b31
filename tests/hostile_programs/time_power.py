# Multiplies huge numbers.
# verdict: timeout
# limits: seconds=0.6
x = pow(7, 5 * 10**7)
y = x * x

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
