# Handles the signal of the CPU time limit.
# verdict: timeout
# limits: seconds=0.6
import signal, time
signal.signal(signal.SIGXCPU, lambda *a: None)
end = time.time() + 60
while time.time() < end:
    pass

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
