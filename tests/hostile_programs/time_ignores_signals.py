# Ignores every signal and loops forever.
# verdict: timeout
# limits: seconds=0.6
import signal, time
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
end = time.time() + 60
while time.time() < end:
    pass

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
