# Fills pipes.
# verdict: error|failed
# limits: memory=268435456 seconds=5
import fcntl, os
kept = []
for number in range(500):
    r, w = os.pipe()
    kept.append((r, w))
    try:
        fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 1 << 20)
    except OSError:
        pass
    os.set_blocking(w, False)
    try:
        os.write(w, bytes(1 << 20))
    except OSError:
        pass

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
