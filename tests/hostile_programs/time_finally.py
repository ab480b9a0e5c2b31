# Continues in finally.
# verdict: timeout
# limits: seconds=0.6
import time
def spin(n):
    try:
        time.sleep(20)
    finally:
        if n:
            spin(n - 1)
spin(2)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
