# Prints endlessly before a check.
# verdict: timeout
# limits: seconds=1
import time
end = time.time() + 60
while time.time() < end:
    print('x' * 1000)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
