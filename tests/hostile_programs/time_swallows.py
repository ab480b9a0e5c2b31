# Loops forever and swallows whatever interrupts it.
# verdict: timeout
# limits: seconds=0.6
import time
end = time.time() + 60
while time.time() < end:
    try:
        while time.time() < end:
            pass
    except BaseException:
        pass

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
